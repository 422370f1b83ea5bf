"""Results of the recovery benchmark and of a soak, made up for tests."""

from __future__ import annotations

from bench.recovery.records import Fault, Outcome, Recovery
from bench.recovery.scenarios import FRIT_BOOTSTRAP, FRIT_REPO, GLASSKUBE, UNTIL
from bench.soak.records import Soak, Usage, Window

TITLES = {FRIT_REPO: "repo add", FRIT_BOOTSTRAP: "bootstrap", GLASSKUBE: "glasskube", UNTIL: "until"}


def outcome(contestant: str, recovery: float | None, seconds: float = 10.0, gave_up: str = "") -> Outcome:
    """What a contestant made of a fault."""
    return Outcome(contestant, seconds, recovery, 3, gave_up)


def fault(scenario: str, number: int, *outcomes: Outcome, open_for: float = 5.0) -> Fault:
    """A fault with these outcomes."""
    return Fault(scenario, number, open_for, 1.0, outcomes, ({"label": "500 x509"},))


def recovery(*faults: Fault, failures: tuple[str, ...] = ()) -> Recovery:
    """Results with these faults."""
    return Recovery(
        started="2026-01-01T00:00:00",
        seed=7,
        machine={"processors": 2},
        versions={"frit": "0.1.0"},
        scenarios={"window": "a window", "restarted": "a restart"},
        titles=TITLES,
        faults=faults,
        failures=failures,
    )


def window(
    number: int,
    recovery: float | None = 0.1,
    *,
    memory: float = 50.0,
    threads: int = 3,
    files: int = 10,
    kinds: tuple[str, ...] = ("certificate-rotation",) * 4,
    sort: str = "bundle",
) -> Window:
    """A window that frit got through, unless told otherwise."""
    error = "" if recovery is not None else "the server said x509"
    return Window(number, sort, 2.0, 2.5, recovery, kinds, Usage(memory, threads, files), error)


def soak(*windows: Window, wanted: int | None = None, failures: tuple[str, ...] = ()) -> Soak:
    """A soak with these windows."""
    return Soak(
        started="2026-01-01T00:00:00",
        seed=7,
        seconds=120.0,
        wanted=len(windows) if wanted is None else wanted,
        machine={"processors": 2},
        versions={"frit": "0.1.0"},
        sorts={"bundle": "another CA", "held": "stopped"},
        windows=windows,
        after=windows[-1].usage if windows else None,
        failures=failures,
    )
