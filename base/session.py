"""What the front door hands to a command: the run, a listener for events, and how results shall look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from base.clock import Run
from base.events import Event, Listener, silent
from base.results import Result


@dataclass
class Session:
    """One invocation of frit, as click's context object.

    `output` is the format of the result (`text`, `json` or `yaml`). `on_interrupt` holds what must still happen when
    a signal ends the process: short, thread-safe calls that get the exit code and write or say something. `failed`
    is what a command that raises still has to print for scripts (with `-o json|yaml`).
    """

    run: Run = field(default_factory=Run)
    listener: Listener = silent
    output: str = "text"
    failed: Result | None = None
    on_interrupt: list[Callable[[int], None]] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        """Hand one event to the listener that is set now."""
        self.listener(event)
