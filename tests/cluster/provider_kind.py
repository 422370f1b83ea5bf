"""The provider for machines with Docker and kind: a node in a container."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from . import build, certmanager, control_plane, paths, progress, provider_existing, state
from .api import Api
from .paths import ClusterError
from .state import Cluster

NAME = "kind"
IMAGE_VARIABLE = "FRIT_TEST_KIND_IMAGE"

# Where the folder with audit policy and log is seen, on the node and in the API server's container.
_AUDIT = "/var/log/frit-audit"


def unusable() -> str | None:
    """Why this provider can't work here; None where it can."""
    for program in ("kind", "docker"):
        if shutil.which(program) is None:
            return f"{program} isn't installed"
    try:
        docker = _run("docker", "version", "--format={{.Server.Version}}", timeout=20)
    except subprocess.TimeoutExpired:
        return "the Docker daemon doesn't answer within 20 s"
    return None if docker.returncode == 0 else f"the Docker daemon doesn't answer: {_words(docker)}"


def up(name: str, releases: tuple[str, ...], say: progress.Say) -> Cluster:
    """Creates a cluster; what an earlier run left of it is removed first. Raises ClusterError with kind's words."""
    folder = paths.cluster_folder(name)
    archives = [certmanager.archive(version, say) for version in releases]
    kubectl = build.kubectl(say)
    down(name)
    audit = folder / "audit"
    audit.mkdir(parents=True)
    (audit / "policy.json").write_text(json.dumps(control_plane.AUDIT_POLICY) + "\n")
    # The API server runs as root in its container; the file is made here so that everybody can read it.
    (audit / control_plane.AUDIT_LOG).touch()
    (folder / "kind.json").write_text(json.dumps(_config(audit), indent=1) + "\n")
    kubeconfig = folder / "kubeconfig"
    command = ["kind", "create", "cluster", f"--name={_kind_name(name)}", f"--config={folder / 'kind.json'}"]
    command += [f"--kubeconfig={kubeconfig}", "--wait=180s"]
    if image := os.environ.get(IMAGE_VARIABLE):
        command.append(f"--image={image}")
    with progress.step(say, "kind create cluster"):
        created = _run(*command, timeout=600)
        if created.returncode != 0:
            down(name)
            raise ClusterError(f"kind can't create a cluster: {_words(created)}")
    cluster = Cluster(
        name=name,
        provider=NAME,
        folder=folder,
        kubeconfig=kubeconfig,
        server=Api(kubeconfig).server,
        audit_log=audit / control_plane.AUDIT_LOG,
        kubectl=kubectl,
    )
    with progress.step(say, "images loaded"):
        for archive in archives:
            load(cluster, archive)
    state.save(cluster)
    return cluster


def down(name: str) -> None:
    """Removes the cluster and its folder; fine where there is none. Raises ClusterError with kind's words."""
    if shutil.which("kind") is not None:
        deleted = _run("kind", "delete", "cluster", f"--name={_kind_name(name)}", timeout=180)
        if deleted.returncode != 0:
            raise ClusterError(f"kind can't delete the cluster {_kind_name(name)}: {_words(deleted)}")
    shutil.rmtree(paths.cluster_folder(name), ignore_errors=True)


healthy = provider_existing.healthy


def load(cluster: Cluster, archive: Path) -> None:
    """Loads the images of a docker archive. Raises ClusterError with kind's words."""
    done = _run("kind", "load", "image-archive", str(archive), f"--name={_kind_name(cluster.name)}", timeout=300)
    if done.returncode != 0:
        raise ClusterError(f"kind can't load {archive}: {_words(done)}")


def _kind_name(name: str) -> str:
    return f"frit-test-{name}"


def _config(audit: Path) -> dict[str, object]:
    """kind's configuration: one node whose API server writes an audit log into a folder of the host."""
    volume = {
        "name": "frit-audit",
        "hostPath": _AUDIT,
        "mountPath": _AUDIT,
        "readOnly": False,
        "pathType": "DirectoryOrCreate",
    }
    patch = {
        "kind": "ClusterConfiguration",
        "apiServer": {
            "extraArgs": {
                "audit-policy-file": f"{_AUDIT}/policy.json",
                "audit-log-path": f"{_AUDIT}/{control_plane.AUDIT_LOG}",
                "audit-log-maxsize": "10000",
            },
            "extraVolumes": [volume],
        },
    }
    node = {
        "role": "control-plane",
        "extraMounts": [{"hostPath": str(audit), "containerPath": _AUDIT}],
        "kubeadmConfigPatches": [json.dumps(patch)],
    }
    return {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [node]}


def _run(*command: str, timeout: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def _words(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.strip() or done.stdout.strip() or f"exit {done.returncode}"
