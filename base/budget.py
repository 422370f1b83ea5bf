"""What the retry loops of one stage may spend together, and the word that stops them all."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from base.errors import Cancelled


@dataclass
class _Clock:
    """Adds up the time during which at least one loop holds it."""

    holders: int = 0
    since: float = 0.0
    total: float = 0.0


class Budget:
    """The time that several retry loops have spent on failures, added up; safe to share between threads.

    There is a clock for all failures, and one for each kind of failure. A clock runs while at least one loop holds it,
    so loops that wait at the same time spend the time once. Nothing ever sets a clock back: a failure that changes its
    kind goes on spending, and a kind that is met again goes on where it was.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clocks: dict[str, _Clock] = {}
        self._stopped = threading.Event()

    def begin(self, what: str, at: float) -> None:
        """Hold a clock from the moment `at` on (monotonic, not in the future)."""
        with self._lock:
            clock = self._clocks.setdefault(what, _Clock(since=at))
            if not clock.holders:
                clock.since = max(at, clock.since)
            clock.holders += 1

    def end(self, what: str) -> None:
        """Let a clock go that was begun."""
        now = time.monotonic()
        with self._lock:
            clock = self._clocks[what]
            clock.holders -= 1
            if not clock.holders:
                clock.total += max(0.0, now - clock.since)
                clock.since = now

    def spent(self, what: str) -> float:
        """The seconds that a clock has run."""
        with self._lock:
            clock = self._clocks.get(what)
            if clock is None:
                return 0.0
            running = max(0.0, time.monotonic() - clock.since) if clock.holders else 0.0
            return clock.total + running

    def stop(self) -> None:
        """Ask every loop to stop: one of them has failed for good, and what it belongs to cannot succeed any more."""
        self._stopped.set()

    def check(self) -> None:
        """Raise `Cancelled` once the loops were asked to stop."""
        if self._stopped.is_set():
            raise Cancelled("stopped, because something else of this stage has failed")
