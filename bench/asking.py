"""Asking the API server the same questions again and again, whether or not earlier ones still hang.

Shares no code with frit. Who asks decides what becomes of the answers (`bench.poller`, `bench.recovery.witness`).
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.judgement import Answer, Kind, judge
from tests.cluster.api import JSON, Api

LIMIT_SECONDS = 1.0
"""What the API server is told to give a request, webhook included."""
CLIENT_LIMIT_SECONDS = 1.5
"""When the asking side gives up by itself: later, so that the server's own account of a hang arrives."""
MOST_UNDER_WAY = 160
"""Requests that may hang at the same time, unless told otherwise; two every 20 ms for the client's limit are 150."""
MOST_SECONDS = 600.0


@dataclass(frozen=True)
class Probe:
    """One question under its name; `kind` says which answer is the good one. `path` holds all parameters."""

    name: str
    kind: Kind
    method: str
    path: str
    body: Mapping[str, Any]
    content: str = JSON


class Asking:
    """Starts one request for every probe, every so many seconds, and hands each answer to `heard`.

    `heard` is called by the threads that asked. `widest_gap` is the longest time between two starts, `skipped` the
    starts left out because too many requests hung.
    """

    def __init__(
        self,
        kubeconfig: Path,
        probes: Sequence[Probe],
        heard: Callable[[Probe, Answer], None],
        *,
        user_agent: str,
        every: float,
        most: int = MOST_UNDER_WAY,
    ) -> None:
        self._api = Api(kubeconfig, user_agent=user_agent, timeout_seconds=CLIENT_LIMIT_SECONDS)
        self._probes = probes
        self._heard = heard
        self._every = every
        self._pool = ThreadPoolExecutor(most)
        self._free = threading.BoundedSemaphore(most)
        self.widest_gap = 0.0
        self.skipped = 0

    def run(self, stop: Callable[[], bool], most_seconds: float = MOST_SECONDS) -> None:
        """Ask until `stop` says so, or `most_seconds` are over; returns when the last answer is there."""
        begun = time.monotonic()
        number = 0
        last = begun
        while not stop() and time.monotonic() - begun < most_seconds:
            now = time.monotonic()
            self.widest_gap = max(self.widest_gap, now - last)
            last = now
            for probe in self._probes:
                self._start(probe)
            # The next multiple: a start that a busy machine missed is left out, not made up for in a burst.
            number = max(number + 1, int((time.monotonic() - begun) / self._every) + 1)
            time.sleep(max(0.0, begun + number * self._every - time.monotonic()))
        self._pool.shutdown()

    def _start(self, probe: Probe) -> None:
        if not self._free.acquire(blocking=False):
            self.skipped += 1
            return
        self._pool.submit(self._ask, probe)

    def _ask(self, probe: Probe) -> None:
        started = time.monotonic()
        try:
            answer = self._api.request(probe.method, probe.path, probe.body, probe.content)
            ended = time.monotonic()
            message = "" if answer.ok else message_of(answer.content)
            found = judge(probe.kind, started, ended, answer.status, message)
        except (OSError, http.client.HTTPException) as error:
            found = judge(probe.kind, started, time.monotonic(), 0, type(error).__name__)
        finally:
            self._free.release()
        self._heard(probe, found)


def message_of(content: bytes) -> str:
    """The message of a Status; the text itself where a busy server answers in plain text."""
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")
