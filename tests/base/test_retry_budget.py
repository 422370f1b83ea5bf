"""What loops may spend: by kind, alone and together; what ends them; what is said at the end."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from base.budget import Budget
from base.clock import Deadline, Run
from base.errors import Cancelled
from base.events import Event, GaveUp, Retried, Waiting
from base.policy import History, RetryPolicy, Verdict, retry_policy
from base.retry import LAST_CHANCE, OVERSHADOWS, retrying


class Trouble(Exception):
    """An error with the verdict that `judge` gives on it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


def judge(error: BaseException) -> Verdict | None:
    return error.verdict if isinstance(error, Trouble) else None


def trouble(kind: str, **more: object) -> Trouble:
    return Trouble(Verdict(True, kind, f"{kind} now", **more))  # type: ignore[arg-type]  # fields of a Verdict by name


SILENT = trouble("timeout", precise=False)
UNREACHABLE = trouble("unreachable", budget=30.0)
ROTATION = trouble("rotation", quick=True)
STEADY = RetryPolicy(first_pause=1.0, growth=1.0, jitter=0.0, timeout=3600)


class FakeRun(Run):
    """A run whose sleep moves a clock of the test instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        self.check()
        self.now += max(0.0, seconds)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRun:
    """A run on a clock of its own; everything under test reads that clock."""
    run = FakeRun()
    monkeypatch.setattr(time, "monotonic", lambda: run.now)
    return run


class Loop:
    """One loop over errors; each call takes `each` seconds of the fake clock. It succeeds when they are used up."""

    def __init__(self, run: FakeRun, script: Iterator[Trouble], *, each: float = 0.0, **more: object) -> None:
        self.run, self.script, self.each, self.more = run, script, each, more
        self.events: list[Event] = []
        self.history = History("it", started=run.now)
        self.calls = 0

    def once(self) -> str:
        self.calls += 1
        self.run.now += self.each
        error = next(self.script, None)
        if error is not None:
            raise error
        return "done"

    def __call__(self) -> str:
        defaults: dict[str, object] = {"policy": STEADY, "deadline": Deadline.after(3600)}
        return retrying(
            self.once,
            what="it",
            judge=judge,
            run=self.run,
            emit=self.events.append,
            history=self.history,
            **{**defaults, **self.more},  # type: ignore[arg-type]  # parameters of retrying by name
        )

    def fails(self) -> tuple[Trouble, float]:
        """The error that it ends with, and the seconds until then."""
        began = self.run.now
        with pytest.raises(Trouble) as raised:
            self()
        return raised.value, self.run.now - began


def repeat(*errors: Trouble) -> Iterator[Trouble]:
    while True:
        yield from errors


def test_alternating_kinds_reset_no_budget(fake: FakeRun) -> None:
    """A, B, A, B: the time in A adds up, and ends the loop where it is used up."""
    error, seconds = Loop(fake, repeat(UNREACHABLE, ROTATION)).fails()
    assert error is UNREACHABLE
    assert 58 <= seconds <= 62


def test_alternating_kinds_reset_no_timeout(fake: FakeRun) -> None:
    """The policy's timeout counts whatever the kind is called."""
    policy = RetryPolicy(first_pause=1.0, growth=1.0, jitter=0.0, timeout=20)
    _, seconds = Loop(fake, repeat(ROTATION, trouble("other")), policy=policy).fails()
    assert 18 <= seconds <= 20


def test_a_short_limit_does_not_hide_the_cause(fake: FakeRun) -> None:
    """The error that is raised at the end is the last that named a cause, not the timeout that came after it."""
    script = [ROTATION] * 10 + [SILENT] * 5
    loop = Loop(fake, iter(script), policy=RetryPolicy(attempts=15, first_pause=1.0, timeout=600))
    error, _ = loop.fails()
    assert error is ROTATION
    assert [one.kind for one in loop.history.attempts[-2:]] == ["timeout", "timeout"]
    assert {one.cause for one in loop.history.attempts} == {"rotation now"}
    (last,) = [one for one in loop.events if isinstance(one, GaveUp)]
    assert (last.kind, last.message, last.cause) == ("timeout", "timeout now", "rotation now")


def test_a_cause_does_not_speak_for_ever(fake: FakeRun) -> None:
    """After half a minute in which nothing but timeouts came, the timeouts are the cause."""
    loop = Loop(fake, iter([ROTATION] + [SILENT] * 100), deadline=Deadline.after(OVERSHADOWS + 20))
    assert loop.fails()[0] is SILENT


