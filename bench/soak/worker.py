"""The process that is soaked: frit's own code, one apply after the other, for as long as it is asked.

Run as ``python -m bench.soak.worker KUBECONFIG``. A line of its input is a number, for which it registers a package
repository as `frit repo add` does, or `usage`; it answers each with one line of JSON. Before an apply, when nothing is
under way, it looks at its own memory, threads and open files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from base.clock import Deadline, Run
from base.errors import FritError
from base.events import silent
from base.journal import Journal
from base.policy import retry_policy
from base.version import user_agent
from bench.soak.records import Usage
from kube.client import Client
from kube.connection import ConnectionOptions, connect
from repositories.objects import repository
from repositories.registry import applier_for, register, registered, settled

NAME = "bench-soak"
USAGE = "usage"
LIMIT_SECONDS = 60.0
"""How long one apply may take."""


def usage() -> Usage:
    """What this process uses now: resident memory in MB (10^6), threads, open files. Linux tells it in /proc."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    own = Path("/proc/self")
    resident = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return Usage(resident, len(list((own / "task").iterdir())), len(list((own / "fd").iterdir())))


def register_one(client: Client, number: int) -> dict[str, Any]:
    """Register the repository anew, as repositories/commands.py does it, and say how it went."""
    wanted = repository(NAME, f"https://packages.example.com/{number}")
    begun = time.monotonic()
    journal, error = Journal(silent), ""
    applier = applier_for(client, retry_policy(), Run(), Deadline.after(LIMIT_SECONDS), journal)
    try:
        sent = settled(wanted, registered(applier.client))
        applier.together(lambda one: register(applier, one), [sent])
    except FritError as failed:
        error = failed.message
    kinds = [one["kind"] for one in journal.attempts]
    return {"begun": begun, "ended": time.monotonic(), "kinds": kinds, "error": error}


def _main(kubeconfig: Path) -> int:
    client = connect(ConnectionOptions(str(kubeconfig)), user_agent=user_agent("soak")).client
    for line in sys.stdin:
        before = usage()
        answer = {} if line.strip() == USAGE else register_one(client, int(line))
        print(json.dumps({**answer, "usage": before}, default=vars), flush=True)
    return 0


class Worker:
    """The process, seen from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, number: int) -> None:
        """Have it apply once more; returns at once."""
        self._say(str(number))

    def usage(self) -> Usage:
        """What it uses now, when nothing is under way."""
        self._say(USAGE)
        return Usage(**self.answer()["usage"])

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def answer(self) -> Mapping[str, Any]:
        """Wait for the end of what was begun. Raises RuntimeError where the process has died."""
        assert self._process.stdout is not None
        watchdog = threading.Timer(LIMIT_SECONDS + 30.0, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise RuntimeError(f"the soaked process has ended, exit code {self._process.wait()}")
        found: Mapping[str, Any] = json.loads(line)
        return found


@contextmanager
def working(kubeconfig: Path) -> Iterator[Worker]:
    """A worker for the block."""
    command = [sys.executable, "-m", "bench.soak.worker", str(kubeconfig)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Worker(process)
        finally:
            process.kill()


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
