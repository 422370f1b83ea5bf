"""Result files of every part of the benchmark, found, told apart, and written into a document between their marks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import records, tables
from bench.recovery import records as recovery_records
from bench.recovery import tables as recovery_tables
from bench.repositories import records as repository_records
from bench.repositories import tables as repository_tables
from bench.soak import records as soak_records
from bench.soak import tables as soak_tables

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Sort:
    """One sort of results: where its figures stand in a document, and how a file of it becomes Markdown."""

    marks: tuple[str, str]
    markdown: Callable[[Path], str]


SORTS: Mapping[str, Sort] = {
    records.FORMAT: Sort((tables.BEGIN, tables.END), lambda path: tables.markdown(records.read(path))),
    recovery_records.FORMAT: Sort(
        recovery_tables.MARKS, lambda path: recovery_tables.markdown(recovery_records.read(path))
    ),
    repository_records.FORMAT: Sort(
        repository_tables.MARKS, lambda path: repository_tables.markdown(repository_records.read(path))
    ),
    soak_records.FORMAT: Sort(soak_tables.MARKS, lambda path: soak_tables.markdown(soak_records.read(path))),
}


def markdown(files: Mapping[str, Path]) -> str:
    """The figures of some files, by format, one after the other."""
    return "\n\n".join(SORTS[form].markdown(path) for form, path in files.items())


def into(document: str, files: Mapping[str, Path]) -> str:
    """A document with the figures of some files between their marks. Raises ValueError where marks are missing."""
    for form, path in files.items():
        document = tables.into(document, SORTS[form].markdown(path), SORTS[form].marks)
    return document


def newest(folder: Path = RESULTS) -> dict[str, Path]:
    """The newest file of each sort, by format. Raises ValueError where there is none at all."""
    known = {format_of(path): path for path in sorted(folder.glob("*.json"))}
    found = {form: known[form] for form in SORTS if form in known}
    if not found:
        raise ValueError(f"there are no results in {folder}: run `python -m bench` first")
    return found


def format_of(path: Path) -> str:
    """What a file says it is. Raises ValueError for one that is no result."""
    data = json.loads(path.read_text())
    form = data.get("format") if isinstance(data, dict) else None
    if form not in SORTS:
        raise ValueError(f"{path} is not a result of this benchmark")
    return str(form)
