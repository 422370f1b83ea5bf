"""Results as tables: plain text for a terminal, Markdown for docs/benchmarks.md."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench import machine
from bench.figures import Row, Summary, Target, rows, targets
from bench.records import Results

_HEAD = (
    "contestant",
    "claimed ready (s)",
    "really ready (s)",
    "claimed - really (s)",
    "requests",
    "peak (MB)",
    "claimed, nobody polling (s)",
)
TARGET_HEAD = ("target", "measured", "limit", "verdict")


def text(results: Results) -> str:
    """Everything for a terminal."""
    parts = [
        aligned(_HEAD, [_cells(row) for row in rows(results)]),
        aligned(TARGET_HEAD, [target_cells(target) for target in targets(results)]),
        *_sentences(results),
    ]
    return "\n\n".join(parts)


BEGIN, END = "<!-- figures: written by python -m bench --into -->", "<!-- end of figures -->"


def into(document: str, figures: str, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """A document with what stands between two marks replaced. Raises ValueError where the marks are missing."""
    first, last = marks
    before, begin, rest = document.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end):
        raise ValueError(f"the document needs two lines, {first!r} and {last!r}")
    return f"{before}{first}\n\n{figures}\n\n{last}{after}"


def markdown(results: Results) -> str:
    """The same as Markdown."""
    parts = [
        marked(_HEAD, [_cells(row) for row in rows(results)]),
        marked(TARGET_HEAD, [target_cells(target) for target in targets(results)]),
        *_sentences(results),
    ]
    return "\n\n".join(parts)


def _cells(row: Row) -> list[str]:
    return [
        row.title,
        summary(row.claimed, 1),
        summary(row.really, 1),
        summary(row.late, 2),
        summary(row.requests, 0),
        summary(row.peak_mb, 0),
        summary(row.unpolled, 1),
    ]


def summary(found: Summary | None, digits: int) -> str:
    """A cell: the median, and its spread where there is one."""
    if found is None:
        return "-"
    median, low, high = (f"{value:.{digits}f}" for value in (found.median, found.low, found.high))
    return median if low == high else f"{median} ({low} to {high})"


def target_cells(target: Target) -> list[str]:
    """The cells of a target under `TARGET_HEAD`."""
    digits = 0 if float(target.measured).is_integer() and float(target.limit).is_integer() else 2
    if 0 < target.missed_by < 0.005:
        digits = 3  # or it would read as missed by nothing
    measured = f"{target.measured:.{digits}f} {target.unit}".strip()
    limit = f"{'at least' if target.at_least else 'at most'} {target.limit:g} {target.unit}".strip()
    verdict = "met" if target.met else f"missed by {target.missed_by:.{digits}f} {target.unit}".strip()
    return [target.what, measured + (f" ({target.spread})" if target.spread else ""), limit, verdict]


def _sentences(results: Results) -> list[str]:
    """What the tables don't show: the machine, its noise, starts and re-runs."""
    told = [
        "Machine: " + ", ".join(f"{name} {value}" for name, value in results.machine.items()) + ".",
        "Versions: " + ", ".join(f"{name} {value}" for name, value in results.versions.items()) + ".",
    ]
    if results.startup:
        medians = (f"{name} {statistics.median(times) * 1000:.0f} ms" for name, times in results.startup.items())
        told.append("Start of a process, median: " + ", ".join(medians) + ".")
    if results.reruns:
        each = (f"{one.seconds:.2f} s with {one.requests} requests ({one.outcome})" for one in results.reruns)
        told.append("frit again on the healthy cluster: " + ", ".join(each) + ".")
    too_early = [one for one in results.runs if one.contrary]
    for one in too_early:
        told.append(
            f"Too early: {results.titles[one.contestant]}, round {one.round}: {one.contrary} requests that were "
            "started after the claim got a contrary answer."
        )
    told.append(_noise(results))
    told += [f"Failed: {one}" for one in results.failures]
    return told


def _noise(results: Results) -> str:
    every = [*results.runs, *results.unpolled]
    if not every:
        return "Nothing ran to its end."
    told = (
        f"Processors busy before a run: {_span([one.busy_before for one in every])}; "
        f"share of a run in which some task waited for one: {_span([one.contended for one in every])}"
    )
    noisy = [one for one in every if one.busy_before >= machine.NOISY or one.contended >= machine.CONTENDED]
    if not noisy:
        return told + ". No run was noisy."
    names = ", ".join(
        f"{results.titles[one.contestant]}{'' if one.poller else ', nobody polling'} "
        f"(round {one.round}: {one.busy_before:.0%} before, {one.contended:.0%} in it)"
        for one in noisy
    )
    return f"{told}. Noisy: {names}."


def _span(shares: Sequence[float]) -> str:
    return f"{min(shares):.0%} to {max(shares):.0%}"


def aligned(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table for a terminal."""
    widths = [max(len(line[column]) for line in (head, *lines)) for column in range(len(head))]

    def joined(line: Sequence[str]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()

    return "\n".join([joined(head), *map(joined, lines)])


def marked(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""

    def joined(line: Sequence[str]) -> str:
        return "| " + " | ".join(line) + " |"

    return "\n".join([joined(head), "|" + "---|" * len(head), *map(joined, lines)])
