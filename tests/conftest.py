"""What tests share: the real cluster, a clean one, release manifests on loopback, and kubectl."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

import tests.cluster
from tests.cluster import Cluster, clean, locks, paths, progress, releases

# A cluster that the user lends is one: there the workers take turns.
WORKER = "" if os.environ.get("FRIT_TEST_CLUSTER") == "existing" else os.environ.get("PYTEST_XDIST_WORKER", "")
CLUSTER_NAME = "-".join(filter(None, (os.environ.get("FRIT_TEST_CLUSTER_NAME", "frit-test"), WORKER)))
"""The cluster of this run; another name lets two runs go on at the same time. Each worker of a run has its own."""

LONG = (
    "tests/bootstrap/test_faults_on_cluster.py",
    "tests/cluster_tests/test_real.py",
    "tests/chaos/test_chaos_on_cluster.py",
    "tests/bootstrap/test_fresh_on_cluster.py",
    "tests/certificates/test_check_cluster.py",
    "tests/bootstrap/test_existing_on_cluster.py",
    "tests/bootstrap/test_webhooks_on_cluster.py",
    "tests/bench/test_on_cluster.py",
    "tests/bootstrap/test_refusals_on_cluster.py",
)
"""Files that take long, the longest first: workers take whole files, and none shall be left with one at the end."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cluster")
    group.addoption(
        "--no-cluster", action="store_true", help="leave out (and count) the tests that need a real cluster"
    )
    group.addoption("--keep-cluster", action="store_true", help="leave the cluster running for the next run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    places = {config.rootpath / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))
    if not config.getoption("--no-cluster"):
        return
    left_out = [item for item in items if item.get_closest_marker("cluster")]
    items[:] = [item for item in items if not item.get_closest_marker("cluster")]
    config.hook.pytest_deselected(items=left_out)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """`make test` runs two halves, by marker; the tests that were asked for may all be in the other one."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.option.markexpr:
        session.exitstatus = pytest.ExitCode.OK


def pytest_report_header(config: pytest.Config) -> str | None:
    if config.getoption("--no-cluster"):
        return "--no-cluster: tests that need a real cluster are left out"
    return None


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """The running cluster of this run; one that cannot be had is a failure, never a skip."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    assert capture is not None

    def tell(line: str) -> None:
        with capture.global_and_fixture_disabled():
            progress.to_stderr(f"\n{line}")

    def waiting() -> None:
        tell(
            f"another run of the tests has cluster {CLUSTER_NAME}: waiting for its end "
            "(FRIT_TEST_CLUSTER_NAME names another cluster)"
        )

    # Two runs on one cluster would clean each other's objects away.
    with locks.exclusive(paths.clusters() / f".{CLUSTER_NAME}.tests.lock", waiting):
        found = tests.cluster.status(CLUSTER_NAME) is not None
        yield tests.cluster.up(CLUSTER_NAME, say=tell)  # the first time builds Kubernetes, which takes minutes
        if not found and not pytestconfig.getoption("--keep-cluster"):
            tests.cluster.down(CLUSTER_NAME)


@pytest.fixture
def fresh_cluster(cluster: Cluster) -> Cluster:
    """The cluster, cleaned to nothing before the test."""
    clean.clean(cluster.kubeconfig)
    return cluster


@pytest.fixture(scope="session")
def release_server() -> Iterator[releases.ReleaseServer]:
    """cert-manager's release manifests on loopback."""
    with releases.ReleaseServer() as server:
        yield server


class Kubectl:
    """Runs kubectl against the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._base = [str(cluster.kubectl), f"--kubeconfig={cluster.kubeconfig}"]

    def __call__(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """What kubectl prints; with ``check`` a failure fails the test with kubectl's own words."""
        done = subprocess.run([*self._base, *arguments], input=stdin, capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            pytest.fail(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What kubectl prints with ``-o json``, parsed."""
        return json.loads(self(*arguments, "-o", "json"))


@pytest.fixture(scope="session")
def kubectl(cluster: Cluster) -> Kubectl:
    return Kubectl(cluster)
