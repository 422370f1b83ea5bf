"""Calls at the same time: their values, their order, and the first error."""

from __future__ import annotations

import threading
import time

import pytest

from base.parallel import Background, each, spawn


def test_values_come_in_the_order_of_the_items() -> None:
    """Whoever ends first, the values stand where their items stood."""

    def after(number: int) -> int:
        time.sleep(0.05 - number / 100)  # later items end earlier
        return number * 10

    assert each(after, range(5), workers=5) == [0, 10, 20, 30, 40]


def test_no_items_give_no_values() -> None:
    """An empty list is answered at once."""
    assert each(str, [], workers=4) == []


def test_no_more_than_the_workers_run_at_the_same_time() -> None:
    """So many calls are under way at most, and really at the same time."""
    lock = threading.Lock()
    running = most = 0

    def call(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)  # so that calls overlap
        with lock:
            running -= 1

    each(call, range(12), workers=3)
    assert most == 3


def test_the_first_error_stops_what_has_not_begun() -> None:
    """The first error is raised, later calls never begin, and those under way have ended by then."""
    begun: list[str] = []
    ended: list[str] = []

    def call(what: str) -> None:
        begun.append(what)
        if what == "fails":
            raise ValueError("the first")
        time.sleep(0.05)  # still under way when the other call fails
        ended.append(what)

    with pytest.raises(ValueError, match="the first"):
        each(call, ["slow", "fails", "never", "never"], workers=2)
    assert begun == ["slow", "fails"]
    assert ended == ["slow"]


def test_of_two_errors_the_first_is_raised() -> None:
    """A later error of a call that was under way does not hide the first."""

    def call(seconds: float) -> None:
        time.sleep(seconds)  # one fails after the other
        raise ValueError(f"after {seconds} s")

    with pytest.raises(ValueError, match=r"after 0\.01 s"):
        each(call, [0.1, 0.01], workers=2)


def test_a_call_in_the_background_gives_its_value_when_asked() -> None:
    """`result` waits for the value; `done` says whether it is there."""
    gate = threading.Event()

    def work() -> str:
        gate.wait(5)
        return "value"

    background = Background(work, "test")
    assert not background.done
    gate.set()
    assert background.result() == "value"
    assert background.done


def test_an_error_in_the_background_is_raised_where_it_is_asked_for() -> None:
    """Every `result` raises the call's own error, in the thread that asks."""

    def work() -> None:
        raise ValueError("in the background")

    background = Background(work, "test")
    for _ in range(2):
        with pytest.raises(ValueError, match="in the background"):
            background.result()


def test_threads_do_not_keep_the_process_alive() -> None:
    """An interrupted run never waits for a thread that hangs in a read."""
    gate = threading.Event()
    thread = spawn(lambda: gate.wait(5), "test")
    assert thread.daemon
    gate.set()
    thread.join(5)
    assert not thread.is_alive()
