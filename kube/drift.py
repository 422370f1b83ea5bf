"""Whether an object already is what would be applied, so that nothing needs to be written.

An apply that changes nothing is not always free: after another field manager has applied (as cainjector does to
webhook configurations) the API server stores the object once more, with a new resourceVersion and no other change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube.objects import managers


def in_place(live: Mapping[str, Any], wanted: Mapping[str, Any], manager: str) -> bool:
    """Whether `manager` has applied the live object before and every field of `wanted` has its value there.

    Fields that others added do not matter. Errs on the side of no: a value that the server wrote in another form (a
    quantity, say) or a list of another length only means that the apply is sent.
    """
    return _covers(live, wanted) and (manager in managers(live) or not _fields_in(wanted))


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
