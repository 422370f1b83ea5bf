"""`frit check` on a real cluster with real cert-manager: it says no wherever the next create would not work, and why.

cert-manager is installed once by plain kubectl; each test breaks it, looks, and mends it again.
"""

from __future__ import annotations

import base64
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from base import exits
from base.clock import Run
from base.events import silent
from certificates import leftovers
from certificates.checks import Severity
from certificates.issuance import Issuance
from kube.connection import ConnectionOptions, connect
from tests.accounts import kubeconfig_of
from tests.cluster import Cluster, releases
from tests.cluster.audit import recording
from tests.conftest import Kubectl
from tests.running import Ran, frit, interrupt, start

pytestmark = pytest.mark.cluster

VERSION = "1.21.2"
SPACE = "cert-manager"
WEBHOOK, CONTROLLER, INJECTOR = "cert-manager-webhook", "cert-manager", "cert-manager-cainjector"
CONFIGURATIONS = (
    "mutatingwebhookconfiguration/cert-manager-webhook",
    "validatingwebhookconfiguration/cert-manager-webhook",
)
THROW_AWAY = "frit.test/throw-away=true"


@dataclass(frozen=True)
class Checked:
    """What `frit check -o json` said."""

    ran: Ran
    data: dict[str, Any]

    def __getitem__(self, name: str) -> dict[str, Any]:
        """One check by its name."""
        found: dict[str, Any] = next(one for one in self.data["checks"] if one["name"] == name)
        return found

    @property
    def bad(self) -> list[str]:
        """The names of the checks that failed or are unknown."""
        return [one["name"] for one in self.data["checks"] if one["severity"] in ("failed", "unknown")]


def check(cluster: Cluster, *arguments: str, code: int, kubeconfig: Path | None = None) -> Checked:
    """Run `frit check --only cert-manager -o json`; it must end with this exit code, and its data must agree."""
    ran = frit("check", "--only", "cert-manager", "-o", "json", *arguments, kubeconfig=kubeconfig or cluster.kubeconfig)
    assert ran.code == code, f"{ran.stdout}\n{ran.stderr}"
    data = json.loads(ran.stdout)
    assert data["ready"] is (code == exits.OK)
    assert data["ready"] is all(one["ok"] for one in data["checks"])
    assert data["exitCode"] == code
    assert bool(data["reason"]) is (code != exits.OK)
    return Checked(ran, data)


def documents() -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(releases.manifest(VERSION).read_text()) if one]


def apply(kubectl: Kubectl, objects: list[dict[str, Any]]) -> None:
    text = "\n---\n".join(json.dumps(one) for one in objects)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)


def scale(kubectl: Kubectl, deployment: str, replicas: int) -> None:
    """Scale, and wait until the pods are gone or there."""
    kubectl("-n", SPACE, "scale", "deployment", deployment, f"--replicas={replicas}")
    if replicas:
        kubectl("-n", SPACE, "rollout", "status", "deployment", deployment, "--timeout=60s")
    else:
        selector = kubectl.json("-n", SPACE, "get", "deployment", deployment)["spec"]["selector"]["matchLabels"]
        labels = ",".join(f"{key}={value}" for key, value in selector.items())
        kubectl("-n", SPACE, "wait", "--for=delete", "pod", "-l", labels, "--timeout=60s")


@contextmanager
def scaled_to_0(kubectl: Kubectl, deployment: str) -> Iterator[None]:
    scale(kubectl, deployment, 0)
    try:
        yield
    finally:
        scale(kubectl, deployment, 1)


@contextmanager
def policy(kubectl: Kubectl, value: str) -> Iterator[None]:
    """Both webhook configurations with this failurePolicy, and Fail again afterwards."""

    def put(wanted: str) -> None:
        for one in CONFIGURATIONS:
            patch = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": wanted}]
            kubectl("patch", one, "--type=json", "-p", json.dumps(patch))

    put(value)
    try:
        yield
    finally:
        put("Fail")


@pytest.fixture(scope="module")
def installed(cluster: Cluster, kubectl: Kubectl) -> None:
    """cert-manager, as `kubectl apply` of its release leaves it."""
    apply(kubectl, documents())


@pytest.fixture
def healthy(cluster: Cluster, installed: None) -> None:
    """cert-manager that has been seen to be ready; what a test before broke has healed."""
    check(cluster, "--wait", "90s", code=exits.OK)


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


