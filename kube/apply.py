"""Server-side apply of one object, repeated while waiting helps, and an honest account of what it changed.

Source: Kubernetes documentation, "Server-Side Apply". frit is the field manager `frit` and does not force: a field
that another manager owns is a conflict that a person decides. The one exception is repositories/package_api.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from base.clock import Deadline, Run
from base.events import Listener
from base.retry import History, RetryPolicy, retrying
from kube.client import APPLY_PATCH, JSON, METADATA_ONLY, Client
from kube.discovery import Resource
from kube.drift import in_place
from kube.failures import ApiError, Kind, judge
from kube.objects import Object, Ref, field, ref_of

FIELD_MANAGER = "frit"

ATTEMPT_TIMEOUT = 10.0
"""Seconds that one attempt of an apply may take, webhooks included, before it is given up and repeated."""


class Change(StrEnum):
    """What an apply did, or would do."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Applied:
    """The outcome of one apply: what changed, and the failed attempts if any."""

    ref: Ref
    change: Change
    history: History


@dataclass(frozen=True)
class Applier:
    """How to apply: connection, patience, and whether only to try (`dry_run`, on the server).

    `compare` reads each object first, leaves alone what is in place already, and can tell changed from unchanged; a
    run that knows that nothing is there yet leaves it out and saves a request an object.
    """

    client: Client
    policy: RetryPolicy
    run: Run
    deadline: Deadline
    emit: Listener
    dry_run: bool = False
    compare: bool = True

    def apply(self, obj: Object, resource: Resource, *, force: bool = False) -> Applied:
        """Apply one object. `force` takes fields over that other field managers own.

        Repeats while the failure's kind says that waiting helps, within the policy and the deadline. Raises
        `ApiError` with the last failure, and `Cancelled`.
        """
        ref = ref_of(obj)
        history = History(str(ref))
        doing = f"apply {ref}" + (" (dry run)" if self.dry_run else "")
        path = resource.path(ref.namespace, ref.name)

        seen: list[Object | None] = []  # an attempt whose answer was lost may have written: the first look counts

        def once() -> Change:
            before = self._read(path, ref) if self.compare else None
            seen.append(before)
            if before is not None and in_place(before, obj, FIELD_MANAGER):
                return Change.UNCHANGED if len(seen) == 1 else self._change(seen, before)
            query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Warn"}
            if self.dry_run:
                query["dryRun"] = "All"
            if force:
                query["force"] = "true"
            answer = self.client.request(
                "PATCH",
                path,
                doing=doing,
                query=query,
                body=obj,
                content_type=APPLY_PATCH,
                accept=JSON if self.dry_run else METADATA_ONLY,  # the whole answer is only needed to be compared
                timeout=ATTEMPT_TIMEOUT,
            )
            return Change.CREATED if answer.status == 201 else self._change(seen, answer.json())

        try:
            change = retrying(
                once,
                what=doing,
                policy=self.policy,
                judge=judge,
                run=self.run,
                deadline=self.deadline,
                emit=self.emit,
                history=history,
            )
        except ApiError as error:
            raise error.after(history) from None
        return Applied(ref, change, history)

    def _change(self, seen: Sequence[Object | None], after: Object) -> Change:
        """What became of an object that is there now, by how it was seen before each attempt."""
        before = seen[0]
        if before is None:
            # it was missing before, or nobody looked; a first attempt that finds it has found somebody else's
            return Change.CREATED if self.compare or len(seen) > 1 else Change.CHANGED
        if self.dry_run:
            return Change.UNCHANGED if _content(before) == _content(after) else Change.CHANGED
        # not the resourceVersion: a controller may write the status between the read and the apply. An apply that
        # changes nothing leaves the field manager's own entry as it was, with its time.
        same = _ours(before) == _ours(after) and _generation(before) == _generation(after)
        return Change.UNCHANGED if same else Change.CHANGED

    def _read(self, path: str, ref: Ref) -> Object | None:
        try:
            # not repeated by itself: a kind that is not served yet must not be waited for here, and all else the
            # loop around it repeats
            found: Object = self.client.request("GET", path, doing=f"read {ref}", read=False).json()
        except ApiError as error:
            if error.failure.kind in (Kind.NOT_FOUND, Kind.CRD_NOT_ESTABLISHED):
                return None
            raise
        return found


def _ours(obj: Mapping[str, Any]) -> list[Any]:
    entries = field(obj, "metadata", "managedFields", default=[])
    return [one for one in entries if one.get("manager") == FIELD_MANAGER and one.get("operation") == "Apply"]


def _generation(obj: Mapping[str, Any]) -> Any:
    return field(obj, "metadata", "generation")


def _content(obj: Mapping[str, Any]) -> dict[str, Any]:
    bookkeeping = ("managedFields", "resourceVersion", "generation")
    metadata = {key: value for key, value in field(obj, "metadata", default={}).items() if key not in bookkeeping}
    return {**obj, "metadata": metadata}
