"""One command line from its arguments to its exit code: every error becomes one message."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence

import click

from base import exits
from base.errors import Cancelled, FritError
from base.results import Result
from base.session import Session


def run_command(arguments: list[str], session: Session) -> int:
    """Run one command line and return its exit code; every error that frit raises becomes one message."""
    from frit.cli import root

    try:
        value = root.main(arguments, prog_name="frit", standalone_mode=False, obj=session)
        close_listener(session)
        return value if isinstance(value, int) else exits.OK
    except click.ClickException as error:
        close_listener(session)
        with contextlib.suppress(OSError):
            error.show()
        return exits.USAGE
    except click.Abort:
        return exits.INTERRUPTED
    except Cancelled:
        return exits.INTERRUPTED
    except FritError as error:
        if session.run.cancelled:  # a consequence of the stop, such as a plugin that the same Ctrl-C ended
            return exits.INTERRUPTED
        close_listener(session)
        if session.failed is None and session.output in ("json", "yaml"):  # a script never gets an empty text
            session.failed = Result({"error": error.data()}, exit_code=error.exit_code)
        if session.failed is not None:
            from frit.render import render

            try:
                render(session.failed, session.output)
            except OSError as no:  # a disk that is full: what went wrong is told all the same
                say(f"could not write the result: {no.strerror or no}")
        show_error(error, session)
        return error.exit_code
    except SystemExit as error:
        # click leaves like this after a completion, and where the reader of a help text went away (frit ... | head)
        completing = "_FRIT_COMPLETE" in os.environ
        return exits.USAGE if completing and error.code else exits.OK
    except Exception as error:  # noqa: BLE001 -- the last line of defence: a bug must not look like anything else
        close_listener(session)
        if _no_room(error):
            say(f"error: the machine that frit runs on has no room left: {error or 'out of memory'}")
            say("  make room (disk, memory, open files, processes) and run it again")
        else:
            show_bug(error)
        return exits.BUG


def _no_room(error: Exception) -> bool:
    """Whether an error says that this machine has no room left, for which frit cannot do anything."""
    short = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
    if isinstance(error, RuntimeError):
        return "can't start new thread" in str(error)  # the interpreter's words; it says nothing else
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in short)


def interrupted(sessions: Sequence[Session], code: int) -> None:
    """Stop the run, if it has begun, and let everybody who asked for it say or write the last word."""
    calls = [call for session in sessions for call in session.on_interrupt]
    for session in sessions:
        session.run.cancel()
        close_listener(session)
    for call in calls:
        try:
            call(code)
        except Exception as error:  # noqa: BLE001 -- a last word that fails must not keep the others from theirs
            show_bug(error)
    if not calls:
        say("interrupted")


def close_listener(session: Session) -> None:
    """Take a live view off the screen before something else is written."""
    close = getattr(session.listener, "close", None)
    if close is not None:
        close()


def show_error(error: FritError, session: Session) -> None:
    """One message: what happened, and what to do next."""
    title = "error:" if os.environ.get("NO_COLOR") else click.style("error:", fg="red")
    say(f"{title} {error.message}")
    for line in session.to_paste(error.hint).splitlines():
        say(f"  {line}")


def show_bug(error: Exception) -> None:
    """Say that this is a bug in frit, without a traceback unless FRIT_DEBUG asks for it."""
    say(f"error: this is a bug in frit: {type(error).__name__}: {error}")
    say("  run it again with FRIT_DEBUG=1 and report what it prints")
    if os.environ.get("FRIT_DEBUG"):
        import traceback

        say("".join(traceback.format_exception(error)))


def say(text: str) -> None:
    """One line of talk on stderr; where nobody listens any more, it is lost."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)
