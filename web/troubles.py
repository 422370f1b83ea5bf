"""Why a transfer failed, in words: what servers answer, and what goes wrong below HTTP."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from base.clock import seconds_text
from base.retry_after import retry_after
from web import urls
from web.light_httpx import httpx

NAME_BUDGET: Final = 5.0
"""Seconds that an unknown host name is worth: long enough for a resolver that restarts."""

_DROPPED: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)  # a broken connection, not a refusal
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})
"""What TLS says of an answer in plain text (OpenSSL 1.1 and 3; 3.2 and later)."""
_RETRIED: Final = frozenset({408, 425, 429})


class TransferError(Exception):
    """Why an attempt failed: a kind for the report, one sentence, whether to try again, and what to do next.

    `status` is the answer's, 0 where there was none; `challenge` is how the server wants to be authenticated to.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        retry: bool = False,
        retry_after: float | None = None,
        budget: float | None = None,
        hint: str = "",
        status: int = 0,
        challenge: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry = retry
        self.retry_after = retry_after
        self.budget = budget
        self.hint = hint
        self.status = status
        self.challenge = challenge


def unexpected(response: httpx.Response, noun: str, missing: str, missing_hint: str) -> TransferError:
    """What a status means that is no success. `noun` is what was asked for, `missing` what it means that it is not."""
    status = response.status_code
    phrase = f" ({_printable(response.reason_phrase)})" if response.reason_phrase else ""
    said = f"the server answered {status}{phrase}"
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return TransferError("not-found", f"{said}: {missing}", hint=missing_hint, status=status)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return TransferError(
            "forbidden",
            f"{said}: it wants a login, or a proxy forbids the download",
            status=status,
            challenge=response.headers.get("www-authenticate", ""),
        )
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return proxy_login()
    if status in _RETRIED or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = "rate-limited" if status == HTTPStatus.TOO_MANY_REQUESTS else "server"
        wait = retry_after(response.headers)
        asks = f" and asks for a pause of {seconds_text(wait)}" if wait else ""
        return TransferError(kind, said + asks, retry=True, retry_after=wait, status=status)
    plain = status == HTTPStatus.BAD_REQUEST and response.request.url.scheme == "http"
    hint = "does the URL begin with https://? Some servers answer so to plain http" if plain else ""
    return TransferError("unexpected", f"{said}, which is no {noun}", hint=hint, status=status)


def explained(error: httpx.HTTPError, host: str, proxy: str | None, connect: float, read: float) -> TransferError:
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
            plain = cause.reason in _NO_TLS
            return TransferError(
                "tls",
                f"no TLS with {far}: {cause.reason or cause}",
                hint="what answers there speaks no TLS: does the URL begin with http://?" if plain else "",
            )
        if isinstance(cause, socket.gaierror):
            problem = f"no address is known for {near}: {cause.strerror}"
            return TransferError("unknown-host", problem, retry=True, budget=NAME_BUDGET)
    if isinstance(error, httpx.ProxyError):
        status, _, reason = _printable(str(error)).partition(" ")
        if status == str(int(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)):
            return proxy_login()
        problem = f"{near} did not connect to {host}: {status} {reason}"
        return TransferError("proxy", problem, retry=not status.startswith("4"))
    if isinstance(error, httpx.ConnectTimeout):
        return TransferError("timeout", f"no connection to {near} within {seconds_text(connect)}", retry=True)
    if isinstance(error, httpx.TimeoutException):
        return TransferError("timeout", f"{far} sent nothing for {seconds_text(read)}", retry=True)
    if isinstance(error, httpx.ConnectError):
        reason = next((text for cause in causes if (text := getattr(cause, "strerror", None))), "it failed")
        return TransferError("connection", f"no connection to {near}: {reason}", retry=True)
    if error.__cause__ is None:  # then it is not from the connection: httpx could not read where a redirect leads
        return TransferError("redirect", "the server redirects to something that is no address")
    return TransferError("connection", f"the connection to {far} broke before the answer was complete", retry=True)


def proxy_login() -> TransferError:
    """The proxy wants to know who asks."""
    return TransferError(
        "proxy", "the proxy wants a login (407)", hint="put user and password into HTTPS_PROXY, or use another way out"
    )


def _printable(text: str) -> str:
    """What a server wrote, safe for a terminal and not longer than a line."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:200])


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
