"""What the recovery benchmark leaves: plain data, written as JSON and read again for tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.stored import load, save

FORMAT = "frit-bench-recovery/1"


@dataclass(frozen=True)
class Outcome:
    """What one contestant made of one fault. Times are seconds.

    `seconds` is from its start to its end, `recovery` from the witness's first success to its own (None where it
    gave up), `failed` counts its failed attempts; `gave_up` says how it ended where it did not succeed.
    """

    contestant: str
    seconds: float
    recovery: float | None
    failed: int
    gave_up: str = ""


@dataclass(frozen=True)
class Fault:
    """One fault as it happened. `open_for` is from the contestants' start to the witness's first success."""

    scenario: str
    round: int
    open_for: float
    contention: float | None
    outcomes: tuple[Outcome, ...]
    story: tuple[Mapping[str, Any], ...] = ()

    def of(self, contestant: str) -> Outcome | None:
        """What one contestant made of it; None where it did not take part."""
        return next((one for one in self.outcomes if one.contestant == contestant), None)


@dataclass(frozen=True)
class Recovery:
    """A whole benchmark. `scenarios` and `titles` are the titles of faults and contestants by their keys.

    `failures` say which faults could not be opened, or were not seen.
    """

    started: str
    seed: int
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    scenarios: Mapping[str, str]
    titles: Mapping[str, str]
    faults: tuple[Fault, ...]
    failures: tuple[str, ...] = ()

    def outcomes(self, contestant: str, scenario: str | None = None) -> list[Outcome]:
        """All that one contestant made of the faults, or of one kind of them."""
        chosen = (one for one in self.faults if scenario in (None, one.scenario))
        return [found for one in chosen if (found := one.of(contestant)) is not None]


def write(path: Path, results: Recovery) -> None:
    """Write results as JSON."""
    save(path, FORMAT, results)


def read(path: Path) -> Recovery:
    """Read results that `write` wrote. Raises ValueError for another format."""
    data = load(path, FORMAT, "the recovery benchmark")
    data["faults"] = tuple(
        Fault(**{**one, "outcomes": tuple(Outcome(**each) for each in one["outcomes"]), "story": tuple(one["story"])})
        for one in data["faults"]
    )
    data["failures"] = tuple(data["failures"])
    return Recovery(**data)
