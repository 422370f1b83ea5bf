"""`frit check` on a real cluster with real cert-manager: it says no wherever the next create would not work, and why.

cert-manager is installed once by plain kubectl; each test breaks it, looks, and mends it again.
"""

from __future__ import annotations

import base64
import json
import time

import pytest

from base import exits
from tests.certificates.site import (
    CONFIGURATIONS,
    CONTROLLER,
    INJECTOR,
    SPACE,
    VERSION,
    WEBHOOK,
    apply,
    check,
    controller_with,
    documents,
    policy,
    scaled_to_0,
)
from tests.cluster import Cluster
from tests.cluster.audit import recording
from tests.conftest import Kubectl
from tests.running import frit

pytestmark = pytest.mark.cluster


def test_an_empty_cluster_and_one_with_only_the_crds(fresh_cluster: Cluster, kubectl: Kubectl) -> None:
    """Without cert-manager, and with nothing but its CRDs (which accept everything), the answer is no, at once."""
    nothing = check(fresh_cluster, "--wait", "60s", code=exits.NOT_READY)
    assert nothing["installation"]["message"] == "cert-manager is not installed"
    assert nothing.data["certManager"] is None
    apply(kubectl, [one for one in documents() if one["kind"] == "CustomResourceDefinition"])
    kubectl("wait", "--for=condition=Established", "crd", "-l", "app.kubernetes.io/name=cert-manager", "--timeout=30s")
    bare = check(fresh_cluster, "--wait", "60s", code=exits.NOT_READY)
    assert bare["crds"]["ok"]
    assert "only the CustomResourceDefinitions of cert-manager are there" in bare["installation"]["message"]
    assert {"deployment-webhook", "webhook-configurations", "admits"} <= set(bare.bad)
    assert nothing.ran.seconds < 10
    assert bare.ran.seconds < 10


def test_cainjector_at_0_before_the_install(fresh_cluster: Cluster, kubectl: Kubectl) -> None:
    """Nobody fills the CA bundles: exit 7 at once, naming cainjector; once it runs, a --wait sees it heal."""
    objects = documents()
    for one in objects:
        if one["kind"] == "Deployment" and one["metadata"]["name"] == INJECTOR:
            one["spec"]["replicas"] = 0
    apply(kubectl, objects)
    kubectl("-n", SPACE, "rollout", "status", "deployment", WEBHOOK, "--timeout=60s")
    found = check(fresh_cluster, "--wait", "60s", code=exits.CERTIFICATE_WINDOW)
    assert "the CA bundle is empty" in found["ca-bundles"]["message"]
    assert "scaled to 0" in found["ca-bundles"]["message"]
    assert found["ca-bundles"]["hint"] == f"kubectl -n {SPACE} scale deployment {INJECTOR} --replicas=1"
    assert "deployment-cainjector" in found.bad
    assert found.ran.seconds < 10
    kubectl("-n", SPACE, "scale", "deployment", INJECTOR, "--replicas=1")
    check(fresh_cluster, "--wait", "90s", code=exits.OK)


