"""The windows of a soak: their sorts as data, and one of them opened, got through, and judged."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.recovery import guard
from bench.recovery.faults import PATIENCE, Faults
from bench.recovery.witness import REPOSITORY, NotSeen, failing, first_success, healthy
from bench.soak.records import Usage, Window
from bench.soak.worker import Worker

SHORTEST, LONGEST = 0.5, 4.0
"""Seconds from the start of an apply until its window is closed; cainjector may need less than a tenth for that."""

OPENS_WITHIN = 10.0
"""Seconds after which another bundle is put in once more: cainjector may have set it right by what it saw before."""

HEALTHY_SECONDS = 0.3
"""How long only good answers must come before the next window is opened."""


@dataclass(frozen=True)
class Sort:
    """One way to open a window. `share` is how many of a hundred are opened so.

    `patience`: the seconds for which the window is waited for, after each time that it is opened.
    """

    key: str
    title: str
    share: int
    open: Callable[[Faults, Path], None]
    close: Callable[[Faults], None]
    patience: tuple[float, ...] = (PATIENCE,)


def _mistrust(faults: Faults, authority: Path) -> None:
    guard.mistrust(faults.hands, authority)


def _trust(faults: Faults) -> None:
    guard.trust_again(faults.hands)


SORTS = (
    Sort("bundle", "another CA in the bundle", 85, _mistrust, _trust, (OPENS_WITHIN, PATIENCE)),
    Sort(
        "held",
        "CA rotated, cainjector stopped",
        12,
        lambda faults, _: faults.held_window(),
        lambda faults: faults.close_held_window(),
    ),
    Sort(
        "recipe",
        "CA rotated, cainjector scaled to 0",
        3,
        lambda faults, _: faults.window(),
        lambda faults: faults.close_window(),
    ),
)
"""Mostly the one that opens and closes within milliseconds; a new bundle makes the API server dial anew, so it is met
at once (Kubernetes 1.34, apiserver, `pkg/util/webhook/client.go`: clients are kept by their whole configuration)."""


def drawn(count: int, chance: random.Random) -> list[tuple[Sort, float]]:
    """So many windows: which sort, and how long."""
    sorts = chance.choices(SORTS, [one.share for one in SORTS], k=count)
    return [(one, chance.uniform(SHORTEST, LONGEST)) for one in sorts]


def _open(faults: Faults, authority: Path, sort: Sort) -> None:
    *more, last = sort.patience
    for seconds in more:
        sort.open(faults, authority)
        with suppress(NotSeen):
            _seen(faults, seconds)
            return
    sort.open(faults, authority)
    _seen(faults, last)


def _seen(faults: Faults, seconds: float) -> None:
    faults.witness.wait(failing("x509", 2), (REPOSITORY,), seconds, "a window")


def run(faults: Faults, worker: Worker, authority: Path, number: int, sort: Sort, seconds: float) -> Window:
    """Open one window, have the worker apply in it, close it, and wait until the worker is through.

    Raises `NotSeen` where the window does not open or close, and RuntimeError where the worker has died.
    """
    witness = faults.witness
    witness.forget()
    _open(faults, authority, sort)
    since = time.monotonic()
    worker.begin(number)
    time.sleep(seconds)  # the length of the window is what is tried
    sort.close(faults)
    answer = worker.answer()
    witness.wait(lambda heard: first_success(heard, since) is not None, (REPOSITORY,), PATIENCE, "the window's end")
    worked = first_success(witness.answers(REPOSITORY), since)
    witness.wait(healthy(HEALTHY_SECONDS), (REPOSITORY,), PATIENCE, "a webhook that works")
    assert worked is not None
    return Window(
        number=number,
        sort=sort.key,
        open_for=worked - since,
        seconds=answer["ended"] - answer["begun"],
        recovery=None if answer["error"] else answer["ended"] - worked,
        kinds=tuple(answer["kinds"]),
        usage=Usage(**answer["usage"]),
        error=answer["error"],
    )
