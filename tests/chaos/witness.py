"""An independent look at a fault while frit runs: when was it over?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

EVERY_SECONDS = 0.05


class Witness:
    """Asks every 50 ms whether something works, in a thread of its own; a context manager."""

    def __init__(self, works: Callable[[], bool]) -> None:
        self._works = works
        self._stop = threading.Event()
        self._bad = False
        self._good_since: float | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def over(self) -> float | None:
        """When it worked again for good, by `time.monotonic`; None where it never failed, or still does."""
        return self._good_since if self._bad else None

    def __enter__(self) -> Witness:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self._works():
                self._bad, self._good_since = True, None
            elif self._good_since is None:
                self._good_since = time.monotonic()
            self._stop.wait(EVERY_SECONDS)
