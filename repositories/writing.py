"""Changing one object and nothing else: read it, change it, write it if nobody else has meanwhile.

A server-side apply cannot take away what somebody else wrote, such as a password in an old object; and what frit
applied once, a later apply that leaves it out would take away, such as a bootstrap that knows no credentials. So
changes of repositories are merge patches of exactly the fields that change, bound to the version that was read: a
change in between is a conflict, and the loop reads again. A field that somebody applies (a GitOps controller, say)
would be put back soon, so it is left alone unless a person insists.

Source: Kubernetes API Concepts, "Updates to existing resources"; "Server-Side Apply", "Field management".
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from base.errors import ServerRefused
from base.retry import History
from kube.apply import ATTEMPT_TIMEOUT, FIELD_MANAGER, HEDGE_AFTER, HEDGE_TIMEOUT, Applier, Change
from kube.client import JSON, MERGE_PATCH, METADATA_ONLY, Answer
from kube.discovery import CORE_V1, Resource
from kube.failures import ApiError, Kind
from kube.hedge import hedged
from kube.objects import Object, Ref, field
from kube.patience import judge

Edit = Callable[[Object | None], Object | None]
"""From an object as it is (None: it does not exist; a copy, to be changed at will) to the object as it shall be (None:
nothing is to be done)."""


@dataclass(frozen=True)
class Written:
    """What a write did: the change, the uid of the object (empty after a dry run), and the failed attempts."""

    change: Change
    uid: str
    history: History


def write(applier: Applier, resource: Resource, ref: Ref, edit: Edit, *, force_conflicts: bool = False) -> Written:
    """Create or change one object as `edit` says, in the applier's retry loop; nothing is sent where nothing changes.

    Each attempt begins with a read, so it is safe to repeat and to interrupt. Raises what `edit` raises,
    `ServerRefused` where another manager applies a field that would change (unless `force_conflicts`), `ApiError` and
    `Cancelled`.
    """
    history = History(str(ref))
    doing = f"write {ref}" + (" (dry run)" if applier.dry_run else "")
    path = resource.path(ref.namespace, ref.name)
    looks: list[Object | None] = []
    sent: list[str] = []

    def done(uid: str, *, now: bool) -> Written:
        if looks[0] is None:
            return Written(Change.CREATED, uid, history)
        return Written(Change.CHANGED if now or len(looks) > 1 else Change.UNCHANGED, uid, history)

    def once() -> Written:
        before = read(applier, resource, ref)
        looks.append(before)
        wanted = edit(copy.deepcopy(before))
        if wanted is None:
            return Written(Change.UNCHANGED, "", history)
        if before is None:
            return done(_uid(send("POST", resource.path(ref.namespace), wanted, JSON)), now=True)
        patch = difference(before, wanted)
        if not patch:
            return done(str(field(before, "metadata", "uid", default="")), now=False)
        if not force_conflicts:
            _left_alone(ref, before, patch)
        patch.setdefault("metadata", {})["resourceVersion"] = field(before, "metadata", "resourceVersion")
        return done(_uid(send("PATCH", path, patch, MERGE_PATCH)), now=True)

    def send(method: str, where: str, body: Object, content_type: str) -> Answer:
        try:
            return _send(applier, method, where, doing, body, content_type, sent)
        except ApiError as error:
            if error.failure.kind is Kind.CONFLICT and len(sent) == 1:
                # one request, and it was not carried out: what is there now is somebody else's work
                looks.clear()
                sent.clear()
            raise

    return applier.repeated(once, doing, resource, history)


def delete(applier: Applier, resource: Resource, ref: Ref, uid: str) -> bool:
    """Delete the object that has this uid, in the applier's retry loop; False where it was not there any more.

    Raises `ApiError` and `Cancelled`.
    """
    history, doing = History(str(ref)), f"delete {ref}"
    path, attempts = resource.path(ref.namespace, ref.name), itertools.count(1)
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}

    def once() -> bool:
        again = next(attempts) > 1
        try:
            applier.client.request("DELETE", path, doing=doing, body=body, timeout=_within(applier, ATTEMPT_TIMEOUT))
        except ApiError as error:
            # 409: another object has the name by now, which is not ours to delete
            if error.failure.status in (404, 409):
                return again
            raise
        return True

    return applier.repeated(once, doing, resource, history)


def read(applier: Applier, resource: Resource, ref: Ref) -> Object | None:
    """One attempt to read an object, None where it does not exist. Raises `ApiError`."""
    path = resource.path(ref.namespace, ref.name)
    try:
        answer = applier.client.request(
            "GET", path, doing=f"read {ref}", timeout=_within(applier, ATTEMPT_TIMEOUT), read=False
        )
    except ApiError as error:
        if error.failure.kind is Kind.NOT_FOUND:
            return None
        raise
    found: Object = answer.json()
    return found


def difference(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Object:
    """The JSON merge patch (RFC 7396) that makes `wanted` of `before`; empty where they are equal."""
    patch: Object = {key: None for key in before if key not in wanted}
    for key, value in wanted.items():
        there = before.get(key)
        if key in before and there == value:
            continue
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            patch[key] = difference(there, value)
        else:
            patch[key] = copy.deepcopy(value)
    return patch


def declared_by(obj: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a patch that another manager than frit applies: path -> manager."""
    found: dict[str, str] = {}
    for entry in field(obj, "metadata", "managedFields", default=[]):
        if entry.get("operation") != "Apply" or entry.get("manager") == FIELD_MANAGER or entry.get("subresource"):
            continue
        for path in _leaves(patch):
            owned: Any = entry.get("fieldsV1")
            for key in path:
                if owned == {}:
                    break  # it owns a whole that has no parts of its own
                owned = owned.get(f"f:{key}") if isinstance(owned, Mapping) else None
            if owned is not None:
                found[".".join(path)] = str(entry.get("manager"))
    return found


