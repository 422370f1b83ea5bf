"""Reads for an explanation: bounded in time together, never repeated, and never a failure of their own.

An explanation comes at the end of something that has failed. It must not take long, and what may not be read, or is
not answered in time, becomes a note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from base.clock import Deadline
from base.errors import FritError
from kube.access import Permission
from kube.client import Client
from kube.discovery import Resource
from kube.failures import ApiError, Kind
from kube.objects import Object

REQUEST_LIMIT = 2.0
"""Seconds that one read of an explanation may take."""

GONE = (Kind.NOT_FOUND, Kind.CRD_NOT_ESTABLISHED)


@dataclass(frozen=True)
class Told:
    """The answer to one question. `known` is false where it could not be had; `value` is None where nothing is there.

    The value of a list is an object with the list under `items`.
    """

    known: bool
    value: Object | None = None

    @property
    def missing(self) -> bool:
        """Whether it is certain that the object does not exist."""
        return self.known and self.value is None

    @property
    def items(self) -> list[Object]:
        """The objects of a list; empty where it could not be had."""
        return list((self.value or {}).get("items") or [])


class Questions:
    """Reads that share one budget of time (seconds); `notes` collects what could not be known, and why."""

    def __init__(self, client: Client, seconds: float) -> None:
        self.client = client
        self.deadline = Deadline.after(seconds)
        self.notes: list[str] = []

    def limit(self) -> float:
        """Seconds that the next read may take; 0 when the time is up."""
        return min(REQUEST_LIMIT, self.deadline.remaining())

    def get(self, resource: Resource, namespace: str, name: str) -> Told:
        """Read one object."""
        title = f"{resource.kind} {namespace}/{name}" if namespace else f"{resource.kind} {name}"
        permission = Permission("get", resource.group, resource.plural, namespace)
        told = self._asked(resource.path(namespace, name), f"read {title}", permission)
        if told.value is not None:
            identity = {"apiVersion": resource.api_version, "kind": resource.kind}
            return Told(True, {**told.value, **identity})
        return told

    def list(self, resource: Resource, namespace: str = "", query: Mapping[str, str] | None = None) -> Told:
        """Read a collection; its items carry apiVersion and kind."""
        where = f" in namespace {namespace}" if namespace else ""
        permission = Permission("list", resource.group, resource.plural, namespace)
        told = self._asked(resource.path(namespace), f"list {resource.plural}{where}", permission, query)
        identity = {"apiVersion": resource.api_version, "kind": resource.kind}
        return Told(told.known, {"items": [{**one, **identity} for one in told.items]})

    def path(self, path: str, doing: str) -> Told:
        """Read any path that every account may read."""
        return self._asked(path, doing, None)

    def note(self, doing: str, error: FritError, permission: Permission | None = None) -> None:
        """Say that something could not be known; `doing` completes "could not ..."."""
        forbidden = isinstance(error, ApiError) and error.failure.kind is Kind.FORBIDDEN
        if forbidden and permission is not None:
            text = f"this account may not {permission} ({permission.command})"
        else:
            text = error.message if isinstance(error, ApiError) else f"could not {doing}: {error.message}"
        if text not in self.notes:
            self.notes.append(text)

    def _asked(
        self, path: str, doing: str, permission: Permission | None, query: Mapping[str, str] | None = None
    ) -> Told:
        limit = self.limit()
        if limit <= 0:
            self.notes.append(f"no time was left to {doing}")
            return Told(False)
        try:
            # said to be no read, so that a patient client does not repeat it
            answer: Any = self.client.request("GET", path, doing=doing, query=query, timeout=limit, read=False).json()
        except ApiError as error:
            if error.failure.kind in GONE:
                return Told(True)
            self.note(doing, error, permission)
            return Told(False)
        return Told(True, answer)
