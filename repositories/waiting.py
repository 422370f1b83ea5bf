"""Waiting until a repository is usable: a controller says so, or, where none looks at repositories, frit sees it."""

from __future__ import annotations

from kube.apply import Applier
from kube.objects import Object, condition, field
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake
from repositories.credentials import Veil
from repositories.looking import Reader, Seen, look
from repositories.objects import REPOSITORIES, one_line
from repositories.put import ref_for
from repositories.registry import as_registered, listed
from repositories.targets import target_of
from repositories.writing import read

PAUSE = 0.5
LOOK_LIMIT = 5.0
"""Seconds between two questions to the API server, and for one look at the repository."""


def wait_until_usable(applier: Applier, name: str, reader: Reader, veil: Veil) -> Seen | None:
    """Wait until the repository is Ready, or, where nothing in the cluster sets a status, until frit can read it.

    Returns what frit saw, None where a controller said it. Raises `NotReady` at the applier's deadline, what reading
    the object raises, and `Cancelled`.
    """
    controlled = any(condition(one, "Ready") for one in listed(applier.client))

    def question() -> Yes[Seen | None] | NotYet:
        obj = read(applier, REPOSITORIES, ref_for(name))
        if obj is None:
            return NotYet("it is not there any more")
        ready = _ready(obj)
        if ready is not None:
            return Yes(None) if ready == "" else NotYet(ready)
        if controlled:
            return NotYet("its controller has not looked at it yet")
        target = target_of(applier.client, obj, as_registered(obj))
        seen = look(reader, target, run=applier.run, deadline=applier.deadline.sooner(LOOK_LIMIT), fresh=True)
        if seen.seen is not None and not seen.seen.stale:
            return Yes(seen.seen)
        return NotYet(veil.text(seen.message))

    return wait_until(
        question,
        what=f"repository {name}",
        run=applier.run,
        deadline=applier.deadline,
        emit=applier.emit,
        wake=Wake(),
        pause=PAUSE,
    )


def _ready(obj: Object) -> str | None:
    """What the condition Ready says: nothing against it (""), a reason to wait, or None where there is none yet."""
    said = condition(obj, "Ready")
    generation = said.get("observedGeneration")
    if not said or (isinstance(generation, int) and generation < field(obj, "metadata", "generation", default=0)):
        return None
    if said.get("status") == "True":
        return ""
    return one_line(str(said.get("message") or said.get("reason") or "it is not ready"))