def test_an_excluded_namespace(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """A namespace that is excluded from validation is named as such, and not as a broken installation."""
    name = "frit-excluded"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "cert-manager.io/disable-validation=true", THROW_AWAY)
    try:
        found = check(cluster, "-n", name, "--wait", "60s", code=exits.NOT_READY)
        absent = check(cluster, "-n", "frit-no-such", "--wait", "60s", code=exits.NOT_READY)
    finally:
        kubectl("delete", "namespace", name, "--wait=false")
    assert found.bad == ["namespace"]
    assert "excluded from validation" in found["namespace"]["message"]
    assert "cert-manager.io/disable-validation=true" in found["namespace"]["message"]
    assert found["refuses"]["severity"] == "skipped"
    assert found.ran.seconds < 10
    assert absent["namespace"]["message"] == "namespace frit-no-such does not exist"


def test_controller_at_0(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """The webhook admits and refuses as it should, and yet nothing will be issued: no."""
    with scaled_to_0(kubectl, CONTROLLER):
        found = check(cluster, "--wait", "60s", code=exits.NOT_READY)
    assert found.bad == ["deployment-controller"]
    assert "the webhook admits, but nothing will be issued" in found["deployment-controller"]["message"]
    assert found["refuses"]["ok"]
    assert found.ran.seconds < 15


@contextmanager
def controller_with(kubectl: Kubectl, *arguments: str) -> Iterator[None]:
    """The controller with these arguments besides (or instead of) its own, and as it was afterwards."""
    container = kubectl.json("-n", SPACE, "get", "deployment", CONTROLLER)["spec"]["template"]["spec"]["containers"][0]
    flags = {one.partition("=")[0] for one in arguments}
    changed = [one for one in container["args"] if one.partition("=")[0] not in flags]

    def put(value: list[str]) -> None:
        patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": value}]
        kubectl("-n", SPACE, "patch", "deployment", CONTROLLER, "--type=json", "-p", json.dumps(patch))
        kubectl("-n", SPACE, "rollout", "status", "deployment", CONTROLLER, "--timeout=60s")

    put([*changed, *arguments])
    try:
        yield
    finally:
        put(container["args"])


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


POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: frit-test-deny}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [cert-manager.io], apiVersions: [v1], operations: [CREATE], resources: [certificaterequests]}
  validations:
  - {expression: "false", message: "certificates need a ticket"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: frit-test-deny}
spec: {policyName: frit-test-deny, validationActions: [Deny]}
"""


def test_a_foreign_policy(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """A policy of somebody else that refuses valid objects is exit 5, in its own words, and ends a --wait at once."""

    def until(refused: bool) -> None:
        deadline = time.monotonic() + 20
        while (code := frit("check", kubeconfig=cluster.kubeconfig).code) and time.monotonic() < deadline:
            if (code == exits.REFUSED) is refused:
                return
            time.sleep(0.5)  # a policy that comes or goes takes effect a moment later

    kubectl("apply", "-f", "-", stdin=POLICY)
    try:
        until(refused=True)
        found = check(cluster, "--wait", "60s", code=exits.REFUSED)
    finally:
        kubectl("delete", "-f", "-", stdin=POLICY)
        until(refused=False)
    assert "certificates need a ticket" in found["admits"]["message"]
    assert "a policy that is not cert-manager's refuses a valid object" in found["admits"]["message"]
    assert found.ran.seconds < 10


ALL_BUT_SECRETS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: frit-test-check, labels: {frit.test/throw-away: "true"}}
rules:
- {apiGroups: [""], resources: [namespaces, services, pods, events], verbs: [get, list]}
- {apiGroups: [apps], resources: [deployments], verbs: [list]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list]}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get]}
- {apiGroups: [admissionregistration.k8s.io], resources: ["*"], verbs: [list]}
- {apiGroups: [cert-manager.io], resources: [certificaterequests], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: frit-test-check, labels: {frit.test/throw-away: "true"}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: frit-test-check}
subjects: [{kind: ServiceAccount, name: checker, namespace: default}]
"""


def test_missing_permissions(cluster: Cluster, kubectl: Kubectl, healthy: None, tmp_path: Path) -> None:
    """Who may not look gets exit 9 at once, with each missing permission and the command that asks for it."""
    account = kubeconfig_of(cluster, kubectl, "default", "checker", tmp_path)
    kubectl("apply", "-f", "-", stdin=ALL_BUT_SECRETS)
    try:
        little = check(cluster, "--wait", "60s", code=exits.CANNOT_TELL, kubeconfig=account)
    finally:
        kubectl("delete", "-f", "-", stdin=ALL_BUT_SECRETS)
    nothing = check(cluster, "--wait", "60s", code=exits.CANNOT_TELL, kubeconfig=account)
    kubectl("-n", "default", "delete", "serviceaccount", "checker")
    assert little.bad == ["ca-secret"]
    assert little["ca-secret"]["hint"] == "kubectl auth can-i get secrets -n cert-manager"
    assert little["refuses"]["ok"]
    hints = {one["hint"] for one in nothing.data["checks"] if one["severity"] == "unknown"}
    assert "kubectl auth can-i create certificaterequests.cert-manager.io -n default" in hints
    assert "kubectl auth can-i list deployments.apps" in hints
    assert nothing.ran.seconds < 10


