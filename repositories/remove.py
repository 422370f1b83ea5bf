"""Removing a repository: never while packages of it are installed, and with everything that frit made for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from base.errors import CannotTell, PreflightFailed
from kube.access import Permission, not_known
from kube.apply import Applier
from kube.client import Client
from kube.discovery import Resource
from kube.failures import ApiError, Kind
from kube.objects import Object, field
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake
from repositories import secrets
from repositories.objects import GROUP, REPOSITORIES, VERSION, is_default
from repositories.put import ref_for
from repositories.registry import listed
from repositories.wording import counted
from repositories.writing import delete, read

CLUSTER_PACKAGES: Final = Resource(GROUP, VERSION, "clusterpackages", "ClusterPackage", False)
PACKAGES: Final = Resource(GROUP, VERSION, "packages", "Package", True)

MOST_NAMED = 20
"""Installed packages that a message names; there may be thousands."""


@dataclass(frozen=True)
class Removed:
    """What was removed: whether the repository was there, whether it was the default, and its Secrets."""

    there: bool
    default: bool = False
    secrets: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


def installed_from(client: Client, name: str, *, default: bool) -> list[str]:
    """The packages that come from a repository, as `ClusterPackage NAME` and `Package NAMESPACE/NAME`, sorted.

    With `default` those count too that name no repository. Two requests. Raises `CannotTell` where the account may
    not list packages, and `ApiError`.
    """
    found = []
    for resource in (CLUSTER_PACKAGES, PACKAGES):
        for one in _list(client, resource):
            source = str(field(one, "spec", "packageInfo", "repositoryName", default=""))
            if source == name or (default and not source):
                where = str(field(one, "metadata", "namespace", default=""))
                called = str(field(one, "metadata", "name", default=""))
                found.append(f"{resource.kind} {where}/{called}" if where else f"{resource.kind} {called}")
    return sorted(found)


def remove(applier: Applier, name: str) -> Removed:
    """Delete a repository and the Secrets that frit made for it; what is not there any more is no failure.

    Raises `PreflightFailed` while packages of it are installed, `CannotTell`, `ApiError`, `NotReady` where a finalizer
    holds it, and `Cancelled`.
    """
    existing = listed(applier.client)
    there = next((one for one in existing if field(one, "metadata", "name") == name), None)
    if there is None:
        return Removed(False, secrets=_clear(applier, name), near=_near(name, existing))
    default = is_default(there)
    used = installed_from(applier.client, name, default=default)
    if used:
        more = f" and {len(used) - MOST_NAMED} more" if len(used) > MOST_NAMED else ""
        how = " (by its name or as the default)" if default else ""
        raise PreflightFailed(
            f"could not remove repository {name}: it is the source of {counted(len(used), 'installed package')}{how}: "
            f"{', '.join(used[:MOST_NAMED])}{more}",
            hint="remove those packages first, or let them come from elsewhere (spec.packageInfo.repositoryName)",
            details={"installed": used},
        )
    uid = str(field(there, "metadata", "uid", default=""))
    applier.together(lambda one: delete(applier, REPOSITORIES, ref_for(name), one), [uid])
    _until_gone(applier, name, uid)
    return Removed(True, default, _clear(applier, name))


def _clear(applier: Applier, name: str) -> tuple[str, ...]:
    """Delete the repository's own Secrets at once; where the account may not, the garbage collector does it."""
    try:
        kept = secrets.kept_for(applier.client, name)
    except (CannotTell, PreflightFailed):
        return ()
    cleared = []
    for one in kept.values():
        try:
            secrets.discard(applier, one)
        except ApiError as error:
            if error.failure.kind is not Kind.FORBIDDEN:
                raise
        else:
            cleared.append(one.name)
    return tuple(cleared)


def _until_gone(applier: Applier, name: str, uid: str) -> None:
    def look() -> Yes[None] | NotYet:
        now = read(applier, REPOSITORIES, ref_for(name))
        if now is None or field(now, "metadata", "uid") != uid:
            return Yes(None)
        holds = ", ".join(field(now, "metadata", "finalizers", default=[])) or "nobody"
        return NotYet(f"its deletion is held up by {holds}")

    wait_until(
        look,
        what=f"the deletion of repository {name}",
        run=applier.run,
        deadline=applier.deadline,
        emit=applier.emit,
        wake=Wake(),
        pause=0.5,
    )


def _near(name: str, existing: list[Object]) -> tuple[str, ...]:
    import difflib

    return tuple(difflib.get_close_matches(name, [str(field(one, "metadata", "name", default="")) for one in existing]))


def _list(client: Client, resource: Resource) -> list[Object]:
    permission = Permission("list", resource.group, resource.plural)
    try:
        answer = client.get(resource.path(), doing=f"list {resource.plural}")
    except ApiError as error:
        if error.failure.status == 404:  # a cluster whose API lacks the kind has no packages of it
            return []
        if error.failure.kind is Kind.FORBIDDEN:
            raise not_known("could not tell which packages are installed", permission) from None
        raise
    items: list[Object] = answer.get("items") or []
    return items
