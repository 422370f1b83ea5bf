"""From runs to figures: medians with their spread, and every target with whether it is met, and by how much not."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.contestants import APPLY_CHECK, APPLY_WAIT_CHECK, FRIT, FRIT_UPSTREAM
from bench.records import Results, Run


@dataclass(frozen=True)
class Summary:
    """The median of some figures, and the lowest and highest of them."""

    median: float
    low: float
    high: float


def summarize(values: Sequence[float]) -> Summary:
    """Median, lowest and highest. Raises ValueError where there are no values."""
    if not values:
        raise ValueError("there is nothing to summarize")
    return Summary(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Target:
    """One claim and what was measured; `measured` must be at most `limit`, or at least it where `at_least`.

    `spread` says how the figure varied, in words.
    """

    what: str
    measured: float
    limit: float
    unit: str
    at_least: bool = False
    spread: str = ""

    @property
    def met(self) -> bool:
        """Whether the claim holds."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    @property
    def missed_by(self) -> float:
        """How far beyond its limit the figure is; 0 where the claim holds."""
        return 0.0 if self.met else abs(self.measured - self.limit)


RATIOS = (
    (FRIT, APPLY_WAIT_CHECK, 0.45),
    (FRIT, APPLY_CHECK, 0.35),
    (FRIT_UPSTREAM, APPLY_WAIT_CHECK, 1.0),
)
"""Seconds to claimed ready: whose, compared with whose, at most."""

MOST_REQUESTS = 80
MOST_PEAK_MB = 80.0
MOST_LATE_SECONDS = 1.0
MOST_RERUN_SECONDS = 2.0
MOST_STARTUP = 1.6
STARTUP_OURS, STARTUP_THEIRS = "frit --help", 'python -c "import click"'


def targets(results: Results) -> list[Target]:
    """Every target for which the results hold figures: ratios by medians, limits by the worst run."""
    found = [_ratio(results, *ratio) for ratio in RATIOS if results.of(ratio[0]) and results.of(ratio[1])]
    for key in (FRIT, FRIT_UPSTREAM):
        if runs := results.of(key):
            found += _limits(results.titles[key], runs)
    if results.reruns:
        worst = max(one.seconds for one in results.reruns)
        found.append(Target("frit bootstrap again on a healthy cluster, slowest", worst, MOST_RERUN_SECONDS, "s"))
    ours, theirs = results.startup.get(STARTUP_OURS), results.startup.get(STARTUP_THEIRS)
    if ours and theirs:
        ratio = statistics.median(ours) / statistics.median(theirs)
        found.append(Target(f"{STARTUP_OURS} / {STARTUP_THEIRS}", ratio, MOST_STARTUP, ""))
    return found


def _ratio(results: Results, ours: str, theirs: str, limit: float) -> Target:
    mine, other = results.of(ours), results.of(theirs)
    ratio = statistics.median(one.claimed for one in mine) / statistics.median(one.claimed for one in other)
    by_round = {one.round: one.claimed for one in other}
    paired = [one.claimed / by_round[one.round] for one in mine if one.round in by_round]
    what = f"{results.titles[ours]} / {results.titles[theirs]}"
    spread = f"{min(paired):.2f} to {max(paired):.2f} by round" if paired else ""
    return Target(what, ratio, limit, "", spread=spread)


def _limits(title: str, runs: Sequence[Run]) -> list[Target]:
    found = [
        Target(f"{title}: requests, most", max(one.request_count for one in runs), MOST_REQUESTS, ""),
        Target(f"{title}: peak memory, most", max(one.peak_mb for one in runs), MOST_PEAK_MB, "MB"),
    ]
    late = [one.late for one in runs if one.late is not None]
    if late:
        found += [
            Target(f"{title}: claimed after really ready, least", min(late), 0.0, "s", at_least=True),
            Target(f"{title}: claimed after really ready, most", max(late), MOST_LATE_SECONDS, "s"),
        ]
    return found


@dataclass(frozen=True)
class Row:
    """One contestant's line of the table; None where nothing was measured."""

    title: str
    claimed: Summary
    really: Summary | None
    late: Summary | None
    requests: Summary
    peak_mb: Summary
    unpolled: Summary | None


def rows(results: Results) -> list[Row]:
    """One row for each contestant that ran."""
    return [_row(results, key, title) for key, title in results.titles.items() if results.of(key)]


def _row(results: Results, key: str, title: str) -> Row:
    runs = results.of(key)

    def optional(figure: Callable[[Run], float | None]) -> Summary | None:
        values = [value for one in runs if (value := figure(one)) is not None]
        return summarize(values) if values else None

    unpolled = [one.claimed for one in results.unpolled if one.contestant == key]
    return Row(
        title,
        summarize([one.claimed for one in runs]),
        optional(lambda one: one.really),
        optional(lambda one: one.late),
        summarize([one.request_count for one in runs]),
        summarize([one.peak_mb for one in runs]),
        summarize(unpolled) if unpolled else None,
    )
