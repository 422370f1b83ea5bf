"""The package API on a cluster: our CustomResourceDefinitions, or those of Glasskube, extended and never replaced.

A CRD whose spec belongs to frit alone is applied as a whole. One that somebody else has written to (Glasskube, or a
person with kubectl) is only extended, by the rules of schema_extension.py. To the API server `spec.versions` is one
atomic list, so whoever extends it takes over the field as a whole; that is the only place where frit forces an
apply. It says so in an event that names the field managers that lose the field, and the apply carries the
resourceVersion that was read, so nothing that somebody wrote in between is lost.

Source: Kubernetes documentation, "Server-Side Apply" (conflicts, `+listType=atomic`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from base.errors import PreflightFailed
from base.events import Said
from base.parallel import each
from base.retry import History
from kube.access import Permission, not_known
from kube.apply import FIELD_MANAGER, Applied, Applier, Change
from kube.client import Client
from kube.discovery import CRDS
from kube.failures import ApiError, Kind
from kube.objects import Object, field, ref_of
from repositories.objects import GROUP, VERSION
from repositories.schema_extension import extend

NAMES = tuple(f"{one}.{GROUP}" for one in ("clusterpackages", "packages", "packageinfos", "packagerepositories"))
"""The names of our CustomResourceDefinitions."""

PERMISSIONS = tuple(Permission(verb, CRDS.group, CRDS.plural) for verb in ("get", "create", "patch"))
"""What the account needs to install or extend the package API."""


class Action(StrEnum):
    """What is done with one CRD."""

    CREATE = "create"
    APPLY = "apply"
    EXTEND = "extend"
    KEEP = "keep"


@dataclass(frozen=True)
class Step:
    """The plan for one CRD.

    `obj` is what is applied (for keep: what is there); `additions` names what an extension adds; `owners` are the
    field managers besides frit that have written to its spec; `losing` are those of them that lose spec.versions.
    """

    name: str
    action: Action
    obj: Object
    additions: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    losing: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line for people."""
        owners = " and ".join(self.owners) or "somebody else"
        if self.action is Action.EXTEND:
            return f"{self.name}: made by {owners}, extended by {', '.join(self.additions)}"
        return f"{self.name}: made by {owners}, kept" if self.action is Action.KEEP else f"{self.name}: {self.action}"


def crds() -> list[Object]:
    """The CustomResourceDefinitions of the package API, as the file has them."""
    import yaml

    from manifests import read as read_file

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML was built with it
    return list(yaml.load_all(read_file("package-api.yaml"), Loader=loader))


def read(client: Client) -> dict[str, Object | None]:
    """What the cluster has under the names of our CRDs, None for those that are missing; four requests at once.

    Raises `CannotTell` where the account may not read them, and `ApiError`.
    """
    found = each(lambda name: _read(client, name), NAMES, workers=4)
    return dict(zip(NAMES, found, strict=True))


def _read(client: Client, name: str) -> Object | None:
    try:
        found: Object = client.get(CRDS.path(name=name), doing=f"read CustomResourceDefinition {name}")
    except ApiError as error:
        if error.failure.kind is Kind.NOT_FOUND:
            return None
        if error.failure.kind is Kind.FORBIDDEN:
            raise not_known(f"could not tell whether {name} is there", PERMISSIONS[0]) from None
        raise
    return found


def plan(existing: Mapping[str, Object | None]) -> tuple[Step, ...]:
    """What to do with each CRD, given what is there under its name (an absent name counts as nothing).

    Raises `PreflightFailed` for a CRD that cannot be extended compatibly or is being deleted.
    """
    return tuple(_step(ours, existing.get(ref_of(ours).name)) for ours in crds())


def _step(ours: Object, there: Object | None) -> Step:
    name = ref_of(ours).name
    if there is None:
        return Step(name, Action.CREATE, ours)
    if field(there, "metadata", "deletionTimestamp"):
        raise PreflightFailed(
            f"could not install CustomResourceDefinition {name}: the one that is there is being deleted",
            hint=f"kubectl wait --for=delete crd/{name}   and then run frit again",
        )
    owners = _owners(there, ("f:spec",))
    if owners == (FIELD_MANAGER,):
        return Step(name, Action.APPLY, ours)
    others = _without_us(owners)
    merged = extend(there, ours, VERSION)
    if not merged.additions:
        return Step(name, Action.KEEP, there, owners=others)
    metadata = {"name": name, "resourceVersion": field(there, "metadata", "resourceVersion")}
    spec: Object = {"versions": merged.versions}
    losing = _owners(there, ("f:spec", "f:versions"))
    short = ("f:spec", "f:names", "f:shortNames")
    changed = merged.short_names != field(there, "spec", "names", "shortNames", default=[])
    if changed or FIELD_MANAGER in _owners(there, short):  # left out, a list that only frit owns would be removed
        spec["names"] = {"shortNames": merged.short_names}
        losing += _owners(there, short) if changed else ()
    obj = {"apiVersion": CRDS.api_version, "kind": CRDS.kind, "metadata": metadata, "spec": spec}
    losing = _without_us(dict.fromkeys(losing))
    return Step(name, Action.EXTEND, obj, merged.additions, others, losing)


def _without_us(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(one for one in names if one != FIELD_MANAGER)


def _owners(obj: Mapping[str, Any], path: Sequence[str]) -> tuple[str, ...]:
    """The field managers that own something at or below a path of fieldsV1; status writers do not count."""
    entries = field(obj, "metadata", "managedFields", default=[])
    found = [
        str(one.get("manager", ""))
        for one in entries
        if not one.get("subresource") and field(one, "fieldsV1", *path) is not None
    ]
    return tuple(dict.fromkeys(found))


def install(applier: Applier, steps: Sequence[Step]) -> list[Applied]:
    """Carry out a plan, the CRDs at the same time; the results have the order of the steps.

    It does not wait for the CRDs to be established. Raises what `Applier.apply` raises, and `PreflightFailed` where
    a CRD was changed meanwhile so that it cannot be extended any more.
    """
    return applier.together(lambda step: _carry_out(applier, step), steps)


def _carry_out(applier: Applier, step: Step) -> Applied:
    if step.action is Action.KEEP:
        return Applied(ref_of(step.obj), Change.UNCHANGED, History(str(ref_of(step.obj))))
    if step.action is Action.EXTEND:
        return _extend(applier, step)
    return applier.apply(step.obj, CRDS)


def _extend(applier: Applier, step: Step) -> Applied:
    """Apply an extension; on a conflict read again and plan again, so that nothing written meanwhile is lost."""
    history = History(f"CustomResourceDefinition {step.name}")
    ours = next(one for one in crds() if ref_of(one).name == step.name)
    current, extended = step, False

    def attempt() -> Change:
        nonlocal current, extended
        if history.attempts:
            last, current = current, _step(ours, _read(applier.client, step.name))
            if current.action is Action.KEEP:
                # done by the attempt before, whose answer was lost; after a conflict it was somebody else
                extended = history.attempts[-1].kind != Kind.CONFLICT
                current = replace(current, losing=last.losing)
                return Change.CHANGED if extended else Change.UNCHANGED
        extends = current.action is Action.EXTEND
        change = applier.attempts(current.obj, CRDS, history, force=extends)()
        extended = extends
        return change

    doing = f"extend CustomResourceDefinition {step.name}"
    change = applier.repeated(attempt, doing, CRDS, history)
    if extended and current.losing and not applier.dry_run:
        losing = " and ".join(current.losing)
        applier.emit(Said(f"{step.name}: frit took over the field spec.versions from {losing}", "warning"))
    return Applied(ref_of(step.obj), change, history)
