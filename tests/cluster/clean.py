"""Takes a cluster back to nothing: what cert-manager, frit and the tests put there goes, quickly and for certain.

Every test starts from here, so it is independent of frit's own code, and it waits until everything is gone.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .api import JSON, Answer, Api
from .paths import ClusterError

TIMEOUT_SECONDS = 60.0
GROUPS = ("cert-manager.io", "acme.cert-manager.io", "packages.glasskube.dev")
THROW_AWAY = "frit.test/throw-away=true"
NAMESPACES = ("cert-manager", "glasskube-system")

_WEBHOOKS = tuple(
    f"/apis/admissionregistration.k8s.io/v1/{plural}"
    for plural in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
)
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_KUBE_SYSTEM = (
    f"{_RBAC}/namespaces/kube-system/roles",
    f"{_RBAC}/namespaces/kube-system/rolebindings",
)
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
_CLUSTER_WIDE = (f"{_RBAC}/clusterroles", f"{_RBAC}/clusterrolebindings")
# What a frit that is under test may leave in default, where cleaning a whole namespace isn't possible.
_IN_DEFAULT = ("/api/v1/namespaces/default/secrets", "/api/v1/namespaces/default/events")
_BUILT_IN_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


@dataclass(frozen=True)
class _Item:
    """An object by its path, with what decides whether it is ours."""

    path: str
    labels: dict[str, str]
    name: str
    finalizers: bool


def clean(kubeconfig: Path, keep: str = "") -> None:
    """Removes cert-manager, the package API, their objects and throw-away namespaces; waits until they are gone.

    The kinds of the group `keep` stay, and only their objects go: that is quicker, and an API server holds back the
    first object of a kind that is new. Raises ClusterError that names what stays.
    """
    run = _Run(Api(kubeconfig))
    try:
        run.all(keep)
    finally:
        run.pool.shutdown()


class _Run:
    """One cleaning, with its connections and its deadline."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.pool = ThreadPoolExecutor(8)
        self.deadline = time.monotonic() + TIMEOUT_SECONDS
        self.pause = threading.Event()
        self._kinds: list[tuple[str, str]] | None = None

    def all(self, keep: str) -> None:
        # Webhooks go first: one that is dead would refuse everything that comes after.
        self._delete_all(self._ours(_WEBHOOKS, _everything))
        definitions = self._list(_CRDS, lambda item: item.name.partition(".")[2] in GROUPS)
        kept = [item for item in definitions if item.name.partition(".")[2] == keep]
        objects = [one for item in kept for one in self._objects(item, _everything)]
        definitions = [*(item for item in definitions if item not in kept), *objects]
        namespaces = self._ours(("/api/v1/namespaces",), _is_throw_away)
        self._delete_all([*namespaces, *definitions])
        # Permissions go before leases: a controller that still runs would write its lease anew.
        self._delete_all([*self._ours(_CLUSTER_WIDE, _is_ours), *self._ours(_KUBE_SYSTEM, _is_ours)])
        for namespace in namespaces:
            self._finish(namespace)
        self._until_gone([*namespaces, *definitions])
        self._until_stopped({namespace.name for namespace in namespaces})
        self._delete_all(self._ours((_LEASES,), _is_ours))
        self._delete_all(self._ours(_IN_DEFAULT, _everything))

    # What is there.

    def _list(self, path: str, wanted: Callable[[_Item], bool] = lambda _item: True) -> list[_Item]:
        answer = self._ask("GET", path)
        if answer.status == 404:
            return []
        items = (_item(path, entry["metadata"]) for entry in answer.json()["items"])
        return [item for item in items if wanted(item)]

    def _ours(self, paths: Iterable[str], wanted: Callable[[_Item], bool]) -> list[_Item]:
        return [item for found in self.pool.map(lambda path: self._list(path, wanted), paths) for item in found]

    # Taking it away.

    def _delete_all(self, items: list[_Item]) -> None:
        list(self.pool.map(self._delete, items))

    def _delete(self, item: _Item) -> None:
        self._ask("DELETE", item.path, {"propagationPolicy": "Background", "gracePeriodSeconds": 0})

    def _finish(self, namespace: _Item) -> None:
        """Empties a namespace that is being deleted, and lets it go.

        The namespace controller would do the same, but not before 5 s have passed (a constant of its own).
        """
        if self._kinds is None:
            self._kinds = self._namespaced_kinds()
        inside = [f"{prefix}/namespaces/{namespace.name}/{plural}" for prefix, plural in self._kinds]
        options = {"propagationPolicy": "Background", "gracePeriodSeconds": 0}
        list(self.pool.map(lambda path: self._ask("DELETE", path, options), inside))
        for item in self._ours(inside, _everything):
            if item.finalizers:
                self._strip(item)
            self._delete(item)
        if not self._ours(inside, _everything):
            empty = {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": namespace.name},
                "spec": {},
            }
            self._ask("PUT", f"{namespace.path}/finalize", empty)

    def _namespaced_kinds(self) -> list[tuple[str, str]]:
        """Prefix and plural of every kind of a namespace that can be deleted by the collection."""
        accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        found = []
        for root in ("/api", "/apis"):
            for group in self._ask("GET", root, accept=accept).json()["items"]:
                version = group["versions"][0]
                name = group["metadata"].get("name")
                prefix = f"/apis/{name}/{version['version']}" if name else f"/api/{version['version']}"
                found += [
                    (prefix, kind["resource"])
                    for kind in version["resources"]
                    if kind["scope"] == "Namespaced" and "deletecollection" in kind["verbs"]
                ]
        return found

    def _until_gone(self, items: list[_Item]) -> None:
        left = items
        while left := [item for item in left if self._ask("GET", item.path).status != 404]:
            self._check_time("still there", [item.path for item in left])
            for item in left:
                if item.path.startswith("/api/v1/namespaces/"):
                    self._finish(item)
                elif item.path.startswith(_CRDS):
                    self._strip_all(self._objects(item, lambda one: one.finalizers))
                elif item.finalizers:
                    self._strip(item)
            self.pause.wait(0.02)

    def _until_stopped(self, namespaces: set[str]) -> None:
        """Waits for the containers: pods are deleted without waiting for the kubelet."""
        nodes = self._list("/api/v1/nodes")
        while running := [
            f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            for node in nodes
            for pod in self._ask("GET", f"{node.path}/proxy/runningpods/").json().get("items") or ()
            if pod["metadata"]["namespace"] in namespaces
        ]:
            self._check_time("containers still run", running)
            self.pause.wait(0.05)

    def _check_time(self, what: str, names: list[str]) -> None:
        if time.monotonic() > self.deadline:
            raise ClusterError(f"{what} after {TIMEOUT_SECONDS:.0f} s: {', '.join(names)}")

    def _objects(self, definition: _Item, wanted: Callable[[_Item], bool]) -> list[_Item]:
        """The objects of a kind."""
        plural, _, group = definition.name.partition(".")
        versions = [v["name"] for v in self._ask("GET", definition.path).json().get("spec", {}).get("versions", ())]
        return [item for version in versions[:1] for item in self._list(f"/apis/{group}/{version}/{plural}", wanted)]

    def _strip_all(self, items: list[_Item]) -> None:
        """Takes away finalizers: whoever would honour them is gone already."""
        for item in items:
            self._strip(item)

    def _strip(self, item: _Item) -> None:
        self._ask("PATCH", item.path, {"metadata": {"finalizers": None}}, "application/merge-patch+json")

    def _ask(self, method: str, path: str, body: object = None, content: str = JSON, accept: str = JSON) -> Answer:
        """Sends a request until it has an answer that counts; an API server that restarts is waited for."""
        while True:
            try:
                answer = self.api.request(method, path, body, content, accept)
            except (OSError, http.client.HTTPException) as error:
                trouble = str(error)
            else:
                if answer.ok or answer.status in (404, 409):
                    return answer
                if answer.status < 429:
                    raise ClusterError(f"{method} {path}: {answer}")
                trouble = str(answer)
            if time.monotonic() > self.deadline:
                raise ClusterError(f"{method} {path}: {trouble}")
            self.pause.wait(0.1)


def _item(list_path: str, metadata: dict[str, Any]) -> _Item:
    path = list_path
    namespace = metadata.get("namespace")
    if namespace and "/namespaces/" not in list_path:
        head, _, plural = list_path.rpartition("/")
        path = f"{head}/namespaces/{namespace}/{plural}"
    return _Item(
        path=f"{path}/{metadata['name']}",
        labels=metadata.get("labels") or {},
        name=metadata["name"],
        finalizers=bool(metadata.get("finalizers")),
    )


def _is_ours(item: _Item) -> bool:
    managed = item.labels.get("app.kubernetes.io/managed-by") == "frit"
    return item.name.startswith("cert-manager") or managed or _labelled(item)


def _everything(_item: _Item) -> bool:
    # Of webhooks, too: a cluster for tests has none of its own, and what a test registered may not outlive it.
    return True


def _is_throw_away(item: _Item) -> bool:
    return item.name in NAMESPACES or (_labelled(item) and item.name not in _BUILT_IN_NAMESPACES)


def _labelled(item: _Item) -> bool:
    key, _, value = THROW_AWAY.partition("=")
    return item.labels.get(key) == value
