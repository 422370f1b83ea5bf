"""The cheap part of the chaos suite, with every run of the tests; `make chaos` has all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos import kills, runner
from tests.chaos.scenarios import CHEAP, Scenario, all_scenarios
from tests.chaos.site import Site
from tests.cluster import Cluster, clean, releases

pytestmark = [pytest.mark.cluster, pytest.mark.chaos]

SEED = 4
"""Always the same here: a test that fails shall fail again."""

FEW_KILLS = (1, 2)


@pytest.fixture(scope="module")
def site(
    cluster: Cluster, release_server: releases.ReleaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The cluster, bootstrapped once without chaos to learn what that leaves."""
    made = Site(cluster, release_server, tmp_path_factory.mktemp("chaos"))
    made.learn()
    yield made
    clean.clean(cluster.kubeconfig)


@pytest.mark.parametrize("scenario", [one for one in all_scenarios() if one.name in CHEAP], ids=lambda one: one.name)
def test_frit_copes_with_a_fault(site: Site, scenario: Scenario) -> None:
    """The run ends as it must, no object is lost or doubled, and the next plain run finds nothing to do."""
    outcome = runner.run(site, scenario, SEED)
    assert outcome.problems == [], outcome.said


@pytest.mark.parametrize("number", FEW_KILLS)
def test_a_killed_bootstrap_is_completed_by_the_next(site: Site, number: int) -> None:
    """SIGKILL at a random moment leaves a cluster that the next run completes, and the one after leaves alone."""
    outcome = kills.run(site, number, SEED)
    assert outcome.problems == [], outcome.said
