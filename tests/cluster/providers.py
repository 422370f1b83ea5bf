"""Which provider makes a cluster, and the commands that are the same for all."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from . import certmanager, locks, paths, progress, provider_builtin, state
from .paths import ClusterError
from .state import Cluster

DEFAULT_NAME = "frit"


def up(
    name: str = DEFAULT_NAME,
    releases: tuple[str, ...] = (certmanager.DEFAULT,),
    say: progress.Say = progress.to_stderr,
) -> Cluster:
    """A running cluster of this name: the one that is there when it is healthy, else a new one.

    ``releases`` are the cert-manager versions whose images it has. Raises ClusterError.
    """
    with _lock(name, say):
        cluster = state.load(name)
        if cluster is not None and provider_builtin.healthy(cluster):
            for version in releases:
                provider_builtin.load(cluster, certmanager.archive(version, say))
            return cluster
        reason = provider_builtin.unusable()
        if reason is not None:
            raise ClusterError(reason)
        return provider_builtin.up(name, releases, say)


def down(name: str = DEFAULT_NAME, say: progress.Say = progress.to_stderr) -> None:
    """Removes a cluster and everything that it made; fine where there is none. Raises ClusterError."""
    with _lock(name, say):
        provider_builtin.down(name)


def status(name: str = DEFAULT_NAME) -> Cluster | None:
    """The healthy cluster of this name; None where there is none."""
    cluster = state.load(name)
    return cluster if cluster is not None and provider_builtin.healthy(cluster) else None


def load(name: str, archive: Path) -> None:
    """Loads the images of a docker archive into a running cluster. Raises ClusterError."""
    provider_builtin.load(running(name), archive)


def load_release(name: str, version: str, say: progress.Say = progress.to_stderr) -> None:
    """Loads the images of a cert-manager release into a running cluster. Raises ClusterError."""
    provider_builtin.load(running(name), certmanager.archive(version, say))


def running(name: str) -> Cluster:
    """The healthy cluster of this name. Raises ClusterError where there is none."""
    cluster = status(name)
    if cluster is None:
        raise ClusterError(f"cluster {name} doesn't run; start it with: python -m tests.cluster up --name {name}")
    return cluster


def _lock(name: str, say: progress.Say) -> AbstractContextManager[None]:
    paths.cluster_folder(name)  # refuses a bad name
    return locks.exclusive(
        paths.clusters() / f".{name}.lock", lambda: say(f"  waiting for another run on cluster {name}")
    )
