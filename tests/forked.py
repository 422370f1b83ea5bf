"""frit in a process of its own that has its imports behind it: they are most of the time of a short command.

A server forks a process for each command, with its own arguments, environment, streams and exit code; what runs is the
same `main`. Tests that send signals or measure time start frit as users do (`tests.running`).
"""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.preloaded"])


def run(
    arguments: list[str], environment: Mapping[str, str], *, stdin: str = "", timeout: float = 90
) -> subprocess.CompletedProcess[str]:
    """Run `frit ARGUMENTS` with exactly this environment to its end, as `subprocess.run` would."""
    with ExitStack() as stack:
        streams = [stack.enter_context(tempfile.NamedTemporaryFile("w+")) for _ in range(3)]
        streams[0].write(stdin)
        streams[0].flush()
        process = _FORKS.Process(target=_child, args=(arguments, dict(environment), [one.name for one in streams]))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(["frit", *arguments], timeout)
        out, err = (one.read() for one in streams[1:])
        return subprocess.CompletedProcess(["frit", *arguments], process.exitcode, out, err)


def _child(arguments: list[str], environment: dict[str, str], streams: list[str]) -> None:
    for number, name in enumerate(streams):
        opened = os.open(name, os.O_RDWR)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 -- the standard input of this process
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    random.seed()
    sys.argv = ["frit", *arguments]
    from frit.__main__ import main

    main()
