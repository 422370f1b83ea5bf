"""What a bootstrap leaves on a cluster, object by object, so that a lost, a doubled or a changed one shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.chaos.hands import REPOSITORIES, Hands
from tests.cluster import ClusterError

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_INSIDE = "/namespaces/cert-manager/"
_DEPLOYMENTS = f"/apis/apps/v1{_INSIDE}deployments"
_REPLICA_SETS = f"/apis/apps/v1{_INSIDE}replicasets"
_NAMED = (
    "/api/v1/namespaces",
    f"{_RBAC}/clusterroles",
    f"{_RBAC}/clusterrolebindings",
    f"{_RBAC}/namespaces/kube-system/roles",
    f"{_RBAC}/namespaces/kube-system/rolebindings",
    f"{_ADMISSION}/validatingwebhookconfigurations",
    f"{_ADMISSION}/mutatingwebhookconfigurations",
)
"""Lists in which only what is named after cert-manager belongs to a bootstrap."""
_WHOLE = (
    REPOSITORIES,
    "/apis/cert-manager.io/v1/namespaces/default/issuers",
    "/apis/cert-manager.io/v1/namespaces/default/certificaterequests",
    f"/api/v1{_INSIDE}serviceaccounts",
    f"/api/v1{_INSIDE}services",
    f"/api/v1{_INSIDE}configmaps",
    f"/api/v1{_INSIDE}secrets",
    f"{_RBAC}{_INSIDE}roles",
    f"{_RBAC}{_INSIDE}rolebindings",
    _DEPLOYMENTS,
)
"""Lists that hold nothing else, or should."""
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_GROUPS = ("cert-manager.io", "acme.cert-manager.io", "packages.glasskube.dev")

Inventory = dict[str, Any]
"""The content of each object by `LIST/NAME`, without what differs from cluster to cluster."""


def inventory(hands: Hands) -> Inventory:
    """Everything that belongs to a bootstrap, as it is now."""
    found: Inventory = {}
    for path in _NAMED:
        found |= _listed(hands, path, lambda name: name.startswith("cert-manager"))
    for path in _WHOLE:
        found |= _listed(hands, path, lambda _name: True)
    found |= _listed(hands, _DEFINITIONS, lambda name: name.partition(".")[2] in _GROUPS)
    return found | _revisions(hands)


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What is missing, too much or different, one line each."""
    lines = [f"lost: {name}" for name in sorted(set(expected) - set(found))]
    lines += [f"too much: {name}" for name in sorted(set(found) - set(expected))]
    for name in sorted(set(expected) & set(found)):
        if parts := _differing(expected[name], found[name], ""):
            lines.append(f"different: {name}: {', '.join(parts[:3])}")
    return lines


def _listed(hands: Hands, path: str, wanted: Any) -> Inventory:
    answer = hands.ask("GET", path)
    if answer.status == 404:
        return {}
    if not answer.ok:
        raise ClusterError(f"GET {path}: {answer}")
    items = answer.json()["items"]
    return {
        f"{path.rpartition('/')[2]}/{one['metadata']['name']}": _content(one)
        for one in items
        if wanted(one["metadata"]["name"])
    }


def _revisions(hands: Hands) -> Inventory:
    """The pods of every revision that a Deployment has had: a change that was taken back still shows.

    ReplicaSets of Deployments that are gone wait for the garbage collector, and belong to nobody.
    """
    owners = {one["metadata"]["uid"]: one["metadata"]["name"] for one in hands.items(_DEPLOYMENTS)}
    found: Inventory = {f"revisions of {name}": {} for name in owners.values()}
    for one in hands.items(_REPLICA_SETS):
        for owner in one["metadata"].get("ownerReferences") or ():
            if owner["uid"] in owners:
                number = one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
                found[f"revisions of {owners[owner['uid']]}"][number] = one["spec"]["template"]["spec"]
    return found


def _content(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = obj["metadata"]
    annotations = metadata.get("annotations") or {}
    kept = {name: value for name, value in annotations.items() if not name.startswith("deployment.kubernetes.io/")}
    content = {key: value for key, value in obj.items() if key not in ("metadata", "status", "data", "secrets")}
    content["metadata"] = {"labels": metadata.get("labels") or {}, "annotations": kept}
    spec = content.get("spec")
    if isinstance(spec, dict):
        content["spec"] = {key: value for key, value in spec.items() if key not in ("clusterIP", "clusterIPs")}
    for webhook in content.get("webhooks") or ():
        webhook["clientConfig"].pop("caBundle", None)
    return content


def _differing(expected: Any, found: Any, where: str) -> list[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            part
            for key in sorted({*expected, *found})
            for part in _differing(expected.get(key), found.get(key), f"{where}.{key}")
        ]
    return [] if expected == found else [where or "."]
