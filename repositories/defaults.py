"""Which repository is the default, and moving the mark, so that two are never left behind.

The mark is an annotation on each object, and nothing writes two objects at once. Whoever wants it for a repository
first leaves a claim there: the same annotation with a value of its own, which marks nothing. Then everybody's marks and
claims are read and taken away from all other repositories, and then the claim becomes the mark, if it is still there.
Of two who do so at the same moment at least one sees the other's claim and takes it away before it can become a mark;
so at no moment two have the mark, wherever anybody is killed. What a killed one leaves is no mark, or a claim that
means nothing and that the next one takes away.

Between the writes there is no default, and packages that name no repository are refused until there is one, instead of
coming from elsewhere. What can be known to fail is found before, by a dry run of all writes.

Source: L. Lamport, "A New Solution of Dijkstra's Concurrent Programming Problem" (1974): say first that you want it,
look at the others then.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from base.errors import FritError, PreflightFailed, ServerRefused
from base.events import Said
from kube.apply import Applier, Change
from kube.failures import ApiError
from kube.objects import Object, Ref, field
from repositories.objects import API_VERSION, DEFAULT_ANNOTATION, REPOSITORIES, is_default
from repositories.registry import listed
from repositories.writing import write

MARK = "true"
ROUNDS = 12
"""How often the mark is tried for while others take claims away; a few are enough for ten at the same moment."""

PAUSES = (0.05, 1.0)
"""Seconds before the second round, and at most; it doubles, and chance makes it up to that much longer."""


@dataclass(frozen=True)
class Moved:
    """What became of the mark: who has it (empty for nobody), who had it, whether anything was written."""

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

    Raises `PreflightFailed` where it is not registered, what `claim` raises, and puts the old mark back where the new
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
        _try(trial, one, "", force_conflicts)
    _try(trial, name, MARK, force_conflicts)
    tokens: list[str] = []
    try:
        winner = claim(applier, name, over=True, force_conflicts=force_conflicts, between=between, tokens=tokens)
    except FritError as error:
        if len(others) == 1 and not applier.run.cancelled:
            _put_back(applier, others[0], tokens, error)
        raise
    between("")
    return Moved(winner, tuple(marked), Change.CHANGED)


def claim(
    applier: Applier,
    name: str,
    *,
    over: bool,
    force_conflicts: bool = False,
    between: Callable[[str], None] = lambda _: None,
    tokens: list[str] | None = None,
) -> str:
    """Get the mark for a repository that is registered; with `over` also from the one that has it now.

    `tokens` are the caller's own claims of before, which nobody pursues any more; those that are made now come along.

    Returns the default at the end, and says when it is another because somebody else was faster. Raises
    `PreflightFailed` where the repository has gone, `ServerRefused` where too many try at the same moment, and what
    `write` raises.
    """
    tokens = [] if tokens is None else tokens
    for turn in range(ROUNDS):
        if turn:
            applier.run.sleep(min(PAUSES[0] * 2 ** (turn - 1), PAUSES[1]) * random.uniform(1, 2))
        wanted = f"wanted-{uuid.uuid4().hex}"
        tokens.append(wanted)
        _swap(applier, name, wanted, unless=(MARK,), force=force_conflicts)
        existing = listed(applier.client)
        marked = [_name(one) for one in existing if is_default(one)]
        others = [one for one in marked if one != name]
        if marked == [name]:
            return name
        take = over and (turn == 0 or name in marked)
        if others and not take:
            mine = (wanted, MARK) if name in marked else (wanted,)
            _swap(applier, name, "", only=mine, force=force_conflicts)
            said = f"{others[0]} is the default repository, not {name}"
            applier.emit(Said(f"{said}: somebody else has moved the mark at the same moment", "warning"))
            return others[0]
        if others:
            between(f"no repository is the default now; frit repo set-default {name}   completes it")
        rivals = [_name(one) for one in existing if _name(one) != name and _value(one) not in ("", *tokens)]
        left = [_swap(applier, one, "", unless=() if take else (MARK,), force=force_conflicts) for one in rivals]
        if MARK not in left:
            _swap(applier, name, MARK, only=(wanted,), force=force_conflicts)
            if [_name(one) for one in listed(applier.client) if is_default(one)] == [name]:
                return name
    raise ServerRefused(
        f"could not make {name} the default repository: {ROUNDS} times somebody else tried the same at the same moment",
        hint="frit repo list   shows which one is the default now; run this again if it is still wanted",
    )


def _name(obj: Object) -> str:
    return str(field(obj, "metadata", "name", default=""))


def _value(obj: Object) -> str:
    return str(field(obj, "metadata", "annotations", DEFAULT_ANNOTATION, default=""))


def _swap(
    applier: Applier,
    name: str,
    to: str,
    *,
    only: Collection[str] | None = None,
    unless: Collection[str] = (),
    force: bool = False,
) -> str:
    """Give the annotation another value (empty: take it away) `only` where it has one of these values now, `unless`
    it has one of those; the value that it has then. What is not there any more has none.
    """
    value = ""

    def edit(before: Object | None) -> Object | None:
        nonlocal value
        if before is None:
            if to and only is None:
                raise PreflightFailed(f"could not make {name} the default repository: it is not there any more")
            return None
        value = _value(before)
        if value in unless or (only is not None and value not in only):
            return before
        value = to
        annotations = dict(field(before, "metadata", "annotations", default={}))
        annotations.pop(DEFAULT_ANNOTATION, None)
        before["metadata"]["annotations"] = {**annotations, DEFAULT_ANNOTATION: to} if to else annotations
        return before

    write(applier, REPOSITORIES, Ref(API_VERSION, REPOSITORIES.kind, "", name), edit, force_conflicts=force)
    return value


def _try(trial: Applier, name: str, to: str, force: bool) -> None:
    """A dry run of a write; where a webhook takes none, there is nothing to be learnt from it."""
    try:
        _swap(trial, name, to, force=force)
    except ApiError as error:
        if "does not support dry run" not in error.message:
            raise


def _put_back(applier: Applier, name: str, tokens: list[str], error: FritError) -> None:
    """Restore the old mark after the new one could not be set; the error says what stands now."""
    try:
        now = claim(applier, name, over=False, force_conflicts=True, tokens=tokens)
        error.message += f"; {now} is the default" + (" as before" if now == name else "")
    except FritError:
        error.message += "; no repository is the default now"
        error.hint = (
            f"kubectl annotate packagerepository {name} {DEFAULT_ANNOTATION}={MARK}   restores it\n{error.hint}"
        )
