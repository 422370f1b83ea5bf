"""The diagnosis of workloads that cannot become ready, on the real cluster."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kube.client import Client
from kube.connection import ConnectionOptions, connect
from kube.diagnosis import Cause, Finding, as_lines, diagnose
from tests.accounts import kubeconfig_of
from tests.cluster import Cluster
from tests.cluster.audit import recording
from tests.conftest import Kubectl

pytestmark = pytest.mark.cluster

NAMESPACE = "frit-diagnosis"
QUOTA = f"{NAMESPACE}-quota"
PRESENT = "quay.io/jetstack/cert-manager-webhook:v1.21.2"
AGENT = "frit-diagnosis-test"


@pytest.fixture(scope="module")
def client(cluster: Cluster) -> Client:
    return connect(ConnectionOptions(kubeconfig=str(cluster.kubeconfig)), user_agent=AGENT).client


@pytest.fixture(scope="module", autouse=True)
def _broken(kubectl: Kubectl) -> Iterator[None]:
    """Deployments that cannot become ready, each for another reason, side by side."""
    missing = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}}
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": QUOTA},
        "spec": {"hard": {"pods": "0"}},
    }
    objects = [
        _namespace(NAMESPACE),
        _namespace(QUOTA),
        quota,
        _deployment("nowhere", NAMESPACE, nodeSelector={"frit.test/no-such": "node"}),
        _deployment("no-image", NAMESPACE, image="registry.invalid/none:1"),
        _deployment("crash", NAMESPACE, args=["--no-such-flag"]),
        _deployment("no-secret", NAMESPACE, env=[missing]),
        _deployment("refused", QUOTA),
    ]
    kubectl(
        "delete", "namespace", NAMESPACE, QUOTA, "--ignore-not-found"
    )  # of an earlier run; waits until they are gone
    kubectl("apply", "-f", "-", stdin=_documents(objects))
    yield
    kubectl("delete", "namespace", NAMESPACE, QUOTA, "--wait=false", "--ignore-not-found")


def _namespace(name: str) -> dict[str, Any]:
    labels = {"frit.test/throw-away": "true"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _documents(objects: list[dict[str, Any]]) -> str:
    return "\n---\n".join(json.dumps(one) for one in objects)


def _deployment(name: str, namespace: str, *, image: str = PRESENT, **more: Any) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": image}
    container |= {key: more.pop(key) for key in ("args", "env") if key in more}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, **more},
            },
        },
    }


def found(client: Client, name: str, cause: Cause, namespace: str = NAMESPACE) -> Finding:
    """The finding about one Deployment, as soon as the cluster shows its cause; at most 30 s."""
    until = time.monotonic() + 30
    while True:
        findings = diagnose(client, namespace, deployments=[name])
        if any(one.cause is cause for one in findings) or time.monotonic() > until:
            assert [one.cause for one in findings] == [cause]
            return findings[0]
        time.sleep(0.3)  # the kubelet reports on its own time


def test_a_pod_that_fits_no_node(client: Client) -> None:
    """The scheduler's own words, and its event, explain a pod that stays pending."""
    one = found(client, "nowhere", Cause.UNSCHEDULABLE)
    assert "0/1 nodes are available" in one.message
    assert one.owner == f"Deployment {NAMESPACE}/nowhere"
    assert one.events[0].startswith("FailedScheduling: ")
    assert one.command.startswith(f"kubectl -n {NAMESPACE} describe pod nowhere-")


def test_an_image_that_cannot_be_pulled(client: Client) -> None:
    """The image is named once, with the cause; events that say the same once more are left out."""
    one = found(client, "no-image", Cause.IMAGE_NOT_PULLED)
    assert one.message.count("registry.invalid/none:1") == 1
    assert "dial tcp: lookup registry.invalid" in one.message
    assert not [line for line in as_lines(one) if "event: Failed: " in line]


def test_a_container_that_crashes_shows_its_last_words(client: Client) -> None:
    """Exit code, count and the log of the crashed instance are there, and the command that shows all of it."""
    one = found(client, "crash", Cause.CRASHING)
    assert "container main crashed" in one.message
    assert "exit code 1" in one.message
    assert "unknown flag: --no-such-flag" in one.log
    assert one.command.startswith(f"kubectl -n {NAMESPACE} logs crash-")


def test_a_secret_that_is_missing(client: Client) -> None:
    """A container whose environment names a Secret that does not exist is a configuration error that names it."""
    one = found(client, "no-secret", Cause.CONFIG_ERROR)
    assert 'secret "x" not found' in one.message


def test_a_quota_that_forbids_pods(client: Client) -> None:
    """Where the ReplicaSet may not create pods, its refusal is quoted and the quota is what to look at."""
    one = found(client, "refused", Cause.POD_REFUSED, QUOTA)
    assert "exceeded quota" in one.message
    assert one.object == f"Deployment {QUOTA}/refused"
    assert one.command == f"kubectl -n {QUOTA} describe resourcequota"


def test_a_whole_namespace_costs_few_requests(client: Client, cluster: Cluster) -> None:
    """Three lists tell everything, and one more request reads the log of the container that crashed."""
    assert cluster.audit_log is not None
    found(client, "crash", Cause.CRASHING)
    with recording(cluster.audit_log, AGENT) as recorded:
        findings = diagnose(client, NAMESPACE)
    assert {one.owner.rpartition("/")[2] for one in findings} == {"nowhere", "no-image", "crash", "no-secret"}
    assert sorted(one.resource for one in recorded.requests) == ["deployments.apps", "events", "pods", "pods/log"]


def test_missing_permissions_are_notes(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    """Without events and logs the diagnosis still names the cause; without pods it says which permission is missing."""
    account = str(kubeconfig_of(cluster, kubectl, NAMESPACE, "reader", tmp_path))
    reader = connect(ConnectionOptions(kubeconfig=account), user_agent=AGENT).client
    nothing = diagnose(reader, NAMESPACE)
    assert [(one.cause, one.command) for one in nothing] == [
        (Cause.UNKNOWN, f"kubectl auth can-i list pods -n {NAMESPACE}")
    ]
    kubectl("-n", NAMESPACE, "create", "role", "pods-only", "--verb=list", "--resource=pods,deployments.apps")
    binding = ("create", "rolebinding", "pods-only", "--role=pods-only", f"--serviceaccount={NAMESPACE}:reader")
    kubectl("-n", NAMESPACE, *binding)
    one = found(reader, "crash", Cause.CRASHING)
    assert one.log == ""
    assert any("events is forbidden" in note for note in one.notes)
    assert any("pods/log" in note for note in one.notes)
