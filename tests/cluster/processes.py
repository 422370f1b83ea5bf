"""Finding and ending processes, by id, and only after making sure that the id still means the same process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process id and its start time (clock ticks since boot): together they never mean another process."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie doesn't)."""
        return started(self.pid) == self.started

    def send(self, number: signal.Signals) -> bool:
        """Sends a signal if the process still is the same; tells whether it did."""
        if not self.alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def hold(self) -> None:
        """Stops it (SIGSTOP) and returns when all its threads stand still, which on a busy machine takes a moment."""
        self.send(signal.SIGSTOP)
        while any(state not in "TtZX" for state in _states(self.pid)) and self.alive():
            time.sleep(0.005)  # the kernel tells nobody when a process that is no child has stopped


def _states(pid: int) -> list[str]:
    """The states of a process' threads, a letter each (proc(5))."""
    found = []
    for task in (_PROC / str(pid) / "task").glob("*/stat"):
        try:
            text = task.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found.append(text[text.rindex(")") + 2])
    return found


def started(pid: int) -> int | None:
    """The start time of a running process in clock ticks since boot; None where there is none, or a zombie."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may itself hold spaces and parentheses: the fields begin after the last one.
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def identify(pid: int) -> Process | None:
    """The process that has this id now."""
    since = started(pid)
    return None if since is None else Process(pid, since)


def all_ids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def command_line(pid: int) -> list[str]:
    """The arguments of a process; empty where it is gone or has none."""
    try:
        raw = (_PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [part.decode(errors="replace") for part in raw.split(b"\0")[:-1]]


def with_argument(argument: str) -> list[Process]:
    """Running processes that have exactly this argument after their name."""
    found = (identify(pid) for pid in all_ids() if argument in command_line(pid)[1:])
    return [process for process in found if process is not None]


def pid_namespace(pid: int) -> str | None:
    """The identity of a process's pid namespace, such as ``pid:[4026532200]``."""
    try:
        return str((_PROC / str(pid) / "ns" / "pid").readlink())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def in_pid_namespace(namespace: str) -> list[Process]:
    """Running processes of a pid namespace."""
    found = (identify(pid) for pid in all_ids() if pid_namespace(pid) == namespace)
    return [process for process in found if process is not None]


def host_pid(namespace: str, inner: int) -> int | None:
    """The id on this side of the process that has the id ``inner`` in a pid namespace."""
    for pid in all_ids():
        if pid_namespace(pid) != namespace:
            continue
        try:
            status = (_PROC / str(pid) / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for line in status.splitlines():
            if line.startswith("NSpid:") and int(line.split()[-1]) == inner:
                return pid
    return None


def end(processes: Iterable[Process], grace_seconds: float = 0.0, timeout_seconds: float = 10.0) -> list[Process]:
    """Ends processes: SIGTERM and a time of grace, then SIGKILL. Gives back what still runs in the end."""
    left = list(processes)
    if grace_seconds > 0:
        for process in left:
            process.send(signal.SIGTERM)
        left = wait_gone(left, grace_seconds)
    for process in left:
        process.send(signal.SIGKILL)
    return wait_gone(left, timeout_seconds)


def wait_gone(processes: Iterable[Process], timeout_seconds: float) -> list[Process]:
    """Waits for processes to end; gives back those that still run after the time."""
    deadline = time.monotonic() + timeout_seconds
    left = [process for process in processes if process.alive()]
    while left and time.monotonic() < deadline:
        # There is no event for the end of a process that isn't a child.
        time.sleep(0.01)
        left = [process for process in left if process.alive()]
    return left
