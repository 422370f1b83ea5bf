"""Whether an object already is what would be applied, so that nothing needs to be written.

Source: Kubernetes documentation, "Server-Side Apply"; the format of managed fields is that of
sigs.k8s.io/structured-merge-diff, FieldsV1.

An apply that changes nothing is not always free: after another field manager has applied (as cainjector does to
webhook configurations) the API server stores the object once more, with a new resourceVersion and no other change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kube.objects import field


def in_place(live: Mapping[str, Any], wanted: Mapping[str, Any], manager: str) -> bool:
    """Whether `manager` has applied the live object before, every field of `wanted` has its value there, and the
    manager owns nothing beyond `wanted` (an apply would take that away).

    Fields that others added do not matter. Errs on the side of no: a value that the server wrote in another form (a
    quantity, say) or a list of another length only means that the apply is sent.
    """
    if not _covers(live, wanted):
        return False
    entries = field(live, "metadata", "managedFields", default=[])
    applied = [one for one in entries if one.get("manager") == manager and one.get("operation") == "Apply"]
    if not applied:
        return not _fields_in(wanted)
    return all(_within(field(one, "fieldsV1", default={}), wanted) for one in applied)


def _fields_in(wanted: Mapping[str, Any]) -> bool:
    # a bare Namespace, say: who applies nothing but an identity is not recorded as a field manager
    identity = ("apiVersion", "kind", "metadata")
    metadata = set(wanted.get("metadata") or {}) - {"name", "namespace"}
    return bool(metadata or any(value for key, value in wanted.items() if key not in identity))


def _covers(live: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        if not isinstance(live, Mapping):
            return not wanted and live is None
        return all(_covers(live.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        if not isinstance(live, list):
            return not wanted and live is None
        return len(live) == len(wanted) and all(map(_covers, live, wanted))
    return type(live) is type(wanted) and bool(live == wanted)


def _within(owned: Mapping[str, Any], wanted: Any) -> bool:
    """Whether every field of a set of owned fields stands in `wanted`."""
    return all(key == "." or _has(wanted, key, below) for key, below in owned.items())


def _has(wanted: Any, key: str, below: Mapping[str, Any]) -> bool:
    sort, _, rest = key.partition(":")
    if sort == "f":
        return isinstance(wanted, Mapping) and rest in wanted and _within(below, wanted[rest])
    if not isinstance(wanted, list):
        return False
    if sort == "v":
        return json.loads(rest) in wanted
    if sort == "k":  # keys that the server filled in (a port's protocol) need not stand in what was applied
        keys = json.loads(rest)
        found = [one for one in wanted if isinstance(one, Mapping) and all(one.get(k, v) == v for k, v in keys.items())]
        return any(_within({k: v for k, v in below.items() if k[2:] not in keys}, one) for one in found)
    return False
