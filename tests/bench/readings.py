"""Results of the benchmark of repositories, made up for tests."""

from __future__ import annotations

from bench.repositories.cases import FRIT_HUGE, FRIT_LARGE, FRIT_LINT, FRIT_LIST, LIBYAML_LINT, PLAIN_LARGE, PLAIN_LIST
from bench.repositories.records import Readings, Run

TITLES = {
    FRIT_LARGE: "search",
    PLAIN_LARGE: "plain search",
    FRIT_HUGE: "large search",
    FRIT_LIST: "list",
    PLAIN_LIST: "plain list",
    FRIT_LINT: "lint",
    LIBYAML_LINT: "fast lint",
}


def run(
    case: str, seconds: float, number: int = 1, *, again: bool = False, peak_mb: float = 40.0, found: int = 7
) -> Run:
    """A run with an empty cache, for which nobody waited."""
    return Run(case, number, again, seconds, seconds / 2, peak_mb, found, 0.0)


def readings(*runs: Run, manifests: int = 5000, failures: tuple[str, ...] = ()) -> Readings:
    """Results with these runs."""
    return Readings(
        started="2026-01-01T00:00:00",
        seed=7,
        machine={"processors": 2},
        versions={"frit": "0.1.0"},
        titles=TITLES,
        manifests=manifests,
        runs=runs,
        failures=failures,
    )
