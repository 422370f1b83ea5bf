"""Results of the recovery benchmark as tables: plain text for a terminal, Markdown for docs/benchmarks.md."""

from __future__ import annotations

from bench import tables
from bench.recovery.figures import Cell, Row, comparisons, rows, targets
from bench.recovery.records import Recovery

MARKS = ("<!-- recovery: written by python -m bench --into -->", "<!-- end of recovery -->")


def text(results: Recovery) -> str:
    """Everything for a terminal."""
    parts = [
        tables.aligned(_head(results), [_cells(row) for row in rows(results)]),
        tables.aligned(tables.TARGET_HEAD, [tables.target_cells(one) for one in targets(results)]),
    ]
    return "\n\n".join([*parts, *_sentences(results)])


def markdown(results: Recovery) -> str:
    """The same as Markdown."""
    parts = [
        tables.marked(_head(results), [_cells(row) for row in rows(results)]),
        tables.marked(tables.TARGET_HEAD, [tables.target_cells(one) for one in targets(results)]),
    ]
    return "\n\n".join([*parts, *_sentences(results)])


def _head(results: Recovery) -> list[str]:
    return ["fault", "rounds", "open for (s)", *(f"{title} (s)" for title in results.titles.values())]


def _cells(row: Row) -> list[str]:
    return [row.title, str(row.rounds), tables.summary(row.open_for, 1), *map(_cell, row.cells)]


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    gave_up = f"gave up in {cell.gave_up} of {cell.runs}" if cell.gave_up else ""
    known = tables.summary(cell.recovery, 2) if cell.recovery else ""
    return "; ".join(filter(None, (known, gave_up)))


def _sentences(results: Recovery) -> list[str]:
    told = [
        f"{results.titles[one.theirs]}: a median of {one.their_median:.2f} s over {one.faults} faults, where "
        f"{results.titles[one.ours]} took {one.our_median:.2f} s"
        + (f"; {one.times:.0f} times as long." if one.times is not None else ".")
        for one in comparisons(results)
    ]
    told += [
        f"Gave up: {results.titles[one.contestant]}, {results.scenarios[fault.scenario]}, round {fault.round}: "
        f"{one.gave_up}."
        for fault in results.faults
        for one in fault.outcomes
        if one.gave_up
    ]
    told += [
        f"Seed: {results.seed}.",
        "Machine: " + ", ".join(f"{name} {value}" for name, value in results.machine.items()) + ".",
        "Versions: " + ", ".join(f"{name} {value}" for name, value in results.versions.items()) + ".",
    ]
    return told + [f"Failed: {one}" for one in results.failures]
