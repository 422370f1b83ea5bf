"""The judgement and the tables of a soak, over data; the run itself is in test_on_cluster.py."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.figures import Target
from bench.soak import figures, records, tables, windows
from tests.bench.recoveries import soak, window


def found(*made: records.Window, wanted: int | None = None) -> dict[str, Target]:
    return {one.what: one for one in figures.targets(soak(*made, wanted=wanted))}


def test_a_window_is_missed_where_the_apply_failed_or_never_happened() -> None:
    """Every window that was wanted counts, also those after which the soak ended early."""
    assert found(window(1), window(2), wanted=2)["windows missed"].met
    assert found(window(1), window(2, None), wanted=4)["windows missed"].measured == 3


def test_a_window_that_nobody_met_proves_nothing() -> None:
    """At least one attempt must have failed because the certificate was not trusted."""
    made = found(window(1), window(2, kinds=()), window(3, kinds=("webhook-not-ready",)))
    assert made["windows that frit did not see open"].measured == 2


def test_nothing_is_said_about_memory_before_it_could_be_warm() -> None:
    """A handful of windows has no slope."""
    assert not [what for what in found(*map(window, range(1, 31))) if "memory" in what]


def test_memory_that_grows_is_missed() -> None:
    """20 kB a window are a leak, also where a single look would not show it."""
    grows = [window(n, memory=50.0 + n * 0.02) for n in range(1, 201)]
    target = found(*grows)["memory, slope a window"]
    assert target.measured == pytest.approx(20.0, rel=0.01)
    assert not target.met


def test_memory_that_settles_in_the_beginning_is_flat() -> None:
    """What grows within the warm-up, and then stays with a little noise, is no leak."""
    noise = random.Random(1)
    made = [window(n, memory=40.0 + min(n, 20) * 0.5 + noise.uniform(0, 0.2)) for n in range(1, 201)]
    assert all(one.met for one in found(*made).values())


def test_a_single_peak_of_memory_is_seen() -> None:
    """It changes the slope little, and lies far above the median."""
    made = [window(n, memory=60.0 if n == 110 else 50.0) for n in range(1, 201)]
    assert not found(*made)["memory, highest above its median"].met


@pytest.mark.parametrize("what", ["threads", "open files"])
def test_threads_and_files_that_are_left_behind_are_missed(what: str) -> None:
    """One more every fifty windows is already too many."""
    made = [window(n, threads=3 + n // 50 * 2, files=10 + n // 50 * 2) for n in range(1, 201)]
    assert not found(*made)[f"{what}, slope over 100 windows"].met


def test_recovery_has_the_targets_of_the_benchmark() -> None:
    """The median and the worst of all windows that were got through."""
    made = found(window(1, 0.2), window(2, 2.4), window(3, 0.4), window(4, None))
    assert made["success after the witness's, median"].measured == 0.4
    assert made["success after the witness's, worst"].missed_by == pytest.approx(0.4)


def test_a_slope_needs_two_values() -> None:
    """One value has no direction."""
    with pytest.raises(ValueError, match="needs two values"):
        figures.slope([1.0])


def test_windows_are_the_same_for_the_same_seed() -> None:
    """A run can be repeated; lengths lie within their span, and all sorts come up."""
    drawn = windows.drawn(200, random.Random(5))
    again = windows.drawn(200, random.Random(5))
    assert drawn == again
    assert all(windows.SHORTEST <= seconds <= windows.LONGEST for _, seconds in drawn)
    assert {sort.key for sort, _ in drawn} == {"bundle", "held", "recipe"}
    assert sum(one.share for one in windows.SORTS) == 100


def test_tables_have_a_row_for_each_sort_and_say_what_was_missed() -> None:
    """Sorts that did not come up have no row; a window that was missed is told with its reason."""
    made = soak(window(1, 0.25), window(2, None), failures=("ended early: x",))
    lines = tables.markdown(made).splitlines()
    assert "| another CA | 2 | 2.0 | 0.25 | 4 |" in lines
    assert not any("stopped" in line for line in lines)
    assert "Missed: window 2 (bundle): the server said x509" in lines
    assert "Failed: ended early: x" in tables.text(made)


def test_results_are_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    """The JSON file holds everything that the tables need."""
    for name, made in (("one.json", soak(window(1), window(2, None))), ("none.json", soak())):
        records.write(tmp_path / name, made)
        assert records.read(tmp_path / name) == made
    (tmp_path / "other.json").write_text('{"format": "other/1"}')
    with pytest.raises(ValueError, match=r"other\.json is not a result"):
        records.read(tmp_path / "other.json")
