"""Working on a cluster by plain requests: reading, writing, waiting; every request patient, because chaos is around."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cluster import ClusterError
from tests.cluster.api import JSON, Answer, Api

USER_AGENT = "frit-chaos"
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.05
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

CORE = "/api/v1"
APPS = "/apis/apps/v1"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
VALIDATING = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
MUTATING = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
REPOSITORIES = "/apis/packages.glasskube.dev/v1alpha1/packagerepositories"


class Hands:
    """One cluster's API server, asked again for a minute where it does not answer."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self._api = Api(kubeconfig, user_agent=USER_AGENT, timeout_seconds=10.0)

    def once(self, method: str, path: str, body: object = None, content: str = JSON) -> Answer | None:
        """One request; None where nobody answered."""
        try:
            return self._api.request(method, path, body, content)
        except (OSError, http.client.HTTPException):
            self._api.close()
            return None

    def ask(self, method: str, path: str, body: object = None, content: str = JSON) -> Answer:
        """A request until it has an answer that counts: success, not found, or already there.

        Raises ClusterError for a refusal, and for a server that does not come back.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self.once(method, path, body, content)
            if answer is not None and (answer.ok or answer.status in (404, 409)):
                return answer
            if answer is not None and answer.status < 429:
                raise ClusterError(f"{method} {path}: {answer}")
            if time.monotonic() > deadline:
                raise ClusterError(f"{method} {path}: {answer or 'no answer'}")
            time.sleep(LOOK_SECONDS)  # asking again is the only way to learn that a server is back

    def get(self, path: str) -> dict[str, Any] | None:
        """An object, or None where it is not there."""
        answer = self.ask("GET", path)
        found: dict[str, Any] | None = answer.json() if answer.ok else None
        return found

    def items(self, path: str) -> list[dict[str, Any]]:
        """The objects of a list; none where their kind is not served."""
        return list((self.get(path) or {}).get("items") or [])

    def merge(self, path: str, patch: object) -> None:
        """A merge patch."""
        self.ask("PATCH", path, patch, MERGE_PATCH)

    def delete(self, path: str, grace_seconds: int | None = None) -> None:
        """Deletes an object; fine where it is gone."""
        self.ask("DELETE", path, None if grace_seconds is None else {"gracePeriodSeconds": grace_seconds})

    def apply(self, obj: dict[str, Any], path: str, manager: str) -> None:
        """Server-side apply of one object at its path."""
        self.ask("PATCH", f"{path}?fieldManager={manager}&force=true", obj, APPLY_PATCH)

    def scale(self, namespace: str, deployment: str, replicas: int) -> None:
        """Scales as `kubectl scale` does."""
        self.merge(f"{APPS}/namespaces/{namespace}/deployments/{deployment}/scale", {"spec": {"replicas": replicas}})

    def pods(self, namespace: str, labels: str) -> list[dict[str, Any]]:
        """The pods that a label selector finds."""
        return self.items(f"{CORE}/namespaces/{namespace}/pods?labelSelector={labels}")

    def delete_pods(self, namespace: str, labels: str, grace_seconds: int | None = None) -> set[str]:
        """Deletes pods by a label selector, and gives their names."""
        names = {pod["metadata"]["name"] for pod in self.pods(namespace, labels)}
        for name in names:
            self.delete(f"{CORE}/namespaces/{namespace}/pods/{name}", grace_seconds)
        return names

    def available(self, namespace: str, deployment: str) -> bool:
        """Whether a Deployment has all its pods, of its newest generation, and they are ready."""
        found = self.get(f"{APPS}/namespaces/{namespace}/deployments/{deployment}")
        if found is None:
            return False
        wanted, status = found["spec"]["replicas"], found.get("status", {})
        counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")}
        return status.get("observedGeneration") == found["metadata"]["generation"] and counts == {wanted}

    def until(self, what: str, check: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Waits until a condition holds. Raises ClusterError where it does not in time."""
        deadline = time.monotonic() + seconds
        while not check():
            if time.monotonic() > deadline:
                raise ClusterError(f"waited {seconds:.0f} s, and not: {what}")
            time.sleep(LOOK_SECONDS)  # conditions of a cluster have no event that plain requests could wait for
