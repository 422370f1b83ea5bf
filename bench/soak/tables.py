"""Results of a soak as tables: plain text for a terminal, Markdown for docs/benchmarks.md."""

from __future__ import annotations

from collections import Counter

from bench import tables
from bench.figures import summarize
from bench.soak.figures import recoveries, targets, usages
from bench.soak.records import Soak

MARKS = ("<!-- soak: written by python -m bench --into -->", "<!-- end of soak -->")
_HEAD = ("window", "number", "open for (s)", "frit after the witness (s)", "failed attempts")


def text(results: Soak) -> str:
    """Everything for a terminal."""
    parts = [
        tables.aligned(_HEAD, _rows(results)),
        tables.aligned(tables.TARGET_HEAD, [tables.target_cells(one) for one in targets(results)]),
    ]
    return "\n\n".join([*parts, *_sentences(results)])


def markdown(results: Soak) -> str:
    """The same as Markdown."""
    parts = [
        tables.marked(_HEAD, _rows(results)),
        tables.marked(tables.TARGET_HEAD, [tables.target_cells(one) for one in targets(results)]),
    ]
    return "\n\n".join([*parts, *_sentences(results)])


def _rows(results: Soak) -> list[list[str]]:
    found = []
    for key, title in (*results.sorts.items(), ("", "all")):
        own = [one for one in results.windows if key in ("", one.sort)]
        if own:
            cells = [
                tables.summary(summarize([one.open_for for one in own]), 1),
                tables.summary(recoveries(own), 2),
                tables.summary(summarize([len(one.kinds) for one in own]), 0),
            ]
            found.append([title, str(len(own)), *cells])
    return found


def _sentences(results: Soak) -> list[str]:
    told = [f"{len(results.windows)} windows in {results.seconds / 60:.1f} minutes, seed {results.seed}."]
    kinds = Counter(kind for one in results.windows for kind in one.kinds)
    if kinds:
        told.append("Failed attempts: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) + ".")
    if found := usages(results):
        first, last = found[0], found[-1]
        told.append(
            f"The process: {first.resident_mb:.1f} MB before the first window, {last.resident_mb:.1f} MB after the "
            f"last, {max(one.resident_mb for one in found):.1f} MB at most; threads {first.threads} and "
            f"{last.threads}, open files {first.files} and {last.files}."
        )
    told += [
        "Machine: " + ", ".join(f"{name} {value}" for name, value in results.machine.items()) + ".",
        "Versions: " + ", ".join(f"{name} {value}" for name, value in results.versions.items()) + ".",
    ]
    told += [f"Missed: window {one.number} ({one.sort}): {one.error}" for one in results.windows if one.error]
    return told + [f"Failed: {one}" for one in results.failures]
