"""The retry loop: what is repeated, how long it pauses, when it stops, and what it remembers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.clock import Deadline, Run
from base.errors import Cancelled
from base.events import Event, Retried, Waiting
from base.retry import Attempt, History, RetryPolicy, Verdict, retrying

QUICK = RetryPolicy(first_pause=0.001, max_pause=0.002)


class Trouble(Exception):
    """An error with the verdict that `judge` shall give on it; None means that nobody knows it."""

    def __init__(self, verdict: Verdict | None) -> None:
        super().__init__(verdict.message if verdict else "a bug")
        self.verdict = verdict


def trouble(
    kind: str = "busy", *, retry: bool = True, retry_after: float | None = None, budget: float | None = None
) -> Trouble:
    return Trouble(Verdict(retry, kind, f"{kind} now", retry_after, budget))


def judge(error: BaseException) -> Verdict | None:
    return error.verdict if isinstance(error, Trouble) else None


@dataclass
class Loop:
    """One loop over a script of errors; the call succeeds when the script is used up."""

    script: Sequence[BaseException]
    policy: RetryPolicy = QUICK
    deadline: Deadline = field(default_factory=lambda: Deadline.after(60))
    run: Run = field(default_factory=Run)
    events: list[Event] = field(default_factory=list)
    history: History = field(default_factory=lambda: History("it"))
    calls: int = 0

    def once(self) -> str:
        self.calls += 1
        if self.calls <= len(self.script):
            raise self.script[self.calls - 1]
        return "done"

    def __call__(self, call: Callable[[], str] | None = None) -> str:
        return retrying(
            call or self.once,
            what="it",
            policy=self.policy,
            judge=judge,
            run=self.run,
            deadline=self.deadline,
            emit=self.events.append,
            history=self.history,
        )


def test_a_call_that_succeeds_is_made_once() -> None:
    """Without an error there is one call, no event and no history."""
    loop = Loop([])
    assert loop() == "done"
    assert (loop.calls, loop.events, loop.history.attempts) == (1, [], [])


def test_what_may_pass_is_repeated_and_told() -> None:
    """Each failed attempt that is followed by another is an event and a line of the history."""
    loop = Loop([trouble("busy"), trouble("reset")])
    assert loop() == "done"
    assert loop.calls == 3
    told = [one for one in loop.events if isinstance(one, Retried)]
    assert [(one.attempt, one.kind, one.message) for one in told] == [
        (1, "busy", "busy now"),
        (2, "reset", "reset now"),
    ]
    assert [(one.number, one.kind) for one in loop.history.attempts] == [(1, "busy"), (2, "reset")]
    assert [one.pause for one in loop.history.attempts] == [round(one.pause, 3) for one in told]


def test_a_final_error_is_raised_at_once() -> None:
    """A verdict against repeating ends the loop; the attempt is kept in the history, and nothing is announced."""
    error = trouble("denied", retry=False)
    loop = Loop([error])
    with pytest.raises(Trouble) as raised:
        loop()
    assert raised.value is error
    assert (loop.calls, loop.events) == (1, [])
    assert [(one.kind, one.pause) for one in loop.history.attempts] == [("denied", 0.0)]


def test_an_error_that_nobody_knows_is_raised_as_it_is() -> None:
    """What `judge` does not know is no attempt of the operation: it goes up untouched."""
    loop = Loop([ZeroDivisionError("a bug")])
    with pytest.raises(ZeroDivisionError, match="a bug"):
        loop()
    assert (loop.calls, loop.history.attempts) == (1, [])


def test_the_attempts_of_the_policy_are_the_most() -> None:
    """After so many attempts the last error is raised."""
    last = trouble("third")
    loop = Loop([trouble("first"), trouble("second"), last, trouble("never")], RetryPolicy(3, 0.001))
    with pytest.raises(Trouble) as raised:
        loop()
    assert raised.value is last
    assert loop.calls == 3
    assert len(loop.history.attempts) == 3


def test_retry_after_is_obeyed() -> None:
    """The pause is what the server asked for, not what the policy says."""
    loop = Loop([trouble(retry_after=0.05)])
    began = time.monotonic()
    assert loop() == "done"
    assert time.monotonic() - began >= 0.05
    assert loop.history.attempts[0].pause == 0.05


def test_a_retry_after_of_nothing_does_not_hammer() -> None:
    """`Retry-After: 0`, or a date in the past, leaves the pause to the policy."""
    loop = Loop([trouble(retry_after=0.0)], RetryPolicy(first_pause=0.05, jitter=0.0))
    assert loop() == "done"
    assert loop.history.attempts[0].pause == 0.05


def test_a_retry_after_beyond_the_deadline_leaves_a_last_chance() -> None:
    """Where the server asks for more time than there is, one last attempt is made shortly before the end."""
    loop = Loop([trouble(retry_after=86400)] * 9, deadline=Deadline.after(0.4))
    began = time.monotonic()
    with pytest.raises(Trouble):
        loop()
    assert 0.25 < time.monotonic() - began < 0.4
    assert loop.calls == 2
    helped = Loop([trouble(retry_after=86400)], deadline=Deadline.after(0.4))
    assert helped() == "done"


def test_a_deadline_that_has_passed_allows_one_attempt() -> None:
    """The call is made once, so that there is a cause to name, and not repeated."""
    loop = Loop([trouble(), trouble()], deadline=Deadline.after(-1))
    with pytest.raises(Trouble):
        loop()
    assert loop.calls == 1


def test_the_timeout_of_the_policy_ends_the_loop() -> None:
    """The policy's own timeout counts from the first attempt, inside the deadline."""
    forever = RetryPolicy(attempts=10_000, first_pause=0.01, growth=1.0, timeout=0.1)
    began = time.monotonic()
    with pytest.raises(Trouble):
        Loop([trouble() for _ in range(10_000)], forever)()
    assert 0.05 < time.monotonic() - began < 2


