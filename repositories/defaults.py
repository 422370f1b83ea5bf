"""Which repository is the default, and moving the mark, so that two are never left behind.

The mark is an annotation on each object, and nothing writes two objects at once. So the old mark is taken away before
the new one is set: whoever is interrupted in between leaves none, and packages that name no repository are refused
until the mark is set, instead of coming from elsewhere. What can be known to fail is found before, by a dry run of
both writes. Two people who move the mark at the same moment to different repositories may both set it; so everybody
looks again after setting it, and all take it away from all but the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from base.errors import FritError, PreflightFailed
from base.events import Said
from kube.apply import Applier, Change
from kube.failures import ApiError
from kube.objects import Object, Ref, field
from repositories.objects import API_VERSION, DEFAULT_ANNOTATION, REPOSITORIES, is_default
from repositories.registry import listed
from repositories.writing import write

ROUNDS = 3
"""How often is looked again whether there is one default: each time takes away what came meanwhile."""


@dataclass(frozen=True)
class Moved:
    """What became of the mark: who has it, who had it, whether anything was written."""

    default: str
    before: tuple[str, ...]
    change: Change


def set_default(
    applier: Applier,
    name: str,
    *,
    force_conflicts: bool = False,
    between: Callable[[str], None] = lambda _: None,
) -> Moved:
    """Make one repository the only default. `between` is told what stands when the old mark is gone, "" when all is.

    Raises `PreflightFailed` where it is not registered, what `write` raises, and puts the old mark back where the new
    one cannot be set.
    """
    existing = listed(applier.client)
    names = [_name(one) for one in existing]
    if name not in names:
        raise PreflightFailed(
            f"could not make {name} the default repository: it is not registered",
            hint=f"frit repo list   shows those that are: {', '.join(names) or 'none'}",
        )
    marked = [_name(one) for one in existing if is_default(one)]
    if marked == [name]:
        return Moved(name, (name,), Change.UNCHANGED)
    others = [one for one in marked if one != name]
    trial = replace(applier, dry_run=True)
    for one in others:
        _try(trial, one, on=False, force_conflicts=force_conflicts)
    _try(trial, name, on=True, force_conflicts=force_conflicts)
    if others:
        between(f"no repository is the default now; frit repo set-default {name}   completes it")
    for one in others:
        _mark(applier, one, on=False, force_conflicts=force_conflicts)
    try:
        _mark(applier, name, on=True, force_conflicts=force_conflicts)
    except FritError as error:
        if len(others) == 1 and not applier.run.cancelled:
            _put_back(applier, others[0], error)
        raise
    between("")
    winner = only_default(applier, prefer=name, force_conflicts=force_conflicts)
    return Moved(winner, tuple(marked), Change.CHANGED)


def only_default(applier: Applier, *, prefer: str, force_conflicts: bool = False) -> str:
    """Look whether `prefer`, which has just been marked, is the only default; else leave one of them, the first by
    name, as everybody else who looks does. Returns the default, and says when it is another.
    """
    winner = prefer
    for _ in range(ROUNDS):
        marked = [_name(one) for one in listed(applier.client) if is_default(one)]
        winner = marked[0] if marked else ""
        if len(marked) <= 1:
            break
        for one in marked[1:]:
            _mark(applier, one, on=False, force_conflicts=force_conflicts)
    if winner != prefer:
        said = f"{winner} is the default repository" if winner else "no repository is the default"
        applier.emit(Said(f"{said}, not {prefer}: somebody else has moved the mark at the same moment", "warning"))
    return winner


def _name(obj: Object) -> str:
    return str(field(obj, "metadata", "name", default=""))


def _mark(applier: Applier, name: str, *, on: bool, force_conflicts: bool) -> Change:
    def edit(before: Object | None) -> Object | None:
        if before is None:
            if not on:
                return None
            raise PreflightFailed(f"could not make {name} the default repository: somebody has deleted it meanwhile")
        annotations = dict(field(before, "metadata", "annotations", default={}))
        annotations.pop(DEFAULT_ANNOTATION, None)
        if on:
            annotations[DEFAULT_ANNOTATION] = "true"
        before["metadata"]["annotations"] = annotations
        return before

    ref = Ref(API_VERSION, REPOSITORIES.kind, "", name)
    return write(applier, REPOSITORIES, ref, edit, force_conflicts=force_conflicts).change


def _try(trial: Applier, name: str, *, on: bool, force_conflicts: bool) -> None:
    """A dry run of `_mark`; where a webhook takes none, there is nothing to be learnt from it."""
    try:
        _mark(trial, name, on=on, force_conflicts=force_conflicts)
    except ApiError as error:
        if "does not support dry run" not in error.message:
            raise


def _put_back(applier: Applier, name: str, error: FritError) -> None:
    """Restore the old mark after the new one could not be set; the error says what stands now."""
    try:
        _mark(applier, name, on=True, force_conflicts=True)
        error.message += f"; {name} is the default as before"
    except FritError:
        error.message += "; no repository is the default now"
        error.hint = f"kubectl annotate packagerepository {name} {DEFAULT_ANNOTATION}=true   restores it\n{error.hint}"
