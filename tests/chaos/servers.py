"""What can go wrong at the API server, at its store, and on the way to it."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tests.chaos.hands import Hands
from tests.chaos.windows import Opened
from tests.cluster import Cluster, components
from tests.cluster.api import Api
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Fault, Rule


@contextmanager
def stopped(cluster: Cluster, seconds: float | None = None, *, at_once: bool = False) -> Iterator[Opened]:
    """The API server is stopped (killed with `at_once`), and started again when the fault ends."""
    components.stop(cluster, "kube-apiserver", at_once=at_once)
    opened = Opened(lambda: components.start(cluster, "kube-apiserver"), seconds)
    try:
        yield opened
    finally:
        opened.close()
        Hands(cluster.kubeconfig).until("the API server is ready", lambda: _ready(cluster))


@contextmanager
def store_paused(cluster: Cluster, seconds: float | None = None) -> Iterator[Opened]:
    """etcd is held (SIGSTOP): connections stay open, and nothing that needs the store is answered."""
    stack = ExitStack()
    stack.enter_context(components.paused(cluster, "etcd"))
    opened = Opened(stack.close, seconds)
    try:
        yield opened
    finally:
        opened.close()
        Hands(cluster.kubeconfig).until("the API server is ready", lambda: _ready(cluster))


@contextmanager
def on_the_way(proxy: FaultProxy, fault: Fault, seconds: float | None = None, method: str = ".*") -> Iterator[Opened]:
    """A fault happens to every request of these methods that goes through the proxy."""
    rule = Rule(fault, method=method, times=None)
    proxy.rules.append(rule)
    opened = Opened(_removal(proxy, rule), seconds)
    try:
        yield opened
    finally:
        opened.close()


def _removal(proxy: FaultProxy, rule: Rule) -> Callable[[], None]:
    return lambda: proxy.rules.remove(rule)


def _ready(cluster: Cluster) -> bool:
    try:
        return Api(cluster.kubeconfig).get("/readyz").ok
    except (OSError, http.client.HTTPException):
        return False
