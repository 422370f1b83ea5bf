"""Start frit with the doors of the tests, in a process of its own: with pipes, or on a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
PROGRAM = "from frit.cli import DOORS; from tests.frit.doors import TABLE; DOORS |= TABLE"
WITH_DOORS = [
    sys.executable,
    "-c",
    f"import sys; sys.argv[0] = 'frit'; {PROGRAM}; from frit.__main__ import main; main()",
]
PLAIN = [sys.executable, "-m", "frit"]


def environment(**more: str) -> dict[str, str]:
    """The environment without anything that changes what frit does, and with the tests importable."""
    left_out = ("FRIT_", "_FRIT_", "KUBE", "NO_COLOR", "CI", "PYTHONPATH", "HTTPS_PROXY", "https_proxy")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    return {**kept, "PYTHONPATH": str(HERE), "TERM": "xterm", "COLUMNS": "100", **more}


def start(*arguments: str, program: list[str] = WITH_DOORS, **options: Any) -> subprocess.Popen[bytes]:
    """Start frit; `env` adds variables, everything else is as for `subprocess.Popen`."""
    env: Mapping[str, str] = options.pop("env", {})
    defaults: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*program, *arguments], env=environment(**env), **{**defaults, **options})


def finished(*arguments: str, **options: Any) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a run to its end."""
    with start(*arguments, **options) as process:
        out, err = process.communicate(timeout=30)
    return process.returncode, (out or b"").decode(), (err or b"").decode()


def on_terminal(
    *arguments: str,
    program: list[str] = WITH_DOORS,
    env: Mapping[str, str] | None = None,
    asked: str = "",
    typed: str = "",
) -> tuple[int, str]:
    """Exit code and everything that appears on a terminal that is stdin, stdout and stderr.

    Once `asked` appears, `typed` is typed.
    """
    ours, theirs = pty.openpty()
    try:
        with start(*arguments, program=program, env=env or {}, stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            shown = b""
            with contextlib.suppress(OSError):  # the terminal's end is an error on Linux
                while part := os.read(ours, 65536):
                    shown += part
                    if typed and asked.encode() in shown:
                        os.write(ours, typed.encode())
                        typed = ""
            process.wait(timeout=30)
    finally:
        os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n")


def handles_signals(process: subprocess.Popen[bytes]) -> None:
    """Wait until frit has put its signal handlers in place; before, the interpreter's own hold."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        found = re.search(r"SigCgt:\s+([0-9a-f]+)", Path(f"/proc/{process.pid}/status").read_text())
        if found and int(found[1], 16) & (1 << 14):  # SIGTERM, number 15, which Python does not handle by itself
            return
        time.sleep(0.001)  # until the handlers are there
    raise AssertionError("no signal handlers after 10 s")
