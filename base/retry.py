"""The retry loop: a policy, a verdict on each error, and a history of every attempt (`base.policy`).

The loop is tenacity's. What an error means is the caller's knowledge (`judge`), so this floor knows no API server.
docs/retries.md tells people what is decided here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import tenacity

from base.budget import Budget
from base.clock import Deadline, Run, seconds_text
from base.events import GaveUp, Listener, Retried, Waiting
from base.policy import Attempt, Bell, History, RetryPolicy, Verdict, Waker

__all__ = ["Attempt", "Bell", "History", "RetryPolicy", "Verdict", "Waker", "retrying"]

T = TypeVar("T")

LAST_CHANCE = 1.0
"""Seconds before the end at which the last attempt is made, where a longer pause would pass the end."""

WAKE_PAUSE = 0.05
"""The least pause, in seconds: also after a wake, so that a bell that rings all the time makes no busy loop."""

AFTER_WAKE = 5
"""Attempts that follow a wake in short pauses, each twice the one before: what was changed takes a moment to arrive."""

OVERSHADOWS = 30.0
"""Seconds for which a failure that names a cause speaks for later ones that only say that time ran out."""

_SLICE = 0.2
_ALL = ""


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
    budget: Budget | None = None,
    waker: Waker | None = None,
) -> T:
    """Call until it succeeds, and return its value.

    An error on which `judge` gives None or a verdict without `retry` is raised at once. Otherwise the loop pauses
    (`Retry-After` of the server first, else the policy) and repeats, until the attempts, the policy's timeout, the
    kind's own budget or the deadline are used up; then the last error that names a cause is raised. A pause never
    reaches past the end: where it would, whoever asked for it, the last attempt is made shortly before, if the policy
    wants one. Loops that share a `budget` spend it together. A pause that the server did not ask for ends early when
    the bell of `waker` rings.

    Raises `Cancelled` as soon as the run is asked to stop, and in a pause when those who share the budget are.
    """
    kept = history if history is not None else History(what)
    loop = _Loop[T](what, policy, judge, run, deadline, emit, kept, budget or Budget(), waker)
    try:
        return loop(call)
    finally:
        loop.close()


class _Loop(Generic[T]):
    """One loop while it goes on."""

    def __init__(
        self,
        what: str,
        policy: RetryPolicy,
        judge: Callable[[BaseException], Verdict | None],
        run: Run,
        deadline: Deadline,
        emit: Listener,
        history: History,
        budget: Budget,
        waker: Waker | None,
    ) -> None:
        self._what, self._policy, self._judge, self._run = what, policy, judge, run
        self._deadline, self._emit, self._history = deadline, emit, history
        self._budget, self._waker = budget, waker
        self._began = self._told = time.monotonic()
        self._held: list[str] = []  # the clocks that this loop lets run: all failures, and the kind at the moment
        self._allowed: float | None = None  # what the kind at the moment may spend
        self._cause: tuple[BaseException, Verdict, float] | None = None  # the last error that named one, and when
        self._verdict: Verdict | None = None
        self._gave_up = False
        self._at_the_end = False
        self._bell: Bell | None = None
        self._seen = 0
        self._after_wake = 0  # short pauses that are left

    def __call__(self, call: Callable[[], T]) -> T:
        loop = tenacity.Retrying(
            retry=self._again, wait=tenacity.wait_none(), sleep=self._wait, stop=tenacity.stop_never, reraise=True
        )
        self._run.check()
        try:
            return loop(call)
        except BaseException:
            if self._gave_up and self._cause is not None:
                raise self._cause[0] from None
            raise

    def close(self) -> None:
        """Let the clocks and the watches go."""
        for one in self._held:
            self._budget.end(one)
        if self._waker is not None:
            self._waker.close()

    def _again(self, state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        verdict = self._judge(error) if error is not None else None
        if error is None or verdict is None:
            return False
        now = time.monotonic()
        before, self._verdict = self._held[1:], verdict
        self._understand(error, verdict, now)
        pause = self._pause(state.attempt_number, verdict) if verdict.retry else None
        self._gave_up = verdict.retry and pause is None
        if pause is not None:
            self._listen(error)
        cause = self._cause[1].message if self._cause else ""
        kept = self._history
        attempt = Attempt(
            len(kept.attempts) + 1,
            round(now - kept.started, 3),
            round(now - self._began, 3),
            verdict.kind,
            verdict.message,
            round(pause or 0.0, 3),
            cause,
        )
        kept.attempts.append(attempt)
        if pause is not None:
            turned = bool(before) and before != self._held[1:]
            self._emit(Retried(self._what, attempt.number, verdict.kind, verdict.message, pause, turned, cause))
        elif verdict.retry or attempt.number > 1:  # a first answer that is final is told by who asked
            self._emit(GaveUp(self._what, attempt.number, verdict.kind, verdict.message, cause))
        return pause is not None

    def _understand(self, error: BaseException, verdict: Verdict, now: float) -> None:
        """Keep the cause, and let the clock of its kind run instead of the one before."""
        if verdict.precise:
            self._cause = (error, verdict, now)
        elif self._cause is not None and now - self._cause[2] > OVERSHADOWS:
            self._cause = None
        known = self._cause[1] if self._cause else verdict
        if not self._held:
            self._budget.begin(_ALL, self._began)
            self._held = [_ALL]
        if self._held[1:] != [known.kind]:
            for one in self._held[1:]:
                self._budget.end(one)
            self._budget.begin(known.kind, now)
            self._held = [_ALL, known.kind]
            self._allowed = known.budget

    def _listen(self, error: BaseException) -> None:
        bell = self._waker.bell(error) if self._waker is not None else None
        if bell is not None and bell is not self._bell:
            self._seen = bell.rings
        self._bell = bell

    def _pause(self, number: int, verdict: Verdict) -> float | None:
        """Seconds until the next attempt; None where there is no time or no attempt left."""
        if self._at_the_end or number >= self._policy.attempts:
            return None
        if self._allowed is not None and self._budget.spent(self._held[1]) >= self._allowed:
            return None
        left = min(self._deadline.at - time.monotonic(), self._policy.timeout - self._budget.spent(_ALL))
        pause = self._policy.pause(number, quick=verdict.quick)
        if verdict.retry_after:  # 0, or a date in the past, is no reason to hammer: the policy decides then
            pause = verdict.retry_after
        elif self._after_wake:
            pause = min(pause, WAKE_PAUSE * 2 ** (AFTER_WAKE - self._after_wake))
        if pause < left:
            return pause
        if not self._policy.last_chance:
            return None
        self._at_the_end = True
        last = left - min(LAST_CHANCE, left / 4)
        return last if last >= min(pause, WAKE_PAUSE) else None

    def _wait(self, _: float) -> None:
        pause = self._history.attempts[-1].pause
        until = time.monotonic() + pause
        asked = self._verdict is not None and self._verdict.retry_after
        if self._after_wake:  # rings are answered by these attempts already
            self._after_wake -= 1
            self._sleep(until)
        elif self._bell is None or asked:
            self._sleep(until)
        elif self._woken(self._bell, until, min(pause, WAKE_PAUSE)):
            self._after_wake = AFTER_WAKE - 1
        self._seen = self._bell.rings if self._bell is not None else 0
        self._began = time.monotonic()

    def _woken(self, bell: Bell, until: float, least: float) -> bool:
        """Wait until the bell rings, or rang since the last attempt began; whether it did before the pause was over."""
        self._sleep(time.monotonic() + least)
        while bell.rings == self._seen:
            left = until - time.monotonic()
            if left <= 0:
                return False
            self._tell()
            self._budget.check()
            bell.wait(self._seen, min(left, _SLICE), self._run)
        return True

    def _sleep(self, until: float) -> None:
        while True:
            self._tell()
            self._budget.check()
            left = until - time.monotonic()
            self._run.sleep(min(left, _SLICE))
            if left <= _SLICE:
                return

    def _tell(self) -> None:
        """Say about once a second what is waited for, and why."""
        now = time.monotonic()
        if now - self._told < 1.0 or self._verdict is None:
            return
        self._told = now
        known = self._cause[1] if self._cause else self._verdict
        asked = self._verdict.retry_after or 0.0
        told = f" (the server asks for {seconds_text(asked)})" if math.isfinite(asked) and asked > 1.0 else ""
        self._emit(Waiting(self._what, now - self._history.started, f"{known.kind}: {known.message}{told}"))
