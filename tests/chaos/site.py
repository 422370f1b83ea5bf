"""Where chaos happens: a cluster, the release on loopback, and the ground on which a scenario begins."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.chaos import operator_webhook, windows
from tests.chaos.hands import REPOSITORIES, VALIDATING, Hands
from tests.chaos.inventory import Inventory, differences, inventory
from tests.chaos.targets import CERT_MANAGER, OPERATOR
from tests.cluster import Cluster, ClusterError, certmanager, clean, releases
from tests.running import Ran, frit

RUN_SECONDS = 300.0
"""Longest time that a single run of frit may take here."""


class Ground(StrEnum):
    """What is on the cluster when a scenario begins."""

    FRESH = "fresh"
    INSTALLED = "installed"
    OPERATOR = "operator"
    """Installed, and the operator's webhook on package repositories beside it."""


@dataclass
class Site:
    """One cluster with what scenarios share. `expected` is what a bootstrap without chaos left on it, and
    `usual_seconds` how long that took."""

    cluster: Cluster
    release: releases.ReleaseServer
    folder: Path
    expected: Inventory = field(default_factory=dict)
    usual_seconds: float = 5.0
    ground: Ground | None = None

    @property
    def hands(self) -> Hands:
        """Plain requests to the cluster."""
        return Hands(self.cluster.kubeconfig)

    @property
    def log(self) -> Path:
        """The API server's audit log. Raises ClusterError where the cluster has none."""
        if self.cluster.audit_log is None:
            raise ClusterError("chaos needs a cluster with an audit log: the built-in one")
        return self.cluster.audit_log

    @property
    def environment(self) -> dict[str, str]:
        """What every run of frit gets: a cache of its own."""
        return {"FRIT_CACHE_DIR": str(self.folder / "cache")}

    def bootstrap_arguments(self, report: Path) -> tuple[str, ...]:
        """`frit bootstrap` from the release on loopback, with a report."""
        url = self.release.url(certmanager.DEFAULT)
        return ("bootstrap", "--cert-manager-manifest", url, "--report", str(report))

    def bootstrap(self) -> Ran:
        """A plain `frit bootstrap`, to its end."""
        report = self.folder / "plain.json"
        report.unlink(missing_ok=True)
        return frit(
            *self.bootstrap_arguments(report),
            kubeconfig=self.cluster.kubeconfig,
            environment=self.environment,
            timeout=RUN_SECONDS,
        )

    def learn(self) -> None:
        """Bootstraps the cleaned cluster without chaos, and remembers what that leaves. Raises ClusterError."""
        clean.clean(self.cluster.kubeconfig)
        ran = self.bootstrap()
        if ran.code != 0:
            raise ClusterError(f"a bootstrap without chaos ended with {ran.code}: {ran.stderr}")
        self.expected, self.usual_seconds = inventory(self.hands), ran.seconds
        self.ground = Ground.INSTALLED

    def prepare(self, ground: Ground) -> None:
        """Brings the cluster to a ground, from whatever it is on. Raises ClusterError."""
        if ground is Ground.FRESH:
            clean.clean(self.cluster.kubeconfig)
            self.ground = ground
            return
        if self.ground not in (Ground.INSTALLED, Ground.OPERATOR):
            clean.clean(self.cluster.kubeconfig)
            ran = self.bootstrap()
            if ran.code != 0:
                raise ClusterError(f"a bootstrap without chaos ended with {ran.code}: {ran.stderr}")
            self.ground = Ground.INSTALLED
        hands = self.hands
        if ground is Ground.OPERATOR and self.ground is not Ground.OPERATOR:
            operator_webhook.deploy(self.cluster)
        if ground is Ground.INSTALLED and self.ground is Ground.OPERATOR:
            operator_webhook.remove(self.cluster.kubeconfig)
        self.ground = ground
        windows.mended(hands, CERT_MANAGER)
        if ground is Ground.OPERATOR:
            windows.mended(hands, OPERATOR)
        for one in hands.items(REPOSITORIES):
            if one["metadata"]["name"] != "glasskube":
                hands.delete(f"{REPOSITORIES}/{one['metadata']['name']}")

    def lost(self) -> None:
        """Nobody knows what is on the cluster: the next scenario begins from nothing."""
        self.ground = None
        self.hands.delete(f"{VALIDATING}/{OPERATOR.deployment}")

    def astray(self, added: dict[str, str]) -> list[str]:
        """What differs from what a bootstrap leaves, but for repositories that were added (URLs by name).

        Controllers take a moment to finish what they do, so it is looked at again for some seconds.
        """
        deadline = time.monotonic() + 10
        while True:
            found = inventory(self.hands)
            extra = {name: found.pop(f"packagerepositories/{name}", None) for name in added}
            lines = differences(self.expected, found)
            lines += [
                f"lost: packagerepositories/{name}" for name, url in added.items() if not _has_url(extra[name], url)
            ]
            if not lines or time.monotonic() > deadline:
                return lines
            time.sleep(0.25)  # ReplicaSets and Secrets are made by controllers, without an event for us


def _has_url(obj: object, url: str) -> bool:
    return isinstance(obj, dict) and obj["spec"]["url"] == url
