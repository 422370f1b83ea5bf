"""One run of one contestant on a cluster that was cleaned to nothing, watched by the poller and the audit log."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import machine, measure
from bench.contestants import FRIT, FRIT_UPSTREAM, Contestant, Programs, frit_command
from bench.judgement import contrary_since, first_good, ready_for_good, spans
from bench.measure import RunFailed
from bench.poller import Poll, polling
from bench.records import Rerun, Run
from tests.cluster import Cluster, audit, clean

AGENTS = ("frit", "kubectl", "ctl", "cmctl", "helm", "Helm")
"""Programs whose requests are a contestant's, as user agents begin."""

SETTLE_SECONDS = 1.0
"""Between cleaning and a run: the cluster comes to rest, and the machine shows how busy it is without us."""


def run(cluster: Cluster, contestant: Contestant, number: int, *, polled: bool = True) -> Run:
    """Clean the cluster, run a contestant, and say what it took. Raises `RunFailed` and ClusterError."""
    clean.clean(cluster.kubeconfig)
    busy = machine.busy_share(SETTLE_SECONDS)
    log = _audit_log(cluster)
    since = audit.offset(log)
    contention = machine.contention()
    with tempfile.TemporaryDirectory(prefix="frit-bench-") as temporary:
        folder = Path(temporary)
        environment = measure.environment(cluster.kubeconfig, folder)
        commands = contestant.commands
        report = folder / "report.json"
        if contestant.key in (FRIT, FRIT_UPSTREAM):
            commands = ((*commands[0], f"--report={report}"),)
        with polling(cluster.kubeconfig) if polled else nullcontext() as poller:
            steps = measure.run(commands, environment, folder)
            waited = machine.contention()
            poll = poller.finish() if poller else None
        stages = json.loads(report.read_text())["stages"] if report.exists() else []
    begun, ended = steps[0].begun, steps[-1].ended
    answers = poll.answers if poll else ()
    really, first = ready_for_good(answers), first_good(answers)
    if poll and really is None:
        raise RunFailed(f"{contestant.title}: it claimed ready after {ended - begun:.1f} s, but the webhook never was")
    return Run(
        contestant=contestant.key,
        round=number,
        claimed=ended - begun,
        really=None if really is None else really - begun,
        first=None if first is None else first - begun,
        contrary=contrary_since(answers, ended),
        requests=_requests(log, since),
        peak_mb=max(step.peak_mb for step in steps),
        steps=tuple((step.program, step.seconds, step.peak_mb) for step in steps),
        busy_before=busy,
        contention=None if contention is None or waited is None else waited - contention,
        story=tuple(_story(poll, begun)) if poll else (),
        poller=_about(poll) if poll else {},
        stages=tuple(stages),
    )


def rerun(cluster: Cluster, have: Programs, number: int) -> Rerun:
    """Run frit on a cluster on which it has just succeeded."""
    log = _audit_log(cluster)
    since = audit.offset(log)
    with tempfile.TemporaryDirectory(prefix="frit-bench-") as temporary:
        folder = Path(temporary)
        report = folder / "report.json"
        command = frit_command(have, f"--report={report}")
        (step,) = measure.run([command], measure.environment(cluster.kubeconfig, folder), folder)
        outcome = str(json.loads(report.read_text())["outcome"])
    return Rerun(number, step.seconds, sum(_requests(log, since).values()), outcome, step.peak_mb)


def _audit_log(cluster: Cluster) -> Path:
    if cluster.audit_log is None:
        raise RunFailed(f"cluster {cluster.name} has no audit log, without which no requests can be counted")
    return cluster.audit_log


def _requests(log: Path, since: int) -> dict[str, int]:
    counted = audit.by_agent(audit.settled(log, since))
    return {agent: counted[agent] for agent in AGENTS if counted[agent]}


def _story(poll: Poll, begun: float) -> list[Mapping[str, Any]]:
    return [{**asdict(one), "first": one.first - begun, "last": one.last - begun} for one in spans(poll.answers)]


def _about(poll: Poll) -> dict[str, Any]:
    return {
        "requests": len(poll.answers),
        "widestGap": poll.widest_gap,
        "skipped": poll.skipped,
        "cpuSeconds": poll.cpu_seconds,
    }
