"""Run frit as users do: a process of its own, with what it printed and how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ran:
    """A finished run: exit code, what it printed, seconds, and the report if one was asked for."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    report: dict[str, Any] = field(default_factory=dict)

    def changes(self) -> dict[str, int]:
        """How many objects the report counts as created, changed and unchanged."""
        found: dict[str, int] = {}
        for stage in self.report["stages"]:
            for one in stage["objects"]:
                found[one["change"]] = found.get(one["change"], 0) + 1
        return found

    def stage(self, name: str) -> dict[str, Any]:
        """One stage of the report."""
        return next(one for one in self.report["stages"] if one["name"] == name)


def start(
    *arguments: str, kubeconfig: Path | None, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `frit ARGUMENTS` with a kubeconfig and extra environment variables."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FRIT_") and key != "KUBECONFIG"}
    if kubeconfig is not None:
        clean["KUBECONFIG"] = str(kubeconfig)
    return subprocess.Popen(
        [sys.executable, "-m", "frit", *arguments],
        env={**clean, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def frit(
    *arguments: str, kubeconfig: Path | None, timeout: float = 120.0, environment: Mapping[str, str] | None = None
) -> Ran:
    """Run `frit ARGUMENTS` to its end; reads the file behind `--report` if that is among them."""
    began = time.monotonic()
    process = start(*arguments, kubeconfig=kubeconfig, environment=environment)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"frit {' '.join(arguments)} did not end within {timeout} s:\n{out}\n{err}") from None
    return Ran(process.returncode, out, err, time.monotonic() - began, _report(arguments))


def interrupt(process: subprocess.Popen[str], number: signal.Signals, report: Path | None = None) -> Ran:
    """Send a signal to a running frit and wait for its end; `seconds` counts from the signal."""
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    written = json.loads(report.read_text()) if report is not None and report.exists() else {}
    return Ran(process.returncode, out, err, time.monotonic() - began, written)


def _report(arguments: tuple[str, ...]) -> dict[str, Any]:
    if "--report" not in arguments:
        return {}
    path = Path(arguments[arguments.index("--report") + 1])
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found
