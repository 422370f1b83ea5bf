"""How busy the machine is, so that figures from a noisy one can be told from others."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

NOISY = 0.5
"""Share of all processors that were busy before a run, from which the run is marked."""

CONTENDED = 0.6
"""Share of a run in which some task waited for a processor, from which it is marked: alone it is a third."""


def busy_share(seconds: float) -> float:
    """Which share of all processors was busy in the next `seconds`, from 0 to 1."""
    before = _processor_times()
    time.sleep(seconds)
    after = _processor_times()
    total = sum(after) - sum(before)
    idle = (after[3] + after[4]) - (before[3] + before[4])
    return 1.0 - idle / total if total else 0.0


def contention() -> float | None:
    """Seconds since boot in which some task waited for a processor; None where the kernel does not tell.

    Source: Linux kernel documentation, "PSI - Pressure Stall Information".
    """
    try:
        first = Path("/proc/pressure/cpu").read_text().splitlines()[0]
    except (OSError, IndexError):
        return None
    return int(first.rpartition("total=")[2]) / 1e6


def describe() -> dict[str, object]:
    """What a reader of the figures must know about the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processors": os.cpu_count(),
        "memoryGiB": round(memory / 2**30, 1),
        "kernel": platform.release().partition("-")[0],
        "python": platform.python_version(),
    }


def _processor_times() -> list[int]:
    # user nice system idle iowait irq softirq steal; the guests' times that follow are part of user and nice
    return [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
