"""The benchmarks of recovery and of repositories, and the soak, each for a moment, on the real cluster."""

from __future__ import annotations

import pytest

from bench.contestants import frit_program
from bench.recovery import session
from bench.recovery.scenarios import FRIT_BOOTSTRAP, FRIT_REPO, GLASSKUBE, UNTIL
from bench.repositories import session as repository_session
from bench.repositories.cases import FRIT_CLUSTER, FRIT_LIST, PLAIN_LIST, Sizes
from bench.soak.__main__ import soak
from bench.soak.figures import unseen
from tests.cluster import Cluster

pytestmark = pytest.mark.cluster


def test_a_fault_is_met_by_every_contestant(cluster: Cluster) -> None:
    """One restart of the webhook: it was seen, everybody was started in it, and frit got through."""
    options = session.Options(frit_program(), cluster.name, count=1, seed=1, faults=("restarted",), keep=True)
    results = session.bench(options)
    assert results.failures == ()
    (fault,) = results.faults
    assert [one.contestant for one in fault.outcomes] == [FRIT_REPO, FRIT_BOOTSTRAP, GLASSKUBE, UNTIL]
    assert 0 < fault.open_for < 60
    mine = fault.of(FRIT_REPO)
    assert mine is not None
    assert mine.recovery is not None, mine.gave_up
    assert mine.seconds == pytest.approx(fault.open_for + mine.recovery, abs=0.5)


def test_a_short_soak_misses_no_window(cluster: Cluster) -> None:
    """Three windows in a row: each was seen by one long-lived process, and got through."""
    results = soak(frit_program(), cluster.name, 3, seed=1, keep=True)
    assert results.failures == ()
    assert [one.error for one in results.windows] == ["", "", ""]
    assert unseen(results.windows) == []
    assert results.after is not None
    assert results.after.threads < 20
    assert results.after.files < 40


def test_repositories_of_a_cluster_are_read_although_some_are_down(cluster: Cluster) -> None:
    """frit and the script find the same 18 of 20, and the two that are down cost frit their limit once."""
    options = repository_session.Options(
        frit_program(), cluster.name, 1, 7, ("list",), keep=True, sizes=Sizes(large=50, huge=50, small=50)
    )
    results = repository_session.bench(options)
    assert results.failures == ()
    assert {one.found for case in (FRIT_LIST, PLAIN_LIST) for one in results.of(case)} == {18}
    assert min(one.seconds for one in results.of(FRIT_LIST)) > 1.5
    assert len(results.of(FRIT_CLUSTER, again=True)) == 2
