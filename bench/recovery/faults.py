"""Faults of cert-manager's webhook on a real cluster: what opens one, and what closes it. Nothing is faked.

They stand on cert-manager as it is installed in namespace `cert-manager`. Independent of frit's own code.
"""

from __future__ import annotations

import signal
from functools import partial

from bench.recovery.witness import ISSUER, REPOSITORY, Witness, failing, healthy
from tests.chaos import containers
from tests.chaos.gates import Scaled
from tests.chaos.hands import Hands
from tests.chaos.targets import CERT_MANAGER, INJECTOR
from tests.chaos.windows import rotate
from tests.cluster import Cluster, ClusterError
from tests.cluster.processes import Process

BOTH = (REPOSITORY, ISSUER)
PATIENCE = 90.0
"""Seconds after which a fault that does not open, or a cluster that does not recover, is given up."""


class Faults:
    """One cluster that can be hurt, and the witness who sees it."""

    def __init__(self, cluster: Cluster, witness: Witness) -> None:
        self._cluster = cluster
        self.hands = Hands(cluster.kubeconfig)
        self.witness = witness
        self._without_cainjector = Scaled(self.hands, INJECTOR)
        self._held: list[Process] = []

    def window(self) -> None:
        """Open a certificate window by the recipe: no cainjector, a new CA, a new serving certificate of it."""
        self._without_cainjector.shut()
        self._new_certificate()

    def close_window(self) -> None:
        """Bring cainjector back, which puts the new CA into the bundles."""
        self._without_cainjector.open()

    def held_window(self) -> None:
        """Open a certificate window with cainjector's process stopped: no object of the release is changed."""
        self._held = containers.running(self._cluster, INJECTOR.program)
        if not self._held:
            raise ClusterError("cainjector does not run on this machine: only the built-in cluster's does")
        for one in self._held:
            one.send(signal.SIGSTOP)
        self._new_certificate()

    def close_held_window(self) -> None:
        """Let cainjector go on. Does nothing where it is not held."""
        for one in self._held:
            one.send(signal.SIGCONT)
        self._held = []

    def restart(self) -> None:
        """Delete the webhook's pod; its Deployment makes a new one."""
        self.hands.delete_pods(CERT_MANAGER.namespace, CERT_MANAGER.labels)
        self.see("")

    def away(self) -> None:
        """Scale the webhook to 0."""
        self.hands.scale(CERT_MANAGER.namespace, CERT_MANAGER.deployment, 0)
        self.see("")

    def back(self) -> None:
        """Scale the webhook back to 1."""
        self.hands.scale(CERT_MANAGER.namespace, CERT_MANAGER.deployment, 1)

    def rotate(self) -> None:
        """Delete the CA and the webhook's pod at once while cainjector runs: the window closes by itself."""
        rotate(self.hands, CERT_MANAGER)
        self.see("")

    def kill_leader(self) -> None:
        """Kill cainjector without a clean stop, so that its lease of 60 s must run out, and rotate the CA."""
        containers.kill(self._cluster, INJECTOR.program)
        self._new_certificate()

    def see(self, label: str, count: int = 4) -> None:
        """Wait until the witness's last answers are contrary, with a word that says why. Raises `NotSeen`."""
        self.witness.wait(failing(label, count), BOTH, PATIENCE, f"a fault{f' with {label}' if label else ''}")

    def healthy(self) -> None:
        """Wait until everything works again for a second. Raises ClusterError and `NotSeen`."""
        for one in (CERT_MANAGER.deployment, INJECTOR.deployment):
            available = partial(self.hands.available, CERT_MANAGER.namespace, one)
            self.hands.until(f"{one} is available", available, PATIENCE)
        self.witness.forget()
        self.witness.wait(healthy(), BOTH, PATIENCE, "a webhook that works")

    def _new_certificate(self) -> None:
        rotate(self.hands, CERT_MANAGER)
        self.see("x509")
