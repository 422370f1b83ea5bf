"""Runs one scenario: ground, fault, frit, verdict; then the same command again, which must find nothing to do."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.scenarios import ADDED, BOOTSTRAP, Fault, Scenario, Scene, When
from tests.chaos.site import RUN_SECONDS, Ground, Site
from tests.chaos.witness import Witness
from tests.cluster import ClusterError, audit
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Delay
from tests.running import Ran, frit, start

NAME = "chaos"
"""The repository that `repo add` registers here."""
_WEBHOOK = "cert-manager-webhook"
_MOST_TRIGGER_SECONDS = 60.0
_FIRST_WRITE, _LAST_WRITE = 3, 40
_ASKS = frozenset({"selfsubjectaccessreviews.authorization.k8s.io", "selfsubjectrulesreviews.authorization.k8s.io"})


@dataclass
class Outcome:
    """What became of a scenario: seconds of frit's run, its exit code, and seconds from the fault's end to frit's.

    `problems` says what was not as it must be; nothing where all was well.
    """

    name: str
    fault: str
    seconds: float = 0.0
    code: int | None = None
    recovery: float | None = None
    problems: list[str] = field(default_factory=list)
    said: str = ""


def run(site: Site, scenario: Scenario, seed: int) -> Outcome:
    """Runs a scenario. What goes wrong with the cluster itself is a problem of the outcome too, and never raised."""
    rng = random.Random(f"{seed}/{scenario.name}")
    outcome = Outcome(scenario.name, scenario.fault.name)
    try:
        site.prepare(scenario.ground)
        with tempfile.TemporaryDirectory() as folder, FaultProxy(Path(folder), site.cluster.kubeconfig) as proxy:
            attempt = _Attempt(site, scenario, Scene(site.cluster, proxy), rng)
            ran, ended = attempt.run()
        outcome.seconds, outcome.code, outcome.said = ran.seconds, ran.code, ran.stderr
        outcome.recovery = None if attempt.over is None else max(0.0, ended - attempt.over)
        outcome.problems += _verdict(scenario, ran)
        outcome.problems += _afterwards(site, scenario, ran)
    except (ClusterError, AssertionError, OSError, subprocess.SubprocessError) as error:
        outcome.problems.append(f"{type(error).__name__}: {error}")
    if outcome.problems:
        site.lost()
    elif scenario.ground is Ground.FRESH:
        site.ground = Ground.INSTALLED
    return outcome


class _Attempt:
    """One run of frit into a fault."""

    def __init__(self, site: Site, scenario: Scenario, scene: Scene, rng: random.Random) -> None:
        self._site, self._scenario, self._scene, self._rng = site, scenario, scene, rng
        self.over: float | None = None
        self._gated = scenario.when is When.MIDDLE and scenario.command != BOOTSTRAP
        self._kubeconfig = scene.proxy.kubeconfig if scenario.fault.proxied or self._gated else site.cluster.kubeconfig

    def run(self) -> tuple[Ran, float]:
        """What frit did, and when it ended."""
        return self._before() if self._scenario.when is When.BEFORE else self._middle()

    def _before(self) -> tuple[Ran, float]:
        with self._fault() as watch:
            began = time.monotonic()
            return self._end(self._start(), began, watch)

    def _middle(self) -> tuple[Ran, float]:
        gate = self._scene.proxy.on(Delay(0.3), method="GET", path="packagerepositories") if self._gated else None
        since = audit.offset(self._site.log)
        first = self._rng.randint(_FIRST_WRITE, _LAST_WRITE)
        began = time.monotonic()
        process = self._start()
        try:
            if gate is not None:
                self._when(process, lambda: gate.hits > 0)
            elif self._scenario.fault.of is None:
                self._when(process, lambda: len(self._writes(since)) >= first)
            else:
                self._when(process, lambda: self._applied(since))
            # Frozen where the fault takes time to open: it must meet the run in its middle, not after its end.
            frozen = gate is not None or self._scenario.fault.of is not None
            if frozen:
                process.send_signal(signal.SIGSTOP)
                if (of := self._scenario.fault.of) is not None:
                    hands = self._site.hands
                    hands.until(f"{of.name}'s webhook works", lambda: of.works(hands))
            with self._fault() as watch:
                process.send_signal(signal.SIGCONT)
                return self._end(process, began, watch)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()

    @contextmanager
    def _fault(self) -> Iterator[Callable[[], Witness]]:
        """The fault, and a witness of its end for the time of frit's run."""
        fault = self._scenario.fault
        with fault.open(self._scene, self._scenario.seconds) as opened:
            yield lambda: Witness(_works(fault, self._site))
            if fault.proxied:
                self.over = opened.closed_at

    def _end(self, process: subprocess.Popen[str], began: float, watch: Callable[[], Witness]) -> tuple[Ran, float]:
        with watch() as witness:
            try:
                out, err = process.communicate(timeout=RUN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                raise AssertionError(f"frit did not end within {RUN_SECONDS:.0f} s:\n{err}") from None
            ended = time.monotonic()
        self.over = witness.over
        return Ran(process.returncode, out, err, ended - began), ended

    def _start(self) -> subprocess.Popen[str]:
        arguments = _arguments(self._site, self._scenario)
        return start(*arguments, kubeconfig=self._kubeconfig, environment=self._site.environment)

    def _writes(self, since: int) -> list[audit.Request]:
        return [one for one in audit.read(self._site.log, since, "frit/") if one.verb == "patch"]

    def _applied(self, since: int) -> bool:
        """Whether all is applied that cert-manager's webhook needs; its Service and configurations come last."""
        written = {one.resource.partition(".")[0] for one in self._writes(since) if one.name == _WEBHOOK}
        return {"services", "validatingwebhookconfigurations"} <= written

    def _when(self, process: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _MOST_TRIGGER_SECONDS
        while not happened():
            if process.poll() is not None:
                out, err = process.communicate()
                raise AssertionError(f"frit ended with {process.returncode} before the fault began:\n{out}{err}")
            if time.monotonic() > deadline:
                raise AssertionError("the moment for the fault did not come")
            time.sleep(0.01)  # what frit does shows in the server's log, which tells nobody


def _works(fault: Fault, site: Site) -> Callable[[], bool]:
    hands = site.hands
    if fault.of is not None:
        of = fault.of
        return lambda: not of.answer(hands)
    return lambda: (answer := hands.once("GET", "/readyz")) is not None and answer.ok


def _arguments(site: Site, scenario: Scenario) -> tuple[str, ...]:
    if scenario.command == BOOTSTRAP:
        return (*site.bootstrap_arguments(site.folder / "report.json"), *scenario.arguments)
    return ("repo", "add", NAME, scenario.url, "--force", *scenario.arguments)


def _verdict(scenario: Scenario, ran: Ran) -> list[str]:
    problems = []
    if ran.code != scenario.code:
        problems.append(f"exit code {ran.code}, not {scenario.code}")
    problems += [f"does not say {one!r}" for one in scenario.says if not re.search(one, ran.stderr)]
    if "Traceback" in ran.stderr:
        problems.append("a traceback")
    return problems


def _afterwards(site: Site, scenario: Scenario, ran: Ran) -> list[str]:
    """Runs the plain command until there is nothing to do, and compares the objects."""
    if scenario.url != ADDED:  # what is denied stays denied
        return site.astray({})
    with_repository = scenario.command != BOOTSTRAP or "--repository" in scenario.arguments
    plain = Plain.of(site, scenario.command, with_repository)
    if ran.code != 0:
        completed = plain.run(site)
        if completed.code != 0:
            return [f"the next plain run ended with {completed.code}: {completed.stderr.strip()[-400:]}"]
    return no_op(site, plain) + site.astray({NAME: ADDED} if with_repository else {})


@dataclass(frozen=True)
class Plain:
    """A command without limits and faults, and what it says where nothing is to do."""

    arguments: tuple[str, ...]
    says: str

    @staticmethod
    def of(site: Site, command: str, with_repository: bool) -> Plain:
        """The plain form of a scenario's command."""
        if command != BOOTSTRAP:
            return Plain(("repo", "add", NAME, ADDED, "--force"), f"{NAME} unchanged")
        more = ("--repository", f"{NAME}={ADDED}") if with_repository else ()
        return Plain((*site.bootstrap_arguments(site.folder / "report.json"), *more), "nothing had to be changed")

    def run(self, site: Site) -> Ran:
        """Runs it to its end."""
        return frit(
            *self.arguments, kubeconfig=site.cluster.kubeconfig, environment=site.environment, timeout=RUN_SECONDS
        )


def no_op(site: Site, plain: Plain) -> list[str]:
    """Runs a command again: it must end well, say that nothing changed, and write nothing."""
    with audit.recording(site.log, "frit/") as recorded:
        ran = plain.run(site)
    problems = [] if ran.code == 0 else [f"the next run ended with {ran.code}: {ran.stderr.strip()[-400:]}"]
    if ran.code == 0 and plain.says not in ran.stdout:
        problems.append(f"the next run does not say {plain.says!r} but {ran.stdout.strip()[-200:]!r}")
    return problems + [f"the next run wrote: {one.verb} {one.resource} {one.name}" for one in writes(recorded.requests)]


def writes(requests: list[audit.Request]) -> list[audit.Request]:
    """Requests that store something: no reads, no dry runs, no questions about permissions."""
    return [
        one
        for one in requests
        if one.verb not in ("get", "list", "watch") and "dryRun=All" not in one.path and one.resource not in _ASKS
    ]
