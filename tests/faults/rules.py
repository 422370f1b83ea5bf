"""What can go wrong on the way to an API server and back, as data; and the rules that say when it does."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import StrEnum


@dataclass(frozen=True)
class Says:
    """The proxy answers by itself; the request does not reach the API server.

    With ``retry_after`` (seconds) the answer carries that header, as an HTTP date where ``as_date`` says so.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after: float | None = None
    as_date: bool = False

    def header_lines(self) -> list[tuple[str, str]]:
        """The headers of an answer that is sent now."""
        now = time.time()
        lines = [("Date", formatdate(now, usegmt=True)), ("Content-Type", self.content_type), *self.headers.items()]
        if self.retry_after is not None:
            value = formatdate(now + self.retry_after, usegmt=True) if self.as_date else f"{self.retry_after:g}"
            lines.append(("Retry-After", value))
        return lines


class Reset(StrEnum):
    """The connection is reset: before the request is passed on, while its answer is sent, or instead of it."""

    BEFORE = "reset before the request"
    MIDDLE = "reset in the middle of the answer"
    AFTER = "reset after the request was carried out"


@dataclass(frozen=True)
class Delay:
    """The request is passed on later; combines with other faults."""

    seconds: float


@dataclass(frozen=True)
class Clock:
    """The Date header of the API server's answer is off by so many seconds; combines with other faults."""

    seconds: float


@dataclass(frozen=True)
class Truncated:
    """Only the first half of the answer arrives, with a Content-Length that fits it."""


Fault = Says | Reset | Delay | Clock | Truncated


def throttled(retry_after: float = 1, *, as_date: bool = False) -> Says:
    """429 as API priority and fairness writes it: plain text.

    Source: k8s.io/apiserver, pkg/server/filters/maxinflight.go, tooManyRequests.
    """
    text = b"Too many requests, please try again later.\n"
    return Says(429, text, "text/plain; charset=utf-8", retry_after=retry_after, as_date=as_date)


def status(code: int, reason: str, message: str) -> Says:
    """An error as API servers write it. Source: apimachinery, meta/v1, Status."""
    said = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return Says(code, json.dumps({**said, "message": message, "reason": reason, "code": code}).encode())


UNAVAILABLE = status(503, "ServiceUnavailable", "the server is currently unable to handle the request")
GATEWAY_TIMEOUT = status(504, "Timeout", "Timeout: request did not complete within the allotted time")
LEADER_CHANGED = status(500, "InternalError", "etcdserver: leader changed")
UNAUTHORIZED = status(401, "Unauthorized", "Unauthorized")
LOGIN_PAGE = Says(
    403,
    b"<!DOCTYPE html><html><head><title>Access denied</title></head><body><h1>Access denied</h1>"
    b"<p>The web proxy of Example Corp does not allow this address. Ask the service desk.</p></body></html>",
    "text/html; charset=utf-8",
)
"""What a corporate proxy says that opens TLS and stands between frit and the API server."""


@dataclass
class Rule:
    """When a fault happens: for requests whose method and path (with query) match, so often or so long.

    ``times`` None means without limit; ``seconds`` counts from the first request that matches. ``after`` matching
    requests pass untouched first.
    """

    fault: Fault
    method: str = ".*"
    path: str = ""
    times: int | None = 1
    seconds: float | None = None
    after: int = 0
    hits: int = 0
    _matched: int = 0
    _first: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def takes(self, method: str, path: str) -> bool:
        """Whether the fault happens to this request; counts it if so."""
        if not re.fullmatch(self.method, method) or not re.search(self.path, path):
            return False
        with self._lock:
            self._matched += 1
            self._first = self._first or time.monotonic()
            if self._matched <= self.after or (self.times is not None and self.hits >= self.times):
                return False
            if self.seconds is not None and time.monotonic() - self._first > self.seconds:
                return False
            self.hits += 1
            return True
