"""Retry as data: a policy, a verdict on each error, and a history of every attempt.

The loop is tenacity's. What an error means is the caller's knowledge (`judge`), so this floor knows no API server.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import tenacity

from base.clock import Deadline, Run
from base.events import Listener, Retried, Waiting

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """How patient frit is with one operation. Durations are seconds; `jitter` is a share of the pause (0 to 1)."""

    attempts: int = 100
    first_pause: float = 0.2
    growth: float = 1.6
    max_pause: float = 5.0
    jitter: float = 0.2
    timeout: float = 180.0

    def pause(self, attempt: int) -> float:
        """The pause after attempt number `attempt` (from 1), with jitter; never above `max_pause`."""
        plain = min(self.max_pause, self.first_pause * self.growth ** min(attempt - 1, 64))
        return min(self.max_pause, plain * (1.0 + self.jitter * random.uniform(-1.0, 1.0)))


@dataclass(frozen=True)
class Verdict:
    """What an error means for a retry loop.

    `retry_after` is what the server asked for, in seconds; `budget` limits how long this kind of failure is worth
    waiting for, in seconds since it was first met.
    """

    retry: bool
    kind: str
    message: str
    retry_after: float | None = None
    budget: float | None = None


@dataclass(frozen=True)
class Attempt:
    """One failed attempt: its number from 1, seconds since the first attempt began, and what went wrong."""

    number: int
    at: float
    seconds: float
    kind: str
    message: str
    pause: float


@dataclass
class History:
    """All failed attempts of one operation, oldest first."""

    what: str
    attempts: list[Attempt] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def distinct(self, most: int = 3) -> list[tuple[str, int]]:
        """The last `most` different failures as (`kind: message`, count), most recent last."""
        counted: dict[str, int] = {}
        for attempt in self.attempts:
            key = f"{attempt.kind}: {attempt.message}"
            counted[key] = counted.pop(key, 0) + 1
        return list(counted.items())[-most:]


def retrying(
    call: Callable[[], T],
    *,
    what: str,
    policy: RetryPolicy,
    judge: Callable[[BaseException], Verdict | None],
    run: Run,
    deadline: Deadline,
    emit: Listener,
    history: History | None = None,
) -> T:
    """Call until it succeeds, and return its value.

    An error on which `judge` gives None or a verdict without `retry` is raised at once. Otherwise the loop pauses
    (`Retry-After` of the server first, else the policy) and repeats, until the attempts, the policy's timeout, the
    kind's own budget or the deadline are used up; then the last error is raised. A pause never reaches past the
    deadline: if the server asks for more time than there is left, the loop ends at once. A long one is told about once
    a second.

    Raises `Cancelled` as soon as the run is asked to stop.
    """
    kept = history if history is not None else History(what)
    limit = deadline.sooner(policy.timeout)
    first_met: dict[str, float] = {}
    began = time.monotonic()

    def verdict_of(state: tenacity.RetryCallState) -> Verdict | None:
        error = state.outcome.exception() if state.outcome else None
        return judge(error) if error is not None else None

    def again(state: tenacity.RetryCallState) -> bool:
        nonlocal began
        verdict = verdict_of(state)
        if verdict is None:
            return False
        now = time.monotonic()
        pause = policy.pause(state.attempt_number)
        if verdict.retry_after:  # 0, or a date in the past, is no reason to hammer: the policy decides then
            pause = verdict.retry_after
        since = now - first_met.setdefault(verdict.kind, now)
        spent = verdict.budget is not None and since >= verdict.budget
        going_on = verdict.retry and not spent and now + pause < limit.at
        going_on = going_on and state.attempt_number < policy.attempts
        kept.attempts.append(
            Attempt(
                len(kept.attempts) + 1,
                round(now - kept.started, 3),
                round(now - began, 3),
                verdict.kind,
                verdict.message,
                round(pause, 3) if going_on else 0.0,
            )
        )
        if going_on:
            emit(Retried(what, len(kept.attempts), verdict.kind, verdict.message, pause))
        return going_on

    def pause_before_next(_: float) -> None:
        nonlocal began
        last = kept.attempts[-1]
        until = time.monotonic() + last.pause
        while (left := until - time.monotonic()) > 1.0:
            run.sleep(1.0)
            emit(Waiting(what, time.monotonic() - kept.started, f"{last.kind}: {last.message}"))
        run.sleep(left)
        began = time.monotonic()

    loop = tenacity.Retrying(
        retry=again, wait=tenacity.wait_none(), sleep=pause_before_next, stop=tenacity.stop_never, reraise=True
    )
    run.check()
    return loop(call)
