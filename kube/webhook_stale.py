"""Webhooks that call a Service which does not exist: what an uninstalled product has left behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from base.parallel import each
from kube.access import Permission
from kube.client import METADATA_ONLY, Client
from kube.discovery import CORE_V1, CRDS
from kube.failures import ApiError, Kind
from kube.objects import Object, field, ref_of
from kube.webhook_registrations import Registration, registrations_of

AT_ONCE = 4
"""Reads under way at the same time."""


@dataclass(frozen=True)
class Calls:
    """Which Services the webhooks of a cluster call, and which of them do not exist (namespace, name).

    `unread` names the permissions that were missing; what they hide is neither called stale nor right.
    """

    registrations: tuple[Registration, ...] = ()
    missing: frozenset[tuple[str, str]] = frozenset()
    unread: tuple[Permission, ...] = ()

    @property
    def stale(self) -> list[Registration]:
        """The webhooks whose Service does not exist."""
        return [one for one in self.registrations if one.service in self.missing]


def converts(crd: Object) -> bool:
    """Whether a CRD's metadata may belong to one with a conversion webhook: managedFields name the fields it has."""
    entries = field(crd, "metadata", "managedFields", default=[])
    path = ("fieldsV1", "f:spec", "f:conversion", "f:webhook")
    return not entries or any(field(one, *path) is not None for one in entries)


def ask_calls(
    client: Client,
    configurations: Iterable[Object],
    crds: Iterable[Object] = (),
    *,
    asked: Sequence[tuple[str, str]] = (),
) -> Calls:
    """Ask for each Service that webhooks call whether it exists, one small read each, and none where there are none.

    `crds` may be metadata alone: those with a conversion webhook are read. The Services in `asked` are left out,
    because somebody else asks for them. Raises `ApiError`, but not for a missing permission or object.
    """
    definitions = each(
        lambda one: _read(
            client, CRDS.path(name=ref_of(one).name), f"read CustomResourceDefinition {ref_of(one).name}"
        ),
        [one for one in crds if converts(one)],
        workers=AT_ONCE,
    )
    unread = {Permission("get", CRDS.group, CRDS.plural) for one in definitions if one is None}
    whole = [{**one, "apiVersion": CRDS.api_version, "kind": CRDS.kind} for one in definitions if one]
    registrations = tuple(one for obj in [*configurations, *whole] for one in registrations_of(obj))
    services = sorted({one.service for one in registrations if one.service[1] and one.service not in asked})
    found = each(lambda one: _exists(client, *one), services, workers=AT_ONCE)
    missing = frozenset(one for one, there in zip(services, found, strict=True) if there is False)
    unread |= {
        Permission("get", "", "services", one[0]) for one, there in zip(services, found, strict=True) if there is None
    }
    return Calls(registrations, missing, tuple(sorted(unread)))


def _exists(client: Client, namespace: str, name: str) -> bool | None:
    path = CORE_V1["Service"].path(namespace, name)
    found = _read(client, path, f"read Service {namespace}/{name}", METADATA_ONLY)
    return None if found is None else bool(found)


def _read(client: Client, path: str, doing: str, accept: str = "application/json") -> Object | None:
    """An object, an empty one where it does not exist, or None where it may not be read."""
    try:
        found: Object = client.get(path, doing=doing, accept=accept)
    except ApiError as error:
        if error.failure.kind is Kind.NOT_FOUND:
            return {}
        if error.failure.kind is Kind.FORBIDDEN:
            return None
        raise
    return found
