"""Applying, reading and watching on the real cluster while the way there fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from base.clock import Deadline, Run
from base.events import Event, Retried
from base.retry import RetryPolicy
from kube.access import is_administrator
from kube.apply import Applier, Change
from kube.client import JSON, Client
from kube.connection import ConnectionOptions, connect
from kube.discovery import CORE_V1, discover
from kube.patience import Patience
from kube.watch import Wake, Watched
from tests.cluster import Cluster
from tests.conftest import Kubectl
from tests.faults import rules
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Reset, Truncated

pytestmark = pytest.mark.cluster

NAMESPACE = "frit-faults"
QUICK = RetryPolicy(first_pause=0.05, max_pause=0.1)
MAPS = CORE_V1["ConfigMap"]


@pytest.fixture(scope="module", autouse=True)
def _namespace(kubectl: Kubectl) -> Iterator[None]:
    kubectl("create", "namespace", NAMESPACE)
    kubectl("label", "namespace", NAMESPACE, "frit.test/throw-away=true")
    yield
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def proxy(cluster: Cluster, tmp_path: Path) -> Iterator[FaultProxy]:
    with FaultProxy(tmp_path, cluster.kubeconfig) as running:
        yield running


@pytest.fixture
def through(proxy: FaultProxy) -> Client:
    return connect(ConnectionOptions(kubeconfig=str(proxy.kubeconfig)), user_agent="frit/0 (test)").client


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}, "data": data}


def applier(client: Client, told: list[Event]) -> Applier:
    return Applier(client, QUICK, Run(), Deadline.after(30), told.append)


def test_a_creation_whose_answer_is_lost_happens_once(proxy: FaultProxy, through: Client, kubectl: Kubectl) -> None:
    """The write was carried out, the answer was not heard: the object is there once, and counted as created."""
    lost = proxy.on(Reset.AFTER, method="PATCH")
    told: list[Event] = []
    assert applier(through, told).apply(config_map("lost", key="1"), MAPS).change is Change.CREATED
    assert lost.hits == 1
    assert [one.kind for one in told if isinstance(one, Retried)] == ["api-unavailable"]
    found = kubectl.json("get", "configmap", "lost", "-n", NAMESPACE, "--show-managed-fields")
    assert found["data"] == {"key": "1"}
    assert [(one["manager"], one["operation"]) for one in found["metadata"]["managedFields"]] == [("frit", "Apply")]


def test_an_apply_survives_everything_at_once(proxy: FaultProxy, through: Client, kubectl: Kubectl) -> None:
    """Throttled, unavailable, reset before and in the middle, cut off: applied in the end, every attempt told."""
    for fault in (rules.throttled(0.1), rules.UNAVAILABLE, Reset.BEFORE, Reset.MIDDLE, Truncated(), Reset.AFTER):
        proxy.on(fault, method="PATCH")
    told: list[Event] = []
    assert applier(through, told).apply(config_map("storm", key="1"), MAPS).change is Change.CREATED
    # the write whose answer breaks in the middle is carried out, and found in place at the next look
    assert [one.kind for one in told if isinstance(one, Retried)] == ["rate-limited"] + ["api-unavailable"] * 3
    assert kubectl.json("get", "configmap", "storm", "-n", NAMESPACE)["data"] == {"key": "1"}


def test_a_second_apply_moves_nothing_and_a_smaller_one_takes_away(
    proxy: FaultProxy, through: Client, kubectl: Kubectl
) -> None:
    """What is in place is not written; a field that is no longer wanted goes."""
    apply = applier(through, []).apply
    assert apply(config_map("smaller", keep="1", drop="2"), MAPS).change is Change.CREATED
    version = kubectl.json("get", "configmap", "smaller", "-n", NAMESPACE)["metadata"]["resourceVersion"]
    assert apply(config_map("smaller", keep="1", drop="2"), MAPS).change is Change.UNCHANGED
    found = kubectl.json("get", "configmap", "smaller", "-n", NAMESPACE)
    assert found["metadata"]["resourceVersion"] == version
    assert apply(config_map("smaller", keep="1"), MAPS).change is Change.CHANGED
    assert kubectl.json("get", "configmap", "smaller", "-n", NAMESPACE)["data"] == {"keep": "1"}


def test_patient_reads_get_through_a_storm(proxy: FaultProxy, through: Client) -> None:
    """Discovery and a question about permissions are answered although first attempts fail in every way."""
    faults = (rules.throttled(0.1), rules.UNAVAILABLE, Reset.BEFORE, Reset.MIDDLE, Truncated())
    for fault in faults:
        proxy.on(fault, path="^/apis")
    told: list[Event] = []
    patient = through.patient(Patience(QUICK, Run(), Deadline.after(30), told.append))
    assert discover(patient).find("apps/v1", "Deployment") is not None
    assert is_administrator(patient)
    assert len(told) == len(faults)


def test_a_watch_that_breaks_is_begun_again(proxy: FaultProxy, through: Client, kubectl: Kubectl) -> None:
    """After a reset in the middle of its events a watch shows what is there, and what comes later."""
    broken = proxy.on(Reset.MIDDLE, path="watch=true")
    run, wake = Run(), Wake()
    kubectl("create", "configmap", "watched", "-n", NAMESPACE)
    watched = Watched(through, MAPS.path(NAMESPACE), {}, what="maps", wake=wake, run=run, accept=JSON)
    _until(lambda: "watched" in watched.objects, wake, run)
    assert broken.hits == 1
    kubectl("create", "configmap", "later", "-n", NAMESPACE)
    _until(lambda: "later" in watched.objects, wake, run)
    kubectl("delete", "configmap", "watched", "-n", NAMESPACE)
    _until(lambda: "watched" not in watched.objects, wake, run)
    watched.stop()


def _until(question: Any, wake: Wake, run: Run) -> None:
    until = time.monotonic() + 10
    while not question():
        assert time.monotonic() < until
        wake.wait(wake.rings, 0.1, run)
