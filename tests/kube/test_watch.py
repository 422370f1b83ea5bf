"""A watch that keeps the newest state of a collection, and never is the only truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import kube.watch
from base.clock import Run
from base.errors import Cancelled
from kube.client import JSON, Client
from kube.failures import ApiError
from kube.watch import Wake, Watched
from tests.faults import rules
from tests.faults.answers import events, ok
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Delay, Reset

PATH = "/api/v1/namespaces/a/pods"
WATCH, LIST = "watch=true", r"pods\?(?!.*watch=true)"


@pytest.fixture
def run() -> Iterator[Run]:
    made = Run()
    yield made
    made.cancel()


def pod(name: str, phase: str = "") -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"phase": phase}}


def watching(client: Client, run: Run, wake: Wake) -> Watched:
    return Watched(client, PATH, {"labelSelector": "x"}, what="pods", wake=wake, run=run, accept=JSON)


def until(question: Callable[[], bool], wake: Wake, run: Run) -> None:
    limit = time.monotonic() + 5
    while not question():
        assert time.monotonic() < limit
        wake.wait(wake.rings, 0.05, run)


def test_a_watch_shows_the_newest_objects_and_rings(server: FaultProxy, asking: Client, run: Run) -> None:
    """It begins with what is there, in one request, and follows what happens; every event is a ring."""
    wake = Wake()
    server.on(events(("ADDED", pod("a", "1")), ("ADDED", pod("b")), ("MODIFIED", pod("a", "2")), ("DELETED", pod("b"))))
    server.on(Delay(30), times=None)
    watched = watching(asking, run, wake)
    until(lambda: wake.rings == 4, wake, run)
    assert watched.objects == {"a": pod("a", "2")}
    query = server.seen[0].query
    assert (query["labelSelector"], query["resourceVersion"], query["watch"]) == ("x", "0", "true")


@pytest.mark.parametrize(
    "fault",
    [rules.throttled(), rules.UNAVAILABLE, Reset.BEFORE, events(("ERROR", {"code": 410, "reason": "Expired"}))],
    ids=["throttled", "unavailable", "reset", "expired"],
)
def test_a_watch_that_ends_is_begun_again(server: FaultProxy, asking: Client, run: Run, fault: rules.Fault) -> None:
    """Whatever ends it, it lists what is there now and watches on from that version."""
    wake = Wake()
    server.on(ok({"metadata": {"resourceVersion": "7"}, "items": [pod("b")]}), path=LIST, times=None)
    server.on(fault, path=WATCH)
    server.on(events(("ADDED", pod("a"))), path=WATCH, times=None)
    watched = watching(asking, run, wake)
    until(lambda: set(watched.objects) == {"a", "b"}, wake, run)
    assert server.seen[-1].query["resourceVersion"] == "7"


def test_a_quiet_watch_is_not_trusted(
    server: FaultProxy, asking: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a watch tells nothing for a while, `look` lists; where the server refuses that, so does `look`."""
    monkeypatch.setattr(kube.watch, "QUIET", 0.0)
    server.on(rules.UNAUTHORIZED, path=LIST)
    server.on(ok({"items": [pod("a")]}), path=LIST, times=None)
    server.on(Delay(30), path=WATCH, times=None)
    watched = watching(asking, run, Wake())
    with pytest.raises(ApiError, match="could not list pods: Unauthorized"):
        watched.look()
    assert watched.look() == {"a": pod("a")}
    assert watched.look() == watched.objects


def test_a_broken_watch_is_trusted_for_a_shorter_time(
    server: FaultProxy, asking: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a watch has broken, `look` lists long before a watch that is merely silent would be doubted."""
    monkeypatch.setattr(kube.watch, "BROKEN", 0.0)
    server.on(rules.UNAUTHORIZED, path=LIST, times=None)
    server.on(rules.UNAVAILABLE, path=WATCH, times=None)
    wake = Wake()
    watched = watching(asking, run, wake)
    until(lambda: any(one.query.get("watch") != "true" for one in server.seen), wake, run)  # it begins anew with a list
    with pytest.raises(ApiError, match="could not list pods: Unauthorized"):
        watched.look()


def test_a_watch_that_talks_is_trusted(server: FaultProxy, asking: Client, run: Run) -> None:
    """As long as events come, looking costs no request."""
    wake = Wake()
    server.on(events(("ADDED", pod("a"))), path=WATCH)
    server.on(Delay(30), times=None)
    watched = watching(asking, run, wake)
    until(lambda: "a" in watched.objects, wake, run)
    assert watched.look() == {"a": pod("a")}
    assert not [one for one in server.seen if one.query.get("watch") != "true"]


def test_a_stopped_watch_is_not_begun_again(server: FaultProxy, asking: Client, run: Run) -> None:
    """After `stop` or a cancelled run no further request is sent."""
    wake = Wake()
    server.on(events(("ADDED", pod("a"))), path=WATCH, times=None)
    watched = watching(asking, run, wake)
    until(lambda: wake.rings > 0, wake, run)
    watched.stop()
    time.sleep(0.7)  # longer than the pause before a watch is begun again
    before = len(server.seen)
    time.sleep(0.7)  # and once more
    assert len(server.seen) == before


def test_a_ring_between_looking_and_waiting_is_not_lost() -> None:
    """Who waits says what it has heard, and a later ring ends the wait at once."""
    wake, run = Wake(), Run()
    seen = wake.rings
    wake.ring()
    began = time.monotonic()
    wake.wait(seen, 30, run)
    assert time.monotonic() - began < 1
    wake.wait(wake.rings, 0.01, run)
    run.cancel()
    with pytest.raises(Cancelled):
        wake.wait(wake.rings, 30, run)
