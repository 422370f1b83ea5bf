"""One attempt to get the bytes behind a URL, bounded in time and in memory. The only file here that knows httpx."""

from __future__ import annotations

import logging
import math
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

import truststore

from base.clock import Deadline, seconds_text
from base.errors import WrongUsage
from certificates.cache import MAX_BYTES
from web import urls
from web.light_httpx import httpx
from web.proxies import proxy_for

MAX_REDIRECTS: Final = 5
_NAME_BUDGET: Final = 5.0  # seconds that an unknown host name is worth: long enough for a resolver that restarts
_DROPPED: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)  # a broken connection, not a refusal
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_RETRIED: Final = frozenset({408, 425, 429})


class TransferError(Exception):
    """Why an attempt failed: a kind for the report, one sentence, whether to try again, and what to do next."""

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        retry: bool = False,
        retry_after: float | None = None,
        budget: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry = retry
        self.retry_after = retry_after
        self.budget = budget
        self.hint = hint


@dataclass(frozen=True)
class Line:
    """How to talk to servers: time limits in seconds, and whom to trust."""

    connect: float
    read: float
    trust: ssl.SSLContext


def trust(ca_bundle: Path | None) -> ssl.SSLContext:
    """A TLS context that trusts what the system trusts, and the certificates of `ca_bundle` besides.

    Raises `WrongUsage` if the bundle cannot be read or holds no certificate.
    """
    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=str(ca_bundle))
        except ssl.SSLError:
            raise WrongUsage(
                f"--ca-bundle {ca_bundle} holds no certificate that can be read",
                hint="it has to be a file of certificates in PEM form: -----BEGIN CERTIFICATE-----",
            ) from None
        except OSError as error:
            raise WrongUsage(f"--ca-bundle {ca_bundle} cannot be read: {error.strerror}") from None
    return context


def get(url: str, line: Line, limit: Deadline, stopped: Callable[[], bool]) -> bytes:
    """The decoded body of the answer to GET, at most 16 MiB of it on the wire and decoded.

    Follows up to five redirects, never from https to http. Ends when `limit` passes or `stopped()` is true, between
    two pieces of the answer. Raises `TransferError`.
    """
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # below that they log URLs and headers, with secrets
    try:
        asked = httpx.URL(url)
    except httpx.InvalidURL:
        raise TransferError("bad-url", "this is not a valid address") from None
    for _ in range(MAX_REDIRECTS + 1):
        proxy = _proxy(asked)
        left = max(limit.remaining(), 0.001)
        bounded = replace(line, connect=min(line.connect, left), read=min(line.read, left))
        try:
            answer = _one(asked, proxy, bounded, limit, stopped)
        except httpx.HTTPError as error:
            raise _explained(error, asked.host, proxy, bounded) from None
        if isinstance(answer, bytes):
            return answer
        asked = answer
    raise TransferError("redirect", f"the server redirects more than {MAX_REDIRECTS} times")


def _one(
    url: httpx.URL, proxy: str | None, line: Line, limit: Deadline, stopped: Callable[[], bool]
) -> bytes | httpx.URL:
    """The body of the answer, or where it redirects to."""
    timeout = httpx.Timeout(line.read, connect=line.connect)
    through = httpx.Proxy(proxy, ssl_context=line.trust if proxy.startswith("https:") else None) if proxy else None
    headers = {"User-Agent": "frit", "Accept-Encoding": "gzip", "Accept": "*/*"}
    # The environment was read by proxy_for; httpx would read it once more, by other rules.
    with (
        httpx.Client(verify=line.trust, proxy=through, timeout=timeout, trust_env=False, headers=headers) as client,
        client.stream("GET", url) as response,
    ):
        if response.status_code in _REDIRECTS and "location" in response.headers:
            return _next(url, response)
        if response.status_code != HTTPStatus.OK:
            raise _unexpected(response)
        body = _decoded(_pieces(response, limit, stopped), response.headers.get("content-encoding", ""))
    if urls.is_web_page(body):
        raise TransferError("web-page", "the server answered with a web page, not a manifest: a login page or a proxy?")
    return body


def _pieces(response: httpx.Response, limit: Deadline, stopped: Callable[[], bool]) -> Iterator[bytes]:
    """The answer as it comes in, until it is too large or too late."""
    length = response.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_BYTES:
        raise _too_large()
    received = 0
    for piece in response.iter_raw():
        received += len(piece)
        if received > MAX_BYTES:
            raise _too_large()
        if stopped() or limit.passed():
            raise TransferError("timeout", "the answer did not end in time", retry=True)
        yield piece


