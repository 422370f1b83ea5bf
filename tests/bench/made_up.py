"""Results of a benchmark, made up for tests."""

from __future__ import annotations

from bench.contestants import APPLY_CHECK, APPLY_WAIT_CHECK, FRIT, FRIT_UPSTREAM
from bench.records import Rerun, Results, Run

TITLES = {FRIT: "frit", FRIT_UPSTREAM: "frit, upstream probes", APPLY_CHECK: "apply", APPLY_WAIT_CHECK: "apply, wait"}


def run(
    contestant: str,
    number: int,
    claimed: float,
    *,
    really: float | None = None,
    requests: int = 70,
    peak_mb: float = 60.0,
    busy: float = 0.1,
    contrary: int = 0,
) -> Run:
    """A run; the webhook really worked half a second before the claim unless told otherwise."""
    really = claimed - 0.5 if really is None else really
    return Run(
        contestant=contestant,
        round=number,
        claimed=claimed,
        really=really,
        first=really,
        contrary=contrary,
        requests={"frit": requests},
        peak_mb=peak_mb,
        steps=(("frit", claimed, peak_mb),),
        busy_before=busy,
        contention=1.5,
        story=({"kind": "valid", "label": "admitted", "first": really},),
        poller={"requests": 400},
        stages=({"name": "connect", "seconds": 0.1},),
    )


def results(*runs: Run, reruns: tuple[Rerun, ...] = (), failures: tuple[str, ...] = ()) -> Results:
    """Results with these runs."""
    return Results(
        started="2026-01-01T00:00:00",
        machine={"processors": 2},
        versions={"frit": "0.1.0"},
        titles=TITLES,
        runs=runs,
        reruns=reruns,
        startup={"frit --help": (0.15, 0.12, 0.9), 'python -c "import click"': (0.1, 0.1, 0.1)},
        failures=failures,
    )
