"""The provider for a cluster that the user has: only on an explicit word, because tests install and delete."""

from __future__ import annotations

import http.client
import os
import shutil
from pathlib import Path

from . import build, paths, progress, state
from .api import Api
from .paths import ClusterError
from .state import Cluster

NAME = "existing"
KUBECONFIG_VARIABLE = "FRIT_TEST_KUBECONFIG"


def unusable() -> str | None:
    """Why this provider can't work here; None where it can."""
    named = os.environ.get(KUBECONFIG_VARIABLE)
    if not named:
        return f"set {KUBECONFIG_VARIABLE} to the kubeconfig of a cluster on which tests may install and delete"
    if not Path(named).is_file():
        return f"{KUBECONFIG_VARIABLE} names {named}, which isn't a file"
    return None


def up(name: str, releases: tuple[str, ...], say: progress.Say) -> Cluster:
    """The user's cluster, when its API server is ready; its images are its own affair. Raises ClusterError."""
    kubeconfig = Path(os.environ[KUBECONFIG_VARIABLE]).resolve()
    folder = paths.cluster_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(
        name=name,
        provider=NAME,
        folder=folder,
        kubeconfig=kubeconfig,
        server=Api(kubeconfig).server,
        audit_log=None,
        kubectl=build.kubectl(say),
    )
    if not healthy(cluster):
        raise ClusterError(f"the API server of {kubeconfig} ({cluster.server}) isn't ready")
    state.save(cluster)
    say(f"  using {cluster.server}; it has to fetch the images of cert-manager {', '.join(releases)} by itself")
    return cluster


def down(name: str) -> None:
    """Forgets the cluster; it stays as it is."""
    shutil.rmtree(paths.cluster_folder(name), ignore_errors=True)


def healthy(cluster: Cluster) -> bool:
    """Whether the API server is ready."""
    try:
        return Api(cluster.kubeconfig).get("/readyz").ok
    except (OSError, http.client.HTTPException):
        return False


def load(cluster: Cluster, archive: Path) -> None:
    """Nothing can be loaded into a cluster that isn't ours. Raises ClusterError."""
    raise ClusterError(f"{archive} can't be loaded into {cluster.server}: push its images to a registry instead")
