"""Waiting until a container runs: an order of things that gains time, and never a condition."""

from __future__ import annotations

import time
from typing import Any

import pytest

import kube.running
from base.clock import Run
from kube.client import Client
from kube.running import wait_until_running
from tests.faults import rules
from tests.faults.answers import events
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Delay

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "w", "namespace": "a"},
    "spec": {"selector": {"matchLabels": {"app": "w", "part": "x"}}},
}


def pod(**state: Any) -> dict[str, Any]:
    return {"metadata": {"name": "w-1"}, "status": {"containerStatuses": [{"name": "c", "state": state}]}}


def test_it_returns_once_a_container_runs(server: FaultProxy, asking: Client) -> None:
    """A running container is enough, ready or not; the pods are those that the Deployment selects."""
    server.on(events(("ADDED", pod(waiting={})), ("MODIFIED", pod(running={"startedAt": "x"}))))
    server.on(Delay(30), times=None)
    began = time.monotonic()
    wait_until_running(asking, [DEPLOYMENT], Run())
    assert time.monotonic() - began < kube.running.LIMIT
    assert server.seen[0].query["labelSelector"] == "app=w,part=x"


def test_it_gives_up_soon_where_it_cannot_know(
    server: FaultProxy, asking: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the permission, or with an image that is still being pulled, the limit ends it without an error."""
    monkeypatch.setattr(kube.running, "LIMIT", 0.3)
    server.on(rules.status(403, "Forbidden", "pods is forbidden"), times=None)
    began = time.monotonic()
    wait_until_running(asking, [DEPLOYMENT], Run())
    assert 0.3 <= time.monotonic() - began < 3


def test_no_deployment_is_no_wait(server: FaultProxy, asking: Client) -> None:
    """A manifest without a webhook of its own is not waited for."""
    wait_until_running(asking, [], Run())
    assert not server.seen
