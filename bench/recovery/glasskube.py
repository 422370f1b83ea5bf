"""Glasskube's patience, re-implemented from its figures: 5 attempts, pauses of 2, 6, 18 and 54 s, jitter 10 %.

What it repeats is every answer whose Status says InternalError, whatever the cause; all else ends it at once. That is
all that Glasskube 0.26.1 does about a webhook that fails. Its own client is a Go program that connects once; so does
this one. Run as ``python -m bench.recovery.glasskube KUBECONFIG FILE``; each failed attempt is one line.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.api import Answer, Api

USER_AGENT = "bench-glasskube"
CLIENT_LIMIT_SECONDS = 60.0
_PATH = "/apis/packages.glasskube.dev/v1alpha1/packagerepositories"


@dataclass(frozen=True)
class Backoff:
    """Pauses between attempts: the first one in seconds, what each next one is multiplied by, jitter as a share."""

    attempts: int = 5
    first: float = 2.0
    factor: float = 3.0
    jitter: float = 0.1

    def pauses(self, chance: Callable[[], float] = random.random) -> Iterator[float]:
        """One pause fewer than attempts; jitter only makes them longer."""
        for number in range(self.attempts - 1):
            yield self.first * self.factor**number * (1.0 + self.jitter * chance())


def reason_of(answer: Answer) -> str:
    """The reason of a Status; empty where the answer is none."""
    try:
        return str(answer.json().get("reason", ""))
    except (ValueError, AttributeError):
        return ""


def persist(
    attempt: Callable[[], Answer], failed: Callable[[Answer], None], sleep: Callable[[float], None], backoff: Backoff
) -> bool:
    """Attempt until it succeeds, another failure than InternalError comes, or all attempts are used up."""
    pauses = backoff.pauses()
    while True:
        answer = attempt()
        if answer.ok:
            return True
        failed(answer)
        pause = next(pauses, None)
        if reason_of(answer) != "InternalError" or pause is None:
            return False
        sleep(pause)


def _main(kubeconfig: Path, file: Path) -> int:
    obj = json.loads(file.read_text())
    path = f"{_PATH}/{obj['metadata']['name']}?fieldManager=glasskube&force=true"
    api = Api(kubeconfig, user_agent=USER_AGENT, timeout_seconds=CLIENT_LIMIT_SECONDS)

    def attempt() -> Answer:
        return api.request("PATCH", path, obj, content="application/apply-patch+yaml")

    def failed(answer: Answer) -> None:
        print(f"failed attempt: {answer}", flush=True)

    try:
        return 0 if persist(attempt, failed, time.sleep, Backoff()) else 1
    except (OSError, http.client.HTTPException) as error:
        print(f"failed attempt: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), Path(sys.argv[2])))
