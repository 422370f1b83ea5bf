"""Hedges: a second attempt sent while the first still hangs; the first answer wins.

A request that is dialled in the moment when a Service's endpoints change can hang until its own limit, while one
sent a few milliseconds later is answered at once. Only for requests that are safe to repeat.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import TypeVar

from base.clock import Run
from base.parallel import spawn

T = TypeVar("T")


def hedged(call: Callable[[], T], *, after: float, most: int, run: Run) -> T:
    """The first value that one of up to `most` equal calls gives; the second begins `after` seconds after the
    first, and each further one waits twice as long as the one before.

    An error counts only when it is certain: it is raised once no other call is under way. Calls that lose are left
    to end by their own time limit. Raises `Cancelled` within 0.1 s of a stop.
    """
    answers: queue.SimpleQueue[tuple[bool, T | BaseException]] = queue.SimpleQueue()

    def attempt() -> None:
        try:
            answers.put((True, call()))
        except BaseException as error:  # noqa: BLE001 -- handed to the waiting thread, which raises it
            answers.put((False, error))

    begun = ended = 0
    next_at = time.monotonic()
    while True:
        if begun < most and time.monotonic() >= next_at:
            spawn(attempt, "hedge")
            begun += 1
            next_at = time.monotonic() + after * 2 ** (begun - 1)
        try:
            good, value = answers.get(
                timeout=0.1 if begun == most else max(0.001, min(0.1, next_at - time.monotonic()))
            )
        except queue.Empty:
            run.check()
            continue
        if good:
            return value  # type: ignore[return-value]  # the flag says which of the two it is
        ended += 1
        if ended == begun:
            raise value  # type: ignore[misc]  # an error, as the flag says
