"""How a run of the tests treats the cluster that it needs."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.cluster import paths


def _pytest(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/cluster_tests/test_real.py", *arguments]
    return subprocess.run(
        command,
        cwd=paths.SOURCES.parent.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_tests_without_cluster_are_left_out_and_counted() -> None:
    """--no-cluster leaves out what needs a cluster, says so at the top, and counts it at the end."""
    done = _pytest("--no-cluster")
    assert "--no-cluster: tests that need a real cluster are left out" in done.stdout
    assert "deselected" in done.stdout.splitlines()[-1]
    assert "skipped" not in done.stdout
    assert "passed" not in done.stdout


def test_cluster_that_cannot_be_had_fails_the_tests() -> None:
    """Where no cluster can be had, tests that need one fail with the reason; they are not skipped."""
    done = _pytest(
        "-k",
        "image_from_a_file",
        FRIT_TEST_CLUSTER="existing",
        FRIT_TEST_KUBECONFIG="",
        FRIT_TEST_CLUSTER_NAME="no-such",
    )
    assert done.returncode == 1
    assert "no cluster can be had here. existing: set FRIT_TEST_KUBECONFIG" in done.stdout
    assert "1 error" in done.stdout.splitlines()[-1]
