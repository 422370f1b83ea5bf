"""Commands that behave as tests need it, behind doors of their own beside frit's real ones."""

from __future__ import annotations

import errno
import sys
import threading
import time
from collections.abc import Callable

import click

from base import errors
from base.errors import FritError
from base.events import Said, StageEnded, StageStarted
from base.options import output_option
from base.results import Result, Table
from base.session import Session

FOREVER = 60.0
NO_ROOM = {
    "MemoryError": MemoryError(),
    "RuntimeError": RuntimeError("can't start new thread"),
    "OSError": OSError(errno.EMFILE, "Too many open files"),
}


@click.command()
@click.argument("name")
@click.pass_obj
def fail(session: Session, name: str) -> Result:
    """Raise an error of frit by its class name, or any other error."""
    if name == "failed-result":
        session.output, session.failed = "json", Result({"outcome": "failed"}, exit_code=6)
        raise errors.NotReady("could not wait", hint="wait longer")
    if name == "for-scripts":
        session.output = "json"
        raise errors.NotReady("could not wait", hint="wait longer")
    if name == "broken-pipe":
        raise BrokenPipeError(32, "Broken pipe")
    if name in NO_ROOM:
        raise NO_ROOM[name]
    kind: type[FritError] | None = getattr(errors, name, None)
    if kind is None:
        raise ZeroDivisionError("one by zero")
    raise kind("could not do it: no", hint="first this\nthen that")


@click.command()
@click.option("--code", default=0)
@click.option("--rows", default=2)
@output_option
@click.pass_obj
def answer(session: Session, /, code: int, rows: int) -> Result:
    """Return a result, after some talk."""
    session.emit(Said("grüße"))
    cells = [(f"name-{n}", "ü" * 20) for n in range(rows)]
    data = {"z": [{"name": name, "value": value} for name, value in cells], "a": None}
    return Result(data, Table(("name", "value"), cells), text="done", exit_code=code)


@click.command()
@click.option("--lines", default=200)
@click.pass_obj
def talk(session: Session, lines: int) -> Result:
    """Tell many events, then return a result."""
    for number in range(lines):
        session.emit(StageStarted("x", f"stage {number}"))
        session.emit(StageEnded("x", f"stage {number}", "done", 0.1, "y" * 500))
    return Result({"told": lines}, text="told everything", exit_code=6)


@click.command()
@click.pass_obj
def hang(session: Session) -> None:
    """Do something that cannot be interrupted."""
    session.emit(StageStarted("hang", "hang"))
    time.sleep(FOREVER)  # stands for a name look-up: nothing in it looks at the run


@click.command()
@click.argument("how", type=click.Choice(["speak", "raise", "forever"]))
@click.pass_obj
def last(session: Session, how: str) -> None:
    """Have something to do when a signal comes: say a word, fail, or never end."""

    def speak(code: int) -> None:
        click.echo(f"last words before {code}", err=True)

    def fails(code: int) -> None:
        raise ZeroDivisionError(code)

    def never(code: int) -> None:
        threading.Event().wait(FOREVER)

    calls: dict[str, Callable[[int], None]] = {"speak": speak, "raise": fails, "forever": never}
    session.on_interrupt.append(calls[how])
    click.echo("ready")
    sys.stdout.flush()
    session.run.sleep(FOREVER)


@click.command()
def flood() -> None:
    """Write to stdout without end."""
    while True:
        click.echo("x" * 10_000)


NAMES = ("fail", "answer", "talk", "hang", "last", "flood")
TABLE = {name: (f"tests.frit.doors:{name}", f"The test's own command {name}.") for name in NAMES}
