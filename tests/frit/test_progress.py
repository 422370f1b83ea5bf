"""What a run says while it goes on: plain lines, a heartbeat, and nothing that can end the work."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator

import pytest

import frit.progress
from base.events import Event, Retried, Said, StageEnded, StageStarted, Waiting
from frit.progress import Lines, Live, listener_for


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


class Broken(io.StringIO):
    """A log on a disk that is full."""

    def write(self, text: str) -> int:
        """Fail."""
        raise OSError(28, "No space left on device")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def beating(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], tuple[Lines, io.StringIO]]]:
    """Lines whose heartbeat comes after a short silence."""
    monkeypatch.setattr(frit.progress, "HEARTBEAT", 0.1)
    made: list[Lines] = []

    def make() -> tuple[Lines, io.StringIO]:
        stream = io.StringIO()
        made.append(Lines(stream))
        return made[-1], stream

    yield make
    for one in made:
        one.close()


def until(stream: io.StringIO, words: str) -> None:
    limit = time.monotonic() + 5
    while words not in stream.getvalue():
        assert time.monotonic() < limit, stream.getvalue()
        time.sleep(0.02)  # until the heartbeat comes


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Said("a fact"), "  a fact\n"),
        (Said("done well", level="ok"), "✓ done well\n"),
        (Said("look out", level="warning"), "! look out\n"),
        (StageStarted("x", "the stage"), ""),
        (StageEnded("x", "the stage", "done", 1.25, "3 created"), "✓ the stage: 3 created (1.2 s)\n"),
        (StageEnded("x", "the stage", "unchanged", 0.1), "✓ the stage (0.1 s)\n"),
        (StageEnded("x", "the stage", "kept", 0.1, "1.20.3: kept"), "✓ the stage: 1.20.3: kept (0.1 s)\n"),
        (StageEnded("x", "the stage", "failed", 61), "✗ the stage (61 s)\n"),
        (StageEnded("x", "the stage", "skipped", 0), "- the stage (0.0 s)\n"),
        (Waiting("the webhook", 3.0, "no pods"), ""),
        (Retried("apply A", 1, "rate-limited", "slow down", 1.0), "… apply A: rate-limited, trying again: slow down\n"),
        (Retried("apply A", 2, "rate-limited", "slow down", 1.0), ""),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, str) else "",
)
def test_every_event_has_its_line(event: Event, line: str) -> None:
    """One line an event, with a mark in front; what comes often says nothing by itself."""
    stream = io.StringIO()
    lines = Lines(stream)
    lines(event)
    lines.close()
    assert stream.getvalue() == line


def test_a_silence_is_broken_by_what_is_awaited(beating: Callable[[], tuple[Lines, io.StringIO]]) -> None:
    """After a while without a line there is one that names what is awaited, for how long, and why."""
    lines, stream = beating()
    lines(StageStarted("x", "the stage"))
    lines(Waiting("the webhook", 12.0, "1 of 3 replicas available"))
    until(stream, "… waiting for the webhook (12 s): 1 of 3 replicas available\n")


def test_a_silence_without_events_is_broken_too(beating: Callable[[], tuple[Lines, io.StringIO]]) -> None:
    """A request that hangs tells nothing: the stages that go on are named instead."""
    lines, stream = beating()
    lines(StageStarted("a", "webhook proof"))
    lines(StageStarted("b", "package API"))
    until(stream, "… still going on: webhook proof (0.")
    assert ", package API (0." in stream.getvalue()
    lines(StageEnded("a", "webhook proof", "done", 1.0))
    stream.truncate(0)
    until(stream, "… still going on: package API")


def test_the_heartbeat_ends_with_the_work(beating: Callable[[], tuple[Lines, io.StringIO]]) -> None:
    """After the last stage, and after `close`, silence is silence."""
    lines, stream = beating()
    lines(StageStarted("a", "stage"))
    lines(StageEnded("a", "stage", "done", 1.0))
    said = stream.getvalue()
    time.sleep(0.8)  # longer than a heartbeat takes
    assert stream.getvalue() == said
    lines(StageStarted("a", "stage"))
    lines.close()
    time.sleep(0.8)  # and again
    assert stream.getvalue() == said


def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    """A full disk costs the log, not the bootstrap."""
    Lines(Broken())(Said("a fact"))


def test_lines_of_several_threads_do_not_mix() -> None:
    """Stages that run beside each other write whole lines."""
    stream = io.StringIO()
    lines = Lines(stream)

    def talk(number: int) -> None:
        for _ in range(100):
            lines(Said(f"{number}" * 50))

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    found = stream.getvalue().splitlines()
    assert len(found) == 400
    assert set(found) == {"  " + f"{n}" * 50 for n in range(4)}


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never in a pipe, never with NO_COLOR, never on a dumb terminal."""
    for stream, expected in ((Terminal(), "\x1b[33m!\x1b[0m x\n"), (io.StringIO(), "! x\n")):
        Lines(stream)(Said("x", level="warning"))
        assert stream.getvalue() == expected
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            terminal = Terminal()
            Lines(terminal)(Said("x", level="warning"))
            assert terminal.getvalue() == "! x\n"


def test_a_live_view_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain lines in pipes, on dumb terminals and in CI."""
    assert type(listener_for(Terminal())) is Live
    assert type(listener_for(io.StringIO())) is Lines
    for name, value in (("CI", "true"), ("TERM", "dumb")):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            assert type(listener_for(Terminal())) is Lines


def test_a_live_view_appears_with_the_first_stage() -> None:
    """Before, its lines are plain ones; then lines stand above it, and it shows what is awaited; at the end it goes."""
    terminal = Terminal()
    live = Live(terminal)
    live(Said("before"))
    assert terminal.getvalue() == "  before\n"
    live(StageStarted("x", "the stage [of] things"))
    live(Said("above", level="ok"))
    live(Waiting("the [webhook]", 3.0, "no pods"))
    time.sleep(0.3)  # the view is drawn a few times a second
    live.close()
    shown = terminal.getvalue()
    assert "above" in shown
    assert "waiting for the [webhook] (3.0 s): no pods" in shown
    assert shown.endswith("\x1b[?25h") or "\x1b[?25h" in shown.rpartition("waiting")[2]
