"""Waiting for a question to be answered yes, being woken early, and hedging a request that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from base.clock import Deadline, Run
from base.errors import Cancelled, NotReady, ServerRefused
from base.events import Event, Waiting
from kube.hedge import hedged
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake


def waiting(question: Callable[[], Any], **options: Any) -> Any:
    defaults: dict[str, Any] = {
        "what": "the thing",
        "run": Run(),
        "deadline": Deadline.after(10),
        "emit": lambda _: None,
        "wake": Wake(),
        "pause": 0.01,
    }
    return wait_until(question, **{**defaults, **options})


def test_yes_ends_the_wait_with_its_value() -> None:
    """The question is asked until it says yes."""
    answers = iter([NotYet("a"), NotYet("b"), Yes(7)])
    assert waiting(lambda: next(answers)) == 7


def test_at_the_deadline_the_last_reason_is_told() -> None:
    """The error says what was awaited, for how long, and why it was not there."""
    with pytest.raises(NotReady, match=r"^the thing was not ready after 0\.\d s: 1 of 2 replicas$"):
        waiting(lambda: NotYet("1 of 2 replicas"), deadline=Deadline.after(0.05))


def test_a_deadline_that_has_passed_still_asks_once() -> None:
    """What is there already is found, however late it is."""
    assert waiting(lambda: Yes(1), deadline=Deadline.after(-1)) == 1
    asked: list[int] = []

    def never() -> NotYet:
        asked.append(1)
        return NotYet("no")

    with pytest.raises(NotReady):
        waiting(never, deadline=Deadline.after(-1))
    assert asked == [1]


def test_who_waits_decides_what_running_out_of_time_means() -> None:
    """`out_of_time` makes the error from the last reason."""
    with pytest.raises(ServerRefused, match="because of x"):
        waiting(
            lambda: NotYet("x"),
            deadline=Deadline.after(0.02),
            out_of_time=lambda why: ServerRefused(f"because of {why}"),
        )


def test_what_the_question_raises_ends_the_wait_at_once() -> None:
    """A terminal state does not wait for the deadline."""

    def beyond_hope() -> NotYet:
        raise ServerRefused("never")

    began = time.monotonic()
    with pytest.raises(ServerRefused, match="never"):
        waiting(beyond_hope)
    assert time.monotonic() - began < 1


def test_a_wake_asks_again_at_once() -> None:
    """A ring ends a long pause, also one that came while the question was being asked."""
    wake = Wake()
    asked: list[float] = []

    def question() -> Yes[None] | NotYet:
        asked.append(time.monotonic())
        if len(asked) == 1:
            wake.ring()  # between the question and the pause
        if len(asked) == 2:
            threading.Timer(0.05, wake.ring).start()
        return Yes(None) if len(asked) == 3 else NotYet("not yet")

    began = time.monotonic()
    waiting(question, wake=wake, pause=30)
    assert time.monotonic() - began < 2


def test_a_stop_ends_a_wait() -> None:
    """A cancelled run stops waiting within a fraction of a second."""
    run = Run()
    threading.Timer(0.05, run.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        waiting(lambda: NotYet("no"), run=run, pause=30)
    assert time.monotonic() - began < 1


def test_a_wait_tells_about_itself_once_a_second() -> None:
    """The events name what is awaited, for how long, and why it is not there; a short wait says nothing."""
    told: list[Event] = []
    until = time.monotonic() + 1.3
    waiting(lambda: Yes(1) if time.monotonic() > until else NotYet("no pods"), emit=told.append)
    (event,) = told
    assert isinstance(event, Waiting)
    assert (event.what, event.reason) == ("the thing", "no pods")
    assert 1.0 <= event.seconds < 1.3
    waiting(lambda: Yes(1), emit=told.append)
    assert len(told) == 1


def test_a_call_that_answers_in_time_is_sent_once() -> None:
    """A hedge costs nothing where nothing hangs."""
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        return "answer"

    assert hedged(call, after=0.5, most=3, run=Run()) == "answer"
    assert len(calls) == 1


def test_a_call_that_hangs_is_overtaken() -> None:
    """While the first hangs, a second is sent, and its answer wins."""
    gate = threading.Event()
    calls: list[int] = []

    def call() -> int:
        number = len(calls)
        calls.append(number)
        if number == 0:
            gate.wait(10)
        return number

    began = time.monotonic()
    assert hedged(call, after=0.05, most=3, run=Run()) == 1
    assert time.monotonic() - began < 2
    gate.set()


def test_no_more_than_the_limit_are_sent() -> None:
    """However long they hang, there are so many calls and no more; the first answer wins."""
    gate = threading.Event()
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        gate.wait(10)
        return "late"

    threading.Timer(0.3, gate.set).start()
    assert hedged(call, after=0.02, most=3, run=Run()) == "late"
    assert len(calls) == 3


def test_an_error_counts_when_no_other_call_can_answer() -> None:
    """One call fails while another hangs: its answer is waited for; if all fail, the last error is raised."""
    gate = threading.Event()
    calls: list[int] = []

    def slow_then_failing() -> str:
        calls.append(1)
        if len(calls) == 1:
            gate.wait(0.3)
            return "good"
        raise ServerRefused("the hedge failed")

    assert hedged(slow_then_failing, after=0.02, most=2, run=Run()) == "good"

    def fails() -> str:
        raise ServerRefused("certain")

    began = time.monotonic()
    with pytest.raises(ServerRefused, match="certain"):
        hedged(fails, after=5, most=3, run=Run())
    assert time.monotonic() - began < 1


def test_a_stop_ends_a_hedge() -> None:
    """Calls that hang are left behind when the run is cancelled."""
    run, gate = Run(), threading.Event()
    threading.Timer(0.05, run.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        hedged(lambda: gate.wait(10), after=1, most=2, run=run)
    assert time.monotonic() - began < 1
    gate.set()
