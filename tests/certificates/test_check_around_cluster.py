"""`frit check` where cert-manager is right and something around it is not."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from base import exits
from tests.accounts import kubeconfig_of
from tests.certificates.site import (
    SPACE,
    THROW_AWAY,
    check,
)
from tests.cluster import Cluster
from tests.conftest import Kubectl
from tests.running import frit

pytestmark = pytest.mark.cluster


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


DOCUMENTED = Path(__file__).parents[2] / "docs" / "check.md"

BINDINGS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: frit-check}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: frit-check}
subjects: [{kind: ServiceAccount, name: checker, namespace: default}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: frit-check, namespace: cert-manager}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: frit-check}
subjects: [{kind: ServiceAccount, name: checker, namespace: default}]
"""


def test_permissions(cluster: Cluster, kubectl: Kubectl, healthy: None, tmp_path: Path) -> None:
    """The documented roles are enough; who has less gets exit 9 at once, with each missing permission by name."""
    roles = DOCUMENTED.read_text().partition("```yaml\n")[2].partition("```")[0]
    account = kubeconfig_of(cluster, kubectl, "default", "checker", tmp_path)
    kubectl("apply", "-f", "-", stdin=f"{roles}\n---\n{BINDINGS}")
    try:
        check(cluster, code=exits.OK, kubeconfig=account)
        kubectl("-n", SPACE, "delete", "role", "frit-check")
        little = check(cluster, "--wait", "60s", code=exits.CANNOT_TELL, kubeconfig=account)
    finally:
        kubectl("delete", "-f", "-", "--ignore-not-found", stdin=f"{roles}\n---\n{BINDINGS}")
    nothing = check(cluster, "--wait", "60s", code=exits.CANNOT_TELL, kubeconfig=account)
    kubectl("-n", "default", "delete", "serviceaccount", "checker")
    assert little.bad == ["ca-secret"]
    assert little["ca-secret"]["hint"] == "kubectl auth can-i get secrets -n cert-manager"
    assert little["refuses"]["ok"]
    hints = {one["hint"] for one in nothing.data["checks"] if one["severity"] == "unknown"}
    assert "kubectl auth can-i create certificaterequests.cert-manager.io -n default" in hints
    assert "kubectl auth can-i list deployments.apps" in hints
    assert nothing.ran.seconds < 10


REPOSITORY = """
apiVersion: packages.glasskube.dev/v1alpha1
kind: PackageRepository
metadata: {name: own, annotations: {packages.glasskube.dev/default-repository: "true"}}
spec: {url: "https://packages.example/stable"}
"""


def test_package_repositories(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """Healthy cert-manager without package API or repositories is exit 8; with a default repository it is 0."""
    definitions = str(DOCUMENTED.parents[1] / "manifests" / "package-api.yaml")

    def asked(code: int) -> list[dict[str, Any]]:
        ran = frit("check", "-o", "json", "--wait", "20s", kubeconfig=cluster.kubeconfig)
        assert ran.code == code, ran.stdout
        checks: list[dict[str, Any]] = json.loads(ran.stdout)["checks"]
        return checks

    kubectl("delete", "-f", definitions, "--ignore-not-found")
    without = asked(exits.REPOSITORY)
    kubectl("apply", "--server-side", "-f", definitions)
    kubectl("wait", "--for=condition=Established", "-f", definitions, "--timeout=30s")
    try:
        empty = asked(exits.REPOSITORY)
        kubectl("apply", "--server-side", "-f", "-", stdin=REPOSITORY)
        there = asked(exits.OK)
    finally:
        kubectl("delete", "-f", definitions)
    assert without[-1]["name"] == "package-api"
    assert "frit check --only cert-manager" in without[-1]["hint"]
    assert empty[-1]["message"] == "no package repository is registered"
    assert there[-1]["message"] == "own; own is the default"


def test_a_cluster_that_does_not_answer(cluster: Cluster, tmp_path: Path) -> None:
    """Exit 4, as data too; a --wait goes on, because an API server may come back."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "nobody.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    found = check(cluster, "--wait", "2s", code=exits.UNREACHABLE, kubeconfig=path)
    assert found.bad == ["api-server"]
    assert found.data["looks"] >= 2
