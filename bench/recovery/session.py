"""A whole recovery benchmark: the cluster, cert-manager on it, and every fault in turn."""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import tests.cluster
from bench import machine, measure
from bench.contestants import Basics, basics, frit_command
from bench.recovery import guard, rounds
from bench.recovery.faults import Faults
from bench.recovery.records import Fault, Recovery
from bench.recovery.rivals import RIVALS
from bench.recovery.scenarios import SCENARIOS, Scenario
from bench.recovery.witness import NotSeen, witnessing
from bench.session import say, versions
from tests.cluster import Cluster, ClusterError, clean, releases


@dataclass(frozen=True)
class Options:
    """What to measure: `faults` are keys of scenarios, and None means all of them."""

    frit: Path
    name: str
    count: int
    seed: int
    faults: tuple[str, ...] | None = None
    keep: bool = False


def bench(options: Options) -> Recovery:
    """Measure. A fault that cannot be opened is told in the results and does not end the others.

    Raises ClusterError where the cluster or a program cannot be had, and ValueError for an unknown fault.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    scenarios = _chosen(options.faults)
    chance = random.Random(options.seed)
    say(f"seed {options.seed}")
    found: list[Fault] = []
    failures: list[str] = []
    titles = {one.key: one.title for one in RIVALS}
    with prepared(options.frit, options.name, keep=options.keep) as (cluster, have, faults):
        told = versions(have)
        for number in range(1, options.count + 1):
            for scenario in scenarios:
                seconds = scenario.length(chance)  # also where it is left out: the seed means the same lengths
                if number > scenario.rounds:
                    continue
                try:
                    found.append(rounds.run(cluster, have, faults, scenario, number, seconds))
                    say(f"round {number}  {scenario.title}: {rounds.told(found[-1], titles)}")
                except (ClusterError, NotSeen) as error:
                    failures.append(f"{scenario.title}, round {number}: {error}")
                    say(f"failed: {failures[-1]}")
    return Recovery(
        started=started,
        seed=options.seed,
        machine=machine.describe(),
        versions=told,
        scenarios={one.key: one.title for one in scenarios},
        titles=titles,
        faults=tuple(found),
        failures=tuple(failures),
    )


@contextmanager
def prepared(frit: Path, name: str, *, keep: bool) -> Iterator[tuple[Cluster, Basics, Faults]]:
    """A cluster with cert-manager, the package API, the validating webhook in front of it, and a witness."""
    cluster = tests.cluster.up(name)
    try:
        with releases.ReleaseServer() as server:
            have = basics(cluster, server, frit)
            clean.clean(cluster.kubeconfig)
            install(cluster, have)
            with witnessing(cluster.kubeconfig) as witness:
                faults = Faults(cluster, witness)
                guard.register(faults.hands)
                yield cluster, have, faults
    finally:
        if not keep:
            tests.cluster.down(name)


def install(cluster: Cluster, have: Basics) -> None:
    """Bootstrap the cluster, so that there is something to hurt. Raises ClusterError."""
    with tempfile.TemporaryDirectory(prefix="frit-bench-") as temporary:
        folder = Path(temporary)
        try:
            measure.run([frit_command(have)], measure.environment(cluster.kubeconfig, folder), folder)
        except (measure.RunFailed, subprocess.SubprocessError) as error:
            raise ClusterError(f"the cluster could not be prepared: {error}") from error


def _chosen(only: tuple[str, ...] | None) -> list[Scenario]:
    known = [one.key for one in SCENARIOS]
    if unknown := set(only or ()) - set(known):
        raise ValueError(f"unknown faults: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return [one for one in SCENARIOS if only is None or one.key in only]
