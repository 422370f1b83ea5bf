"""Keeping a part of cert-manager from its work for as long as wanted, and letting it go on within about a second."""

from __future__ import annotations

import time
from typing import Protocol

from tests.chaos import containers
from tests.chaos.hands import LEASES, Hands
from tests.chaos.targets import Component
from tests.cluster import Cluster


class Gate(Protocol):
    """A way to keep a component from its work."""

    def shut(self) -> None: ...

    def open(self) -> None: ...


class Scaled:
    """The component is kept away by its Deployment, as `kubectl scale` does it."""

    def __init__(self, hands: Hands, component: Component) -> None:
        self._hands, self._component = hands, component

    def shut(self) -> None:
        self._hands.scale("cert-manager", self._component.deployment, 0)
        self._hands.until(f"{self._component.deployment} is gone", lambda: self._component.gone(self._hands))

    def open(self) -> None:
        self._hands.scale("cert-manager", self._component.deployment, 1)


class Held:
    """The component runs, but does not lead: its lease belongs to somebody who is gone.

    All Deployments look healthy meanwhile, and none of their fields is touched.
    """

    def __init__(self, cluster: Cluster, component: Component) -> None:
        self._cluster, self._component = cluster, component
        self._hands = Hands(cluster.kubeconfig)

    def shut(self) -> None:
        name = self._component.deployment
        self._hands.until(f"the lease of {name} is taken", lambda: self._write("gone", 3600))
        # The leader of before learns only at its next look, and would give the lease back where it is asked to end.
        containers.kill(self._cluster, self._component.program)
        gone = self._hands.delete_pods("cert-manager", self._component.labels, 0)

        def replaced() -> bool:
            pods = self._hands.pods("cert-manager", self._component.labels)
            return not any(pod["metadata"]["name"] in gone for pod in pods)

        self._hands.until(f"the pod of {name} is replaced", replaced)
        self._hands.until(f"{name} is available", lambda: self._component.available(self._hands))

    def open(self) -> None:
        self._hands.until(f"the lease of {self._component.deployment} is free", lambda: self._write("", 1))
        # Whoever waits looks every 15 s; a pod that starts looks at once.
        self._hands.delete_pods("cert-manager", self._component.labels, 0)

    def _write(self, holder: str, seconds: int) -> bool:
        path = f"{LEASES}/{self._component.lease}"
        lease = self._hands.get(path)
        if lease is None:
            return False
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
        lease["spec"] |= {
            "holderIdentity": holder,
            "leaseDurationSeconds": seconds,
            "acquireTime": now,
            "renewTime": now,
        }
        return self._hands.ask("PUT", path, lease).ok
