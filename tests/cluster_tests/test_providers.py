"""Which provider is taken, and what is said where none can be."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cluster import certmanager, progress, provider_builtin, provider_kind, providers, state
from tests.cluster.paths import ClusterError, cluster_folder
from tests.cluster.state import Cluster

# Stands in for both programs: writes down how it was called, and writes what kind would write.
_FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
for argument in "$@"; do
  case "$argument" in --kubeconfig=*) cp "$KUBECONFIG_TO_WRITE" "${argument#--kubeconfig=}";; esac
done
case "$*" in "version"*) exit "${DOCKER_EXIT:-0}";; "create"*) echo "${KIND_WORDS}" >&2; exit "${KIND_EXIT:-0}";; esac
"""


@pytest.fixture(autouse=True)
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for variable in ("FRIT_TEST_CLUSTER", "FRIT_TEST_KUBECONFIG", "FRIT_TEST_KIND_IMAGE"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fake docker and kind programs (neither daemon nor registry can be had everywhere); gives what was called."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("docker", "kind", "kubectl"):
        (programs / name).write_text(_FAKE)
        (programs / name).chmod(0o755)
    kubeconfig = {
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("KUBECONFIG_TO_WRITE", str(tmp_path / "kubeconfig"))
    archive = tmp_path / "images.tar"
    archive.touch()
    monkeypatch.setattr(certmanager, "archive", lambda _version, _say: archive)
    return tmp_path / "calls"


def test_existing_cluster_is_never_taken_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kubeconfig alone isn't leave to install and delete: the provider has to be named too."""
    monkeypatch.setattr(provider_kind, "unusable", lambda: "no kind")
    monkeypatch.setattr(provider_builtin, "unusable", lambda: "not root")
    (tmp_path / "config").write_text("{}")
    monkeypatch.setenv("FRIT_TEST_KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(ClusterError, match=r"no cluster can be had here\. kind: no kind; builtin: not root"):
        providers.choose()
    monkeypatch.setenv("FRIT_TEST_CLUSTER", "existing")
    assert providers.choose().NAME == "existing"


def test_named_provider_says_what_it_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that was asked for and can't work says why, and no other one steps in."""
    monkeypatch.setenv("FRIT_TEST_CLUSTER", "existing")
    with pytest.raises(ClusterError, match=r"existing: set FRIT_TEST_KUBECONFIG"):
        providers.choose()
    monkeypatch.setenv("FRIT_TEST_CLUSTER", "minikube")
    with pytest.raises(ClusterError, match=r"FRIT_TEST_CLUSTER=minikube is none of existing, kind, builtin"):
        providers.choose()


def test_kind_is_taken_where_docker_answers(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """kind comes first where it can work, and a daemon that doesn't answer sends us to the built-in one."""
    assert providers.choose().NAME == "kind"
    assert calls.read_text().startswith("docker version")
    monkeypatch.setenv("DOCKER_EXIT", "1")
    monkeypatch.setattr(provider_builtin, "unusable", lambda: None)
    assert providers.choose().NAME == "builtin"


def test_kind_cluster_has_an_audit_log_and_images(calls: Path) -> None:
    """A cluster of kind is made anew, with a host folder for its audit log, and gets the release's images."""
    cluster = provider_kind.up("n", ("1.21.2",), progress.quiet)
    folder = cluster_folder("n")
    assert state.load("n") == cluster
    assert cluster.server == "https://127.0.0.1:1"
    assert cluster.audit_log == folder / "audit" / "audit.log"
    config = json.loads((folder / "kind.json").read_text())
    assert config["nodes"][0]["extraMounts"][0]["hostPath"] == str(folder / "audit")
    lines = calls.read_text().splitlines()
    assert lines[0] == "kind delete cluster --name=frit-test-n"
    assert lines[1].startswith("kind create cluster --name=frit-test-n")
    assert lines[2].startswith("kind load image-archive")
    providers.down("n", progress.quiet)
    assert not folder.exists()


def test_failing_kind_is_quoted_and_removed(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that kind can't create is removed, and kind's words are the message."""
    monkeypatch.setenv("KIND_EXIT", "1")
    monkeypatch.setenv("KIND_WORDS", "no such image")
    with pytest.raises(ClusterError, match=r"kind can't create a cluster: no such image"):
        provider_kind.up("n", (), progress.quiet)
    assert calls.read_text().splitlines()[-1] == "kind delete cluster --name=frit-test-n"
    assert not cluster_folder("n").exists()


def test_images_are_not_loaded_into_a_cluster_of_somebody_else(tmp_path: Path) -> None:
    """Loading an image into an existing cluster is refused with what to do instead."""
    cluster = Cluster("n", "existing", tmp_path, tmp_path, "https://x", None, tmp_path)
    with pytest.raises(ClusterError, match="push its images to a registry"):
        providers._ALL["existing"].load(cluster, tmp_path / "a.tar")


def test_names_that_cannot_be_used_are_refused() -> None:
    """A cluster's name becomes a host name and a folder, so it has to look like one."""
    for name in ("", "Upper", "a/b", "..", "-a", "a-", "a" * 31):
        with pytest.raises(ClusterError, match="can't name a cluster"):
            cluster_folder(name)
    assert cluster_folder("a" * 30).name == "a" * 30


def test_unknown_release_is_refused_before_anything_starts() -> None:
    """A release that can't be built is named together with those that can."""
    with pytest.raises(
        ClusterError, match=r"cert-manager 1\.2 isn't known here; known are 1\.21\.2, 1\.20\.3, 1\.11\.5"
    ):
        providers.up("n", ("1.2",), progress.quiet)
