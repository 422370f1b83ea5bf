"""One measured run: a contestant's commands, one after the other, with time and peak memory of each process."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT_SECONDS = 240.0
"""A command that takes longer is ended; the run has failed."""


class RunFailed(Exception):
    """A command of a contestant did not end well; the text says which and what it printed last."""


@dataclass(frozen=True)
class Step:
    """One finished command: its program, when it began and ended (monotonic seconds), peak memory in MB (10^6).

    `processor` is the seconds that it spent on processors, which depend less on what else the machine does.
    """

    program: str
    begun: float
    ended: float
    peak_mb: float
    processor: float

    @property
    def seconds(self) -> float:
        """From the start of the process to its end."""
        return self.ended - self.begun


def run(commands: Sequence[Sequence[str]], environment: Mapping[str, str], folder: Path) -> list[Step]:
    """Run commands one after the other in a folder of their own. Raises `RunFailed` at the first that fails."""
    return [_step(command, environment, folder) for command in commands]


def _step(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Step:
    program = Path(command[0]).name
    output = folder / f"{program}.out"
    with output.open("wb") as file:
        begun = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environment, cwd=folder
        )
        watchdog = threading.Timer(LIMIT_SECONDS, process.kill)
        watchdog.start()
        try:
            # The peak that Linux tells is never below that of the process that started it: this one stays small.
            _, status, usage = os.wait4(process.pid, 0)
            ended = time.monotonic()
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            watchdog.cancel()
            if process.returncode is None:
                process.kill()
                process.wait()
    if process.returncode != 0:
        tail = "\n".join(output.read_text(errors="replace").strip().splitlines()[-15:])
        raise RunFailed(f"{' '.join(command)}: exit code {process.returncode} after {ended - begun:.1f} s\n{tail}")
    return Step(program, begun, ended, usage.ru_maxrss * 1024 / 1e6, usage.ru_utime + usage.ru_stime)


def environment(kubeconfig: Path, folder: Path) -> dict[str, str]:
    """What a contestant finds: the cluster, and a home without caches, as on a machine that provisions a cluster."""
    home = folder / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TZ")}
    return {**kept, "HOME": str(home), "KUBECONFIG": str(kubeconfig)}
