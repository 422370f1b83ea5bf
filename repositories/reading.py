"""Reading several repositories at the same time: what fails, fails for one of them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from base.clock import Deadline, Run
from base.errors import Cancelled, FritError, RepositoryUnusable
from base.events import Listener, silent
from base.parallel import each
from repositories import wire
from repositories.credentials import Veil
from repositories.reader import Origin, Read, Reader, ReadOptions
from repositories.targets import Target, is_url

T = TypeVar("T")

PARALLEL: Final = 32
"""Repositories that are read at the same time; nearly all of that time is waiting."""


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of one repository: what was read of it, or why nothing was."""

    target: Target
    read: Read[T] | None = None
    error: FritError | None = None


def read_indexes(
    targets: Sequence[Target],
    options: ReadOptions,
    run: Run,
    *,
    emit: Listener = silent,
    fresh: bool = False,
    seconds: float | None = None,
) -> list[Outcome[wire.Index]]:
    """The indexes of repositories, read at the same time, in their order; one that fails hides no other.

    `seconds` is how long each may take. Raises only `Cancelled`.
    """

    def read(target: Target) -> Outcome[wire.Index]:
        veil = Veil()
        try:
            deadline = Deadline.after(seconds) if seconds is not None else None
            credentials = target.credentials()
            veil.add(*credentials.secrets())
            with Reader(Origin(target.name, target.url, credentials), options, run, veil.listener(emit)) as reader:
                return Outcome(target, reader.index(fresh=fresh, deadline=deadline))
        except Cancelled:
            raise
        except FritError as error:
            return Outcome(target, error=veil.error(error))

    return each(read, targets, PARALLEL)


def failure(outcome: Outcome[T]) -> str:
    """Why one repository could not be read; messages about a URL have it already."""
    message = outcome.error.message if outcome.error is not None else ""
    return message if is_url(outcome.target.name) else f"{outcome.target.name}: {message}"


def demand(outcomes: Sequence[Outcome[T]], *, strict: bool = False) -> None:
    """Raise `RepositoryUnusable` where nothing could be read at all, or with `strict` where anything failed."""
    failed = [one for one in outcomes if one.error is not None]
    if not failed or (len(failed) < len(outcomes) and not strict):
        return
    lines = [failure(one) for one in failed]
    hints = dict.fromkeys(one.error.hint for one in failed if one.error is not None and one.error.hint)
    message = lines[0]
    if len(lines) > 1:
        which = "any repository" if len(failed) == len(outcomes) else f"{len(failed)} of {len(outcomes)} repositories"
        message = "\n".join([f"could not read {which}:", *lines])
    raise RepositoryUnusable(message, hint="\n".join(hints))
