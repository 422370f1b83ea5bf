"""One attempt to get the bytes behind a URL, bounded in time and in memory. Here httpx is used, and nowhere else."""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from base.clock import Deadline
from web import urls
from web.light_httpx import httpx
from web.proxies import proxy_for
from web.troubles import TransferError, explained, unexpected

if TYPE_CHECKING:
    import ssl

MIB: Final = 1 << 20
MAX_REDIRECTS: Final = 5
MAX_BYTES: Final = 16 * MIB
"""The most that is read of an answer unless it is said otherwise."""

NO_ADDRESS: Final = "the server redirects to something that is no address"
MOST_SECONDS: Final = 2.0
"""Processor time that taking in an answer may cost: 28 MiB take a tenth of it, a byte at a time they take minutes."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Line:
    """How to talk to servers: time limits in seconds, and whom to trust.

    `trust` may hold a client's certificate, which only the origin that is asked gets to see; `elsewhere` is the trust
    for others, to whom it redirects.
    """

    connect: float
    read: float
    trust: ssl.SSLContext
    elsewhere: ssl.SSLContext | None = None


@dataclass(frozen=True)
class Question:
    """What to ask for: a URL, further headers, and the credentials that only the URL's own origin gets.

    `noun` is what it is called in messages; `missing` and `missing_hint` say what it means that it is not there.
    `most` is how many bytes it may have. A web page is taken for an answer only where `pages` says so.
    """

    url: str
    noun: str = "manifest"
    missing: str = "there is nothing at that URL"
    missing_hint: str = "look at the URL"
    most: int = MAX_BYTES
    headers: Mapping[str, str] = field(default_factory=dict)
    authorization: str = field(default="", repr=False)
    pages: bool = False


@dataclass(frozen=True)
class Answer:
    """The decoded body of an answer, and its headers with lower-case names; `changed` is false for a 304."""

    content: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    changed: bool = True


class Connections:
    """Connections that are kept between requests, to be shared by threads. Close it, or use it in a `with`."""

    def __init__(self, line: Line) -> None:
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)  # below that they log URLs and headers, with secrets
        self.line = line
        self._clients: dict[tuple[str | None, bool], httpx.Client] = {}
        self._lock = threading.Lock()

    def client(self, proxy: str | None, own: bool) -> httpx.Client:
        """The client for a way out; `own` is whether it is for the origin that credentials are meant for."""
        line = self.line
        with self._lock:
            if (proxy, own) not in self._clients:
                other = line.elsewhere or line.trust
                tls = other if proxy and proxy.startswith("https:") else None
                # The environment was read by proxy_for; httpx would read it once more, by other rules.
                self._clients[proxy, own] = httpx.Client(
                    verify=line.trust if own else other,
                    proxy=httpx.Proxy(proxy, ssl_context=tls) if proxy else None,
                    trust_env=False,
                    headers={"User-Agent": "frit", "Accept-Encoding": "gzip"},
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # none: nobody here logs in by them
                )
            return self._clients[proxy, own]

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def get(question: Question, connections: Connections, limit: Deadline, stopped: Callable[[], bool]) -> Answer:
    """The answer to GET, at most so many bytes of it on the wire and decoded.

    Follows up to five redirects, never from https to http, and without credentials to another origin. Ends when
    `limit` passes or `stopped()` is true, between two pieces of the answer. Raises `TransferError`.
    """
    try:
        asked = first = httpx.URL(question.url)
        usable = _names_host(asked)
    except httpx.InvalidURL:
        usable = False
    if not usable:
        raise TransferError("bad-url", "this is not a valid address")
    for _ in range(MAX_REDIRECTS + 1):
        proxy = _proxy(asked)
        left = max(limit.remaining(), 0.001)
        connect, read = min(connections.line.connect, left), min(connections.line.read, left)
        own = _origin(asked) == _origin(first)
        headers = {"Accept": "*/*", **question.headers}
        if own and question.authorization:
            headers["Authorization"] = question.authorization
        try:
            client = connections.client(proxy, own)
            with client.stream("GET", asked, headers=headers, timeout=httpx.Timeout(read, connect=connect)) as response:
                answer = _taken(question, asked, response, limit, stopped)
        except TransferError as error:
            if not own:
                error.challenge = ""  # whom we were sent on to has no say in where a login goes
            raise
        except httpx.HTTPError as error:
            raise explained(error, asked.host, proxy, connect, read) from None
        except UnicodeError:  # httpx looks at where a redirect leads before anybody else can
            raise TransferError("redirect", NO_ADDRESS) from None
        if isinstance(answer, Answer):
            return answer
        asked = answer
    raise TransferError("redirect", f"the server redirects more than {MAX_REDIRECTS} times")


def _taken(
    question: Question, url: httpx.URL, response: httpx.Response, limit: Deadline, stopped: Callable[[], bool]
) -> Answer | httpx.URL:
    """The answer, or where it redirects to."""
    if response.status_code in _REDIRECTS and "location" in response.headers:
        return _next(url, response)
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.status_code == HTTPStatus.NOT_MODIFIED and any(name.startswith("If-") for name in question.headers):
        return Answer(b"", headers, changed=False)
    if response.status_code != HTTPStatus.OK:
        raise unexpected(response, question.noun, question.missing, question.missing_hint)
    body = _decoded(question, _pieces(question, response, limit, stopped), headers.get("content-encoding", ""))
    if not question.pages and urls.is_web_page(body):
        raise TransferError(
            "web-page", f"the server answered with a web page, not a {question.noun}: a login page or a proxy?"
        )
    return Answer(body, headers)


def _pieces(
    question: Question, response: httpx.Response, limit: Deadline, stopped: Callable[[], bool]
) -> Iterator[bytes]:
    """The answer as it comes in, until it is too large or too late."""
    length = response.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > question.most):
        raise _too_large(question)
    received, began = 0, time.thread_time()
    for piece in response.iter_raw():
        received += len(piece)
        if received > question.most:
            raise _too_large(question)
        if stopped() or limit.passed():
            raise TransferError("timeout", "the answer did not end in time", retry=True)
        if time.thread_time() - began > MOST_SECONDS:
            raise TransferError("costly", f"the answer takes more than {MOST_SECONDS:g} s of processor time to take in")
        yield piece


def _decoded(question: Question, pieces: Iterator[bytes], coding: str) -> bytes:
    """The body without its content coding. Never holds more of it than the limit, whatever it would unpack to."""
    body = bytearray()
    if coding.strip().lower() in ("", "identity"):
        for piece in pieces:
            body += piece
        return bytes(body)
    if coding.strip().lower() not in ("gzip", "x-gzip"):
        raise TransferError("coding", f"the server answered in the coding {coding[:60]!a}, and only gzip was asked for")
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        for piece in pieces:
            body += unpacker.decompress(piece, question.most + 1 - len(body))
            if len(body) > question.most:
                raise _too_large(question)
    except zlib.error:
        raise TransferError("damaged", "the answer is damaged: it is not what gzip makes", retry=True) from None
    if not unpacker.eof or unpacker.unused_data:
        raise TransferError("damaged", "the answer was cut off: its gzip data has no proper end", retry=True)
    return bytes(body)


def _next(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    try:
        target = url.join(response.headers["location"])
        usable = _names_host(target)
    except (httpx.InvalidURL, ValueError):
        raise TransferError("redirect", NO_ADDRESS) from None
    if target.scheme not in ("http", "https") or not usable:
        raise TransferError("redirect", "the server redirects to something that is no web address")
    if url.scheme == "https" and target.scheme == "http":
        raise TransferError("redirect", f"the server redirects from https to plain http: {urls.shown(str(target))}")
    return target


def _names_host(url: httpx.URL) -> bool:
    """Whether a URL names a host that can be looked up. Source: RFC 1035, 2.3.4 (sizes), RFC 5891 (IDNA)."""
    try:
        host = url.host.rstrip(".") and url.raw_host.decode("ascii").rstrip(".")
    except ValueError:
        return False
    return 0 < len(host) <= 253 and all(0 < len(label) <= 63 for label in host.split("."))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Whom credentials are meant for: scheme, host and port. Source: RFC 6454."""
    return (url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme))


def _proxy(url: httpx.URL) -> str | None:
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    proxy = proxy_for(url.scheme, url.host, port)
    if proxy is None:
        return None
    try:
        usable = httpx.URL(proxy).scheme in ("http", "https") and bool(httpx.URL(proxy).host)
    except httpx.InvalidURL:
        usable = False
    if not usable:
        raise TransferError(
            "proxy",
            f"the proxy {urls.shown(proxy)!r} in the environment cannot be used",
            hint="HTTPS_PROXY takes an address such as http://proxy.example:3128; SOCKS proxies are not supported",
        )
    return proxy


def _too_large(question: Question) -> TransferError:
    return TransferError(
        "too-large", f"the answer is larger than {question.most // MIB} MiB, and no {question.noun} is"
    )
