"""A cert-manager that is already there: kept when healthy, left alone when broken, completed when it is frit's own."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.cluster
from tests.bootstrap.conftest import VERSION, Bootstrap, Helm
from tests.cluster import Cluster, clean, releases
from tests.conftest import Kubectl
from tests.running import interrupt, start

pytestmark = pytest.mark.cluster

OLDER = "1.20.3"


@pytest.fixture(scope="module")
def helm_release(cluster: Cluster, helm: Helm) -> Iterator[None]:
    """An older cert-manager that Helm installed, for the tests of this module that keep or break it."""
    clean.clean(cluster.kubeconfig)
    tests.cluster.load_release(cluster.name, OLDER)
    helm("install", "cert-manager", str(releases.chart(OLDER)), "--namespace", "cert-manager", "--create-namespace",
         "--wait", "--set", "crds.enabled=true", "--set", "startupapicheck.enabled=false")  # fmt: skip
    yield
    clean.clean(cluster.kubeconfig)


def test_a_healthy_one_is_kept_and_proven(helm_release: None, bootstrap: Bootstrap, kubectl: Kubectl) -> None:
    """Nothing of it is written; the package API and the repositories are added."""
    before = kubectl.json("-n", "cert-manager", "get", "deployments")["items"]
    assert f"cert-manager: {OLDER}, installed by Helm release cert-manager: kept" in bootstrap("--dry-run").stderr
    ran = bootstrap()
    assert ran.code == 0, ran.stderr
    assert f"cert-manager: {OLDER}, installed by Helm release cert-manager: kept" in ran.stderr
    assert ran.stage("webhook")["outcome"] == "done"
    assert ran.changes() == {"created": 5}
    after = kubectl.json("-n", "cert-manager", "get", "deployments")["items"]
    assert [one["metadata"]["generation"] for one in after] == [one["metadata"]["generation"] for one in before]


def test_a_broken_one_stops_the_run_before_any_write(
    helm_release: None, bootstrap: Bootstrap, kubectl: Kubectl
) -> None:
    """Exit 3 with the owner, what is broken and the next command; nothing is created."""
    for kind in ("packagerepositories", "crd"):
        listed = [one for one in kubectl("get", kind, "-o", "name", check=False).split() if "glasskube" in one]
        if listed:
            kubectl("delete", *listed)
    kubectl("-n", "cert-manager", "scale", "deployment", "cert-manager-webhook", "--replicas=0")
    ran = bootstrap()
    kubectl("-n", "cert-manager", "scale", "deployment", "cert-manager-webhook", "--replicas=1")
    assert ran.code == 3, ran.stderr
    assert "installed by Helm release cert-manager" in ran.stderr
    assert "cert-manager/cert-manager-webhook is scaled to 0" in ran.stderr
    assert "Nothing was changed" in ran.stderr
    assert "kubectl -n cert-manager scale deployment cert-manager-webhook --replicas=1" in ran.stderr
    assert ran.report["exitCode"] == 3
    assert "glasskube" not in kubectl("get", "crd", "-o", "name")


def test_an_excluded_probe_namespace_is_named_as_such(
    helm_release: None, bootstrap: Bootstrap, kubectl: Kubectl
) -> None:
    """A namespace that is excluded from validation is no broken installation; another one is asked for."""
    kubectl("label", "namespace", "default", "cert-manager.io/disable-validation=true")
    try:
        ran = bootstrap()
    finally:
        kubectl("label", "namespace", "default", "cert-manager.io/disable-validation-")
    assert ran.code == 3
    assert "namespace default is excluded from cert-manager's validation" in ran.stderr
    assert "--probe-namespace" in ran.stderr


def test_leftover_definitions_are_named_with_their_owner(helm_release: None, bootstrap: Bootstrap, helm: Helm) -> None:
    """Half removed: only the definitions are left, which Helm keeps on uninstall. Runs last: it uninstalls."""
    helm("uninstall", "cert-manager", "--namespace", "cert-manager", "--wait")
    ran = bootstrap()
    assert ran.code == 3, ran.stderr
    assert "installed by Helm release cert-manager" in ran.stderr
    assert "only its definitions are left" in ran.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_is_completed_by_the_next(
    fresh_cluster: Cluster, bootstrap: Bootstrap, manifest_url: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """A signal ends frit within a second, with its account and report; the next run completes what it left."""
    report = tmp_path / "interrupted.json"
    arguments = ("bootstrap", "--cert-manager-manifest", manifest_url, "--report", str(report))
    process = start(*arguments, kubeconfig=fresh_cluster.kubeconfig, environment={"FRIT_CACHE_DIR": str(tmp_path)})
    assert process.stderr is not None
    while "preflight" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.3)  # somewhere in the middle of the first stage that writes
    ran = interrupt(process, number, report)
    assert ran.code == code
    assert ran.seconds < 1.0
    assert "run frit bootstrap again" in ran.stderr
    assert ran.report["outcome"] == "interrupted"
    assert ran.report["exitCode"] == code
    done = bootstrap()
    assert done.code == 0, done.stderr
    assert done.report["versions"]["certManager"] == VERSION


def test_an_installation_of_kubectl_that_is_just_starting_is_waited_for(
    fresh_cluster: Cluster, bootstrap: Bootstrap, kubectl: Kubectl
) -> None:
    """Somebody applied the release a moment ago: frit lets its pods settle and keeps it."""
    kubectl("apply", "--server-side", "-f", str(releases.manifest(VERSION)))
    ran = bootstrap()
    assert ran.code == 0, ran.stderr
    assert f"{VERSION}, installed by kubectl: kept" in ran.stderr
