"""The data of retrying: a policy, a verdict on each error, and a history of every attempt. `base.retry` loops."""

from __future__ import annotations

import math
import random
import re
import time
from dataclasses import dataclass, field
from typing import Protocol

from base.clock import Run


@dataclass(frozen=True)
class RetryPolicy:
    """How patient frit is with one operation. Durations are seconds; `jitter` is a share of the pause (0 to 1).

    `quick_pause` is the cap for failures whose end is worth noticing fast, and which cost little to meet again.
    `timeout` limits the time that is spent on failures, by all loops that share a budget together. `last_chance` says
    what happens where a pause would pass the end: one more attempt shortly before it, or none at all.
    """

    attempts: int = 1000
    first_pause: float = 0.2
    growth: float = 1.6
    max_pause: float = 5.0
    quick_pause: float = 1.0
    jitter: float = 0.2
    timeout: float = 180.0
    last_chance: bool = True

    def pause(self, attempt: int, *, quick: bool = False) -> float:
        """The pause after attempt number `attempt` (from 1), with jitter; never above its cap."""
        cap = min(self.max_pause, self.quick_pause) if quick else self.max_pause
        plain = min(cap, self.first_pause * self.growth ** min(attempt - 1, 64))
        return min(cap, plain * (1.0 + self.jitter * random.uniform(-1.0, 1.0)))


def retry_policy(
    timeout: float | None = None, attempts: int | None = None, max_pause: float | None = None
) -> RetryPolicy:
    """The policy that a user chose. None means the default; without a timeout only the deadlines count.

    A longest pause that somebody chose is meant for every kind of failure.
    """
    default = RetryPolicy()
    return RetryPolicy(
        attempts=default.attempts if attempts is None else attempts,
        max_pause=default.max_pause if max_pause is None else max_pause,
        quick_pause=default.quick_pause if max_pause is None else max_pause,
        timeout=math.inf if timeout is None else timeout,
    )


@dataclass(frozen=True)
class Verdict:
    """What an error means for a retry loop.

    `retry_after` is what the server asked for, in seconds; `budget` limits how long this kind of failure is worth
    waiting for, in seconds that are spent in it. `quick` chooses the policy's lower cap. `precise` is false for an
    error that says only that time ran out, and not why.
    """

    retry: bool
    kind: str
    message: str
    retry_after: float | None = None
    budget: float | None = None
    quick: bool = False
    precise: bool = True


@dataclass(frozen=True)
class Attempt:
    """One failed attempt: its number from 1, seconds since the first attempt began, and what went wrong.

    `cause` is the last message that named a cause: its own, or an earlier one where it says only that time ran out.
    """

    number: int
    at: float
    seconds: float
    kind: str
    message: str
    pause: float
    cause: str = ""


_NUMBER = re.compile(r"\d+")


def alike(text: str) -> str:
    """What failures that differ only in numbers have in common: a time, a port, a limit is another each time."""
    return _NUMBER.sub("#", text)


@dataclass
class History:
    """All failed attempts of one operation, oldest first."""

    what: str
    attempts: list[Attempt] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def distinct(self, most: int = 3) -> list[tuple[str, int]]:
        """The last `most` different failures as (`kind: message`, count), most recent last.

        Those that differ only in numbers are one, told in its newest words.
        """
        counted: dict[str, tuple[str, int]] = {}
        for attempt in self.attempts:
            text = f"{attempt.kind}: {attempt.message}"
            _, count = counted.pop(alike(text), ("", 0))
            counted[alike(text)] = (text, count + 1)
        return list(counted.values())[-most:]

    @property
    def reason(self) -> str:
        """Why it is not done yet: the last cause that is known, or nothing before the first failure."""
        return self.attempts[-1].cause or self.attempts[-1].message if self.attempts else ""


class Bell(Protocol):
    """What rings when the reason of a failure may have gone away."""

    @property
    def rings(self) -> int:
        """How often it rang."""

    def wait(self, seen: int, seconds: float, run: Run) -> None:
        """Return when it rang since `seen`, or after `seconds`."""


class Waker(Protocol):
    """Watches, for one loop, what its failures are about."""

    def bell(self, error: BaseException) -> Bell | None:
        """The bell for an error; None where nothing can tell that its reason went away. Returns at once."""

    def close(self) -> None:
        """The loop has ended."""
