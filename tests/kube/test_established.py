"""Waiting until definitions are served."""

from __future__ import annotations

import pytest

import kube.established
from base.budget import Budget
from base.clock import Deadline, Run
from base.errors import Cancelled, NotReady
from base.events import Event, Said
from kube.client import Client
from kube.established import have_storage_built, wait_until_served
from kube.failures import ApiError
from tests.faults import rules
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy
from tests.kube.test_discovery import DEFINITION, GROUPS, ISSUERS, served

DISCOVERY = r"/apis\?"
ITSELF = "/customresourcedefinitions/issuers"
MISSING = rules.status(404, "NotFound", 'customresourcedefinitions "issuers.cert-manager.io" not found')
NOT_YET = ok(GROUPS)
SERVED = ok(
    {
        **GROUPS,
        "items": [
            {
                "metadata": {"name": "cert-manager.io"},
                "versions": [{"version": "v1", "resources": [served("Issuer", "issuers")]}],
            }
        ],
    }
)
TAKEN = {"type": "NamesAccepted", "status": "False", "message": "issuers is taken"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube.established, "PAUSE", 0.01)
    monkeypatch.setattr(kube.established, "LOOK_CLOSER", 0.0)
    monkeypatch.setattr(kube.established, "STORAGE_PAUSE", 0.01)
    monkeypatch.setattr(kube.established, "STORAGE_TRIES", 3)


def until_served(client: Client, seconds: float = 10.0) -> None:
    wait_until_served(client, [DEFINITION], run=Run(), deadline=Deadline.after(seconds), emit=lambda _: None)


def test_it_waits_until_discovery_has_the_kind(server: FaultProxy, asking: Client) -> None:
    """A kind that is not there yet, and a server that stumbles: both are waited out."""
    server.on(ok({**DEFINITION, "status": {"conditions": []}}), path=ITSELF, times=None)
    for answer in (NOT_YET, rules.UNAVAILABLE, rules.throttled(0), NOT_YET, SERVED):
        server.on(answer, path=DISCOVERY)
    until_served(asking)
    assert sum(one.path == "/apis" for one in server.seen) == 5


def test_what_was_there_before_is_asked_for_at_once(
    server: FaultProxy, asking: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Definitions that are not new cost a run no pause."""
    monkeypatch.setattr(kube.established, "PAUSE", 60.0)
    server.on(SERVED, path=DISCOVERY)
    limit = Deadline.after(10.0)
    wait_until_served(asking, [DEFINITION], run=Run(), deadline=limit, emit=lambda _: None, fresh=False)
    assert not limit.passed()


def test_names_that_are_taken_end_the_wait(server: FaultProxy, asking: Client) -> None:
    """What can never be served is not waited for, and the message has the server's words."""
    server.on(ok({**DEFINITION, "status": {"conditions": [TAKEN]}}), path=ITSELF, times=None)
    server.on(NOT_YET, times=None)
    with pytest.raises(NotReady, match=r"issuers\.cert-manager\.io is not accepted by the server: issuers is taken"):
        until_served(asking)


def test_a_definition_that_its_server_forgot_is_touched(
    server: FaultProxy, asking: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accepted and not established for a while: two changes wake the server and leave nothing behind."""
    monkeypatch.setattr(kube.established, "FORGOTTEN", 0.05)
    accepted = {"conditions": [{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "False"}]}
    server.on(ok({**DEFINITION, "status": accepted}), method="GET", path=ITSELF, times=None)
    server.on(ok(DEFINITION), method="PATCH", path=ITSELF, times=None)
    server.on(NOT_YET, path=DISCOVERY, times=15)
    server.on(SERVED, times=None)
    said: list[Event] = []
    wait_until_served(asking, [DEFINITION], run=Run(), deadline=Deadline.after(10.0), emit=said.append)
    assert sum(one.method == "PATCH" for one in server.seen) % 2 == 0  # one sets, the next one takes away
    assert any(isinstance(one, Said) and "touched it" in one.text for one in said)


def test_a_definition_that_is_just_being_established_is_left_alone(server: FaultProxy, asking: Client) -> None:
    """Several API servers side by side wait for five seconds themselves."""
    accepted = {"conditions": [{"type": "NamesAccepted", "status": "True"}]}
    server.on(ok({**DEFINITION, "status": accepted}), method="GET", path=ITSELF, times=None)
    server.on(NOT_YET, path=DISCOVERY, times=5)
    server.on(SERVED, times=None)
    until_served(asking)
    assert all(one.method == "GET" for one in server.seen)


def test_a_server_that_stumbles_at_the_closer_look_is_waited_out(server: FaultProxy, asking: Client) -> None:
    """Reading why it takes so long is an extra: it must not end the wait."""
    server.on(rules.UNAVAILABLE, path=ITSELF, times=2)
    server.on(MISSING, path=ITSELF, times=None)
    server.on(NOT_YET, path=DISCOVERY, times=5)
    server.on(SERVED, times=None)
    until_served(asking)


def test_at_the_deadline_the_missing_kinds_are_named(server: FaultProxy, asking: Client) -> None:
    """The message says which definitions are not served."""
    server.on(ok({**DEFINITION, "status": {}}), path=ITSELF, times=None)
    server.on(NOT_YET, times=None)
    with pytest.raises(NotReady, match=r"not served yet: issuers\.cert-manager\.io"):
        until_served(asking, seconds=0.1)


def test_a_refusal_is_raised(server: FaultProxy, asking: Client) -> None:
    """Who may not ask is told so at once."""
    server.on(rules.UNAUTHORIZED, times=None)
    with pytest.raises(ApiError, match="Unauthorized"):
        until_served(asking)


@pytest.mark.parametrize(
    ("answers", "requests"),
    [
        ([rules.status(429, "TooManyRequests", "storage is (re)initializing")], 1),
        ([ok({"items": []})], 1),
        ([rules.status(404, "NotFound", "the server could not find the requested resource"), ok({"items": []})], 2),
        ([rules.UNAVAILABLE] * 3, 3),
    ],
)
def test_a_new_resource_is_asked_for_until_its_storage_is_being_built(
    server: FaultProxy, asking: Client, answers: list[rules.Says], requests: int
) -> None:
    """The refusal that starts the work, or an answer, ends it; so do a few tries: nothing depends on it."""
    for one in answers:
        server.on(one)
    have_storage_built(asking, ISSUERS, Run())
    assert len(server.seen) == requests
    assert server.seen[0].query["limit"] == "1"


def test_what_failed_beside_it_ends_the_wait(server: FaultProxy, asking: Client) -> None:
    """A stage of which something else has failed for good does not wait for kinds to be served."""
    server.on(NOT_YET, path=DISCOVERY, times=None)
    budget = Budget()
    budget.stop()
    with pytest.raises(Cancelled):
        wait_until_served(
            asking, [DEFINITION], run=Run(), deadline=Deadline.after(10), emit=lambda _: None, budget=budget
        )
