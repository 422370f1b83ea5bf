"""frit in a process of its own that has its imports behind it: they are most of the time of a short command.

A server forks a process for each command, with its own arguments, environment, streams and exit code; what runs is the
same `main`. Tests that measure time start frit as users do (`tests.running`).
"""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.preloaded"])


class Forked:
    """A running `frit ARGUMENTS` with exactly this environment; the methods are named as those of `Popen`."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], stdin: str = "") -> None:
        self.args = ["frit", *arguments]
        self._folder = tempfile.TemporaryDirectory(prefix="frit-test-streams-")
        self._streams = [Path(self._folder.name) / str(number) for number in range(3)]
        for stream, text in zip(self._streams, (stdin, "", ""), strict=True):
            stream.write_text(text)
        streams = [str(one) for one in self._streams]
        self._process = _FORKS.Process(target=_child, args=(self.args, dict(environment), streams), daemon=True)
        self._process.start()

    def poll(self) -> int | None:
        """The exit code, negative for a signal, None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it has not ended yet, as `Popen` does."""
        if self.poll() is None:
            assert self._process.pid is not None
            os.kill(self._process.pid, number)

    @property
    def printed(self) -> tuple[str, str]:
        """What it has written to stdout and to stderr until now."""
        return self._streams[1].read_text(), self._streams[2].read_text()

    def ended(self, timeout: float = 90) -> tuple[int, str, str]:
        """Wait for its end; exit code, stdout and stderr."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            self._process.kill()
            raise subprocess.TimeoutExpired(self.args, timeout)
        out, err = self.printed
        self._process.close()
        self._folder.cleanup()
        return code, out, err


def _child(arguments: list[str], environment: dict[str, str], streams: list[str]) -> None:
    for number, name in enumerate(streams):
        opened = os.open(name, os.O_RDWR | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 -- the standard input of this process
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    random.seed()
    sys.argv = arguments
    from frit.__main__ import main

    main()
