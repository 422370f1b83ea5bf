"""Result files of all sorts: told apart, and written into one document."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import documents, records, tables
from bench.contestants import FRIT
from bench.recovery import records as recovery_records
from bench.recovery import tables as recovery_tables
from bench.recovery.scenarios import FRIT_REPO
from bench.soak import records as soak_records
from bench.soak import tables as soak_tables
from tests.bench.made_up import results, run
from tests.bench.recoveries import fault, outcome, recovery, soak, window

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_newest_file_of_each_sort_is_written_between_its_own_marks(tmp_path: Path) -> None:
    """A part that was not measured stays as it was."""
    records.write(tmp_path / "2026-01-01.json", results(run(FRIT, 1, 4.0)))
    recovery_records.write(tmp_path / "2026-01-02-recovery.json", recovery(fault("window", 1, outcome(FRIT_REPO, 9.0))))
    recovery_records.write(tmp_path / "2026-01-03-recovery.json", recovery(fault("window", 1, outcome(FRIT_REPO, 0.3))))
    marks = [(tables.BEGIN, tables.END), recovery_tables.MARKS, soak_tables.MARKS]
    document = "\n".join(f"{first}\nold\n{last}" for first, last in marks)
    written = documents.into(document, documents.newest(tmp_path))
    assert written.count("old") == 1
    assert "| frit | 4.0 |" in written.partition(recovery_tables.MARKS[0])[0]
    assert "| a window | 1 | 5.0 | 0.30 |" in written
    assert "9.00" not in written


def test_files_are_told_apart_by_what_they_say(tmp_path: Path) -> None:
    """Not by their names; a file that says something else is refused."""
    soak_records.write(tmp_path / "any.json", soak(window(1)))
    assert documents.format_of(tmp_path / "any.json") == soak_records.FORMAT
    assert "| another CA | 1 |" in documents.markdown(documents.newest(tmp_path))
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ValueError, match=r"list\.json is not a result"):
        documents.format_of(tmp_path / "list.json")


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    """The message says what to run."""
    with pytest.raises(ValueError, match="run `python -m bench` first"):
        documents.newest(tmp_path)


def test_the_documentation_has_the_marks_of_every_sort() -> None:
    """`--into docs/benchmarks.md` finds where to write."""
    text = (ROOT / "docs" / "benchmarks.md").read_text()
    for sort in documents.SORTS.values():
        assert text.index(sort.marks[0]) < text.index(sort.marks[1])
