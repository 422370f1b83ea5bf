"""Deadlines, waiting that can be cancelled, and durations for people."""

from __future__ import annotations

import threading
import time

import pytest

from base.clock import Deadline, Run, seconds_text
from base.errors import Cancelled


def test_a_deadline_counts_down_and_never_below_zero() -> None:
    """`remaining` is what is left, and 0 once the deadline has passed."""
    assert Deadline.after(10).remaining() == pytest.approx(10, abs=0.5)
    assert not Deadline.after(10).passed()
    assert Deadline.after(-1).remaining() == 0.0
    assert Deadline.after(-1).passed()


def test_a_budget_inside_a_budget_is_the_earlier_one() -> None:
    """`sooner` never reaches past the deadline that it is taken from."""
    outer = Deadline.after(10)
    assert outer.sooner(60) == outer
    assert outer.sooner(1).remaining() == pytest.approx(1, abs=0.5)


def test_a_pause_ends_when_the_run_is_cancelled() -> None:
    """A thread that sleeps in a run is woken at once, with `Cancelled`."""
    run = Run()
    threading.Timer(0.05, run.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        run.sleep(30)
    assert time.monotonic() - began < 1


def test_a_cancelled_run_lets_nothing_begin() -> None:
    """After `cancel`, `check` and even the shortest `sleep` raise."""
    run = Run()
    run.check()
    run.cancel()
    assert run.cancelled
    with pytest.raises(Cancelled):
        run.check()
    with pytest.raises(Cancelled):
        run.sleep(0)


def test_a_negative_pause_is_none() -> None:
    """A pause that lies in the past returns at once."""
    run = Run()
    run.sleep(-5)
    assert run.elapsed() < 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (119.4, "119 s"),
        (119.6, "2 m 00 s"),
        (125, "2 m 05 s"),
        (3605, "60 m 05 s"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    """Tenths below ten seconds, whole seconds below two minutes, then minutes; no jumps where they meet."""
    assert seconds_text(seconds) == text
