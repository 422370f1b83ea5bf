"""What ends a bootstrap early: downloads, permissions, pods. Each message names the cause and the next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.accounts import kubeconfig_of
from tests.bootstrap.conftest import VERSION, Bootstrap
from tests.cluster import Cluster, releases
from tests.conftest import Kubectl
from tests.running import frit

pytestmark = pytest.mark.cluster


def _nothing_there(kubectl: Kubectl) -> bool:
    return "cert-manager" not in kubectl("get", "crd,namespaces", "-o", "name")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("truncated", "not"),
        ("html", "web page"),
        ("other version", "1.20.3"),
        ("bomb", "larger than"),
    ],
)
def test_a_bad_manifest_leaves_the_cluster_untouched(
    fresh_cluster: Cluster, bootstrap: Bootstrap, kubectl: Kubectl, tmp_path: Path, damage: str, words: str
) -> None:
    """Truncated, a web page, another version or a bomb: exit 3 with the reason, nothing applied."""
    good = releases.manifest(VERSION).read_bytes()
    source = tmp_path / "cert-manager.yaml"
    source.write_bytes(
        {
            "truncated": good[: len(good) // 2],
            "html": b"<!doctype html><html><body>Please log in</body></html>",
            "other version": releases.manifest("1.20.3").read_bytes(),
            "bomb": b"#" * 20_000_000,
        }[damage]
    )
    ran = bootstrap("--cert-manager-manifest", str(source), "--cert-manager-version", VERSION)
    assert ran.code == 3, ran.stderr
    assert words in ran.stderr
    assert _nothing_there(kubectl)


def test_a_wrong_digest_is_refused(fresh_cluster: Cluster, bootstrap: Bootstrap, kubectl: Kubectl) -> None:
    """--sha256 pins the bytes: another digest is exit 3 and names both."""
    ran = bootstrap("--sha256", "0" * 64)
    assert ran.code == 3
    assert "0" * 64 in ran.stderr
    assert _nothing_there(kubectl)


def test_missing_permissions_are_named_before_anything_is_written(
    fresh_cluster: Cluster, kubectl: Kubectl, manifest_url: str, tmp_path: Path
) -> None:
    """An account that may only look gets the list of what it lacks, with commands to check, and exit 3.

    One that may not even look gets the first thing that it may not, and the same exit code.
    """
    stranger = kubeconfig_of(fresh_cluster, kubectl, "default", "stranger", tmp_path)
    blind = frit("bootstrap", "--cert-manager-manifest", manifest_url, "--no-cache", kubeconfig=stranger)
    assert blind.code == 3, blind.stderr
    assert "is forbidden" in blind.stderr
    kubectl("create", "clusterrolebinding", "frit-test-viewer", "--clusterrole=view",
            "--serviceaccount=default:viewer", check=False)  # fmt: skip
    kubectl("create", "clusterrole", "frit-test-lister", "--verb=get,list",
            "--resource=customresourcedefinitions,validatingwebhookconfigurations,mutatingwebhookconfigurations,nodes",
            check=False)  # fmt: skip
    kubectl("create", "clusterrolebinding", "frit-test-lister", "--clusterrole=frit-test-lister",
            "--serviceaccount=default:viewer", check=False)  # fmt: skip
    viewer = kubeconfig_of(fresh_cluster, kubectl, "default", "viewer", tmp_path)
    ran = frit("bootstrap", "--cert-manager-manifest", manifest_url, "--no-cache", kubeconfig=viewer)
    assert ran.code == 3, ran.stderr
    assert "create customresourcedefinitions.apiextensions.k8s.io" in ran.stderr
    assert "kubectl auth can-i" in ran.stderr
    assert _nothing_there(kubectl)


def test_roles_that_would_escalate_are_refused_before_anything_is_written(
    fresh_cluster: Cluster, kubectl: Kubectl, manifest_url: str, tmp_path: Path
) -> None:
    """Every verb, but not the rights that cert-manager's roles grant: the server's dry run says so, exit 3."""
    kubectl("create", "clusterrole", "frit-test-installer", "--verb=get,list,watch,create,patch",
            "--resource=customresourcedefinitions.apiextensions.k8s.io,namespaces,nodes,serviceaccounts,services,"
            "deployments.apps,roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io,"
            "clusterroles.rbac.authorization.k8s.io,clusterrolebindings.rbac.authorization.k8s.io,secrets,"
            "validatingwebhookconfigurations.admissionregistration.k8s.io,"
            "mutatingwebhookconfigurations.admissionregistration.k8s.io,endpointslices.discovery.k8s.io",
            check=False)  # fmt: skip
    rule = '[{"op":"add","path":"/rules/-","value":{"apiGroups":["cert-manager.io","packages.glasskube.dev"],' \
        '"resources":["*"],"verbs":["*"]}}]'  # fmt: skip
    kubectl("patch", "clusterrole", "frit-test-installer", "--type=json", "-p", rule)
    kubectl("create", "clusterrolebinding", "frit-test-installer", "--clusterrole=frit-test-installer",
            "--serviceaccount=default:installer", check=False)  # fmt: skip
    installer = kubeconfig_of(fresh_cluster, kubectl, "default", "installer", tmp_path)
    ran = frit("bootstrap", "--cert-manager-manifest", manifest_url, "--no-cache", kubeconfig=installer)
    assert ran.code == 3, ran.stderr
    assert "may not grant" in ran.stderr
    assert _nothing_there(kubectl)


def test_an_image_that_cannot_be_pulled_is_named(fresh_cluster: Cluster, bootstrap: Bootstrap) -> None:
    """The webhook never starts: exit 6 with the image, the pod and the next command, on screen and in the report."""
    ran = bootstrap("--image-registry", "registry.invalid/mirror", "--stage-timeout", "webhook=6s")
    assert ran.code == 6, ran.stderr
    assert "registry.invalid/mirror/jetstack/cert-manager-webhook" in ran.stderr
    assert "kubectl -n cert-manager describe pod" in ran.stderr
    causes = {one["cause"] for one in ran.report["diagnosis"]}
    assert "image-not-pulled" in causes


def test_a_pod_that_cannot_be_scheduled_is_named(
    fresh_cluster: Cluster, bootstrap: Bootstrap, kubectl: Kubectl
) -> None:
    """A tainted node takes no pods: a warning first, then exit 6 with what the scheduler says."""
    node = kubectl("get", "nodes", "-o", "name").strip().removeprefix("node/")
    kubectl("taint", "nodes", node, "frit.test/closed=yes:NoSchedule")
    try:
        ran = bootstrap("--stage-timeout", "webhook=5s")
    finally:
        kubectl("taint", "nodes", node, "frit.test/closed-")
    assert ran.code == 6, ran.stderr
    assert "no node takes pods at the moment" in ran.stderr
    assert "untolerated taint" in ran.stderr
    assert "unschedulable" in {one["cause"] for one in ran.report["diagnosis"]}


def test_a_conflict_of_field_managers_is_never_forced(
    fresh_cluster: Cluster, bootstrap: Bootstrap, kubectl: Kubectl
) -> None:
    """Somebody scaled the webhook: frit says who owns the field, exits 5 and leaves it."""
    assert bootstrap().code == 0
    kubectl("-n", "cert-manager", "scale", "deployment", "cert-manager-webhook", "--replicas=2")
    ran = bootstrap()
    assert ran.code == 5, ran.stderr
    assert "kubectl" in ran.stderr
    assert "replicas" in ran.stderr
    found = kubectl.json("-n", "cert-manager", "get", "deployment", "cert-manager-webhook")
    assert found["spec"]["replicas"] == 2


def test_an_unreachable_server_is_exit_4(tmp_path: Path, manifest_url: str, cluster: Cluster) -> None:
    """Nothing listens at the server's address: after the connect stage's limit, exit 4 and the address."""
    config = cluster.kubeconfig.read_text().replace(cluster.server, "https://127.0.0.1:1")
    broken = tmp_path / "kubeconfig"
    broken.write_text(config)
    ran = frit(
        "bootstrap",
        "--cert-manager-manifest",
        manifest_url,
        "--stage-timeout",
        "connect=2s",
        "--no-cache",
        kubeconfig=broken,
    )
    assert ran.code == 4, ran.stderr
    assert "https://127.0.0.1:1" in ran.stderr
    assert ran.seconds < 6
