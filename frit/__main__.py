"""Start, signals and exit codes. The command runs on a second thread, so that a signal ends frit at once, whatever
the command is doing: a name look-up or a credential plugin cannot be interrupted, a waiting main thread can.

Only what the interpreter has loaded anyway is imported here: a signal during the imports must find its handler.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from base import exits

if TYPE_CHECKING:
    from base.session import Session

LAST_WORDS = 0.7
"""Seconds that everybody has together to say or write the last word after a signal; one second is promised."""

DONE = 0
"""What the command's thread writes to the pipe when it has ended; signals write their numbers, from 1 on."""


def main() -> None:
    """The console script `frit`. Never returns: ends the process with one of the documented exit codes."""
    bell, wire = os.pipe()
    os.set_blocking(wire, False)
    # A signal may be delivered on any thread, and then it does not interrupt what the main thread waits for. The
    # interpreter writes its number to this pipe wherever it arrives, so a read of the pipe is woken by every signal.
    signal.set_wakeup_fd(wire, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    _repair_streams()
    codes: list[int] = []
    sessions: list[Session] = []

    def work() -> None:
        code: int = exits.BUG
        try:
            from base.session import Session
            from frit.invocation import run_command

            session = Session()
            sessions.append(session)
            code = run_command(sys.argv[1:], session)
        finally:
            codes.append(code)
            os.write(wire, bytes([DONE]))

    threading.Thread(target=work, name="command", daemon=True).start()
    signals = [number for number in os.read(bell, 64) if number != DONE]
    if not signals:
        _flush()
        os._exit(codes[0])  # daemon threads may sit in a read or a watch; an orderly exit could wait for one of them
    # the command's thread may still write its own code while the last words are said: the signal's counts
    by_signal = exits.INTERRUPTED if signals[0] == signal.SIGINT else exits.TERMINATED

    def last_words() -> None:
        from frit.invocation import interrupted

        interrupted(sessions, by_signal)
        _flush()

    # on a thread of its own: a reader that stopped reading, or a file system that hangs, must not hold frit back
    saying = threading.Thread(target=last_words, name="last words", daemon=True)
    saying.start()
    saying.join(LAST_WORDS)
    os._exit(by_signal)


def _repair_streams() -> None:
    """Make sure that there is something to write to, and that no character of a message ends in an error."""
    if sys.stdout is None or sys.stderr is None:  # started with a closed descriptor
        nowhere = open(os.devnull, "w")  # noqa: PTH123, SIM115 -- stays open until the process ends
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a stream that somebody put in place of the real one
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # sys.stdout is a TextIO to mypy


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


if __name__ == "__main__":
    main()