def test_timeouts_spend_the_budget_of_the_kind_that_they_hide(fake: FakeRun) -> None:
    """A connection that is dropped says so only sometimes: the time between counts too."""
    error, seconds = Loop(fake, repeat(UNREACHABLE, SILENT, SILENT)).fails()
    assert error is UNREACHABLE
    assert 29 <= seconds <= 32


def test_a_permanent_error_stops_at_once_in_the_middle_of_a_window(fake: FakeRun) -> None:
    """Whatever was waited for before: no further attempt, and the permanent error is the one that is raised."""
    denied = Trouble(Verdict(False, "denied", "no"))
    loop = Loop(fake, iter([ROTATION, ROTATION, denied, ROTATION]))
    assert loop.fails()[0] is denied
    assert loop.calls == 3
    assert [one.kind for one in loop.events if isinstance(one, GaveUp)] == ["denied"]


def test_quick_failures_are_looked_at_every_second(fake: FakeRun) -> None:
    """The end of a window must not be slept through; other failures get longer pauses."""
    loop = Loop(fake, iter([ROTATION] * 20 + [trouble("busy")] * 5), policy=RetryPolicy(timeout=600))
    assert loop() == "done"
    pauses = [one.pause for one in loop.history.attempts]
    assert max(pauses[:20]) <= 1.0
    assert min(pauses[20:]) >= 4.0


def test_a_longest_pause_that_somebody_chose_is_for_every_kind() -> None:
    """By default webhooks are asked every second and others every 5 s; a choice counts for both."""
    assert (retry_policy().max_pause, retry_policy().quick_pause) == (5.0, 1.0)
    chosen = retry_policy(None, 7, 10.0)
    assert (chosen.attempts, chosen.max_pause, chosen.quick_pause) == (7, 10.0, 10.0)
    assert retry_policy(timeout=0).timeout == 0


def test_no_timeout_at_all_means_one_attempt(fake: FakeRun) -> None:
    """`--retry-timeout 0` repeats nothing."""
    loop = Loop(fake, repeat(ROTATION), policy=retry_policy(timeout=0))
    loop.fails()
    assert loop.calls == 1


def test_the_last_attempt_is_made_shortly_before_the_end(fake: FakeRun) -> None:
    """A pause that would pass the end is cut, so that a window that closes late is not missed."""
    loop = Loop(fake, repeat(trouble("busy", retry_after=50.0)), deadline=Deadline.after(60))
    _, seconds = loop.fails()
    assert seconds == pytest.approx(60 - LAST_CHANCE)
    assert loop.calls == 3


def test_loops_of_one_stage_spend_one_budget(fake: FakeRun) -> None:
    """What an earlier loop has spent is missing to a later one; waiting at the same time is spent once."""
    budget = Budget()
    policy = RetryPolicy(first_pause=1.0, growth=1.0, jitter=0.0, timeout=30)
    first = Loop(fake, iter([ROTATION] * 20), policy=policy, budget=budget)
    assert first() == "done"
    _, seconds = Loop(fake, repeat(ROTATION), policy=policy, budget=budget).fails()
    assert 8 <= seconds <= 10
    clock = Budget()
    clock.begin("x", fake.now)
    clock.begin("x", fake.now)
    fake.now += 5
    clock.end("x")
    clock.end("x")
    fake.now += 100
    assert clock.spent("x") == 5
    clock.begin("x", fake.now - 3)
    assert clock.spent("x") == 8


def test_success_without_failures_spends_nothing(fake: FakeRun) -> None:
    """Only failures cost; a slow success does not."""
    budget = Budget()
    assert Loop(fake, iter([]), each=500, budget=budget)() == "done"
    assert budget.spent("") == 0


def test_one_that_fails_for_good_stops_the_others() -> None:
    """A loop in a long pause ends within a moment once somebody who shares its budget has failed."""
    budget, run = Budget(), Run()
    threading.Timer(0.1, budget.stop).start()
    began = time.monotonic()

    def call() -> None:
        raise trouble("busy", retry_after=30.0)

    with pytest.raises(Cancelled, match="something else of this stage"):
        retrying(
            call,
            what="it",
            policy=RetryPolicy(),
            judge=judge,
            run=run,
            deadline=Deadline.after(60),
            emit=lambda _: None,
            budget=budget,
        )
    assert time.monotonic() - began < 1