def _left_alone(ref: Ref, obj: Mapping[str, Any], patch: Mapping[str, Any]) -> None:
    declared = declared_by(obj, patch)
    if not declared:
        return
    managers = " and ".join(f'"{one}"' for one in dict.fromkeys(declared.values()))
    fields = " and ".join(declared)
    raise ServerRefused(
        f"could not change {ref}: conflict with {managers}, which applies {fields} and would put it back",
        hint=f"change it where {managers} takes it from, or change it here all the same: --force-conflicts",
        details={"kind": str(Kind.FIELD_CONFLICT)},
    )


def _leaves(patch: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in patch.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key)


def _send(
    applier: Applier, method: str, path: str, doing: str, body: Object, content_type: str, sent: list[str]
) -> Answer:
    """One attempt; while it hangs, others are sent: the second of two that arrive is a conflict, and read again.

    `sent` gets an entry for each request.
    """
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Warn"}
    if applier.dry_run:
        query["dryRun"] = "All"
    timeouts = itertools.chain([ATTEMPT_TIMEOUT], itertools.repeat(HEDGE_TIMEOUT))

    def send() -> Answer:
        sent.append(method)
        return applier.client.request(
            method,
            path,
            doing=doing,
            query=query,
            body=body,
            content_type=content_type,
            accept=METADATA_ONLY,  # nothing of a Secret needs to come back
            timeout=_within(applier, next(timeouts)),
        )

    try:
        return hedged(
            send,
            after=HEDGE_AFTER,
            most=int(ATTEMPT_TIMEOUT / HEDGE_AFTER),
            run=applier.run,
            growth=1.0,
            decisive=_decisive,
        )
    except ApiError as error:
        gone = method == "PATCH" and error.failure.kind is Kind.NOT_FOUND
        if gone or error.failure.kind is Kind.ALREADY_EXISTS:  # it came or went since it was read: read again
            raise ApiError(doing, replace(error.failure, kind=Kind.CONFLICT), hint=error.hint) from None
        raise


def _decisive(error: BaseException) -> bool:
    verdict = judge(error)
    return verdict is None or verdict.precise


def _uid(answer: Answer) -> str:
    return str(field(answer.json(), "metadata", "uid", default=""))


def _within(applier: Applier, timeout: float) -> float:
    return min(timeout, max(1.0, applier.deadline.remaining()))


def ensure_namespace(applier: Applier, name: str) -> None:
    """Create a namespace where it does not exist; an existing one is not touched. Raises what `write` raises."""
    obj: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    write(applier, CORE_V1["Namespace"], Ref("v1", "Namespace", "", name), lambda before: before or obj)
