"""frit killed with SIGKILL at a random point of a bootstrap: the next run completes what is missing."""

from __future__ import annotations

import random
import subprocess
import time

from tests.chaos.runner import Outcome, Plain, no_op
from tests.chaos.scenarios import BOOTSTRAP
from tests.chaos.site import Ground, Site
from tests.cluster import ClusterError
from tests.running import start

_EARLIEST_SECONDS = 0.1


def name(number: int) -> str:
    """The name of a kill, by which it can be repeated alone."""
    return f"{BOOTSTRAP}: killed #{number}"


def run(site: Site, number: int, seed: int) -> Outcome:
    """Kills a bootstrap of a clean cluster, runs it again, and once more."""
    at = random.Random(f"{seed}/{name(number)}").uniform(_EARLIEST_SECONDS, site.usual_seconds)
    outcome = Outcome(name(number), f"SIGKILL after {at:.2f} s")
    plain = Plain.of(site, BOOTSTRAP, False)
    try:
        site.prepare(Ground.FRESH)
        process = start(*plain.arguments, kubeconfig=site.cluster.kubeconfig, environment=site.environment)
        time.sleep(at)  # the moment of the kill is the test's own choice
        process.kill()
        process.communicate()
        ran = plain.run(site)
        outcome.seconds, outcome.code, outcome.said = ran.seconds, ran.code, ran.stderr
        if ran.code != 0:
            outcome.problems.append(f"the next run ended with {ran.code}")
        outcome.problems += no_op(site, plain) + site.astray({})
    except (ClusterError, AssertionError, OSError, subprocess.SubprocessError) as error:
        outcome.problems.append(f"{type(error).__name__}: {error}")
    site.ground = None if outcome.problems else Ground.INSTALLED
    return outcome