def test_repositories_and_a_package_api(cluster: Cluster, healthy: None) -> None:
    """With healthy cert-manager and no package API the answer is exit 8, and how to leave packages out."""
    ran = frit("check", "-o", "json", kubeconfig=cluster.kubeconfig)
    data = json.loads(ran.stdout)
    assert ran.code == exits.REPOSITORY
    assert data["reason"].startswith("package-api: ")
    assert "frit check --only cert-manager" in data["checks"][-1]["hint"]


def test_a_cluster_that_does_not_answer(cluster: Cluster, tmp_path: Path) -> None:
    """Exit 4, as data too; a --wait goes on, because an API server may come back."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "nobody.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    found = check(cluster, "--wait", "2s", code=exits.UNREACHABLE, kubeconfig=path)
    assert found.bad == ["api-server"]
    assert found.data["looks"] >= 2


def namespaces(kubectl: Kubectl) -> list[dict[str, Any]]:
    """The trial namespaces that nobody is removing."""
    found = kubectl.json("get", "namespaces", "-l", f"{leftovers.LABEL}={leftovers.VALUE}")["items"]
    return [one for one in found if "deletionTimestamp" not in one["metadata"]]


def test_a_real_certificate(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """--issue has a certificate issued and leaves nothing behind."""
    found = check(cluster, "--issue", code=exits.OK)
    assert "a selfSigned Certificate was issued" in found["issue"]["message"]
    assert namespaces(kubectl) == []


def test_a_certificate_that_is_not_issued(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """A controller that looks elsewhere leads and issues nothing: only --issue finds out, says so, and cleans up.

    A signal meanwhile ends frit within a second, with its namespace on the way out.
    """
    client = connect(ConnectionOptions(kubeconfig=str(cluster.kubeconfig)), user_agent="frit-tests").client
    with controller_with(kubectl, "--namespace=kube-public"):
        check(cluster, "--wait", "60s", code=exits.OK)
        verdict = Issuance(client, Run(), silent, limit=2.0, hint="look at its log").check()
        assert namespaces(kubectl) == []
        for number, code in ((signal.SIGINT, exits.INTERRUPTED), (signal.SIGTERM, exits.TERMINATED)):
            process = start("check", "--only", "cert-manager", "--issue", kubeconfig=cluster.kubeconfig)
            deadline = time.monotonic() + 30
            while not namespaces(kubectl) and time.monotonic() < deadline:
                time.sleep(0.05)  # until the trial is under way
            ended = interrupt(process, number)
            assert (ended.code, ended.stdout) == (code, "")
            assert "interrupted: namespace frit-check-" in ended.stderr
            assert ended.seconds < 1.5
            assert namespaces(kubectl) == []
    assert verdict.severity is Severity.FAILED
    assert "no selfSigned Certificate was issued within 2.0 s" in verdict.message
    assert "the controller has not looked at the Certificate yet" in verdict.message
    assert verdict.hint == "look at its log"


def test_what_a_killed_run_left_is_swept(cluster: Cluster, kubectl: Kubectl, healthy: None, monkeypatch: Any) -> None:
    """Only namespaces with our label and our prefix that are old enough are removed."""
    client = connect(ConnectionOptions(kubeconfig=str(cluster.kubeconfig)), user_agent="frit-tests").client
    label = f"{leftovers.LABEL}={leftovers.VALUE}"
    for name, mark in (("frit-check-left", label), ("frit-other", label), ("frit-check-foreign", THROW_AWAY)):
        kubectl("create", "namespace", name)
        kubectl("label", "namespace", name, mark)
    try:
        assert leftovers.sweep(client) == []
        monkeypatch.setattr(leftovers, "LEFTOVER_AGE", -10.0)
        assert leftovers.sweep(client) == ["frit-check-left"]
        assert [one["metadata"]["name"] for one in namespaces(kubectl)] == ["frit-other"]
    finally:
        kubectl(
            "delete", "namespace", "frit-other", "frit-check-foreign", "frit-check-left", "--wait=false", check=False
        )
