"""Keeps the failed attempts of a command that has no stages, for its result."""

from __future__ import annotations

import threading
import time
from typing import Any

from base.events import Event, GaveUp, Listener, Retried


class Journal:
    """A listener that hands every event on and keeps the failed attempts. Safe to share between threads.

    `attempts` are JSON data: `number` and `what`, `after` (seconds since the journal was begun), `kind` and
    `message`, `cause` (the last message that named a cause), and the `pause` before the next attempt in seconds.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self.attempts: list[dict[str, Any]] = []

    def __call__(self, event: Event) -> None:
        """Keep a failed attempt, and hand the event on."""
        if isinstance(event, Retried | GaveUp):
            with self._lock:
                self.attempts.append(
                    {
                        "number": event.attempt,
                        "what": event.what,
                        "after": round(time.monotonic() - self._began, 3),
                        "kind": event.kind,
                        "message": event.message,
                        "cause": event.cause or event.message,
                        "pause": round(event.pause, 3) if isinstance(event, Retried) else 0.0,
                    }
                )
        self._listener(event)