def _decoded(pieces: Iterator[bytes], coding: str) -> bytes:
    """The body without its content coding. Never holds more of it than the limit, whatever it would unpack to."""
    body = bytearray()
    if coding.strip().lower() in ("", "identity"):
        for piece in pieces:
            body += piece
        return bytes(body)
    if coding.strip().lower() not in ("gzip", "x-gzip"):
        raise TransferError("coding", f"the server answered in the coding {coding!r}, and only gzip was asked for")
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        for piece in pieces:
            body += unpacker.decompress(piece, MAX_BYTES + 1 - len(body))
            if len(body) > MAX_BYTES:
                raise _too_large()
    except zlib.error:
        raise TransferError("damaged", "the answer is damaged: it is not what gzip makes", retry=True) from None
    if not unpacker.eof or unpacker.unused_data:
        raise TransferError("damaged", "the answer was cut off: its gzip data has no proper end", retry=True)
    return bytes(body)


def _next(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    target = url.join(response.headers["location"])
    if target.scheme not in ("http", "https") or not target.host:
        raise TransferError("redirect", "the server redirects to something that is no web address")
    if url.scheme == "https" and target.scheme == "http":
        raise TransferError("redirect", f"the server redirects from https to plain http: {urls.shown(str(target))}")
    return target


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


def _too_large() -> TransferError:
    return TransferError("too-large", f"the answer is larger than {MAX_BYTES // 2**20} MiB, and no manifest is")


def _unexpected(response: httpx.Response) -> TransferError:
    """What a status other than 200 means."""
    status = response.status_code
    phrase = f" ({response.reason_phrase})" if response.reason_phrase else ""
    said = f"the server answered {status}{phrase}"
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return TransferError(
            "not-found", f"{said}: this release does not exist at that URL", hint="look at --cert-manager-version"
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return TransferError("forbidden", f"{said}: it wants a login, or a proxy forbids the download")
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return _proxy_login()
    if status in _RETRIED or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = "rate-limited" if status == HTTPStatus.TOO_MANY_REQUESTS else "server"
        wait = _retry_after(response)
        asks = f" and asks for a pause of {seconds_text(wait)}" if wait else ""
        return TransferError(kind, said + asks, retry=True, retry_after=wait)
    return TransferError("unexpected", f"{said}, which is no manifest")


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait: a number or a date. Source: RFC 9110, 10.2.3."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        now = parsedate_to_datetime(response.headers.get("date", ""))  # the server's clock; ours may be off
        return max(0.0, math.ceil((moment - now).total_seconds()))
    except (ValueError, TypeError):
        return None


def _explained(error: httpx.HTTPError, host: str, proxy: str | None, line: Line) -> TransferError:
    """What a failure below HTTP means. Where there is a proxy, connections are made to it and not to the host."""
    near = f"the proxy {urls.shown(proxy)}" if proxy else host
    far = f"{host} through {near}" if proxy else host
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TransferError(
                "tls-trust",
                f"the certificate of {far} is not trusted: {cause.verify_message or cause.reason or cause}",
                hint="if a proxy or a company's own CA signs it, trust that CA: --ca-bundle FILE",
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, _DROPPED):
            return TransferError("tls", f"no TLS with {far}: {cause.reason or cause}")
        if isinstance(cause, socket.gaierror):
            problem = f"no address is known for {near}: {cause.strerror}"
            return TransferError("unknown-host", problem, retry=True, budget=_NAME_BUDGET)
    if isinstance(error, httpx.ProxyError):
        status, _, reason = str(error).partition(" ")
        if status == str(int(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)):
            return _proxy_login()
        problem = f"{near} did not connect to {host}: {status} {reason}"
        return TransferError("proxy", problem, retry=not status.startswith("4"))
    if isinstance(error, httpx.ConnectTimeout):
        return TransferError("timeout", f"no connection to {near} within {seconds_text(line.connect)}", retry=True)
    if isinstance(error, httpx.TimeoutException):
        return TransferError("timeout", f"{far} sent nothing for {seconds_text(line.read)}", retry=True)
    if isinstance(error, httpx.ConnectError):
        reason = next((text for cause in causes if (text := getattr(cause, "strerror", None))), "it failed")
        return TransferError("connection", f"no connection to {near}: {reason}", retry=True)
    if error.__cause__ is None:  # then it is not from the connection: httpx could not read where a redirect leads
        return TransferError("redirect", "the server redirects to something that is no address")
    return TransferError("connection", f"the connection to {far} broke before the answer was complete", retry=True)


def _proxy_login() -> TransferError:
    return TransferError(
        "proxy", "the proxy wants a login (407)", hint="put user and password into HTTPS_PROXY, or use another way out"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
