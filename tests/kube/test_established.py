"""Waiting until definitions are served."""

from __future__ import annotations

import copy

import pytest

import kube.established
from base.clock import Deadline, Run
from base.errors import NotReady
from kube.client import Client
from kube.established import wait_until_served
from kube.failures import ApiError
from tests.faults import rules
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy
from tests.kube.test_discovery import DEFINITION

ITSELF = "/customresourcedefinitions/issuers"
MISSING = rules.status(404, "NotFound", "the server could not find the requested resource")
SERVED = ok({"kind": "APIResourceList", "resources": [{"name": "issuers"}, {"name": "issuers/status"}]})
TAKEN = {"type": "NamesAccepted", "status": "False", "message": "issuers is taken"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube.established, "PAUSE", 0.01)
    monkeypatch.setattr(kube.established, "LOOK_CLOSER", 0.0)


def until_served(client: Client, seconds: float = 10.0) -> None:
    wait_until_served(client, [DEFINITION], run=Run(), deadline=Deadline.after(seconds), emit=lambda _: None)


def test_it_waits_until_the_group_lists_the_kind(server: FaultProxy, asking: Client) -> None:
    """A group that is not there yet, one without the kind, and a server that stumbles: all are waited out."""
    fine = {**copy.deepcopy(DEFINITION), "status": {"conditions": []}}
    server.on(ok(fine), path=ITSELF, times=None)
    for answer in (MISSING, rules.UNAVAILABLE, ok({"resources": []}), SERVED):
        server.on(answer, path=r"/apis/cert-manager.io/v1\?")
    until_served(asking)
    assert sum(one.path == "/apis/cert-manager.io/v1" for one in server.seen) == 4


def test_names_that_are_taken_end_the_wait(server: FaultProxy, asking: Client) -> None:
    """What can never be served is not waited for, and the message has the server's words."""
    server.on(ok({**DEFINITION, "status": {"conditions": [TAKEN]}}), path=ITSELF, times=None)
    server.on(MISSING, times=None)
    with pytest.raises(NotReady, match=r"issuers\.cert-manager\.io is not accepted by the server: issuers is taken"):
        until_served(asking)


def test_a_server_that_stumbles_at_the_closer_look_is_waited_out(server: FaultProxy, asking: Client) -> None:
    """Reading why it takes so long is an extra: it must not end the wait."""
    server.on(rules.UNAVAILABLE, path=ITSELF, times=2)
    server.on(MISSING, path=ITSELF, times=None)
    server.on(MISSING, path=r"/apis/cert-manager.io/v1\?", times=5)
    server.on(SERVED, times=None)
    until_served(asking)


def test_at_the_deadline_the_missing_kinds_are_named(server: FaultProxy, asking: Client) -> None:
    """The message says which definitions are not served."""
    server.on(ok({**DEFINITION, "status": {}}), path=ITSELF, times=None)
    server.on(MISSING, times=None)
    with pytest.raises(NotReady, match=r"not served yet: issuers\.cert-manager\.io"):
        until_served(asking, seconds=0.1)


def test_a_refusal_is_raised(server: FaultProxy, asking: Client) -> None:
    """Who may not ask is told so at once."""
    server.on(rules.UNAUTHORIZED, times=None)
    with pytest.raises(ApiError, match="Unauthorized"):
        until_served(asking)
