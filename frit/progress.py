"""Talk on stderr: plain lines everywhere, and a live line about what is awaited where stderr is a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TextIO

from base.clock import seconds_text
from base.events import Event, Retried, Said, StageEnded, StageStarted, Waiting

HEARTBEAT = 8.0
"""Seconds of silence after which a plain log gets a line about what is awaited; ten is promised."""

MARKS = {"done": "✓", "unchanged": "✓", "kept": "✓", "failed": "✗", "skipped": "-"}
COLOURS = {"✓": "32", "✗": "31", "!": "33", "…": "36"}


class Lines:
    """One line an event, for logs and pipes; a heartbeat while something is awaited."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self._lock = threading.Lock()
        self._last = time.monotonic()
        self._colour = self.stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def __call__(self, event: Event) -> None:
        """Write what an event has to say, if anything."""
        with self._lock:
            self.show(event)

    def show(self, event: Event) -> None:
        """Write one event; runs under the lock."""
        match event:
            case Said():
                self.line({"warning": "!", "ok": "✓"}.get(event.level, " "), event.text)
            case StageEnded():
                summary = f": {event.summary}" if event.summary else ""
                self.line(MARKS.get(event.outcome, " "), f"{event.title}{summary} ({seconds_text(event.seconds)})")
            case Waiting() if time.monotonic() - self._last >= HEARTBEAT:
                reason = f": {event.reason}" if event.reason else ""
                self.line("…", f"waiting for {event.what} ({seconds_text(event.seconds)}){reason}")
            case Retried() if event.attempt == 1:
                self.line("…", f"{event.what}: {event.kind}, trying again: {event.message}")
            case _:
                pass

    def line(self, mark: str, text: str) -> None:
        """Write one line behind its mark."""
        if self._colour and mark in COLOURS:
            mark = f"\x1b[{COLOURS[mark]}m{mark}\x1b[0m"
        self.stream.write(f"{mark} {text}\n")
        self.stream.flush()
        self._last = time.monotonic()

    def close(self) -> None:
        """Nothing is left on the screen."""


class Live(Lines):
    """The same lines, with a live line below them: the stage, what is awaited, for how long and why."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        from rich.console import Console
        from rich.status import Status

        self._console = Console(file=self.stream, highlight=False, stderr=True)
        self._status = Status("", console=self._console, spinner="dots")
        self._status.start()

    def show(self, event: Event) -> None:
        """Update the live line, or write a line above it."""
        from rich.markup import escape

        match event:
            case StageStarted():
                self._status.update(escape(event.title))
            case Waiting():
                reason = f": {event.reason}" if event.reason else ""
                self._status.update(escape(f"waiting for {event.what} ({seconds_text(event.seconds)}){reason}"))
            case _:
                super().show(event)

    def line(self, mark: str, text: str) -> None:
        """Write one line above the live one."""
        from rich.text import Text

        style = {"✓": "green", "✗": "red", "!": "yellow", "…": "cyan"}.get(mark, "")
        self._console.print(Text.assemble((mark, style), " ", text), soft_wrap=True)
        self._last = time.monotonic()

    def close(self) -> None:
        """Take the live line away."""
        self._status.stop()


def listener_for(stream: TextIO) -> Lines:
    """A live view on a terminal, plain lines elsewhere (also with TERM=dumb or in CI)."""
    if stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI"):
        return Live(stream)
    return Lines(stream)
