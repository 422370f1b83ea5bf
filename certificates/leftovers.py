"""The namespaces of trial issuances: how they are known as ours, and how those of killed runs are removed."""

from __future__ import annotations

import time
from datetime import datetime

from base.policy import History
from kube.client import METADATA_LIST, Client
from kube.discovery import CORE_V1
from kube.failures import ApiError, Kind
from kube.objects import Object, field, ref_of
from kube.patience import Patience, repeated

PREFIX = "frit-check-"
LABEL, VALUE = "frit.dev/check", "issue"
LEFTOVER_AGE = 300.0
"""Seconds after which a namespace of ours belongs to a run that was killed; a live one takes less than a minute."""


NAMESPACES = CORE_V1["Namespace"]


def delete_namespace(client: Client, name: str, patience: Patience, uid: str = "") -> None:
    """Delete one namespace, only that with this `uid` if given; one that does not exist is fine.

    Repeats while the failure's kind says that waiting helps. Raises `ApiError`.
    """
    options: Object = {"apiVersion": "v1", "kind": "DeleteOptions"}
    if uid:
        options["preconditions"] = {"uid": uid}
    doing = f"delete Namespace {name}"

    def once() -> None:
        try:
            client.request("DELETE", NAMESPACES.path(name=name), doing=doing, body=options, timeout=10.0)
        except ApiError as error:
            if error.failure.kind not in (Kind.NOT_FOUND, Kind.CONFLICT):  # gone, going already, or another one by now
                raise

    repeated(once, what=doing, patience=patience, history=History(doing))


def sweep(client: Client, patience: Patience) -> list[str]:
    """Remove the namespaces that killed runs left behind, and return their names.

    Who may not list namespaces leaves them to somebody who may. Raises `ApiError` for every other failure that does
    not pass within the limits of `patience`.
    """
    query = {"labelSelector": f"{LABEL}={VALUE}"}
    try:
        answer = client.patient(patience).get(
            NAMESPACES.path(), doing="list namespaces", query=query, accept=METADATA_LIST
        )
    except ApiError as error:
        if error.failure.kind is Kind.FORBIDDEN:
            return []
        raise
    now = time.time() + (client.skew or 0.0)
    leftovers = [one for one in answer.get("items") or [] if is_leftover(one, now)]
    for one in leftovers:
        delete_namespace(client, ref_of(one).name, patience, str(field(one, "metadata", "uid", default="")))
    return [ref_of(one).name for one in leftovers]


def is_leftover(namespace: Object, now: float) -> bool:
    """Whether a namespace is ours and older than any run that still goes on (`now` in seconds since the epoch)."""
    name = ref_of(namespace).name
    if not name.startswith(PREFIX) or field(namespace, "metadata", "labels", LABEL) != VALUE:
        return False
    if field(namespace, "metadata", "deletionTimestamp"):
        return False
    created = str(field(namespace, "metadata", "creationTimestamp", default=""))
    try:
        born = datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return False
    return now - born > LEFTOVER_AGE
