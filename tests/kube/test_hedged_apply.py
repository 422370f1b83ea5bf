"""Applies that hang: another request is sent meanwhile, and the account of what changed stays honest."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import pytest

from base import exits
from base.budget import Budget
from base.clock import Deadline, Run
from base.errors import Cancelled, FritError
from base.events import Event, Retried
from base.policy import RetryPolicy
from kube.apply import HEDGE_AFTER, Applied, Applier, Change
from kube.client import Client
from kube.discovery import CORE_V1
from kube.failures import ApiError
from kube.hedge import hedged
from tests.faults import rules
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Delay

QUICK = RetryPolicy(first_pause=0.01, max_pause=0.02)
LONG = 6.0  # far longer than a hedge waits
MISSING = rules.status(404, "NotFound", 'configmaps "b" not found')
ROTATION = rules.status(
    500,
    "InternalError",
    'Internal error occurred: failed calling webhook "w.example.com": failed to call webhook: '
    'Post "https://w.ns.svc:443/x?timeout=1s": tls: failed to verify certificate: '
    "x509: certificate signed by unknown authority",
)


def wanted(name: str = "b", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a", **metadata}}


def applying(client: Client, told: list[Event] | None = None, *, compare: bool = False, **metadata: Any) -> Applied:
    emit = told.append if told is not None else lambda _: None
    applier = Applier(client, QUICK, Run(), Deadline.after(20), emit, compare=compare)
    return applier.apply(wanted(**metadata), CORE_V1["ConfigMap"])


def test_a_request_that_hangs_is_overtaken(server: FaultProxy, asking: Client) -> None:
    """The second request is answered at once; nothing failed, so nothing is told."""
    server.on(Delay(LONG), method="PATCH")
    server.on(ok(wanted(), 201), method="PATCH", times=None)
    told: list[Event] = []
    began = time.monotonic()
    assert applying(asking, told).change is Change.CREATED
    assert HEDGE_AFTER <= time.monotonic() - began < HEDGE_AFTER + 1
    assert told == []
    assert [one.query["timeout"] for one in server.seen] == ["2s"]  # the hanging one asked for its whole 10 s


@pytest.mark.parametrize("compare", [True, False])
def test_a_creation_by_the_one_that_hangs_counts(server: FaultProxy, asking: Client, compare: bool) -> None:
    """The first request wrote and its answer hangs; the second finds the object, which was not there before."""
    server.on(MISSING, method="GET")
    server.on(Delay(LONG), method="PATCH")
    server.on(ok(wanted()), method="PATCH", times=None)
    assert applying(asking, compare=compare).change is Change.CREATED


def test_a_change_by_the_one_that_hangs_counts(server: FaultProxy, asking: Client) -> None:
    """What was there before the first request decides, not what the second one found."""
    entry = {"manager": "frit", "operation": "Apply", "time": "1", "fieldsV1": {"f:data": {}}}
    server.on(ok({**wanted(managedFields=[entry]), "data": {"old": "1"}}), method="GET")
    server.on(Delay(LONG), method="PATCH")
    newer = {**entry, "time": "2"}
    server.on(ok(wanted(managedFields=[newer])), method="PATCH", times=None)
    assert applying(asking, compare=True, labels={"a": "b"}).change is Change.CHANGED


def test_an_answer_says_more_than_a_silence(server: FaultProxy, asking: Client) -> None:
    """While one hangs, another that is told why ends the attempt; the next succeeds, long before the first ends."""
    server.on(Delay(LONG), method="PATCH")
    server.on(ROTATION, method="PATCH", after=1)
    server.on(ok(wanted(), 201), method="PATCH", times=None)
    told: list[Event] = []
    began = time.monotonic()
    applying(asking, told)
    assert time.monotonic() - began < HEDGE_AFTER + 1
    assert [one.kind for one in told if isinstance(one, Retried)] == ["certificate-rotation"]


def test_an_object_of_a_certain_version_is_sent_once(server: FaultProxy, asking: Client) -> None:
    """Its twin would be a conflict with itself, so it waits."""
    server.on(Delay(HEDGE_AFTER + 0.5), method="PATCH")
    server.on(ok(wanted(), 201), method="PATCH", times=None)
    applying(asking, resourceVersion="7")
    assert len(server.seen) == 1


def test_the_time_that_is_left_limits_an_attempt(server: FaultProxy, asking: Client) -> None:
    """The server is not given ten seconds where the command has three."""
    server.on(ok(wanted(), 201), method="PATCH")
    Applier(asking, QUICK, Run(), Deadline.after(3), lambda _: None, compare=False).apply(
        wanted(), CORE_V1["ConfigMap"]
    )
    assert server.seen[0].query["timeout"] == "3s"


def test_a_stop_ends_a_hanging_apply(server: FaultProxy, asking: Client) -> None:
    """Ctrl-C does not wait for an answer."""
    server.on(Delay(LONG), times=None)
    run = Run()
    threading.Timer(0.3, run.cancel).start()
    applier = Applier(asking, QUICK, run, Deadline.after(20), lambda _: None, compare=False)
    began = time.monotonic()
    with pytest.raises(Cancelled):
        applier.apply(wanted(), CORE_V1["ConfigMap"])
    assert time.monotonic() - began < 1


def test_one_refusal_stops_the_applies_beside_it(server: FaultProxy, asking: Client) -> None:
    """One is refused while others wait in a window: they end at once, what was applied counts, the refusal is told."""
    server.on(ok(wanted("first"), 201), path="/first", times=None)
    server.on(rules.throttled(30), path="/waits", times=None)
    server.on(Delay(0.3), path="/refused", times=None)
    server.on(rules.status(403, "Forbidden", 'configmaps "refused" is forbidden: User "x"'), path="/refused")
    applier = Applier(asking, QUICK, Run(), Deadline.after(60), lambda _: None, compare=False, budget=Budget())
    applied: list[str] = []
    began = time.monotonic()
    with pytest.raises(FritError) as raised:
        applier.together(
            lambda name: applied.append(applier.apply(wanted(name), CORE_V1["ConfigMap"]).ref.name),
            ["first", "waits", "refused"],
        )
    assert time.monotonic() - began < 2
    assert raised.value.exit_code == exits.REFUSED
    assert isinstance(raised.value, ApiError)
    assert applied == ["first"]


def test_hedges_come_at_a_steady_pace_and_are_counted() -> None:
    """With a growth of 1 they come one after the other, at most so many; an unclear error waits for the others."""
    times: list[float] = []
    began = time.monotonic()

    def call() -> str:
        times.append(time.monotonic() - began)
        if len(times) == 2:
            raise TimeoutError
        time.sleep(0.5)  # it hangs
        return "done"

    waited: list[None] = []
    value = hedged(call, after=0.1, most=3, run=Run(), growth=1.0, waiting=lambda: waited.append(None))
    assert value == "done"
    assert len(times) == 3
    assert 0.15 < times[2] < 0.35
    assert waited


def test_a_decisive_error_ends_the_hedging() -> None:
    """It is raised although another call is still under way."""
    calls = iter([0.5, 0.0])

    def call() -> None:
        if pause := next(calls):
            time.sleep(pause)  # it hangs
            return
        raise ValueError("no")

    began = time.monotonic()
    with pytest.raises(ValueError, match="no"):
        hedged(call, after=0.05, most=2, run=Run(), decisive=lambda error: isinstance(error, ValueError))
    assert time.monotonic() - began < 0.4


def test_of_several_that_run_out_of_time_the_first_is_told() -> None:
    """It had the most time, so the server may have said in its answer what it was that hung."""
    numbers = itertools.count()

    def call() -> None:
        number = next(numbers)
        time.sleep(0.05 if number else 0.1)  # the one with the most time still ends before the last one
        raise TimeoutError(f"call {number}")

    with pytest.raises(TimeoutError, match="call 0"):
        hedged(call, after=0.08, most=3, run=Run(), growth=1.0)


def test_after_the_first_has_failed_no_other_begins() -> None:
    """Its answer ends the attempt with those that are under way: what comes after it is the next attempt."""
    numbers = itertools.count()

    def call() -> None:
        number = next(numbers)
        time.sleep(0.1 if number else 0.2)  # the first outlasts the second, and the third has begun by then
        raise TimeoutError(f"call {number}")

    with pytest.raises(TimeoutError, match="call 0"):
        hedged(call, after=0.08, most=50, run=Run(), growth=1.0)
    assert next(numbers) <= 3
