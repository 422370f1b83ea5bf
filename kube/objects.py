"""Objects as plain data: what identifies one, and how to read a nested field without surprises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
"""One Kubernetes API object, as JSON gives it."""


@dataclass(frozen=True, order=True)
class Ref:
    """What identifies an object. `namespace` is empty for cluster-scoped kinds."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    def __str__(self) -> str:
        """Kind and name as people write them: `Deployment cert-manager/cert-manager-webhook`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def ref_of(obj: Mapping[str, Any]) -> Ref:
    """The identity of an object that has apiVersion, kind and metadata.name."""
    metadata = obj.get("metadata") or {}
    return Ref(
        str(obj.get("apiVersion", "")),
        str(obj.get("kind", "")),
        str(metadata.get("namespace") or ""),
        str(metadata.get("name", "")),
    )


def field(obj: Any, *path: str | int, default: Any = None) -> Any:
    """The value at a path of keys and indexes, or `default` where a step is missing or of another type."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(obj, list) or not -len(obj) <= step < len(obj):
                return default
            obj = obj[step]
        else:
            if not isinstance(obj, Mapping) or step not in obj:
                return default
            obj = obj[step]
    return default if obj is None else obj


def condition(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The status condition of one type, or an empty mapping.

    Source: API conventions, "Typical status properties" (kubernetes/community, api-conventions.md).
    """
    conditions = field(obj, "status", "conditions", default=[])
    if not isinstance(conditions, list):
        return {}
    for one in conditions:
        if isinstance(one, Mapping) and one.get("type") == kind:
            return one
    return {}


def managers(obj: Mapping[str, Any]) -> list[str]:
    """The field managers of an object, each once, in the order of managedFields."""
    entries = field(obj, "metadata", "managedFields", default=[])
    return list(dict.fromkeys(str(one.get("manager", "")) for one in entries if isinstance(one, Mapping)))
