"""Results of the benchmark of repositories as tables: plain text for a terminal, Markdown for docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench import tables
from bench.repositories.figures import Comparison, Row, comparisons, noisy, rows, targets
from bench.repositories.records import Readings

MARKS = ("<!-- repositories: written by python -m bench --into -->", "<!-- end of repositories -->")

_HEAD = ("whole process", "cache empty (s)", "cache filled (s)", "on processors (s)", "peak (MB)", "found")
_RATIO_HEAD = ("frit", "beside it", "frit (s)", "beside it (s)", "times as long")

Table = Callable[[Sequence[str], Sequence[Sequence[str]]], str]


def text(results: Readings) -> str:
    """Everything for a terminal."""
    return _all(results, tables.aligned)


def markdown(results: Readings) -> str:
    """The same as Markdown."""
    return _all(results, tables.marked)


def _all(results: Readings, table: Table) -> str:
    parts = [
        table(_HEAD, [_cells(row) for row in rows(results)]),
        table(_RATIO_HEAD, [_ratio_cells(one) for one in comparisons(results)]),
        table(tables.TARGET_HEAD, [tables.target_cells(one) for one in targets(results)]),
    ]
    return "\n\n".join([*parts, *_sentences(results)])


def _cells(row: Row) -> list[str]:
    first, again = tables.summary(row.first, 2), tables.summary(row.again, 2)
    processor = tables.summary(row.processor, 2)
    return [row.title, first, again, processor, tables.summary(row.peak_mb, 0), tables.summary(row.found, 0)]


def _ratio_cells(one: Comparison) -> list[str]:
    return [one.ours, one.theirs, f"{one.our_median:.2f}", f"{one.their_median:.2f}", f"{one.times:.1f}"]


def _sentences(results: Readings) -> list[str]:
    told = [
        f"Noisy runs, where a task waited for a processor most of the time: {noisy(results)} of {len(results.runs)}.",
        f"Seed: {results.seed}.",
        "Machine: " + ", ".join(f"{name} {value}" for name, value in results.machine.items()) + ".",
        "Versions: " + ", ".join(f"{name} {value}" for name, value in results.versions.items()) + ".",
    ]
    return told + [f"Failed: {one}" for one in results.failures]