def test_a_kind_is_worth_only_its_budget() -> None:
    """A kind with a budget is repeated so long, counted from when it was first met; others go on."""
    steady = RetryPolicy(attempts=10_000, first_pause=0.01, growth=1.0, jitter=0.0)
    endless = Loop([trouble("unreachable", budget=0.05) for _ in range(10_000)], steady)
    with pytest.raises(Trouble):
        endless()
    assert 3 <= len(endless.history.attempts) <= 7
    mixed = Loop([trouble("busy") for _ in range(8)] + [trouble("unreachable", budget=0.05)], steady)
    assert mixed() == "done"


def test_a_pause_ends_when_the_run_is_cancelled() -> None:
    """Ctrl-C during a long pause is `Cancelled` at once."""
    loop = Loop([trouble(retry_after=30)])
    threading.Timer(0.05, loop.run.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        loop()
    assert time.monotonic() - began < 1
    assert loop.calls == 1


def test_a_long_pause_is_told_about() -> None:
    """About once a second somebody hears what is waited for, and why; a short pause is silent."""
    loop = Loop([trouble(retry_after=1.2), trouble(retry_after=0.01)])
    assert loop() == "done"
    (told,) = [one for one in loop.events if isinstance(one, Waiting)]
    assert (told.what, told.reason) == ("it", "busy: busy now (the server asks for 1.2 s)")
    assert 1.0 <= told.seconds < 1.2


def test_a_cancelled_run_makes_no_call() -> None:
    """A loop that begins after the stop does nothing."""
    loop = Loop([])
    loop.run.cancel()
    with pytest.raises(Cancelled):
        loop()
    assert loop.calls == 0


def test_the_history_knows_how_long_attempts_took() -> None:
    """Each attempt has when it ended, since the first began, and its own seconds without the pause before it."""
    script: list[BaseException] = [trouble(retry_after=0.1), trouble(retry_after=0.01)]

    def slow() -> str:
        if script:
            time.sleep(0.03)  # the call itself takes a moment
            raise script.pop(0)
        return "done"

    loop = Loop([])
    assert loop(slow) == "done"
    first, second = loop.history.attempts
    assert first.seconds >= 0.03
    assert second.seconds >= 0.03
    assert first.at == pytest.approx(first.seconds, abs=0.002)
    assert second.at >= first.at + 0.1 + second.seconds - 0.002  # both are rounded to milliseconds


def test_distinct_failures_are_counted_most_recent_last() -> None:
    """The summary of a history has each different failure once, with its count, and the newest at the end."""
    history = History("it")
    for kind in ("a", "b", "a", "c", "d", "b"):
        history.attempts.append(Attempt(1, 0.0, 0.0, kind, "words", 0.0))
    assert history.distinct() == [("c: words", 1), ("d: words", 1), ("b: words", 2)]
    assert history.distinct(most=4)[0] == ("a: words", 2)


def test_failures_that_differ_only_in_numbers_are_one() -> None:
    """An expired certificate is told with another time at each attempt: it is counted, in its newest words."""
    history = History("it")
    for second in range(3):
        words = f"certificate has expired: current time 10:00:0{second} is after 09:00:00"
        history.attempts.append(Attempt(1, 0.0, 0.0, "rotation", words, 0.0))
    history.attempts.append(Attempt(1, 0.0, 0.0, "other", words, 0.0))
    assert [count for _, count in history.distinct()] == [3, 1]
    assert "10:00:02" in history.distinct()[0][0]


@given(
    attempt=st.integers(1, 10_000),
    first=st.floats(0.001, 10),
    growth=st.floats(1, 10),
    most=st.floats(0.001, 60),
    jitter=st.floats(0, 1),
)
def test_no_pause_is_negative_or_above_the_cap(
    attempt: int, first: float, growth: float, most: float, jitter: float
) -> None:
    """Whatever the policy says, a pause lies between 0 and `max_pause`, also after thousands of attempts."""
    policy = RetryPolicy(first_pause=first, growth=growth, max_pause=most, jitter=jitter)
    assert 0.0 <= policy.pause(attempt) <= most


def test_pauses_grow_up_to_the_cap() -> None:
    """Without jitter the pauses are the first one times the growth, up to the cap."""
    policy = RetryPolicy(first_pause=1, growth=2, max_pause=5, jitter=0)
    assert [policy.pause(attempt) for attempt in (1, 2, 3, 4, 5)] == [1, 2, 4, 5, 5]


def test_jitter_spreads_the_pauses() -> None:
    """With jitter several clients do not come back at the same moment."""
    policy = RetryPolicy(first_pause=1, jitter=0.2)
    pauses = {policy.pause(1) for _ in range(50)}
    assert len(pauses) > 10
    assert all(0.8 <= pause <= 1.2 for pause in pauses)
