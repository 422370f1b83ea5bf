"""From runs to figures: medians with their spread, ratios, and every target with whether it is met."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench import machine
from bench.figures import Summary, Target, summarize
from bench.repositories.cases import (
    FRIT_HUGE,
    FRIT_LARGE,
    FRIT_LINT,
    FRIT_LIST,
    FRIT_MANY,
    LIBYAML_HUGE,
    LIBYAML_LARGE,
    LIBYAML_LINT,
    PLAIN_LARGE,
    PLAIN_LINT,
    PLAIN_LIST,
    PLAIN_MANY,
)
from bench.repositories.records import Readings, Run

MOST_LARGE_SECONDS = 0.3
MOST_LARGE_MB = 120.0
MOST_HUGE_SECONDS = 2.0
MOST_LIST_SECONDS = 3.0
LEAST_MANIFESTS_A_SECOND = 500.0

PAIRS = (
    (FRIT_LARGE, PLAIN_LARGE),
    (FRIT_LARGE, LIBYAML_LARGE),
    (FRIT_HUGE, LIBYAML_HUGE),
    (FRIT_MANY, PLAIN_MANY),
    (FRIT_LIST, PLAIN_LIST),
    (FRIT_LINT, PLAIN_LINT),
    (FRIT_LINT, LIBYAML_LINT),
)
"""Whose median is compared with whose."""


@dataclass(frozen=True)
class Row:
    """One case: seconds with an empty cache and with a filled one (None where it keeps nothing), MB, what it found.

    `processor` are seconds on processors: with a filled cache, or where it keeps nothing with an empty one.
    """

    title: str
    first: Summary
    again: Summary | None
    processor: Summary
    peak_mb: Summary
    found: Summary


@dataclass(frozen=True)
class Comparison:
    """How much longer a script takes: medians in seconds, and the ratio of theirs to ours."""

    ours: str
    theirs: str
    our_median: float
    their_median: float

    @property
    def times(self) -> float:
        """Theirs as a multiple of ours."""
        return self.their_median / self.our_median


def rows(results: Readings) -> list[Row]:
    """A row for each case that ran."""
    return [_row(results, key, title) for key, title in results.titles.items() if results.of(key, again=False)]


def _row(results: Readings, key: str, title: str) -> Row:
    every, again = results.of(key), _seconds(results.of(key, again=True))
    return Row(
        title,
        summarize(_seconds(results.of(key, again=False))),
        summarize(again) if again else None,
        summarize([one.processor for one in every if one.again or not again]),
        summarize([one.peak_mb for one in every]),
        summarize([one.found for one in every]),
    )


def targets(results: Readings) -> list[Target]:
    """Every target for which the results hold figures: medians as they are named, limits by the worst run."""
    title = results.titles.get
    found = []
    if again := results.of(FRIT_LARGE, again=True):
        found.append(_median(f"{title(FRIT_LARGE)}, cache filled, median", again, MOST_LARGE_SECONDS))
        peak = max(one.peak_mb for one in results.of(FRIT_LARGE))
        found.append(Target(f"{title(FRIT_LARGE)}: peak memory, most", peak, MOST_LARGE_MB, "MB"))
    if again := results.of(FRIT_HUGE, again=True):
        found.append(_median(f"{title(FRIT_HUGE)}, cache filled, median", again, MOST_HUGE_SECONDS))
    for state, filled in (("empty", False), ("filled", True)):
        if runs := results.of(FRIT_LIST, again=filled):
            what = f"{title(FRIT_LIST)}, cache {state}, slowest"
            found.append(Target(what, max(_seconds(runs)), MOST_LIST_SECONDS, "s"))
    if runs := results.of(FRIT_LINT):
        rates = summarize([results.manifests / one.seconds for one in runs])
        spread = f"{rates.low:.0f} to {rates.high:.0f}"
        what = f"{title(FRIT_LINT)}, a second, median"
        found.append(Target(what, round(rates.median), LEAST_MANIFESTS_A_SECOND, "", at_least=True, spread=spread))
    return found


def _median(what: str, runs: Sequence[Run], limit: float) -> Target:
    found = summarize(_seconds(runs))
    return Target(what, found.median, limit, "s", spread=f"{found.low:.2f} to {found.high:.2f}")


def comparisons(results: Readings) -> list[Comparison]:
    """frit beside the script, in the same run: with an empty cache, and with a filled one."""
    found = []
    for ours, theirs in PAIRS:
        other = _seconds(results.of(theirs))
        for again in (False, True):
            mine = _seconds(results.of(ours, again=again))
            if mine and other:
                title = f"{results.titles[ours]}{', cache filled' if again else ''}"
                medians = statistics.median(mine), statistics.median(other)
                found.append(Comparison(title, results.titles[theirs], *medians))
    return found


def noisy(results: Readings) -> int:
    """How many runs had to wait for processors so much that the machine's other work shows in them."""
    return sum((one.contention or 0.0) / one.seconds >= machine.CONTENDED for one in results.runs)


def _seconds(runs: Sequence[Run]) -> list[float]:
    return [one.seconds for one in runs]
