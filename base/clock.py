"""Time: a deadline that is handed down, and waiting that a cancellation ends at once."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from base.errors import Cancelled


@dataclass(frozen=True)
class Deadline:
    """A moment on the monotonic clock, in seconds, after which no new work is begun."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline that lies `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self.at - time.monotonic())

    def passed(self) -> bool:
        """Whether the moment lies behind us."""
        return time.monotonic() >= self.at

    def sooner(self, seconds: float) -> Deadline:
        """The earlier of this deadline and `seconds` from now: a budget inside a budget."""
        return Deadline(min(self.at, time.monotonic() + seconds))


@dataclass
class Run:
    """What one run of a command shares with its threads: whether to stop, and when it began."""

    started: float = field(default_factory=time.monotonic)
    _stop: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Ask every thread of this run to stop at its next wait."""
        self._stop.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stop.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if somebody asked to stop."""
        if self.cancelled:
            raise Cancelled("stopped on request")

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`; raise `Cancelled` as soon as somebody asks to stop."""
        if self._stop.wait(max(0.0, seconds)):
            raise Cancelled("stopped on request")

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.started


def seconds_text(seconds: float) -> str:
    """A duration for people: `0.4 s`, `12 s`, `2 m 05 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02d} s"
