"""The demo: what it runs, how it ends, and that the whole of it works on a real cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tests.cluster
from tests import demo
from tests.cluster import Cluster

CLUSTER = Cluster(
    name="frit-demo",
    provider="built-in",
    folder=Path("/nowhere"),
    kubeconfig=Path("/nowhere/kubeconfig"),
    server="https://198.18.9.2:6443",
    audit_log=None,
    kubectl=Path("/nowhere/kubectl"),
)


def test_the_demo_shows_bootstrap_check_and_the_repositories() -> None:
    """It registers the local repository and makes it the default; then come check, repo list and search."""
    shown = demo.commands("http://127.0.0.1:1/manifest.yaml", "http://127.0.0.1:2")
    assert [command[0] for command in shown] == ["bootstrap", "repo", "check", "repo", "search"]
    assert "demo=http://127.0.0.1:2" in shown[0]


def test_a_proxy_of_the_machine_is_kept_away_from_the_cluster() -> None:
    """Where the environment names a proxy, the cluster's address is added to the exceptions; else nothing is set."""
    assert demo.environment(CLUSTER, {}) == {"KUBECONFIG": "/nowhere/kubeconfig"}
    proxied = demo.environment(CLUSTER, {"https_proxy": "http://proxy.example:3128", "NO_PROXY": ".example"})
    assert proxied["NO_PROXY"] == proxied["no_proxy"] == ".example,198.18.9.2"


def test_a_command_that_fails_ends_the_demo(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The demo ends with 1 at the first command that does not end with 0, and says which code it was."""
    monkeypatch.setattr(tests.cluster, "up", lambda name: CLUSTER)
    monkeypatch.setattr(demo, "commands", lambda manifest, repository: [["--version"], ["no-such"], ["--help"]])
    assert demo.show("frit-demo") == 1
    out = capfd.readouterr().out
    assert "$ frit --version" in out
    assert "exit code 2" in out
    assert "$ frit --help" not in out


@pytest.mark.cluster
def test_the_demo_works_and_is_removed_without_a_trace() -> None:
    """The demo ends with 0, shows each command before its output, and `down` leaves no cluster behind."""
    name = "frit-demo-test"
    plain = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    base = [sys.executable, "-m", "tests.demo", "--name", name]
    try:
        done = subprocess.run(base, capture_output=True, text=True, timeout=540, env=plain)
        assert done.returncode == 0, done.stdout + done.stderr
        for text in (
            "$ frit bootstrap ",
            "ready (",
            "$ frit check\n",
            "$ frit repo list\n",
            "\ndemo ",
            "$ frit search\n",
            "\nhello-web ",
            "--name " + name,
        ):
            assert text in done.stdout
    finally:
        removed = subprocess.run([*base, "down"], capture_output=True, text=True, timeout=120, env=plain)
    assert removed.returncode == 0, removed.stderr
    assert tests.cluster.status(name) is None
