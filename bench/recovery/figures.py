"""From outcomes to figures: medians with their spread, ratios, and every target with whether it is met."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.figures import Summary, Target, summarize
from bench.recovery.records import Outcome, Recovery
from bench.recovery.scenarios import FRIT_BOOTSTRAP, FRIT_REPO

MOST_MEDIAN_SECONDS = 1.0
MOST_WORST_SECONDS = 2.0
OURS = (FRIT_REPO, FRIT_BOOTSTRAP)


@dataclass(frozen=True)
class Cell:
    """What one contestant made of one kind of fault, or of all: seconds after it, and how often it gave up."""

    recovery: Summary | None
    gave_up: int
    runs: int


@dataclass(frozen=True)
class Row:
    """One kind of fault, or all of them: how long they were open in seconds, and a cell for each contestant."""

    title: str
    rounds: int
    open_for: Summary
    cells: tuple[Cell | None, ...]


def cell(outcomes: Sequence[Outcome]) -> Cell | None:
    """The cell of some outcomes; None where there are none."""
    if not outcomes:
        return None
    known = [one.recovery for one in outcomes if one.recovery is not None]
    return Cell(summarize(known) if known else None, len(outcomes) - len(known), len(outcomes))


def rows(results: Recovery) -> list[Row]:
    """A row for each kind of fault that happened, and one for all."""
    found = []
    for key, title in results.scenarios.items():
        own = [one for one in results.faults if one.scenario == key]
        if own:
            cells = tuple(cell(results.outcomes(name, key)) for name in results.titles)
            found.append(Row(title, len(own), summarize([one.open_for for one in own]), cells))
    if results.faults:
        cells = tuple(cell(results.outcomes(name)) for name in results.titles)
        open_for = summarize([one.open_for for one in results.faults])
        found.append(Row("all", len(results.faults), open_for, cells))
    return found


def targets(results: Recovery) -> list[Target]:
    """What is claimed of frit; a run in which it gave up counts as missed by as long as it ran."""
    found = []
    for key in OURS:
        outcomes = results.outcomes(key)
        if not outcomes:
            continue
        seconds = [one.seconds if one.recovery is None else one.recovery for one in outcomes]
        title = results.titles[key]
        what = f"{title}: success after the witness's"
        found += [
            Target(f"{what}, median", statistics.median(seconds), MOST_MEDIAN_SECONDS, "s"),
            Target(f"{what}, worst", max(seconds), MOST_WORST_SECONDS, "s"),
            Target(f"{title}: gave up", sum(one.recovery is None for one in outcomes), 0, ""),
        ]
    return found


@dataclass(frozen=True)
class Comparison:
    """How much longer another contestant took, over the faults that both got through: medians, and their ratio."""

    ours: str
    theirs: str
    faults: int
    our_median: float
    their_median: float

    @property
    def times(self) -> float | None:
        """Their median as a multiple of ours; None where ours is not above 0."""
        return self.their_median / self.our_median if self.our_median > 0 else None


def comparisons(results: Recovery) -> list[Comparison]:
    """Every contestant that is not frit beside `frit repo add`, which does the same work."""
    found = []
    for key in results.titles:
        if key in OURS:
            continue
        pairs = []
        for fault in results.faults:
            mine, other = fault.of(FRIT_REPO), fault.of(key)
            if mine and other and mine.recovery is not None and other.recovery is not None:
                pairs.append((mine.recovery, other.recovery))
        if pairs:
            ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
            found.append(Comparison(FRIT_REPO, key, len(pairs), ours, theirs))
    return found
