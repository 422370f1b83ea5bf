"""The independent witness: asks the API server every 20 ms whether cert-manager's webhook works, in its own process.

It shares no code with frit and no connection with anybody. Run as ``python -m bench.poller KUBECONFIG``; it says
``ready`` when it polls, reads ``claimed`` when the contestant has ended, goes on for a while, and prints one JSON
document. An end of its input stops it at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from bench.asking import CLIENT_LIMIT_SECONDS, MOST_SECONDS, Asking, Probe
from bench.judgement import Answer, Kind

USER_AGENT = "bench-poller"
EVERY_SECONDS = 0.02
TAIL_SECONDS = 2.0
"""How long it polls on after the claim."""
QUIET_SECONDS = 1.0
"""How long nothing contrary must have been started before it ends."""
MOST_TAIL_SECONDS = 60.0

_PATH = "/apis/cert-manager.io/v1/namespaces/default/issuers?dryRun=All&timeout=1s"


def issuer(kind: Kind) -> Probe:
    """A dry-run create of an Issuer that cert-manager's webhook must admit, or must deny."""
    # The definition's schema lets an issuer of no type pass; the webhook says "at least one issuer must be configured".
    spec: dict[str, Any] = {"selfSigned": {}} if kind is Kind.VALID else {}
    name = f"bench-{kind}"
    body = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": name}, "spec": spec}
    return Probe(name, kind, "POST", _PATH, body)


@dataclass(frozen=True)
class Poll:
    """What a poller saw. `widest_gap` is the longest time between two starts, `skipped` the starts left out because
    too many requests hung; `cpu_seconds` is what the poller itself used."""

    answers: tuple[Answer, ...]
    widest_gap: float
    skipped: int
    cpu_seconds: float


class _Polling:
    """The poller's process: starts pairs of requests and keeps their answers."""

    def __init__(self, kubeconfig: Path) -> None:
        probes = [issuer(kind) for kind in Kind]
        self._asking = Asking(kubeconfig, probes, self._heard, user_agent=USER_AGENT, every=EVERY_SECONDS)
        self._answers: list[Answer] = []
        self._last_contrary = 0.0

    def run(self, stop_at: _StopAt) -> Poll:
        self._asking.run(lambda: stop_at.reached(self._last_contrary), MOST_SECONDS)
        answers = tuple(sorted(self._answers, key=lambda one: one.started))
        return Poll(answers, self._asking.widest_gap, self._asking.skipped, time.process_time())

    def _heard(self, _probe: Probe, answer: Answer) -> None:
        self._answers.append(answer)
        if not answer.good:
            self._last_contrary = max(self._last_contrary, answer.started)


class _StopAt:
    """When polling ends: told by the other side, and by what was seen last."""

    def __init__(self) -> None:
        self._claimed_at: float | None = None
        self._given_up = False

    def listen(self, commands: IO[str]) -> None:
        """Reads what the other side says until it says no more."""
        for line in commands:
            if line.strip() == "claimed":
                self._claimed_at = time.monotonic()
        if self._claimed_at is None:
            self._given_up = True

    def reached(self, last_contrary: float) -> bool:
        if self._given_up:
            return True
        if self._claimed_at is None:
            return False
        now = time.monotonic()
        over = now - self._claimed_at
        return over > MOST_TAIL_SECONDS or (over > TAIL_SECONDS and now - last_contrary > QUIET_SECONDS)


def _main(kubeconfig: Path) -> int:
    stop_at = _StopAt()
    threading.Thread(target=stop_at.listen, args=(sys.stdin,), daemon=True).start()
    print("ready", flush=True)
    poll = _Polling(kubeconfig).run(stop_at)
    json.dump(asdict(poll), sys.stdout)
    return 0


class Poller:
    """A poller that runs in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def finish(self) -> Poll:
        """Tells it that the contestant claimed ready, waits until it has seen enough, and gives what it saw."""
        output, _ = self._process.communicate("claimed\n", timeout=MOST_TAIL_SECONDS + 10 * CLIENT_LIMIT_SECONDS)
        data = json.loads(output)
        answers = tuple(Answer(**{**one, "kind": Kind(one["kind"])}) for one in data.pop("answers"))
        return Poll(answers, **data)


@contextmanager
def polling(kubeconfig: Path) -> Iterator[Poller]:
    """A poller for the block; it has begun when the block begins, and is gone when it ends."""
    command = [sys.executable, "-m", "bench.poller", str(kubeconfig)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the poller did not start")
        yield Poller(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
