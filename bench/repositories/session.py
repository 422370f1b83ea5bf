"""A whole benchmark of repositories: the server, the folder, the cluster, and every case in turn."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import machine, measure
from bench.repositories import cases, ground
from bench.repositories.cases import LINT, LIST, SUBJECTS, Case, Ground, Sizes
from bench.repositories.generated import Repository
from bench.repositories.records import Readings, Run
from bench.repositories.stopwatch import Stopwatch
from bench.session import say
from tests.cluster import Cluster, build


@dataclass(frozen=True)
class Options:
    """What to measure: `subjects` are keys of `cases.SUBJECTS`, and None means all of them."""

    frit: Path
    name: str
    count: int
    seed: int
    subjects: tuple[str, ...] | None = None
    keep: bool = False
    sizes: Sizes = field(default_factory=Sizes)


def bench(options: Options) -> Readings:
    """Measure. A case that fails is told in the results and does not end the others.

    Raises ClusterError where the cluster cannot be had (only the subject `list` needs one), and ValueError for an
    unknown subject.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    subjects = _chosen(options.subjects)
    say(f"seed {options.seed}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frit-bench-")))
        addresses = stack.enter_context(ground.serving(options.seed, options.sizes))
        package = Repository(options.seed, options.sizes.large).names[options.sizes.large // 2]
        place = Ground(options.frit, addresses, package, folder / "linted", folder / "urls")
        known = cases.registered(place)
        ground.write_urls(place.urls, known)
        chosen = [one for one in cases.cases(place, options.sizes) if one.subject in subjects]
        if LINT in subjects:
            Repository(options.seed, options.sizes.linted, options.sizes.linted_versions).write(place.folder)
        ground.make(addresses["serving"], sorted({name for one in chosen for name in one.reads}))
        cluster = None
        if LIST in subjects:
            cluster = stack.enter_context(ground.knowing(options.name, known, keep=options.keep))
        kubeconfig = cluster.kubeconfig if cluster else folder / "no-cluster"
        session = _Session(stack.enter_context(Stopwatch()), kubeconfig)
        session.all(chosen, options.count)
    return Readings(
        started=started,
        seed=options.seed,
        machine=machine.describe(),
        versions=_versions(options.frit, cluster),
        titles={one.key: one.title for one in chosen},
        manifests=options.sizes.manifests,
        runs=tuple(session.runs),
        failures=(*session.failures, *differing(chosen, session.runs)),
    )


def _chosen(only: tuple[str, ...] | None) -> tuple[str, ...]:
    if unknown := set(only or ()) - set(SUBJECTS):
        raise ValueError(f"unknown subjects: {', '.join(sorted(unknown))}; known: {', '.join(SUBJECTS)}")
    return only or SUBJECTS


@dataclass
class _Session:
    """What was measured so far."""

    stopwatch: Stopwatch
    kubeconfig: Path
    runs: list[Run] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def all(self, chosen: Sequence[Case], count: int) -> None:
        """All cases once, then all once more, and so on: a machine that drifts hits them all."""
        for number in range(1, count + 1):
            for one in chosen:
                if number <= one.rounds:
                    try:
                        self._one(one, number)
                    except measure.RunFailed as error:
                        self.failures.append(f"{one.title}, round {number}: {error}")
                        say(f"failed: {self.failures[-1]}")

    def _one(self, case: Case, number: int) -> None:
        """A case with an empty home folder, and then again with what it has kept there."""
        with tempfile.TemporaryDirectory(prefix="frit-bench-") as temporary:
            folder = Path(temporary)
            environment = measure.environment(self.kubeconfig, folder)
            for turn in range(1 + case.again):
                before = machine.contention()
                step = self.stopwatch.run(case.command, environment, folder)
                after = machine.contention()
                waited = None if before is None or after is None else after - before
                found = case.count((folder / f"{Path(case.command[0]).name}.out").read_text(errors="replace"))
                run = Run(case.key, number, turn > 0, step.seconds, step.processor, step.peak_mb, found, waited)
                self.runs.append(run)
        own = [one for one in self.runs if one.case == case.key and one.round == number]
        told = ", ".join(f"{one.seconds:.2f}" for one in own)
        say(f"round {number}  {case.title}: {told} s, {max(one.peak_mb for one in own):.0f} MB, found {own[0].found}")


def differing(chosen: Sequence[Case], runs: Sequence[Run]) -> list[str]:
    """Cases that should have found as much as others, and did not; what was not searched was not faster."""
    told = []
    for same in dict.fromkeys(one.same for one in chosen if one.same):
        titles = {one.key: one.title for one in chosen if one.same == same}
        found = {(titles[one.case], one.found) for one in runs if one.case in titles}
        if len({number for _, number in found}) > 1 or any(number == 0 for _, number in found):
            each = ", ".join(f"{title}: {number}" for title, number in sorted(found))
            told.append(f"they found different things, or nothing: {each}")
    return told


def _versions(frit: Path, cluster: Cluster | None) -> dict[str, str]:
    said = subprocess.run([frit, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    found = {"frit": said, "PyYAML": version("PyYAML"), "httpx": version("httpx")}
    return {**found, "Kubernetes": build.KUBERNETES_VERSION} if cluster else found
