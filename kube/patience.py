"""How requests to an API server are repeated: what a failure means for the loop, and what is said when it gives up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from base.budget import Budget
from base.clock import Deadline, Run
from base.events import Listener, Waiting
from base.retry import History, RetryPolicy, Verdict, Waker, retrying
from kube import failures
from kube.failures import ApiError, Failure, Kind

T = TypeVar("T")

QUICK = frozenset(
    {Kind.CERTIFICATE_ROTATION, Kind.WEBHOOK_NOT_READY, Kind.WEBHOOK_UNREACHABLE, Kind.CRD_NOT_ESTABLISHED}
)
"""Kinds whose end is worth noticing within a second: whoever starts a webhook waits for it, and asking costs little."""

OUT_OF_TIME = ("timed out", "timeout", "deadline exceeded", "within the allotted time", "context canceled")
"""Words that say that time ran out, and not why."""

NO_ANSWER = "no answer yet"
"""What is said of a request that hangs, before anything is known about it."""

SILENCE = 2.0
"""Seconds between two such words, and before the first."""


@dataclass(frozen=True)
class Patience:
    """For how long requests are repeated: while the kind of the failure says that waiting helps, within these limits.

    Everything that shares a `budget` spends it together; without one each request has its own.
    """

    policy: RetryPolicy
    run: Run
    deadline: Deadline
    emit: Listener
    budget: Budget | None = None


def precise(failure: Failure) -> bool:
    """Whether a failure names a cause. A short limit hides it: then the server says only that time ran out."""
    if failure.kind is Kind.API_UNAVAILABLE and failure.status in (0, 408, 504):
        return failure.status == 0 and not any(words in failure.message.lower() for words in OUT_OF_TIME)
    if failure.kind is Kind.WEBHOOK_UNREACHABLE:
        return not any(words in failure.message.lower() for words in OUT_OF_TIME)
    return True


def telling(doing: str, history: History, emit: Listener) -> Callable[[], None]:
    """What to call several times a second while an attempt has no answer: it says at intervals what is waited for."""
    told = time.monotonic()

    def waiting() -> None:
        nonlocal told
        if time.monotonic() - told >= (1.0 if history.attempts else SILENCE):
            told = time.monotonic()
            emit(Waiting(doing, told - history.started, history.reason or NO_ANSWER))

    return waiting


def judge(error: BaseException) -> Verdict | None:
    """What an error means for a loop: a verdict on an `ApiError`, None on anything else."""
    verdict = failures.judge(error)
    if verdict is None or not isinstance(error, ApiError):
        return None
    failure = error.failure
    nobody_there = failure.kind is Kind.API_UNAVAILABLE and failure.status == 0  # nobody who could be overloaded
    return replace(verdict, quick=nobody_there or failure.kind in QUICK, precise=precise(failure))


def judge_read(error: BaseException) -> Verdict | None:
    """The same for a question: that something is not there is an answer, and never waited for."""
    verdict = judge(error)
    if verdict is not None and isinstance(error, ApiError) and error.failure.status == 404:
        return replace(verdict, retry=False)
    return verdict


def repeated(
    call: Callable[[], T],
    *,
    what: str,
    patience: Patience,
    history: History,
    judge: Callable[[BaseException], Verdict | None] = judge,
    waker: Waker | None = None,
) -> T:
    """Call until it succeeds, as `base.retry.retrying` does; an `ApiError` that ends it tells the whole history."""
    try:
        return retrying(
            call,
            what=what,
            policy=patience.policy,
            judge=judge,
            run=patience.run,
            deadline=patience.deadline,
            emit=patience.emit,
            history=history,
            budget=patience.budget,
            waker=waker,
        )
    except ApiError as error:
        raise told(error, history) from None


def told(error: ApiError, history: History) -> ApiError:
    """The error that ends a loop, saying how often and how long it was tried, and the last different failures."""
    whole = error.after(history)
    whole.details["lastFailures"] = [{"failure": text, "count": count} for text, count in history.distinct()]
    lines = last_failures(history)
    whole.hint = "\n".join([*lines, whole.hint]) if lines else whole.hint
    return whole


def last_failures(history: History) -> list[str]:
    """The last three different failures with their counts, a line each; nothing where there was only one."""
    distinct = history.distinct()
    if len(distinct) < 2:
        return []
    return ["the last different failures, the newest at the end:", *(f"  {n} x {text}" for text, n in distinct)]
