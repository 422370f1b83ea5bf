"""Statistics and targets over made-up results."""

from __future__ import annotations

import pytest

from bench.contestants import APPLY_CHECK, APPLY_WAIT_CHECK, FRIT, FRIT_UPSTREAM
from bench.figures import Summary, Target, rows, summarize, targets
from bench.records import Rerun, Results
from tests.bench.made_up import results, run


def target(of: Results, *words: str) -> Target:
    """The one target whose name has all these words."""
    (found,) = [one for one in targets(of) if all(word in one.what for word in words)]
    return found


def test_a_summary_is_median_lowest_and_highest() -> None:
    """The median of an even number of figures lies between the two in the middle."""
    assert summarize([4.0, 1.0, 2.0]) == Summary(2.0, 1.0, 4.0)
    assert summarize([4.0, 1.0, 2.0, 3.0]) == Summary(2.5, 1.0, 4.0)
    with pytest.raises(ValueError, match="nothing"):
        summarize([])


def test_ratios_compare_medians_and_tell_the_spread_by_round() -> None:
    """A ratio is that of two medians; its spread pairs the runs of the same round."""
    made = results(
        run(FRIT, 1, 4.0),
        run(APPLY_WAIT_CHECK, 1, 8.0),
        run(FRIT, 2, 9.0),
        run(APPLY_WAIT_CHECK, 2, 10.0),
        run(FRIT, 3, 3.0),
        run(APPLY_WAIT_CHECK, 3, 12.0),
    )
    found = target(made, "frit / apply, wait")
    assert found.measured == 4.0 / 10.0
    assert found.met
    assert found.missed_by == 0.0
    assert found.spread == "0.25 to 0.90 by round"


def test_a_missed_ratio_says_by_how_much() -> None:
    """A ratio above its limit is missed by the difference."""
    found = target(results(run(FRIT, 1, 4.0), run(APPLY_CHECK, 1, 8.0)), "frit / apply")
    assert not found.met
    assert found.missed_by == pytest.approx(0.15)


def test_upstream_probes_are_compared_with_the_waiting_script() -> None:
    """frit with the release's own probes may take as long as apply, wait and check."""
    found = target(results(run(FRIT_UPSTREAM, 1, 8.0), run(APPLY_WAIT_CHECK, 1, 8.0)), "upstream probes / apply, wait")
    assert found.met
    assert found.limit == 1.0


def test_limits_are_judged_by_the_worst_run() -> None:
    """One run with too many requests, too much memory or a wrong claim is enough to miss."""
    made = results(
        run(FRIT, 1, 4.0, really=3.9, requests=80, peak_mb=79.9),
        run(FRIT, 2, 4.0, really=4.01, requests=81, peak_mb=80.1),
        run(FRIT, 3, 4.0, really=2.9),
    )
    assert target(made, "requests").measured == 81
    assert not target(made, "requests").met
    assert not target(made, "peak").met
    assert target(made, "really ready, least").missed_by == pytest.approx(0.01)
    assert target(made, "really ready, most").missed_by == pytest.approx(0.1)


def test_a_claim_at_the_moment_itself_is_in_time() -> None:
    """A claim may come at the moment in which the webhook works, and up to a second later."""
    made = results(run(FRIT, 1, 4.0, really=4.0), run(FRIT, 2, 4.0, really=3.0))
    assert target(made, "really ready, least").met
    assert target(made, "really ready, most").met


def test_reruns_and_starts_have_targets_of_their_own() -> None:
    """The slowest re-run counts, and of the starts the medians."""
    again = (Rerun(1, 1.4, 60, "unchanged", 60.0), Rerun(2, 2.1, 60, "unchanged", 60.0))
    made = results(run(FRIT, 1, 4.0), reruns=again)
    assert target(made, "healthy cluster").missed_by == pytest.approx(0.1)
    assert target(made, "--help").measured == pytest.approx(1.5)


def test_what_did_not_run_has_neither_target_nor_row() -> None:
    """Results of one contestant hold no ratio to those that are missing."""
    made = results(run(FRIT, 1, 4.0))
    assert not [one for one in targets(made) if " / apply" in one.what]
    assert [row.title for row in rows(made)] == ["frit"]


def test_a_row_leaves_out_what_nobody_polled() -> None:
    """A contestant that ran only without a poller has no line, and one without figures of a kind has a gap."""
    row = rows(results(run(FRIT, 1, 4.0), run(FRIT, 2, 6.0)))[0]
    assert row.claimed == Summary(5.0, 4.0, 6.0)
    assert row.late == Summary(0.5, 0.5, 0.5)
    assert row.unpolled is None
