"""A look at a repository with frit's own eyes: does it answer, does it hold what it should, how old is it.

In a cluster where no controller reads repositories, nobody else says so. Looks go on at the same time and share no
fate: one repository that hangs or lies costs its own time limit and hides no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from base.clock import Deadline, Run
from base.errors import Cancelled, FritError
from base.parallel import each
from repositories.credentials import Credentials, Veil
from repositories.objects import one_line
from repositories.targets import Target

PARALLEL = 32
"""Looks at the same time: more repositories than anybody registers."""

LOOK_LIMIT = 1.5
"""Seconds that one look of `frit repo list` may take: one repository that hangs must not hold up the list."""


@dataclass(frozen=True)
class Seen:
    """What a repository's index says: how many packages, when it was written (RFC 3339, empty where its server does
    not say), and whether the answer is an old one out of the cache (`note` says why)."""

    packages: int
    updated: str = ""
    stale: bool = False
    note: str = ""


class Reader(Protocol):
    """Reads the index of a repository; raises `RepositoryUnusable`, and `Cancelled`."""

    def __call__(self, url: str, credentials: Credentials, *, run: Run, deadline: Deadline, fresh: bool) -> Seen:
        """`fresh` asks the server even where the cache has an answer that is new enough."""


@dataclass(frozen=True)
class Look:
    """What became of one look: `seen`, or the error that it ended with."""

    name: str
    seen: Seen | None = None
    error: FritError | None = field(default=None, repr=False)

    @property
    def message(self) -> str:
        """Why it failed, in one line; empty where it did not."""
        return one_line(self.error.message) if self.error else one_line(self.seen.note) if self.seen else ""

    def data(self) -> dict[str, Any]:
        """As JSON types."""
        seen = self.seen
        return {
            "reachable": seen is not None and not seen.stale,
            "packages": seen.packages if seen else None,
            "updated": seen.updated if seen else "",
            "stale": bool(seen and seen.stale),
            "message": self.message,
        }


def look(reader: Reader, target: Target, *, run: Run, deadline: Deadline, fresh: bool = False) -> Look:
    """Look at one repository. Raises only `Cancelled`; what the repository's fault is becomes the result."""
    veil = Veil()
    try:
        credentials = target.credentials()
        veil.add(*credentials.secrets())
        return Look(target.name, reader(target.url, credentials, run=run, deadline=deadline, fresh=fresh))
    except Cancelled:
        raise
    except FritError as error:
        return Look(target.name, error=veil.error(error))


def look_at_all(
    reader: Reader, targets: Sequence[Target], *, run: Run, limit: float = LOOK_LIMIT, fresh: bool = False
) -> list[Look]:
    """Look at all of them at the same time, each for `limit` seconds at most; the results in their order."""
    return each(lambda one: look(reader, one, run=run, deadline=Deadline.after(limit), fresh=fresh), targets, PARALLEL)
