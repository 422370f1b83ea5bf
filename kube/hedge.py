"""Hedges: another attempt sent while the first still hangs; the first answer wins.

A request that is dialled in the moment when a Service's endpoints change can hang until its own limit, while one
sent a few milliseconds later is answered at once. Only for requests that are safe to repeat.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from base.clock import Run
from base.parallel import spawn

T = TypeVar("T")


def _never(_: BaseException) -> bool:
    return False


def _silent() -> None:
    return None


def hedged(
    call: Callable[[], T],
    *,
    after: float,
    most: int,
    run: Run,
    growth: float = 2.0,
    decisive: Callable[[BaseException], bool] = _never,
    waiting: Callable[[], None] = _silent,
) -> T:
    """The first value that one of up to `most` equal calls gives; the second begins `after` seconds after the
    first, and each further one waits `growth` times as long as the one before.

    A `decisive` error is raised at once: it says more than a call that still hangs. Any other counts only when it is
    certain: no call begins any more when the first has failed, and once none is under way its error is raised, because
    it had the most time. Calls that lose are left to end by their own time limit, and may still be carried out.
    `waiting` is called several times a second. Raises `Cancelled` within 0.1 s of a stop.
    """
    answers: queue.SimpleQueue[tuple[int, bool, T | BaseException]] = queue.SimpleQueue()

    def attempt(number: int) -> None:
        try:
            answers.put((number, True, call()))
        except BaseException as error:  # noqa: BLE001 -- handed to the waiting thread, which raises it
            answers.put((number, False, error))

    begun = 0
    errors: dict[int, BaseException] = {}
    next_at = time.monotonic()
    while True:
        if begun < most and 0 not in errors and time.monotonic() >= next_at:
            spawn(partial(attempt, begun), "hedge")
            begun += 1
            next_at = time.monotonic() + after * growth ** (begun - 1)
        try:
            number, good, value = answers.get(
                timeout=0.1 if begun == most else max(0.001, min(0.1, next_at - time.monotonic()))
            )
        except queue.Empty:
            run.check()
            waiting()
            continue
        if good:
            return value  # type: ignore[return-value]  # the flag says which of the two it is
        errors[number] = value  # type: ignore[assignment]  # the same
        if decisive(errors[number]):
            raise errors[number]
        if len(errors) == begun:
            raise errors[0]
