"""A watch that keeps the newest state of a few objects and wakes whoever waits; it never decides anything.

Lists and gets are the truth: a watch that breaks is begun again, and a waiter that hears nothing still looks by
itself. Source: Kubernetes API Concepts, "Efficient detection of changes".
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

from base.clock import Run
from base.errors import Cancelled, FritError
from base.parallel import spawn
from kube.client import Client
from kube.objects import field


class Wake:
    """A bell between threads: `ring` ends a `wait` at once."""

    def __init__(self) -> None:
        self._bell = threading.Condition()
        self._rings = 0

    def ring(self) -> None:
        """Wake every waiter."""
        with self._bell:
            self._rings += 1
            self._bell.notify_all()

    @property
    def rings(self) -> int:
        """How often it rang; hand it to `wait` so that no ring between two looks is lost."""
        return self._rings

    def wait(self, seen: int, seconds: float, run: Run) -> None:
        """Return when it rang since `seen`, or after `seconds`. Raises `Cancelled` within 0.2 s of a stop."""
        until = time.monotonic() + seconds
        with self._bell:
            while self._rings == seen and not run.cancelled:
                left = until - time.monotonic()
                if left <= 0:
                    return
                self._bell.wait(min(left, 0.2))
        run.check()


QUIET = 10.0
"""Seconds without an event after which a waiter asks the server itself instead of trusting a silent watch."""

BROKEN = 2.0
"""The same for a watch that has broken, until it tells something again."""


class Watched:
    """The objects of one collection as a watch tells them, by name.

    `objects` is replaced, never changed in place, so any thread may read it. `look` asks the server itself when the
    watch has been quiet for a while.
    """

    def __init__(
        self, client: Client, path: str, query: dict[str, str], *, what: str, wake: Wake, run: Run, accept: str
    ) -> None:
        self._client, self._path, self._query = client, path, query
        self._what, self._wake, self._run, self._accept = what, wake, run, accept
        self._stopped = threading.Event()
        self._heard = time.monotonic()
        self._begun = self._broken = False
        self.objects: dict[str, Any] = {}
        spawn(self._follow, f"watch {what}")

    def stop(self) -> None:
        """End the watch; its thread ends with the connection's next event or time limit."""
        self._stopped.set()

    def look(self) -> dict[str, Any]:
        """The objects by name: what the watch told, or a list where it told nothing for a while.

        Raises `ApiError` where the server does not list them.
        """
        if time.monotonic() - self._heard > (BROKEN if self._broken else QUIET):
            self._listed()
        return self.objects

    def _follow(self) -> None:
        while not (self._stopped.is_set() or self._run.cancelled):
            try:
                self._once()
            except Cancelled:
                return
            except FritError:  # the waiting side lists by itself, and meets the same failure
                self._broken = True
            with contextlib.suppress(Cancelled):
                self._run.sleep(0.5)

    def _listed(self) -> tuple[str, dict[str, Any]]:
        """The resourceVersion of a list made now, and its objects by name, which become the known ones."""
        answer = self._client.get(self._path, doing=f"list {self._what}", query=self._query)
        self._heard = time.monotonic()
        self.objects = {str(one["metadata"]["name"]): one for one in answer.get("items") or []}
        return str(field(answer, "metadata", "resourceVersion", default="0")), dict(self.objects)

    def _once(self) -> None:
        # resourceVersion 0 begins with the current objects as ADDED events: one request instead of list and watch.
        # After a break that would make objects vanish until their event comes, so then it lists first.
        version, fresh = self._listed() if self._begun else ("0", {})
        self._begun = True
        query = {**self._query, "resourceVersion": version}
        for event in self._client.watch(
            self._path, doing=f"watch {self._what}", query=query, seconds=300.0, accept=self._accept
        ):
            if self._stopped.is_set() or self._run.cancelled:
                return
            kind, obj = event.get("type"), event.get("object") or {}
            if kind == "ERROR":
                return
            name = str((obj.get("metadata") or {}).get("name", ""))
            fresh.pop(name, None)
            if kind != "DELETED":
                fresh[name] = obj
            self._heard, self._broken = time.monotonic(), False
            self.objects = dict(fresh)
            self._wake.ring()
