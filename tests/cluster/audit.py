"""Counts requests in the API server's audit log, by user agent, verb and resource."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SETTLE_SECONDS = 0.2
_SETTLE_LIMIT_SECONDS = 5.0


@dataclass(frozen=True)
class Request:
    """One request as the API server saw it.

    ``resource`` is ``plural`` or ``plural.group``, with ``/subresource`` where there is one; for a request that
    isn't about an object (discovery, /readyz) it is the path. ``code`` is 0 while a watch is still open.
    """

    agent: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    user: str
    path: str


def offset(log: Path) -> int:
    """Where the log ends now: what is read from there on belongs to later requests."""
    return log.stat().st_size


def read(log: Path, since: int = 0, agent: str = "") -> list[Request]:
    """The requests since an offset whose user agent begins with ``agent``; a watch counts as one, open or ended.

    A line that is still being written is left out.
    """
    with log.open("rb") as file:
        file.seek(since)
        lines = file.read().split(b"\n")[:-1]
    return list(collect((json.loads(line) for line in lines), agent))


def collect(events: Iterable[dict[str, Any]], agent: str = "") -> Iterator[Request]:
    """Requests from audit events; the events of one request (a watch has two) are told by their audit id."""
    requests: dict[str, Request] = {}
    for event in events:
        if event.get("userAgent", "").startswith(agent):
            requests[event["auditID"]] = _request(event)
    return iter(requests.values())


def count(requests: Iterable[Request]) -> Counter[tuple[str, str]]:
    """How many requests by verb and resource."""
    return Counter((request.verb, request.resource) for request in requests)


def by_agent(requests: Iterable[Request]) -> Counter[str]:
    """How many requests by the program that the user agent names (what stands before its first slash)."""
    return Counter(request.agent.partition("/")[0] for request in requests)


@dataclass
class Recording:
    """The requests of a block; filled when it ends."""

    requests: list[Request] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.requests)


@contextmanager
def recording(log: Path, agent: str = "") -> Iterator[Recording]:
    """Records the requests of a block whose user agent begins with ``agent``."""
    result = Recording()
    since = offset(log)
    yield result
    result.requests = settled(log, since, agent)


def settled(log: Path, since: int, agent: str = "") -> list[Request]:
    """Reads until nothing new came for 0.2 s: the server writes a request's line just after its answer."""
    deadline = time.monotonic() + _SETTLE_LIMIT_SECONDS
    pause = threading.Event()
    found = read(log, since, agent)
    while True:
        pause.wait(SETTLE_SECONDS)
        again = read(log, since, agent)
        if len(again) == len(found) or time.monotonic() > deadline:
            return again
        found = again


def _request(event: dict[str, Any]) -> Request:
    reference = event.get("objectRef") or {}
    resource = reference.get("resource", "")
    if reference.get("apiGroup"):
        resource += f".{reference['apiGroup']}"
    if reference.get("subresource"):
        resource += f"/{reference['subresource']}"
    finished = event.get("stage") != "ResponseStarted"
    return Request(
        agent=event.get("userAgent", ""),
        verb=event["verb"],
        resource=resource or event["requestURI"].partition("?")[0],
        namespace=reference.get("namespace", ""),
        name=reference.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0) if finished else 0,
        user=event.get("user", {}).get("username", ""),
        path=event["requestURI"],
    )
