"""Wait until a question is answered yes: looks at a steady pace, is woken early, and says what it waits for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from base.clock import Deadline, Run, seconds_text
from base.errors import FritError, NotReady
from base.events import Listener, Waiting
from kube.watch import Wake

T = TypeVar("T")


@dataclass(frozen=True)
class Yes(Generic[T]):
    """What was waited for is there."""

    value: T


@dataclass(frozen=True)
class NotYet:
    """Not there yet, for this reason."""

    reason: str


def wait_until(
    question: Callable[[], Yes[T] | NotYet],
    *,
    what: str,
    run: Run,
    deadline: Deadline,
    emit: Listener,
    wake: Wake,
    pause: float = 1.0,
    out_of_time: Callable[[str], FritError] | None = None,
) -> T:
    """Ask until the answer is yes and return its value.

    Between two questions it sleeps at most `pause` seconds, less when `wake` rings. The question raises what must
    end the wait at once (a terminal state). At the deadline it raises what `out_of_time` makes of the last reason,
    else `NotReady`. Emits `Waiting` about once a second.
    """
    began = time.monotonic()
    told = began
    while True:
        seen = wake.rings
        answer = question()
        if isinstance(answer, Yes):
            return answer.value
        now = time.monotonic()
        if now >= deadline.at:
            if out_of_time is not None:
                raise out_of_time(answer.reason)
            raise NotReady(f"{what} was not ready after {seconds_text(now - began)}: {answer.reason}")
        if now - told >= 1.0:
            told = now
            emit(Waiting(what, now - began, answer.reason))
        wake.wait(seen, min(pause, deadline.remaining()), run)
