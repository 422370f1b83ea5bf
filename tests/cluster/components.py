"""The programs of a built-in cluster, one by one: stopping, starting, pausing, for tests of bad moments.

Names are those of the process table: ``etcd``, ``containerd``, ``kube-apiserver``, ``kube-controller-manager``,
``kube-scheduler``, ``kubelet``, ``kube-proxy``.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from . import processes, sandbox, state
from .paths import ClusterError
from .processes import Process
from .sandbox import Sandbox
from .state import Cluster

GRACE_SECONDS = 15.0


def launch(box: Sandbox, name: str, *command: str) -> None:
    """Starts a program inside a sandbox and writes it down."""
    state.record(box.folder, name, box.start(name, *command), command)


def process(cluster: Cluster, name: str) -> Process:
    """The process of a component, running or not. Raises ClusterError for a name that the cluster doesn't have."""
    return _component(cluster, name).process


def stop(cluster: Cluster, name: str, *, at_once: bool = False) -> None:
    """Ends a component: with SIGTERM and some patience, or ``at_once`` with SIGKILL; fine where it has ended."""
    left = processes.end([process(cluster, name)], grace_seconds=0.0 if at_once else GRACE_SECONDS)
    if left:
        raise ClusterError(f"{name} of cluster {cluster.name} doesn't end")


def start(cluster: Cluster, name: str) -> None:
    """Starts a component that was stopped, with the command it had; fine where it runs."""
    component = _component(cluster, name)
    if component.process.alive():
        return
    box = sandbox.find(cluster.folder)
    if box is None:
        raise ClusterError(f"cluster {cluster.name} doesn't run")
    launch(box, name, *component.command)


def restart(cluster: Cluster, name: str, *, at_once: bool = False) -> None:
    """Ends a component and starts it anew; doesn't wait until it answers."""
    stop(cluster, name, at_once=at_once)
    start(cluster, name)


@contextmanager
def paused(cluster: Cluster, name: str) -> Iterator[None]:
    """Holds a component (SIGSTOP) for the block: its connections stay open and nothing answers."""
    target = process(cluster, name)
    target.hold()
    try:
        yield
    finally:
        target.send(signal.SIGCONT)


@contextmanager
def stopped(cluster: Cluster, name: str, *, at_once: bool = False) -> Iterator[None]:
    """Has a component stopped for the block, and starts it anew after it."""
    stop(cluster, name, at_once=at_once)
    try:
        yield
    finally:
        start(cluster, name)


def _component(cluster: Cluster, name: str) -> state.Component:
    table = state.components(cluster.folder)
    if name not in table:
        known = ", ".join(sorted(table)) or f"none: only the built-in provider has them, this is {cluster.provider}"
        raise ClusterError(f"cluster {cluster.name} has no component {name!r}; it has {known}")
    return table[name]