def test_a_change_of_kind_is_told_and_a_timeout_is_none(fake: FakeRun) -> None:
    """Events say when the reason turned; a timeout between two equal causes is no turn."""
    loop = Loop(fake, iter([ROTATION, SILENT, ROTATION, trouble("refused"), ROTATION]))
    assert loop() == "done"
    assert [one.turned for one in loop.events if isinstance(one, Retried)] == [False, False, False, True, True]


def test_waiting_is_told_about_once_a_second_over_many_attempts(fake: FakeRun) -> None:
    """Short pauses add up: the heartbeat names the elapsed time and the last precise reason."""
    loop = Loop(fake, iter([ROTATION] * 6 + [SILENT] * 4))
    assert loop() == "done"
    told = [one for one in loop.events if isinstance(one, Waiting)]
    assert len(told) >= 8
    assert {one.reason for one in told} == {"rotation: rotation now"}
    assert told[-1].seconds >= 8


class Bell:
    """A bell that a test rings on the fake clock: at the moments in `at`."""

    def __init__(self, run: FakeRun, *at: float) -> None:
        self.run, self.at = run, [run.now + one for one in at]

    @property
    def rings(self) -> int:
        return sum(one <= self.run.now for one in self.at)

    def wait(self, seen: int, seconds: float, run: Run) -> None:
        self.run.now = min([self.run.now + seconds, *(one for one in self.at if one > self.run.now)])


class Waker:
    """Hands out one bell, and counts how often it was closed."""

    def __init__(self, bell: Bell) -> None:
        self.given, self.closed = bell, 0

    def bell(self, error: BaseException) -> Bell:
        return self.given

    def close(self) -> None:
        self.closed += 1


def attempts_with(fake: FakeRun, bell: Bell, script: list[Trouble], pause: float = 10.0) -> list[float]:
    """When the attempts ended, in seconds since the first, with pauses of ten seconds and a bell."""
    waker = Waker(bell)
    policy = RetryPolicy(first_pause=pause, growth=1.0, max_pause=pause, jitter=0.0, timeout=3600)
    loop = Loop(fake, iter(script), policy=policy, waker=waker)
    began = fake.now
    assert loop() == "done"
    assert waker.closed == 1
    return [round(one.at, 2) for one in loop.history.attempts] + [round(fake.now - began, 2)]


def test_a_ring_ends_the_pause(fake: FakeRun) -> None:
    """The attempt follows at once, and when it fails too a few more in short, growing pauses."""
    busy = trouble("busy")
    assert attempts_with(fake, Bell(fake, 2.0), [busy]) == [0.0, 2.0]
    assert attempts_with(fake, Bell(fake, 2.0), [busy] * 3) == [0.0, 2.0, 2.1, 2.3]
    assert attempts_with(fake, Bell(fake, 2.0), [busy] * 6) == [0.0, 2.0, 2.1, 2.3, 2.7, 3.5, 13.5]


def test_a_bell_that_rings_all_the_time_makes_no_busy_loop(fake: FakeRun) -> None:
    """However often it rings, attempts stay few a second."""
    bell = Bell(fake, *(number / 100 for number in range(6000)))
    times = attempts_with(fake, bell, [trouble("busy")] * 60)
    assert times[-1] > 10
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 0.049


def test_a_ring_does_not_cut_what_the_server_asked_for(fake: FakeRun) -> None:
    """Retry-After is obeyed whatever else is heard."""
    assert attempts_with(fake, Bell(fake, 0.5, 1.0), [trouble("busy", retry_after=4.0)]) == [0.0, 4.0]


def test_a_ring_during_an_attempt_is_not_lost(fake: FakeRun) -> None:
    """What changed while the attempt was under way starts the next one after the least pause."""
    bell = Bell(fake, 13.0)
    waker = Waker(bell)
    policy = RetryPolicy(first_pause=10.0, growth=1.0, max_pause=10.0, jitter=0.0, timeout=3600)
    loop = Loop(fake, iter([trouble("busy")] * 2), each=2.0, policy=policy, waker=waker)
    began = fake.now
    assert loop() == "done"
    # 2 s of attempt, 10 s of pause, 2 s of attempt in which it rings, the least pause, 2 s of attempt
    assert fake.now - began == pytest.approx(16.05)
