"""What a benchmark leaves: plain data, written as JSON and read again for tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.stored import load, save

FORMAT = "frit-bench/1"


@dataclass(frozen=True)
class Run:
    """One bootstrap by one contestant. Times are seconds from the start of its first process.

    `claimed` is when its last process ended, `really` when the webhook worked for good and `first` when it first did
    (None where nobody polled), `contrary` how many of the poller's requests that were started after the claim got a
    contrary answer. `requests`
    counts by program, `peak_mb` is the largest process in MB (10^6), `busy_before` the share of the processors that
    was busy just before, `contention` the seconds in which some task of the machine waited for a processor.
    `story` tells what the poller saw, `stages` what frit's own report says.
    """

    contestant: str
    round: int
    claimed: float
    really: float | None
    first: float | None
    contrary: int
    requests: Mapping[str, int]
    peak_mb: float
    steps: tuple[tuple[str, float, float], ...]
    busy_before: float
    contention: float | None
    story: tuple[Mapping[str, Any], ...] = ()
    poller: Mapping[str, Any] = field(default_factory=dict)
    stages: tuple[Mapping[str, Any], ...] = ()

    @property
    def late(self) -> float | None:
        """How long after the webhook worked it was claimed; negative for a claim that was too early."""
        return None if self.really is None else self.claimed - self.really

    @property
    def contended(self) -> float:
        """Which share of the run some task of the machine waited for a processor; 0 where the kernel doesn't tell."""
        return (self.contention or 0.0) / self.claimed

    @property
    def request_count(self) -> int:
        """Requests of all its programs."""
        return sum(self.requests.values())


@dataclass(frozen=True)
class Rerun:
    """frit once more on the healthy cluster that its own run left: seconds, requests, and what it reported."""

    round: int
    seconds: float
    requests: int
    outcome: str
    peak_mb: float


@dataclass(frozen=True)
class Results:
    """A whole benchmark. `unpolled` are runs without a poller, which show what polling costs.

    `startup` holds seconds of each start by program; `failures` say which runs failed, and why.
    """

    started: str
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    titles: Mapping[str, str]
    runs: tuple[Run, ...]
    unpolled: tuple[Run, ...] = ()
    reruns: tuple[Rerun, ...] = ()
    startup: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    failures: tuple[str, ...] = ()

    def of(self, contestant: str) -> list[Run]:
        """The polled runs of one contestant."""
        return [one for one in self.runs if one.contestant == contestant]


def write(path: Path, results: Results) -> None:
    """Write results as JSON."""
    save(path, FORMAT, results)


def read(path: Path) -> Results:
    """Read results that `write` wrote. Raises ValueError for another format."""
    data = load(path, FORMAT, "this benchmark")
    data["runs"] = _runs(data["runs"])
    data["unpolled"] = _runs(data["unpolled"])
    data["reruns"] = tuple(Rerun(**one) for one in data["reruns"])
    data["failures"] = tuple(data["failures"])
    data["startup"] = {name: tuple(times) for name, times in data["startup"].items()}
    return Results(**data)


def _runs(entries: Iterable[dict[str, Any]]) -> tuple[Run, ...]:
    def run(entry: dict[str, Any]) -> Run:
        lists = {name: tuple(entry[name]) for name in ("story", "stages")}
        return Run(**{**entry, **lists, "steps": tuple((one[0], one[1], one[2]) for one in entry["steps"])})

    return tuple(run(entry) for entry in entries)
