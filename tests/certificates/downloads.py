"""What the tests of downloads share: quick settings, and a fetch that keeps what was told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from base.clock import Deadline, Run
from base.errors import PreflightFailed
from base.events import Event
from certificates.download import POLICY, DownloadOptions, Fetched, fetch

QUICK = replace(POLICY, attempts=3, first_pause=0.01, growth=1.0, max_pause=0.01, jitter=0.0, timeout=20.0)


class Downloads:
    """Fetches with quick settings, into a cache of its own; `events` is all that was told."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.events: list[Event] = []
        self.run = Run()

    def options(self, **changes: Any) -> DownloadOptions:
        """Options for an impatient test."""
        given: dict[str, Any] = {
            "timeout_connect": 2.0,
            "timeout_read": 2.0,
            "cache_dir": self.cache,
            "policy": QUICK,
            **changes,
        }
        return DownloadOptions(**given)

    def fetch(self, source: str, sha256: str | None = None, seconds: float = 30.0, **changes: Any) -> Fetched:
        """The bytes of a source."""
        return fetch(
            source,
            options=self.options(**changes),
            run=self.run,
            deadline=Deadline.after(seconds),
            emit=self.events.append,
            sha256=sha256,
        )

    def failure(self, source: str, seconds: float = 30.0, **changes: Any) -> PreflightFailed:
        """The error with which a source cannot be had: always exit code 3, with something to do next."""
        with pytest.raises(PreflightFailed) as caught:
            self.fetch(source, seconds=seconds, **changes)
        assert caught.value.exit_code == 3
        assert caught.value.hint
        return caught.value
