"""Start, signals and exit codes. The command runs on a second thread, so that a signal ends frit at once, whatever
the command is doing: a name look-up or a credential plugin cannot be interrupted, a waiting main thread can."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType

import click

from base import exits
from base.errors import Cancelled, FritError
from base.session import Session


def main() -> None:
    """The console script `frit`. Never returns: ends the process with one of the documented exit codes."""
    session = Session()
    ended = threading.Event()
    signals: list[int] = []
    code = [exits.BUG]

    def stop(number: int, _: FrameType | None) -> None:
        signals.append(number)
        ended.set()

    def work() -> None:
        try:
            code[0] = run_command(sys.argv[1:], session)
        finally:
            ended.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=work, name="command", daemon=True).start()
    ended.wait()
    if not signals:
        _leave(code[0])
    # the command's thread may still write its own code while the last words are said: the signal's counts
    by_signal = exits.INTERRUPTED if signals[0] == signal.SIGINT else exits.TERMINATED
    interrupted(session, by_signal)
    _leave(by_signal)


def interrupted(session: Session, code: int) -> None:
    """Stop the run and let everybody who asked for it say or write the last word."""
    session.run.cancel()
    close_listener(session)
    for call in session.on_interrupt:
        call(code)
    if not session.on_interrupt:
        click.echo("interrupted", err=True)


def run_command(arguments: list[str], session: Session) -> int:
    """Run one command line and return its exit code; every error that frit raises becomes one message."""
    from frit.cli import root

    try:
        value = root.main(arguments, prog_name="frit", standalone_mode=False, obj=session)
        close_listener(session)
        return value if isinstance(value, int) else exits.OK
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        close_listener(session)
        error.show()
        return exits.USAGE
    except click.Abort:
        return exits.INTERRUPTED
    except Cancelled:
        return exits.INTERRUPTED
    except FritError as error:
        close_listener(session)
        if session.failed is not None:
            from frit.render import render

            render(session.failed, session.output)
        show_error(error)
        return error.exit_code
    except BrokenPipeError:
        # the reader of our output went away (frit ... | head): nothing is left to say to it
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 -- so that the flush at exit does not fail again
        return exits.OK
    except Exception as error:  # noqa: BLE001 -- the last line of defence: a bug must not look like anything else
        close_listener(session)
        show_bug(error)
        return exits.BUG


def close_listener(session: Session) -> None:
    """Take a live view off the screen before something else is written."""
    close = getattr(session.listener, "close", None)
    if close is not None:
        close()


def show_error(error: FritError) -> None:
    """One message: what happened, and what to do next."""
    click.echo(f"{click.style('error:', fg='red')} {error.message}", err=True)
    for line in error.hint.splitlines():
        click.echo(f"  {line}", err=True)


def show_bug(error: Exception) -> None:
    """Say that this is a bug in frit, without a traceback unless FRIT_DEBUG asks for it."""
    click.echo(f"error: this is a bug in frit: {type(error).__name__}: {error}", err=True)
    click.echo("  run it again with FRIT_DEBUG=1 and report what it prints", err=True)
    if os.environ.get("FRIT_DEBUG"):
        import traceback

        traceback.print_exception(error)


def _leave(code: int) -> None:
    # daemon threads may sit in a read or a watch; the interpreter's orderly exit could wait for one of them
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
