"""What the tests of a bootstrap share: a run against the cluster of this session, from a local release server."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from tests.cluster import Cluster, build, progress, releases
from tests.kube.conftest import asking, server  # noqa: F401 -- fixtures
from tests.running import Ran, frit

VERSION = "1.21.2"


class Bootstrap(Protocol):
    """Runs `frit bootstrap` with a report."""

    def __call__(self, *arguments: str, **environment: str) -> Ran:
        """Run it with these arguments."""
        ...


@pytest.fixture
def manifest_url(release_server: releases.ReleaseServer) -> str:
    return release_server.url(VERSION)


@pytest.fixture
def bootstrap(cluster: Cluster, manifest_url: str, tmp_path: Path) -> Bootstrap:
    def run(*arguments: str, **environment: str) -> Ran:
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        source = () if "--cert-manager-manifest" in arguments else ("--cert-manager-manifest", manifest_url)
        return frit(
            "bootstrap",
            *source,
            "--report",
            str(report),
            *arguments,
            kubeconfig=cluster.kubeconfig,
            environment={"FRIT_CACHE_DIR": str(tmp_path / "cache"), **environment},
        )

    return run


Helm = Callable[..., None]


@pytest.fixture(scope="module")
def helm(cluster: Cluster) -> Helm:
    """Runs helm against the cluster; a failure of it fails the test."""
    program = build.programs(build.HELM, progress.to_stderr) / "helm"

    def run(*arguments: str) -> None:
        command = [str(program), "--kubeconfig", str(cluster.kubeconfig), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr

    return run


Versions = Callable[[], dict[str, str]]


@pytest.fixture
def versions(cluster: Cluster) -> Versions:
    """The resourceVersion of every object that a bootstrap has to do with."""
    from tests.conftest import Kubectl

    kubectl = Kubectl(cluster)
    kinds = (
        "crd,validatingwebhookconfigurations,mutatingwebhookconfigurations,clusterroles,clusterrolebindings,"
        "deployments,services,serviceaccounts,roles,rolebindings,secrets,namespaces"
    )

    def read() -> dict[str, str]:
        listed = kubectl.json("get", kinds, "--all-namespaces")["items"]
        listed += kubectl.json("get", "packagerepositories")["items"]
        return {
            f"{one['kind']} {one['metadata'].get('namespace', '')}/{one['metadata']['name']}": one["metadata"][
                "resourceVersion"
            ]
            for one in listed
        }

    return read
