"""The independent witness of a fault: a process of its own that asks every 50 ms and tells each answer at once.

Run as ``python -m bench.recovery.witness KUBECONFIG``; one JSON list a line, until its input ends. Clocks are
monotonic seconds, which all processes of one Linux machine share.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.asking import Asking, Probe
from bench.judgement import Answer, Kind
from bench.poller import issuer

USER_AGENT = "bench-witness"
EVERY_SECONDS = 0.05
MOST_UNDER_WAY = 32
"""Requests that may hang at the same time: where a machine is too slow for them, the witness must not make it worse."""
MOST_SECONDS = 7200.0

REPOSITORY = "repository"
ISSUER = "issuer"
_PATH = "/apis/packages.glasskube.dev/v1alpha1/packagerepositories/bench-witness"


def probes() -> list[Probe]:
    """What is asked: an apply of a PackageRepository, as the contestants send one, and a create of an Issuer."""
    body = {
        "apiVersion": "packages.glasskube.dev/v1alpha1",
        "kind": "PackageRepository",
        "metadata": {"name": "bench-witness"},
        "spec": {"url": "https://packages.example.com/witness"},
    }
    path = f"{_PATH}?dryRun=All&fieldManager={USER_AGENT}&timeout=1s"
    valid = issuer(Kind.VALID)
    return [
        Probe(REPOSITORY, Kind.VALID, "PATCH", path, body, "application/apply-patch+yaml"),
        Probe(ISSUER, Kind.VALID, valid.method, valid.path, valid.body, valid.content),
    ]


class NotSeen(Exception):
    """The witness did not see in time what was waited for; the text says what it saw instead."""


class Witness:
    """What the witness's process has told so far, by probe and in the order in which the answers came."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._heard: dict[str, list[Answer]] = {}
        self._news = threading.Condition()
        self._listening = threading.Thread(target=self._listen, name="witness", daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            name, kind, *rest = json.loads(line)
            with self._news:
                self._heard.setdefault(name, []).append(Answer(Kind(kind), *rest))
                self._news.notify_all()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._listening.join()

    def forget(self) -> None:
        """Drop what was heard: a new fault begins, and memory stays as it is."""
        with self._news:
            self._heard.clear()

    def answers(self, probe: str) -> list[Answer]:
        """What one probe was answered since `forget`."""
        with self._news:
            return list(self._heard.get(probe, ()))

    def wait(self, seen: Callable[[Sequence[Answer]], bool], names: Sequence[str], seconds: float, what: str) -> None:
        """Wait until every named probe's answers satisfy `seen`. Raises `NotSeen` after so many seconds."""
        until = time.monotonic() + seconds
        with self._news:
            while not all(seen(self._heard.get(name, ())) for name in names):
                if self._process.poll() is not None:
                    raise NotSeen(f"{what}: the witness has ended")
                if not self._news.wait(until - time.monotonic()):
                    raise NotSeen(f"{what} was not seen within {seconds:.0f} s; last answers: {self._last()}")

    def _last(self) -> str:
        last = (f"{name} {', '.join(one.label for one in heard[-3:])}" for name, heard in self._heard.items())
        return "; ".join(last) or "none"


def failing(label: str, count: int = 4) -> Callable[[Sequence[Answer]], bool]:
    """Whether the last `count` answers are contrary and `label` stands in each of theirs."""
    return lambda heard: len(heard) >= count and all(not one.good and label in one.label for one in heard[-count:])


def healthy(seconds: float = 1.0) -> Callable[[Sequence[Answer]], bool]:
    """Whether all requests that were started within the last `seconds` of what is known got good answers."""

    def seen(heard: Sequence[Answer]) -> bool:
        if not heard or heard[-1].started - heard[0].started < seconds:
            return False
        return all(one.good for one in heard if one.started > heard[-1].started - seconds)

    return seen


def first_success(answers: Sequence[Answer], since: float) -> float | None:
    """When a request that was started at or after `since` was first known to be good; None where none was."""
    return min((one.ended for one in answers if one.good and one.started >= since), default=None)


@contextmanager
def witnessing(kubeconfig: Path) -> Iterator[Witness]:
    """A witness for the block."""
    command = [sys.executable, "-m", "bench.recovery.witness", str(kubeconfig)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        witness = Witness(process)
        try:
            yield witness
        finally:
            witness.close()


def _main(kubeconfig: Path) -> int:
    lock = threading.Lock()
    over = threading.Event()

    def tell(probe: Probe, answer: Answer) -> None:
        line = json.dumps([probe.name, answer.kind, answer.started, answer.ended, answer.label, answer.good])
        with lock:
            print(line, flush=True)

    def listen() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    asking = Asking(kubeconfig, probes(), tell, user_agent=USER_AGENT, every=EVERY_SECONDS, most=MOST_UNDER_WAY)
    asking.run(over.is_set, MOST_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
