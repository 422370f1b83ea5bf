"""A whole benchmark: the cluster, the rounds, and what is done when a contestant fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import tests.cluster
from bench import machine, rounds, startup
from bench.contestants import FRIT, VERSION, Basics, Contestant, Programs, contestants, programs
from bench.measure import RunFailed
from bench.records import Rerun, Results, Run
from tests.cluster import Cluster, ClusterError, build, releases

CLUSTER = "frit-bench"
"""The cluster that benchmarks bring up for themselves, unless told otherwise."""


@dataclass(frozen=True)
class Options:
    """What to measure: `only` names contestants by their keys, and None means all of them."""

    frit: Path
    name: str
    count: int
    unpolled: int
    only: tuple[str, ...] | None = None
    startup: bool = True
    keep: bool = False


def bench(options: Options) -> Results:
    """Measure. A contestant's failure is told in the results and does not end the others.

    Raises ClusterError where the cluster or a program cannot be had, and ValueError for an unknown contestant.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    cluster = tests.cluster.up(options.name)
    try:
        with releases.ReleaseServer() as server:
            have = programs(cluster, server, options.frit)
            chosen = _chosen(contestants(have), options.only)
            told = _versions(have)
            session = _Session(cluster, have)
            session.all(chosen, options)
    finally:
        if not options.keep:
            tests.cluster.down(options.name)
    return Results(
        started=started,
        machine=machine.describe(),
        versions=told,
        titles={one.key: one.title for one in chosen},
        runs=tuple(session.runs),
        unpolled=tuple(session.unpolled),
        reruns=tuple(session.reruns),
        startup=startup.measure(options.frit) if options.startup else {},
        failures=tuple(session.failures),
    )


def _chosen(every: Sequence[Contestant], only: tuple[str, ...] | None) -> list[Contestant]:
    known = [one.key for one in every]
    if unknown := set(only or ()) - set(known):
        raise ValueError(f"unknown contestants: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return [one for one in every if only is None or one.key in only]


@dataclass
class _Session:
    """What was measured so far."""

    cluster: Cluster
    have: Programs
    runs: list[Run] = field(default_factory=list)
    unpolled: list[Run] = field(default_factory=list)
    reruns: list[Rerun] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def all(self, chosen: Sequence[Contestant], options: Options) -> None:
        """All contestants once, then all once more, and so on: a machine that drifts hits them all."""
        for number in range(1, options.count + 1):
            for one in chosen:
                self._one(one, number)
        for number in range(1, options.unpolled + 1):
            for one in chosen:
                self._one(one, number, polled=False)

    def _one(self, contestant: Contestant, number: int, *, polled: bool = True) -> None:
        try:
            run = rounds.run(self.cluster, contestant, number, polled=polled)
            (self.runs if polled else self.unpolled).append(run)
            say(_line(run, contestant))
            if polled and contestant.key == FRIT:
                rerun = rounds.rerun(self.cluster, self.have, number)
                self.reruns.append(rerun)
                say(f"  again on the healthy cluster: {rerun.seconds:.2f} s, {rerun.requests} requests")
        except (RunFailed, ClusterError) as error:
            self.failures.append(f"{contestant.title}, round {number}: {error}")
            say(f"failed: {self.failures[-1]}")


def _line(run: Run, contestant: Contestant) -> str:
    really = "nobody polling" if run.late is None else f"really {run.really:.2f} s, {run.late:+.2f} s"
    return (
        f"round {run.round}  {contestant.title}: claimed {run.claimed:.2f} s, {really}, {run.request_count} requests, "
        f"{run.peak_mb:.0f} MB, processors {run.busy_before:.0%} busy before"
    )


def _versions(have: Programs) -> dict[str, str]:
    """Versions for the record; starts every program once, so that no first round reads it from the disk."""
    for command in ((have.ctl, "version", "--client"), (have.helm, "version")):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return {**versions(have), "ctl": "1.11.5", "helm": build.HELM_VERSION}


def versions(have: Basics) -> dict[str, str]:
    """The same of what every part of the benchmark needs."""
    command = (have.kubectl, "version", "--client")
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    frit = subprocess.run([have.frit, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    return {"frit": frit, "cert-manager": VERSION, "Kubernetes and kubectl": build.KUBERNETES_VERSION}


def say(text: str) -> None:
    """Tell a person how it goes; stdout is for the table."""
    print(text, file=sys.stderr, flush=True)
