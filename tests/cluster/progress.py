"""One line per step with its seconds, on stderr; a heartbeat for steps that last."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HEARTBEAT_SECONDS = 15.0

Say = Callable[[str], None]


def to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def quiet(_line: str) -> None:
    """For callers that want no talk."""


@contextmanager
def step(say: Say, what: str) -> Iterator[None]:
    """Says ``what`` with its seconds when the block ends, and every 15 s that it still runs."""
    started = time.monotonic()
    ended = threading.Event()

    def heartbeat() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            say(f"  ... {what}: {time.monotonic() - started:.0f} s so far")

    thread = threading.Thread(target=heartbeat, daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        say(f"{time.monotonic() - started:6.1f} s  {what}: FAILED")
        raise
    finally:
        ended.set()
        thread.join()
    say(f"{time.monotonic() - started:6.1f} s  {what}")
