"""A real cert-manager to break and mend, and `frit check` as its tests ask it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from base import exits
from tests.cluster import Cluster, releases
from tests.conftest import Kubectl
from tests.running import Ran, frit

VERSION = "1.21.2"
SPACE = "cert-manager"
WEBHOOK, CONTROLLER, INJECTOR = "cert-manager-webhook", "cert-manager", "cert-manager-cainjector"
CONFIGURATIONS = (
    "mutatingwebhookconfiguration/cert-manager-webhook",
    "validatingwebhookconfiguration/cert-manager-webhook",
)
THROW_AWAY = "frit.test/throw-away=true"


@dataclass(frozen=True)
class Checked:
    """What `frit check -o json` said."""

    ran: Ran
    data: dict[str, Any]

    def __getitem__(self, name: str) -> dict[str, Any]:
        """One check by its name."""
        found: dict[str, Any] = next(one for one in self.data["checks"] if one["name"] == name)
        return found

    @property
    def bad(self) -> list[str]:
        """The names of the checks that failed or are unknown."""
        return [one["name"] for one in self.data["checks"] if one["severity"] in ("failed", "unknown")]


def check(cluster: Cluster, *arguments: str, code: int, kubeconfig: Path | None = None) -> Checked:
    """Run `frit check --only cert-manager -o json`; it must end with this exit code, and its data must agree."""
    ran = frit("check", "--only", "cert-manager", "-o", "json", *arguments, kubeconfig=kubeconfig or cluster.kubeconfig)
    assert ran.code == code, f"{ran.stdout}\n{ran.stderr}"
    data = json.loads(ran.stdout)
    assert data["ready"] is (code == exits.OK)
    assert data["ready"] is all(one["ok"] for one in data["checks"])
    assert data["exitCode"] == code
    assert bool(data["reason"]) is (code != exits.OK)
    return Checked(ran, data)


def documents() -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(releases.manifest(VERSION).read_text()) if one]


def apply(kubectl: Kubectl, objects: list[dict[str, Any]]) -> None:
    text = "\n---\n".join(json.dumps(one) for one in objects)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)


def scale(kubectl: Kubectl, deployment: str, replicas: int) -> None:
    """Scale, and wait until the pods are gone or there."""
    kubectl("-n", SPACE, "scale", "deployment", deployment, f"--replicas={replicas}")
    if replicas:
        kubectl("-n", SPACE, "rollout", "status", "deployment", deployment, "--timeout=60s")
    else:
        selector = kubectl.json("-n", SPACE, "get", "deployment", deployment)["spec"]["selector"]["matchLabels"]
        labels = ",".join(f"{key}={value}" for key, value in selector.items())
        kubectl("-n", SPACE, "wait", "--for=delete", "pod", "-l", labels, "--timeout=60s")


@contextmanager
def scaled_to_0(kubectl: Kubectl, deployment: str) -> Iterator[None]:
    scale(kubectl, deployment, 0)
    try:
        yield
    finally:
        scale(kubectl, deployment, 1)


@contextmanager
def policy(kubectl: Kubectl, value: str) -> Iterator[None]:
    """Both webhook configurations with this failurePolicy, and Fail again afterwards."""

    def put(wanted: str) -> None:
        for one in CONFIGURATIONS:
            patch = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": wanted}]
            kubectl("patch", one, "--type=json", "-p", json.dumps(patch))

    put(value)
    try:
        yield
    finally:
        put("Fail")


@contextmanager
def controller_with(kubectl: Kubectl, *arguments: str) -> Iterator[None]:
    """The controller with these arguments besides (or instead of) its own, and as it was afterwards.

    One goes before the next comes: a new one that finds the lease held looks again only after 15 s.
    """
    container = kubectl.json("-n", SPACE, "get", "deployment", CONTROLLER)["spec"]["template"]["spec"]["containers"][0]
    flags = {one.partition("=")[0] for one in arguments}
    changed = [one for one in container["args"] if one.partition("=")[0] not in flags]

    def put(value: list[str]) -> None:
        patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": value}]
        with scaled_to_0(kubectl, CONTROLLER):
            kubectl("-n", SPACE, "patch", "deployment", CONTROLLER, "--type=json", "-p", json.dumps(patch))

    put([*changed, *arguments])
    try:
        yield
    finally:
        put(container["args"])
