"""Tables and files made of made-up results."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import records, tables
from bench.contestants import APPLY_WAIT_CHECK, FRIT
from bench.records import Rerun
from tests.bench.made_up import results, run


def test_the_markdown_table_has_a_row_for_each_contestant_and_target() -> None:
    """Medians come with their spread, targets with their verdict."""
    made = results(
        run(FRIT, 1, 4.0, requests=70), run(FRIT, 2, 5.0, requests=70), run(APPLY_WAIT_CHECK, 1, 8.0, requests=89)
    )
    lines = tables.markdown(made).splitlines()
    assert "| frit | 4.5 (4.0 to 5.0) | 4.0 (3.5 to 4.5) | 0.50 | 70 | 60 | - |" in lines
    assert "| frit / apply, wait | 0.56 (0.50 to 0.50 by round) | at most 0.45 | missed by 0.11 |" in lines
    assert "| frit: requests, most | 70 | at most 80 | met |" in lines


def test_a_target_that_is_missed_by_little_does_not_read_as_met() -> None:
    """Two digits are enough, unless they would hide that a target is missed."""
    lines = tables.markdown(results(run(FRIT, 1, 4.508), run(APPLY_WAIT_CHECK, 1, 10.0))).splitlines()
    assert "| frit / apply, wait | 0.451 (0.45 to 0.45 by round) | at most 0.45 | missed by 0.001 |" in lines


def test_the_terminal_s_columns_are_aligned() -> None:
    """Every second column of the table begins at the same place."""
    made = results(run(FRIT, 1, 4.0), run(APPLY_WAIT_CHECK, 1, 8.0))
    head, first, second = tables.text(made).splitlines()[:3]
    assert head.index("claimed") == first.index("4.0") == second.index("8.0")


def test_noise_wrong_claims_and_failures_are_told() -> None:
    """What makes figures doubtful stands below the table."""
    made = results(run(FRIT, 2, 4.0, busy=0.8, contrary=3), failures=("apply, round 1: exit code 1",))
    told = tables.text(made)
    assert "Noisy: frit (round 2: 80% before, 38% in it)" in told
    assert "Too early: frit, round 2: 3 requests" in told
    assert "Failed: apply, round 1: exit code 1" in told


def test_results_without_any_run_still_make_a_table() -> None:
    """When every contestant failed, that is what is told."""
    assert "Nothing ran to its end." in tables.text(results(failures=("frit, round 1: exit code 6",)))


def test_results_are_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    """The JSON file holds everything that the tables need."""
    made = results(run(FRIT, 1, 4.0), reruns=(Rerun(1, 1.4, 60, "unchanged", 60.0),), failures=("one",))
    records.write(tmp_path / "new" / "one.json", made)
    assert records.read(tmp_path / "new" / "one.json") == made


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A JSON file that is no result of this benchmark is named."""
    (tmp_path / "other.json").write_text('{"format": "other/1"}')
    with pytest.raises(ValueError, match=r"other\.json is not a result"):
        records.read(tmp_path / "other.json")


def test_figures_are_written_between_the_marks_of_a_document() -> None:
    """What stands before and after stays, what was between is replaced, and a second time changes nothing."""
    made = results(run(FRIT, 1, 4.0))
    document = f"# Title\n\n{tables.BEGIN}\nold\n{tables.END}\n\nAfter.\n"
    written = tables.into(document, tables.markdown(made))
    assert written.startswith(f"# Title\n\n{tables.BEGIN}\n\n| contestant |")
    assert written.endswith(f"{tables.END}\n\nAfter.\n")
    assert "old" not in written
    assert tables.into(written, tables.markdown(made)) == written


def test_a_document_without_marks_is_refused() -> None:
    """Nothing is written into a document that does not say where."""
    with pytest.raises(ValueError, match="needs two lines"):
        tables.into("# Title\n", "| a |")
