"""One fault: opened, met by all contestants at the same moment, closed, and judged by what the witness saw."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import machine
from bench.contestants import Basics
from bench.judgement import Answer, spans
from bench.recovery.faults import Faults
from bench.recovery.records import Fault, Outcome
from bench.recovery.rivals import RIVALS, Ended, Rival, Started
from bench.recovery.scenarios import Scenario
from bench.recovery.witness import REPOSITORY, first_success
from tests.chaos.hands import REPOSITORIES
from tests.cluster import Cluster

SEEN_SECONDS = 5.0
"""How long after the last contestant has ended its witness may need to tell of a success."""


def run(
    cluster: Cluster,
    have: Basics,
    faults: Faults,
    scenario: Scenario,
    number: int,
    seconds: float,
) -> Fault:
    """Open a fault for about so many seconds, and say what the contestants made of it.

    Raises ClusterError and `NotSeen` where the fault cannot be opened or does not end.
    """
    chosen = [one for one in RIVALS if one.key in scenario.contestants]
    faults.healthy()
    _forget_objects(faults, chosen)
    with tempfile.TemporaryDirectory(prefix="frit-bench-") as temporary:
        started: list[Started] = []
        try:
            scenario.open(faults)
            contention = machine.contention()
            since = time.monotonic()
            started += [Started(one, have, cluster.kubeconfig, Path(temporary) / one.key) for one in chosen]
            time.sleep(max(0.0, since + seconds - time.monotonic()))
            scenario.close(faults)
            ended = [one.end() for one in started]
        finally:
            for one in started:
                one.stop()
            faults.close_held_window()
    waited = machine.contention()
    witness = faults.witness
    asked = sorted({one.probe for one in chosen})
    over = f"the end of the fault ({scenario.title})"
    witness.wait(lambda heard: first_success(heard, since) is not None, asked, SEEN_SECONDS, over)
    answers = {probe: witness.answers(probe) for probe in asked}
    worked = {probe: first_success(heard, since) for probe, heard in answers.items()}
    first = min(one for one in worked.values() if one is not None)
    return Fault(
        scenario=scenario.key,
        round=number,
        open_for=(worked.get(REPOSITORY) or first) - since,
        contention=None if contention is None or waited is None else waited - contention,
        outcomes=tuple(outcome(one, worked[one.rival.probe]) for one in ended),
        story=tuple(story(answers.get(REPOSITORY, ()), since)),
    )


def outcome(ended: Ended, worked: float | None) -> Outcome:
    """A contestant's result, given when the witness's question first got a good answer."""
    seconds = ended.ended - ended.begun
    if ended.code == 0 and worked is not None:
        return Outcome(ended.rival.key, seconds, ended.ended - worked, ended.failed)
    how = "ended after the limit" if ended.code is None else f"exit code {ended.code}"
    return Outcome(ended.rival.key, seconds, None, ended.failed, f"{how} after {seconds:.1f} s: {ended.last_words}")


def story(answers: Sequence[Answer], since: float) -> list[Mapping[str, Any]]:
    """What the witness was told, in a few lines, with times from the contestants' start."""
    return [{**asdict(one), "first": one.first - since, "last": one.last - since} for one in spans(answers)]


def _forget_objects(faults: Faults, rivals: Sequence[Rival]) -> None:
    for one in rivals:
        faults.hands.delete(f"{REPOSITORIES}/bench-{one.key}")


def told(fault: Fault, titles: Mapping[str, str]) -> str:
    """One line about a fault, for a person who watches."""
    each = (
        f"{titles[one.contestant]} {'gave up' if one.recovery is None else f'{one.recovery:+.2f} s'} ({one.failed})"
        for one in fault.outcomes
    )
    return f"open for {fault.open_for:.1f} s; after it (failed attempts): " + ", ".join(each)