def test_a_healthy_installation(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """Everything is proven in a second, with reads and dry runs alone: no object changes."""
    assert cluster.audit_log is not None
    kinds = "crd,mutatingwebhookconfigurations,validatingwebhookconfigurations,secrets,deployments,namespaces"
    versions = ("get", kinds, "-A", "-o", "jsonpath={.items[*].metadata.resourceVersion}")
    before = kubectl(*versions)
    with recording(cluster.audit_log, "frit/") as recorded:
        found = check(cluster, code=exits.OK)
    assert kubectl(*versions) == before
    assert found.data["certManager"] == {"version": VERSION, "namespace": SPACE, "owner": "kubectl"}
    assert [one["severity"] for one in found.data["checks"]] == ["ok"] * len(found.data["checks"])
    writes = [one for one in recorded.requests if one.verb not in ("get", "list")]
    assert {(one.verb, one.resource) for one in writes} == {("create", "certificaterequests.cert-manager.io")}
    assert all("dryRun=All" in one.path for one in writes)
    assert recorded.total <= 21
    assert found.ran.seconds < 5


def test_the_text_for_people(cluster: Cluster, healthy: None) -> None:
    """One line for each check on stdout, the verdict last, and nothing on stderr."""
    ran = frit("check", "--only", "cert-manager", kubeconfig=cluster.kubeconfig)
    lines = ran.stdout.splitlines()
    assert ran.code == exits.OK
    assert lines[0].startswith("✓ api-server ")
    assert lines[-1].startswith("ready: the next create will work (")
    assert all(line.startswith("✓ ") for line in lines[:-1])
    assert ran.stderr == ""


def test_webhook_at_0(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """No endpoint, no answer: exit 6 with the command that brings it back, and a --wait ends at once."""
    with scaled_to_0(kubectl, WEBHOOK):
        found = check(cluster, "--wait", "60s", code=exits.NOT_READY)
        with policy(kubectl, "Ignore"):
            ignored = check(cluster, code=exits.NOT_READY)
    assert found.bad == ["deployment-webhook", "endpoints", "admits"]
    assert found["deployment-webhook"]["hint"] == f"kubectl -n {SPACE} scale deployment {WEBHOOK} --replicas=1"
    assert found.data["reason"].startswith("deployment-webhook: ")
    assert found.ran.seconds < 15
    assert "neither completed nor validated" in ignored["failure-policy"]["message"]
    assert "without its requester" in ignored["admits"]["message"]


def test_a_webhook_that_restarts(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """A webhook whose pod is being replaced is not ready, and a --wait lasts until it is."""
    kubectl("-n", SPACE, "delete", "pod", "-l", "app.kubernetes.io/component=webhook", "--force", "--grace-period=0")
    once = check(cluster, code=exits.NOT_READY)
    waited = check(cluster, "--wait", "90s", code=exits.OK)
    assert {"deployment-webhook", "endpoints", "admits"} & set(once.bad)
    assert waited.data["looks"] > 1


def test_ignore_with_a_healthy_webhook(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """failurePolicy Ignore is right today: exit 0 with a warning, and the command that makes it Fail."""
    with policy(kubectl, "Ignore"):
        found = check(cluster, code=exits.OK)
    assert found["failure-policy"]["severity"] == "warning"
    assert "right today, but an outage of the webhook lets invalid objects pass" in found["failure-policy"]["message"]
    kubectl(
        *found["failure-policy"]["hint"].splitlines()[0].split(" -p ")[0].split()[1:], "--dry-run=server", "-p", "[]"
    )


def test_webhook_configurations_that_are_gone(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """Without the validating one invalid objects pass; without both, nothing is completed either: no, at once."""
    kubectl("delete", CONFIGURATIONS[1])
    validating = check(cluster, "--wait", "60s", code=exits.NOT_READY)
    kubectl("delete", CONFIGURATIONS[0])
    both = check(cluster, "--wait", "60s", code=exits.NOT_READY)
    apply(kubectl, [one for one in documents() if one["kind"].endswith("WebhookConfiguration")])
    assert "the validating webhook configuration is missing" in validating["webhook-configurations"]["message"]
    assert validating["admits"]["ok"]
    assert "an invalid CertificateRequest was accepted" in validating["refuses"]["message"]
    assert (
        "the mutating and the validating webhook configurations are missing"
        in both["webhook-configurations"]["message"]
    )
    assert "without its requester" in both["admits"]["message"]
    assert both.ran.seconds < 10


def test_a_service_that_is_gone(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """Configurations that call a Service that does not exist block every create; the Service is named."""
    kubectl("-n", SPACE, "delete", "service", WEBHOOK)
    found = check(cluster, "--wait", "60s", code=exits.NOT_READY)
    apply(kubectl, [one for one in documents() if one["kind"] == "Service"])
    assert f"Service {SPACE}/{WEBHOOK}, which does not exist" in found["webhook-configurations"]["message"]


def test_a_stale_bundle(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """A new CA that is in no bundle: exit 7; permanent while cainjector is at 0, healed by a --wait once it runs."""
    with scaled_to_0(kubectl, INJECTOR):
        right = check(cluster, code=exits.OK)
        kubectl("-n", SPACE, "delete", "secret", "cert-manager-webhook-ca")
        kubectl("-n", SPACE, "rollout", "restart", "deployment", WEBHOOK)
        kubectl("-n", SPACE, "rollout", "status", "deployment", WEBHOOK, "--timeout=60s")
        stale = check(cluster, "--wait", "60s", code=exits.CERTIFICATE_WINDOW)
        kubectl("-n", SPACE, "scale", "deployment", INJECTOR, "--replicas=1")
        healed = check(cluster, "--wait", "90s", code=exits.OK)
    assert right["deployment-cainjector"]["severity"] == "warning"
    assert "a new CA of the webhook will not be trusted" in right["deployment-cainjector"]["message"]
    assert "the CA bundle is stale" in stale["ca-bundles"]["message"]
    assert stale.data["reason"].startswith("ca-bundles: ")
    assert "signed by unknown authority" in stale["admits"]["message"]
    assert stale.ran.seconds < 15
    assert healed.data["looks"] >= 1


def test_a_bundle_of_another_ca(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """One configuration with a foreign CA is enough for exit 7, and is named; the other one is not."""
    secret = kubectl.json("-n", "kube-system", "get", "configmap", "kube-root-ca.crt")["data"]["ca.crt"]
    with scaled_to_0(kubectl, INJECTOR):
        value = base64.b64encode(secret.encode()).decode()
        patch = [{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": value}]
        kubectl("patch", CONFIGURATIONS[1], "--type=json", "-p", json.dumps(patch))
        found = check(cluster, code=exits.CERTIFICATE_WINDOW)
    assert "ValidatingWebhookConfiguration cert-manager-webhook" in found["ca-bundles"]["message"]
    assert "MutatingWebhookConfiguration" not in found["ca-bundles"]["message"]


def test_controller_at_0(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """The webhook admits and refuses as it should, and yet nothing will be issued: no."""
    with scaled_to_0(kubectl, CONTROLLER):
        found = check(cluster, "--wait", "60s", code=exits.NOT_READY)
    assert found.bad == ["deployment-controller"]
    assert "the webhook admits, but nothing will be issued" in found["deployment-controller"]["message"]
    assert found["refuses"]["ok"]
    assert found.ran.seconds < 15


def test_a_controller_without_a_leader(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """A running controller that cannot get its Lease issues nothing; waiting may help, so a --wait goes on."""
    with controller_with(kubectl, "--leader-election-namespace=frit-no-such"):
        found = check(cluster, "--wait", "2s", code=exits.NOT_READY)
    assert found.bad == ["leader-controller"]
    assert "Lease frit-no-such/cert-manager-controller does not exist" in found["leader-controller"]["message"]
    assert "nothing will be issued" in found["leader-controller"]["message"]
    assert found.data["looks"] >= 2


def test_a_component_that_cannot_start(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """The diagnosis of its pods is in the message, the hint and the data."""
    recreate = {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}
    kubectl("-n", SPACE, "patch", "deployment", CONTROLLER, "-p", json.dumps(recreate))
    kubectl("-n", SPACE, "set", "image", f"deployment/{CONTROLLER}", "*=registry.invalid/cert-manager-controller:none")
    try:
        deadline = time.monotonic() + 30
        while True:
            found = check(cluster, code=exits.NOT_READY)
            if "registry.invalid" in found["deployment-controller"]["message"] or time.monotonic() > deadline:
                break
            time.sleep(0.5)  # the kubelet needs a moment to try
    finally:
        apply(
            kubectl,
            [one for one in documents() if one["metadata"]["name"] == CONTROLLER and one["kind"] == "Deployment"],
        )
    assert (
        "image registry.invalid/cert-manager-controller:none cannot be pulled"
        in found["deployment-controller"]["message"]
    )
    assert "next: kubectl -n cert-manager describe pod" in found["deployment-controller"]["hint"]
    assert found["deployment-controller"]["findings"][0]["cause"] == "image-not-pulled"
