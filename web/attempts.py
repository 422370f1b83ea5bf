"""Attempts at a transfer, patiently: each on a thread of its own, until one succeeds or time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from base.clock import Deadline, Run
from base.events import Listener, Waiting
from base.parallel import Background
from base.retry import History, RetryPolicy, Verdict, retrying
from web.troubles import TransferError

T = TypeVar("T")

LOOK = 0.02
"""Seconds between two looks at a transfer that goes on."""


def patiently(
    transfer: Callable[[Deadline, Callable[[], bool]], T],
    *,
    policy: RetryPolicy,
    run: Run,
    deadline: Deadline,
    emit: Listener,
    history: History,
) -> T:
    """The value of `transfer(limit, stopped)`, tried again as its errors and the policy say.

    A request to stop, and the end of the time, are seen also while a server says nothing. Raises `TransferError` of
    the last attempt that named a reason, and `Cancelled`.
    """
    limit = deadline.sooner(policy.timeout)

    def attempt() -> T:
        given_up = threading.Event()
        job = Background(lambda: transfer(limit, given_up.is_set), "transfer")
        told = time.monotonic()
        try:
            # On a thread of its own, so that a request to stop need not wait for a server that says nothing.
            while not job.wait(LOOK):
                run.check()
                if limit.passed():
                    raise TransferError("timeout", "the answer did not end in time", retry=True)
                if time.monotonic() - told >= 1.0:
                    told = time.monotonic()
                    emit(Waiting(history.what, told - history.started))
            return job.result()
        finally:
            given_up.set()

    return retrying(
        attempt,
        what=history.what,
        policy=policy,
        judge=judge,
        run=run,
        deadline=deadline,
        emit=emit,
        history=history,
    )


def judge(error: BaseException) -> Verdict | None:
    """What an error means for the retry loop; None for one that is not about the transfer."""
    if not isinstance(error, TransferError):
        return None
    return Verdict(error.retry, error.kind, error.message, error.retry_after, error.budget)
