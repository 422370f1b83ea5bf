"""Which provider makes a cluster, and the commands that are the same for all."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from . import certmanager, locks, paths, progress, provider_builtin, provider_existing, provider_kind, state
from .paths import ClusterError
from .state import Cluster

DEFAULT_NAME = "frit"
PROVIDER_VARIABLE = "FRIT_TEST_CLUSTER"


class Provider(Protocol):
    """What every provider is able to do; each is a module."""

    NAME: str

    def unusable(self) -> str | None: ...

    def up(self, name: str, releases: tuple[str, ...], say: progress.Say) -> Cluster: ...

    def down(self, name: str) -> None: ...

    def healthy(self, cluster: Cluster) -> bool: ...

    def load(self, cluster: Cluster, archive: Path) -> None: ...


_ALL: dict[str, Provider] = {
    provider.NAME: provider for provider in (provider_existing, provider_kind, provider_builtin)
}
# An existing cluster is used on an explicit word only: tests install and delete there.
_BY_ITSELF = (provider_kind.NAME, provider_builtin.NAME)


def choose() -> Provider:
    """The provider that ``FRIT_TEST_CLUSTER`` names, else the first one that works here.

    Raises ClusterError that says what is missing.
    """
    wanted = os.environ.get(PROVIDER_VARIABLE)
    if wanted and wanted not in _ALL:
        raise ClusterError(f"{PROVIDER_VARIABLE}={wanted} is none of {', '.join(_ALL)}")
    reasons = []
    for name in (wanted,) if wanted else _BY_ITSELF:
        reason = _ALL[name].unusable()
        if reason is None:
            return _ALL[name]
        reasons.append(f"{name}: {reason}")
    raise ClusterError("no cluster can be had here. " + "; ".join(reasons))


def up(
    name: str = DEFAULT_NAME,
    releases: tuple[str, ...] = (certmanager.DEFAULT,),
    say: progress.Say = progress.to_stderr,
) -> Cluster:
    """A running cluster of this name: the one that is there when it is healthy, else a new one.

    ``releases`` are the cert-manager versions whose images it has. Raises ClusterError.
    """
    for version in releases:
        certmanager.target(version)  # refuses an unknown one before anything is built
    with _lock(name, say):
        cluster = status(name)
        if cluster is None:
            return choose().up(name, releases, say)
        if cluster.provider != provider_existing.NAME:
            for version in releases:
                _load_release(cluster, version, say)
        return cluster


def down(name: str = DEFAULT_NAME, say: progress.Say = progress.to_stderr) -> None:
    """Removes a cluster and everything that it made; fine where there is none. Raises ClusterError."""
    with _lock(name, say):
        cluster = state.load(name)
        if cluster is not None:
            _ALL[cluster.provider].down(name)
            return
        # A run that was killed on its way wrote nothing down: whoever could have made it, removes it.
        for provider in (provider_kind, provider_builtin):
            if provider.unusable() is None:
                provider.down(name)


def status(name: str = DEFAULT_NAME) -> Cluster | None:
    """The healthy cluster of this name; None where there is none."""
    cluster = state.load(name)
    return cluster if cluster is not None and _ALL[cluster.provider].healthy(cluster) else None


def running(name: str) -> Cluster:
    """The healthy cluster of this name. Raises ClusterError where there is none."""
    cluster = status(name)
    if cluster is None:
        raise ClusterError(f"cluster {name} doesn't run; start it with: python -m tests.cluster up --name {name}")
    return cluster


def load(name: str, archive: Path) -> None:
    """Loads the images of a docker archive into a running cluster. Raises ClusterError."""
    if not archive.is_file():
        raise ClusterError(f"{archive} isn't a file")
    cluster = running(name)
    _ALL[cluster.provider].load(cluster, archive)


def load_release(name: str, version: str, say: progress.Say = progress.to_stderr) -> None:
    """Sees to it that a running cluster has the images of a cert-manager release. Raises ClusterError."""
    _load_release(running(name), version, say)


def _load_release(cluster: Cluster, version: str, say: progress.Say) -> None:
    wanted = {certmanager.image_tag(component, version) for component in certmanager.COMPONENTS}
    if cluster.provider == provider_builtin.NAME and wanted <= provider_builtin.images(cluster):
        return
    archive = certmanager.archive(version, say)
    with progress.step(say, f"images of cert-manager {version} loaded"):
        _ALL[cluster.provider].load(cluster, archive)


def _lock(name: str, say: progress.Say) -> AbstractContextManager[None]:
    paths.cluster_folder(name)  # refuses a bad name
    return locks.exclusive(
        paths.clusters() / f".{name}.lock", lambda: say(f"  waiting for another run on cluster {name}")
    )
