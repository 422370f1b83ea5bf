"""From windows to figures: was one missed, was each really open, and does what the process uses stay as it is."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.figures import Summary, Target, summarize
from bench.soak.records import Soak, Usage, Window

ROTATION = "certificate-rotation"

WARM_UP = 20
"""Windows until memory must not grow any more; below three times as many nothing is said about it."""

MOST_SLOPE_KB = 10.0
"""Kilobytes (10^3) a window that memory may grow by; 200 windows would then make 2 MB."""
MOST_ABOVE_MB = 4.0
"""MB that memory may ever lie above its median after the warm-up."""
MOST_MEDIAN_SECONDS = 1.0
MOST_WORST_SECONDS = 2.0


def targets(results: Soak) -> list[Target]:
    """What is claimed of a soak."""
    windows = results.windows
    missed = results.wanted - sum(one.recovery is not None for one in windows)
    found = [
        Target("windows missed", missed, 0, ""),
        Target("windows that frit did not see open", len(unseen(windows)), 0, ""),
    ]
    if recovered := recoveries(windows):
        found += [
            Target("success after the witness's, median", recovered.median, MOST_MEDIAN_SECONDS, "s"),
            Target("success after the witness's, worst", recovered.high, MOST_WORST_SECONDS, "s"),
        ]
    warm = usages(results)[WARM_UP:]
    if len(warm) > 2 * WARM_UP:
        memory = [one.resident_mb for one in warm]
        found += [
            Target("memory, slope a window", slope(memory) * 1000, MOST_SLOPE_KB, "kB"),
            Target("memory, highest above its median", max(memory) - statistics.median(memory), MOST_ABOVE_MB, "MB"),
            Target("threads, slope over 100 windows", slope([one.threads for one in warm]) * 100, 1.0, ""),
            Target("open files, slope over 100 windows", slope([one.files for one in warm]) * 100, 1.0, ""),
        ]
    return found


def unseen(windows: Sequence[Window]) -> list[Window]:
    """The windows in which no attempt failed because the certificate was not trusted."""
    return [one for one in windows if ROTATION not in one.kinds]


def recoveries(windows: Sequence[Window]) -> Summary | None:
    """Seconds from the witness's first success to frit's; None where there are none."""
    known = [one.recovery for one in windows if one.recovery is not None]
    return summarize(known) if known else None


def usages(results: Soak) -> list[Usage]:
    """What the process used, from before the first window to after the last."""
    return [*(one.usage for one in results.windows), *([results.after] if results.after else [])]


def slope(values: Sequence[float]) -> float:
    """How much values grow from one to the next, by the least squares. Raises ValueError for fewer than two."""
    if len(values) < 2:
        raise ValueError("a slope needs two values")
    return statistics.linear_regression(range(len(values)), values).slope
