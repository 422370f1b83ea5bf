"""Measured commands, started by a process that is smaller than any of them.

Linux never tells a smaller peak for a process than that of the one that started it (`bench.measure`), and a search is
smaller than what drives a benchmark. Run as ``python -m bench.repositories.stopwatch``: a command a line, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from bench import measure

ROOT = Path(__file__).resolve().parent.parent.parent


class Stopwatch:
    """The process that starts and measures; use it in a `with`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.repositories.stopwatch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def __enter__(self) -> Stopwatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> measure.Step:
        """Run a command in a folder. Raises `measure.RunFailed`."""
        pipes = self._process
        if pipes.stdin is None or pipes.stdout is None:
            raise ValueError("the pipes of the stopwatch are gone")
        job = {"command": list(command), "environment": dict(environment), "folder": str(folder)}
        print(json.dumps(job), file=pipes.stdin, flush=True)
        answer = pipes.stdout.readline()
        if not answer:
            raise measure.RunFailed("the stopwatch has ended")
        told: dict[str, Any] = json.loads(answer)
        if "failed" in told:
            raise measure.RunFailed(told["failed"])
        return measure.Step(**told)


def main() -> int:
    """Run what stands on the standard input, and say what each took."""
    for line in sys.stdin:
        job = json.loads(line)
        try:
            (step,) = measure.run([job["command"]], job["environment"], Path(job["folder"]))
            told = asdict(step)
        except measure.RunFailed as error:
            told = {"failed": str(error)}
        print(json.dumps(told), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
