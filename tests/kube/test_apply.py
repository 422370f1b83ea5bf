"""Server-side apply of one object: what is sent, what is repeated, and an honest account of what it changed."""

from __future__ import annotations

from typing import Any

import pytest

from base.clock import Deadline, Run
from base.errors import Cancelled
from base.events import Event, Retried
from base.retry import RetryPolicy
from kube.apply import Applied, Applier, Change
from kube.client import Client
from kube.discovery import CORE_V1
from kube.failures import ApiError, Kind
from tests.faults import rules
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Fault, Reset

QUICK = RetryPolicy(first_pause=0.01, max_pause=0.02)
PATH = "/api/v1/namespaces/a/configmaps/b"
WANTED = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "b", "namespace": "a"},
    "data": {"key": "new"},
}
MISSING = rules.status(404, "NotFound", 'configmaps "b" not found')


def live(value: str = "new", *, time: str = "1", manager: str = "frit", **metadata: Any) -> dict[str, Any]:
    """The object as a server returns it."""
    entry = {"manager": manager, "operation": "Apply", "time": time, "fieldsV1": {"f:data": {"f:key": {}}}}
    return {
        **WANTED,
        "metadata": {"name": "b", "namespace": "a", "managedFields": [entry], **metadata},
        "data": {"key": value},
    }


def applying(client: Client, told: list[Event] | None = None, **options: Any) -> Applied:
    told = told if told is not None else []
    force = options.pop("force", False)
    defaults: dict[str, Any] = {"policy": QUICK, "run": Run(), "deadline": Deadline.after(20), "emit": told.append}
    applier = Applier(client, **{**defaults, **options})
    return applier.apply(WANTED, CORE_V1["ConfigMap"], force=force)


def given(server: FaultProxy, *, reads: list[Fault], writes: list[Fault]) -> None:
    for one in reads:
        server.on(one, method="GET")
    for one in writes:
        server.on(one, method="PATCH")


def test_an_apply_is_a_server_side_apply(server: FaultProxy, asking: Client) -> None:
    """A patch of its own content type, with frit's name, without force, with unknown fields told as warnings."""
    given(server, reads=[], writes=[ok(live(), 201)])
    assert applying(asking, compare=False).change is Change.CREATED
    (sent,) = server.seen
    assert (sent.method, sent.path, sent.headers["content-type"]) == ("PATCH", PATH, "application/apply-patch+yaml")
    assert sent.query == {"fieldManager": "frit", "fieldValidation": "Warn", "timeout": "12s"}


def test_force_and_dry_run_are_said_to_the_server(server: FaultProxy, asking: Client) -> None:
    """Both are parameters of the request; without them they are absent."""
    given(server, reads=[ok(live("old"))], writes=[ok(live())])
    applying(asking, force=True, dry_run=True)
    assert (server.seen[-1].query["force"], server.seen[-1].query["dryRun"]) == ("true", "All")


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (MISSING, ok(live(), 201), Change.CREATED),
        (ok(live("old")), ok(live(time="2")), Change.CHANGED),
        (ok(live("old", generation=1)), ok(live(generation=2)), Change.CHANGED),
        (ok(live("old", resourceVersion="1")), ok(live(resourceVersion="2")), Change.UNCHANGED),
        (ok(live(manager="kubectl")), ok(live()), Change.CHANGED),
    ],
    ids=["created", "our entry is newer", "another generation", "somebody else wrote", "adopted"],
)
def test_what_an_apply_changed_is_read_from_the_server(
    server: FaultProxy, asking: Client, before: Fault, after: Fault, change: Change
) -> None:
    """Created, changed and unchanged are told by what was there and what came back."""
    given(server, reads=[before], writes=[after])
    assert applying(asking).change is change


def test_what_is_in_place_is_not_written(server: FaultProxy, asking: Client) -> None:
    """An object that has every value already costs one read."""
    given(server, reads=[ok(live())], writes=[])
    assert applying(asking).change is Change.UNCHANGED
    assert [one.method for one in server.seen] == ["GET"]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (live("old"), live("new"), Change.CHANGED),
        (live("1k", resourceVersion="1"), live("1k", resourceVersion="2", generation=3), Change.UNCHANGED),
        (live(manager="kubectl"), live(), Change.CHANGED),
    ],
    ids=["another value", "the same in another form", "adopted"],
)
def test_a_dry_run_compares_contents(
    server: FaultProxy, asking: Client, before: Any, after: Any, change: Change
) -> None:
    """What a dry run returns differs in bookkeeping always; only the rest counts, and whether frit becomes an owner."""
    given(server, reads=[ok(before)], writes=[ok(after)])
    assert applying(asking, dry_run=True).change is change


