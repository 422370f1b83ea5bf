"""What a run tells while it goes on. Rooms emit events to a listener; only the front door turns them into text."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """A finished fact: one line of progress (`ok`, `info` or `warning`)."""

    text: str
    level: str = "info"


@dataclass(frozen=True)
class StageStarted:
    """A stage began."""

    stage: str
    title: str


@dataclass(frozen=True)
class StageEnded:
    """A stage ended. `outcome` is done, unchanged, failed or skipped; `summary` says what was done."""

    stage: str
    title: str
    outcome: str
    seconds: float
    summary: str = ""


@dataclass(frozen=True)
class Waiting:
    """Something is being waited for; emitted about once a second. `reason` is the last known cause."""

    what: str
    seconds: float
    reason: str = ""


@dataclass(frozen=True)
class Retried:
    """An attempt failed and another will follow after `pause` seconds.

    `turned` says that the attempt before failed for another reason; `cause` is the last message that named a reason,
    where this one says only that time ran out.
    """

    what: str
    attempt: int
    kind: str
    message: str
    pause: float
    turned: bool = False
    cause: str = ""


@dataclass(frozen=True)
class GaveUp:
    """An attempt failed and no other will follow."""

    what: str
    attempt: int
    kind: str
    message: str
    cause: str = ""


Event = Said | StageStarted | StageEnded | Waiting | Retried | GaveUp
Listener = Callable[[Event], None]


class Held:
    """A listener that keeps events back until `let_go` is called, for work that may turn out not to be needed."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._kept: list[Event] | None = []
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Keep an event, or hand it on once they are let go."""
        with self._lock:
            if self._kept is not None:
                self._kept.append(event)
                return
        self._listener(event)

    def let_go(self) -> None:
        """Hand on what was kept, and from now on everything at once."""
        with self._lock:
            kept, self._kept = self._kept or [], None
        for event in kept:
            self._listener(event)


def silent(event: Event) -> None:
    """The listener that drops everything."""
