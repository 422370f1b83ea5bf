"""What the front door hands to a command: the run, a listener for events, and how results shall look."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from base.clock import Run
from base.events import Event, Listener, Said, silent
from base.results import Result

KUBECTL = "kubectl"
_COMMAND = re.compile(
    r"\bkubectl (?=(?:-n \S+ )?"
    r"(?:annotate|api-resources|auth|delete|describe|get|label|logs|patch|rollout|scale|wait) )"
)
"""kubectl where it is a command about a cluster, and no word in a sentence and no question about the kubeconfig."""


@dataclass
class Session:
    """One invocation of frit, as click's context object.

    `output` is the format of the result (`text`, `json` or `yaml`). `on_interrupt` holds what must still happen when
    a signal ends the process: short, thread-safe calls that get the exit code and write or say something. `failed`
    is what a command that raises still has to print for scripts (with `-o json|yaml`). `kubectl` is how kubectl reaches
    the cluster that was asked for: with `--context NAME`, if frit was told so.
    """

    run: Run = field(default_factory=Run)
    listener: Listener = silent
    output: str = "text"
    failed: Result | None = None
    on_interrupt: list[Callable[[int], None]] = field(default_factory=list)

    kubectl: str = KUBECTL

    def emit(self, event: Event) -> None:
        """Hand one event to the listener that is set now."""
        self.listener(replace(event, text=self.to_paste(event.text)) if isinstance(event, Said) else event)

    def to_paste(self, text: str) -> str:
        """A text for people whose kubectl commands reach the cluster that frit was told to use."""
        return text if self.kubectl == KUBECTL else _COMMAND.sub(lambda _: f"{self.kubectl} ", text)