def test_failures_that_pass_are_repeated_and_kept(server: FaultProxy, asking: Client) -> None:
    """Conflict, throttling, an outage, a change of etcd's leader and a reset: all told, and the object is applied."""
    conflict = rules.status(409, "Conflict", "the object has been modified; please apply your changes to the latest")
    faults: list[Fault] = [conflict, rules.throttled(0), rules.UNAVAILABLE, rules.LEADER_CHANGED, Reset.BEFORE]
    given(server, reads=[], writes=[*faults, ok(live(), 201)])
    told: list[Event] = []
    applied = applying(asking, told, compare=False)
    assert applied.change is Change.CREATED
    kinds = ["conflict", "rate-limited", "api-unavailable", "api-unavailable", "api-unavailable"]
    assert [one.kind for one in applied.history.attempts] == kinds
    assert [one.kind for one in told if isinstance(one, Retried)] == kinds
    assert {one.what for one in told if isinstance(one, Retried)} == {"apply ConfigMap a/b"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (rules.status(403, "Forbidden", 'configmaps "b" is forbidden: User "x" cannot patch'), Kind.FORBIDDEN),
        (rules.status(422, "Invalid", 'ConfigMap "b" is invalid: data: Invalid value'), Kind.INVALID),
        (
            rules.status(409, "Conflict", 'Apply failed with 1 conflict: conflict with "kubectl": .data.key'),
            Kind.FIELD_CONFLICT,
        ),
        (rules.LOGIN_PAGE, Kind.PERMANENT_CONFIG),
    ],
)
def test_a_refusal_is_raised_at_once(server: FaultProxy, asking: Client, answer: Fault, kind: Kind) -> None:
    """What waiting cannot help is one request and one message that names the object."""
    given(server, reads=[], writes=[answer])
    with pytest.raises(ApiError, match="could not apply ConfigMap a/b: ") as raised:
        applying(asking, compare=False)
    assert raised.value.failure.kind is kind
    assert len(server.seen) == 1


def test_the_last_failure_is_raised_with_the_count(server: FaultProxy, asking: Client) -> None:
    """Out of attempts, the message says how many there were and how long they took."""
    server.on(rules.UNAVAILABLE, times=None)
    with pytest.raises(ApiError, match=r"\(3 attempts in \d+\.\d s\)$") as raised:
        applying(asking, compare=False, policy=RetryPolicy(attempts=3, first_pause=0.01))
    assert raised.value.details["attempts"] == 3


@pytest.mark.parametrize("compare", [True, False])
def test_a_creation_whose_answer_was_lost_counts_as_one(server: FaultProxy, asking: Client, compare: bool) -> None:
    """The second attempt finds the object that the first one made, and still says created."""
    given(server, reads=[MISSING, ok(live("old"))], writes=[Reset.BEFORE, ok(live())])
    assert applying(asking, compare=compare).change is Change.CREATED


def test_a_write_that_is_in_place_at_the_second_look_counts(server: FaultProxy, asking: Client) -> None:
    """Where the lost answer was of a write that succeeded, nothing is sent again, and it is not called unchanged."""
    given(server, reads=[MISSING, ok(live())], writes=[Reset.BEFORE])
    assert applying(asking).change is Change.CREATED
    given(server, reads=[ok(live("old")), ok(live(time="2"))], writes=[Reset.BEFORE])
    assert applying(asking).change is Change.CHANGED
    assert [one.method for one in server.seen] == ["GET", "PATCH", "GET"] * 2


def test_an_object_that_nobody_looked_for_counts_as_changed(server: FaultProxy, asking: Client) -> None:
    """Without comparing, a first attempt that finds the object has found somebody else's."""
    given(server, reads=[], writes=[ok(live())])
    assert applying(asking, compare=False).change is Change.CHANGED


def test_a_stop_ends_the_repeating(server: FaultProxy, asking: Client) -> None:
    """A cancelled run sends nothing more."""
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        applying(asking, compare=False, run=run)
    assert not server.seen
