"""Talk on stderr: plain lines everywhere, and a live line about what is awaited where stderr is a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from base.clock import seconds_text
from base.events import Event, Retried, Said, StageEnded, StageStarted, Waiting
from base.parallel import spawn

if TYPE_CHECKING:
    from rich.status import Status

HEARTBEAT = 8.0
"""Seconds of silence after which a plain log gets a line about what is awaited; ten is promised."""

FRESH = 3.0
"""Seconds for which the last word on what is awaited counts; such words come about once a second."""

MARKS = {"done": "✓", "unchanged": "✓", "kept": "✓", "failed": "✗", "skipped": "-"}
COLOURS = {"✓": "32", "✗": "31", "!": "33", "…": "36"}


@dataclass(frozen=True)
class _Awaited:
    """The last word on what is awaited, and when it was said."""

    said: Waiting
    at: float


class Lines:
    """One line an event, for logs and pipes; a heartbeat while something goes on that says nothing."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self._lock = threading.Lock()
        self._last = time.monotonic()
        self._colour = self.stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._stages: dict[str, tuple[str, float]] = {}
        self._awaited: _Awaited | None = None
        self._told: dict[tuple[str, str], float] = {}
        self._closed: threading.Event | None = None

    def __call__(self, event: Event) -> None:
        """Write what an event has to say, if anything. A log that cannot be written to ends nothing."""
        with self._lock, contextlib.suppress(OSError):
            self._remember(event)
            self.show(event)

    def _remember(self, event: Event) -> None:
        now = time.monotonic()
        match event:
            case StageStarted():
                self._stages[event.stage] = (event.title, now)
                self.started()
            case StageEnded():
                self._stages.pop(event.stage, None)
                self._awaited = None
            case Waiting():
                self._awaited = _Awaited(event, now)
                self.started()
            case _:
                pass

    def started(self) -> None:
        """Begin the heartbeat, with the first stage or the first wait."""
        if self._closed is None:
            self._closed = threading.Event()
            spawn(self._beat, "heartbeat")

    def _beat(self) -> None:
        assert self._closed is not None
        while not self._closed.wait(0.5):
            with self._lock, contextlib.suppress(OSError):
                if time.monotonic() - self._last >= HEARTBEAT and not self._closed.is_set():
                    self.beat()

    def beat(self) -> None:
        """Say what is going on, after a silence; runs under the lock."""
        now = time.monotonic()
        if self._awaited is not None and now - self._awaited.at < FRESH:
            said = self._awaited.said
            reason = f": {said.reason}" if said.reason else ""
            self.line("…", f"waiting for {said.what} ({seconds_text(said.seconds)}){reason}")
        elif self._stages:
            going_on = (f"{title} ({seconds_text(now - since)})" for title, since in self._stages.values())
            self.line("…", "still going on: " + ", ".join(going_on))

    def show(self, event: Event) -> None:
        """Write one event; runs under the lock."""
        match event:
            case Said():
                self.line({"warning": "!", "ok": "✓"}.get(event.level, " "), event.text)
            case StageEnded():
                summary = f": {event.summary}" if event.summary else ""
                self.line(MARKS.get(event.outcome, " "), f"{event.title}{summary} ({seconds_text(event.seconds)})")
            case Retried() if event.attempt == 1 or event.turned:
                self._retried(event)
            case _:
                pass

    def _retried(self, event: Retried) -> None:
        """Say why something is tried again; not again what was just said, of this or of what goes on beside it."""
        now, reason = time.monotonic(), (event.kind, event.message)
        if now - self._told.get(reason, -HEARTBEAT) < HEARTBEAT:
            return
        self._told[reason] = now
        self.line("…", f"{event.what}: {event.kind}, trying again: {event.message}")

    def line(self, mark: str, text: str) -> None:
        """Write one line behind its mark."""
        if self._colour and mark in COLOURS:
            mark = f"\x1b[{COLOURS[mark]}m{mark}\x1b[0m"
        self._last = time.monotonic()
        self.stream.write(f"{mark} {text}\n")
        self.stream.flush()

    def close(self) -> None:
        """End the heartbeat; nothing is left on the screen."""
        if self._closed is not None:
            self._closed.set()


class Live(Lines):
    """The same lines, with a live line below them: the stage, what is awaited, for how long and why.

    It appears with the first stage or wait: a help text or a short command has nothing to show.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._status: Status | None = None

    def started(self) -> None:
        """Put the live line on the screen; it needs no heartbeat."""
        if self._status is None:
            from rich.console import Console
            from rich.status import Status

            self._status = Status("", console=Console(file=self.stream, highlight=False), spinner="dots")
            self._status.start()

    def show(self, event: Event) -> None:
        """Update the live line, or write a line above it."""
        match event:
            case StageStarted():
                self._update(event.title)
            case Waiting():
                reason = f": {event.reason}" if event.reason else ""
                self._update(f"waiting for {event.what} ({seconds_text(event.seconds)}){reason}")
            case _:
                super().show(event)

    def _update(self, text: str) -> None:
        if self._status is not None:
            from rich.text import Text

            self._status.update(Text(text))

    def line(self, mark: str, text: str) -> None:
        """Write one line above the live one."""
        if self._status is None:
            super().line(mark, text)
            return
        from rich.text import Text

        style = {"✓": "green", "✗": "red", "!": "yellow", "…": "cyan"}.get(mark, "")
        self._status.console.print(Text.assemble((mark, style), " ", text), soft_wrap=True)

    def close(self) -> None:
        """Take the live line away."""
        if self._status is not None:
            with contextlib.suppress(OSError):
                self._status.stop()


def listener_for(stream: TextIO) -> Lines:
    """A live view on a terminal, plain lines elsewhere (also with TERM=dumb or in CI)."""
    if stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI"):
        return Live(stream)
    return Lines(stream)
