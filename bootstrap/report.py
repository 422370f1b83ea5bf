"""The account of a run: every stage, object, attempt and failure. Written also when the run fails or is interrupted.

manifests/report.schema.json describes the format; a test holds the two together.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from base.budget import Budget
from base.clock import Deadline
from base.errors import Cancelled, FritError, WrongUsage
from base.events import Event, GaveUp, Listener, Retried, StageEnded, StageStarted
from base.policy import RetryPolicy, alike
from base.version import VERSION
from base.whole_files import replace
from kube.apply import Applied, Change
from kube.objects import Ref

FORMAT = "frit.report/v1"
KEPT_ATTEMPTS = 500
"""Attempts that a report keeps for one stage; the rest is counted."""


@dataclass
class Stage:
    """One stage while it runs and afterwards. Safe to use from several threads.

    All that is repeated within it shares its `budget`.
    """

    name: str
    title: str
    deadline: Deadline
    _listener: Listener
    started_after: float
    outcome: str = "running"
    seconds: float = 0.0
    summary: str = ""
    attempts: list[dict[str, Any]] = field(default_factory=list)
    attempts_left_out: int = 0
    objects: list[dict[str, Any]] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began: float = field(default_factory=time.monotonic)

    def emit(self, event: Event) -> None:
        """Keep an attempt for the report and hand every event on."""
        if isinstance(event, Retried):
            self.attempt(event.what, event.kind, event.message, event.pause, event.cause)
        elif isinstance(event, GaveUp):
            self.attempt(event.what, event.kind, event.message, cause=event.cause)
        self._listener(event)

    def attempt(self, what: str, kind: str, message: str, pause: float = 0.0, cause: str = "") -> None:
        """Keep one failed attempt; `cause` is the last message that named a cause, where it is not its own."""
        with self._lock:
            if len(self.attempts) >= KEPT_ATTEMPTS:
                self.attempts_left_out += 1
                return
            self.attempts.append(
                {
                    "what": what,
                    "after": round(time.monotonic() - self._began, 3),
                    "kind": kind,
                    "message": message,
                    "cause": cause or message,
                    "pause": round(pause, 3),
                }
            )

    def applied(self, one: Applied) -> None:
        """Keep what an apply did to one object."""
        self.planned(one.ref, one.change)

    def planned(self, ref: Ref, change: Change, *, checked: bool = True) -> None:
        """Keep what an apply did, or in a dry run would do; `checked` is false where the server was not asked."""
        with self._lock:
            self.objects.append(
                {
                    "apiVersion": ref.api_version,
                    "kind": ref.kind,
                    "namespace": ref.namespace,
                    "name": ref.name,
                    "change": str(change),
                    "checked": checked,
                }
            )

    @property
    def changes(self) -> dict[Change, int]:
        """How many objects were created, changed and left unchanged."""
        with self._lock:
            return {change: sum(one["change"] == change for one in self.objects) for change in Change}


class Recorder:
    """Collects one run.

    `requests` is asked for the number of requests sent when the report is made; `rehearsal` says that this is a dry
    run, in which the objects of stages are planned and not written.
    """

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.context = ""
        self.server = ""
        self.versions: dict[str, str] = {"frit": VERSION}
        self.requests: Callable[[], int] = lambda: 0
        self.rehearsal = False
        self.retry: RetryPolicy | None = None
        self.stages: list[Stage] = []
        self._stopped = False
        self._started = datetime.now(UTC)
        self._began = time.monotonic()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def stage(self, name: str, title: str, deadline: Deadline) -> Iterator[Stage]:
        """Run the body as one stage: tells its start and end, and keeps its outcome and duration."""
        stage = Stage(name, title, deadline, self.listener, round(time.monotonic() - self._began, 3))
        with self._lock:
            self.stages.append(stage)
            if self._stopped:
                stage.budget.stop()
        self.listener(StageStarted(name, title))
        try:
            yield stage
        except BaseException as error:
            self._end(stage, "interrupted" if isinstance(error, Cancelled) else "failed")
            raise
        else:
            self._end(stage, "done" if stage.outcome == "running" else stage.outcome)

    def stop(self) -> None:
        """Ask every stage, also one that begins later, to repeat nothing any more: the run cannot succeed."""
        with self._lock:
            self._stopped = True
            for one in self.stages:
                one.budget.stop()

    def _end(self, stage: Stage, outcome: str) -> None:
        stage.outcome = outcome
        stage.seconds = round(time.monotonic() - stage._began, 3)
        self.listener(StageEnded(stage.name, stage.title, outcome, stage.seconds, stage.summary))

    @property
    def changed(self) -> bool:
        """Whether any object was created or changed."""
        return any(stage.changes[change] for stage in self.stages for change in (Change.CREATED, Change.CHANGED))

    def account(self) -> str:
        """What an interrupted run has done, in a few lines."""
        with self._lock:
            stages = list(self.stages)
        done = [one.title for one in stages if one.outcome in ("done", "unchanged", "kept")]
        under_way = [one.title for one in stages if one.outcome == "running"]
        written = sum(one.changes[change] for one in stages for change in (Change.CREATED, Change.CHANGED))
        lines = ["interrupted"]
        if done:
            lines.append(f"  done: {', '.join(done)}")
        if under_way:
            lines.append(f"  under way: {', '.join(under_way)}")
        if self.rehearsal:
            lines.append("  this was a dry run: nothing was changed")
        else:
            lines.append(f"  objects created or changed: {written}")
            lines.append("  run frit bootstrap again: it completes what is missing")
        return "\n".join(lines)

    def report(self, outcome: str, exit_code: int, error: FritError | None = None) -> dict[str, Any]:
        """The report as JSON data; may be called at any moment and from any thread."""
        with self._lock:
            stages = list(self.stages)
        details = error.details if error else {}
        webhook = details.get("webhook")
        return {
            "format": FORMAT,
            "outcome": outcome,
            "exitCode": exit_code,
            "message": error.message if error else "",
            "hint": error.hint if error else "",
            "started": self._started.isoformat(timespec="milliseconds"),
            "seconds": round(time.monotonic() - self._began, 3),
            "context": self.context,
            "server": self.server,
            "versions": dict(self.versions),
            "requests": self.requests(),
            "retry": _policy_data(self.retry or RetryPolicy()),
            "stages": [_stage_data(one) for one in stages],
            "failures": _failures(stages),
            "diagnosis": list(details.get("diagnosis", [])),
            "webhook": webhook if isinstance(webhook, dict) else None,
        }


def _stage_data(stage: Stage) -> dict[str, Any]:
    seconds = stage.seconds if stage.outcome != "running" else round(time.monotonic() - stage._began, 3)
    with stage._lock:
        return {
            "name": stage.name,
            "title": stage.title,
            "outcome": stage.outcome,
            "startedAfter": stage.started_after,
            "seconds": seconds,
            "summary": stage.summary,
            "objects": list(stage.objects),
            "attempts": list(stage.attempts),
            "attemptsLeftOut": stage.attempts_left_out,
        }


def _policy_data(policy: RetryPolicy) -> dict[str, Any]:
    return {
        "attempts": policy.attempts,
        "firstPause": policy.first_pause,
        "growth": policy.growth,
        "maxPause": policy.max_pause,
        "maxPauseForWebhooks": min(policy.max_pause, policy.quick_pause),
        "jitter": policy.jitter,
        "timeout": policy.timeout if math.isfinite(policy.timeout) else None,
    }


def _failures(stages: list[Stage]) -> list[dict[str, Any]]:
    """All failed attempts, those that differ only in numbers counted together and told in the newest words."""
    counted: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for stage in stages:
        for one in list(stage.attempts):
            key = (stage.name, one["what"], one["kind"], alike(one["message"]))
            found = counted.setdefault(key, {"stage": stage.name, "what": one["what"], "kind": one["kind"]})
            found["message"], found["count"] = one["message"], found.get("count", 0) + 1
    return list(counted.values())


def check_writable(path: Path) -> None:
    """Raise `WrongUsage` before anything is done where the report could not be written at the end."""
    parent, writable = path.parent, False
    with contextlib.suppress(OSError, RuntimeError):  # links in a circle; a current folder that is gone
        parent = path.resolve().parent
        writable = not path.is_dir() and parent.is_dir() and os.access(parent, os.W_OK)
        if _is_stream(path):
            writable = os.access(path, os.W_OK)
    if not writable:
        folder = os.path.isdir(path)  # noqa: PTH112 -- it does not raise where a folder above may not be searched
        hint = "it is a folder; name a file in it" if folder else f"is {parent} a folder that you may write to?"
        raise WrongUsage(f"--report {path}: the report cannot be written there", hint=hint)


def write(path: Path, report: dict[str, Any]) -> None:
    """Write a report as JSON, whole or not at all. Raises OSError.

    A link stays one: the file that it names is written. Into a pipe or a device it is written as it is.
    """
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    if _is_stream(path):
        with path.open("a", encoding="utf-8") as stream:
            stream.write(text)
        return
    replace(path.resolve(), text.encode())


def _is_stream(path: Path) -> bool:
    """Whether no file may take the place of this one: a device, a pipe, or what the shell has opened (`>(...)`)."""
    opened = str(path) in ("/dev/stdout", "/dev/stderr") or str(path).startswith(("/dev/fd/", "/proc/"))
    return opened or (path.exists() and not path.is_file() and not path.is_dir())
