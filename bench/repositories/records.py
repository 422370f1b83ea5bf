"""What the benchmark of repositories leaves: plain data, written as JSON and read again for tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.stored import load, save

FORMAT = "frit-bench-repositories/1"


@dataclass(frozen=True)
class Run:
    """One process from its start to its end.

    `again` is whether an earlier one has filled the cache that it found. `found` is what it counted: packages that fit,
    repositories that answered, manifests. `processor` is the seconds that it spent on processors, `contention` those in
    which some task of the machine waited for one.
    """

    case: str
    round: int
    again: bool
    seconds: float
    processor: float
    peak_mb: float
    found: int
    contention: float | None = None


@dataclass(frozen=True)
class Readings:
    """A whole benchmark. `titles` are those of the cases by their keys; `manifests` is how many are linted.

    `failures` say what failed, and which contestants of one subject found different things.
    """

    started: str
    seed: int
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    titles: Mapping[str, str]
    manifests: int
    runs: tuple[Run, ...]
    failures: tuple[str, ...] = ()

    def of(self, case: str, *, again: bool | None = None) -> list[Run]:
        """The runs of one case; all, the first ones with an empty cache, or those that found it filled."""
        return [one for one in self.runs if one.case == case and again in (None, one.again)]


def write(path: Path, results: Readings) -> None:
    """Write results as JSON."""
    save(path, FORMAT, results)


def read(path: Path) -> Readings:
    """Read results that `write` wrote. Raises ValueError for another format."""
    data = load(path, FORMAT, "the benchmark of repositories")
    data["runs"] = tuple(Run(**one) for one in data["runs"])
    data["failures"] = tuple(data["failures"])
    return Readings(**data)
