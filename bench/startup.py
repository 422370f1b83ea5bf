"""How long a program takes to start: whole processes, one beside the other in turn.

Run as ``python -m bench.startup``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.contestants import frit_program
from bench.figures import STARTUP_OURS, STARTUP_THEIRS

ROUNDS = 21


def measure(frit: Path, rounds: int = ROUNDS) -> dict[str, tuple[float, ...]]:
    """Seconds of each start by what was started; the first start of each only warms the disk's cache."""
    commands = {STARTUP_OURS: (str(frit), "--help"), STARTUP_THEIRS: (sys.executable, "-c", "import click")}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            seconds = _seconds(command)
            if number:
                taken[name].append(seconds)
    return {name: tuple(times) for name, times in taken.items()}


def _seconds(command: Sequence[str]) -> float:
    begun = time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def main() -> int:
    """Measure and print."""
    taken = measure(frit_program())
    for name, times in taken.items():
        print(f"{statistics.median(times) * 1000:7.1f} ms  {name}")
    ratio = statistics.median(taken[STARTUP_OURS]) / statistics.median(taken[STARTUP_THEIRS])
    print(f"{ratio:7.2f}     ratio")
    return 0


if __name__ == "__main__":
    sys.exit(main())
