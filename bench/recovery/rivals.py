"""Who tries to get through a fault: the command of each contestant, and how its failed attempts are counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import measure
from bench.contestants import Basics, frit_command
from bench.recovery.scenarios import FRIT_BOOTSTRAP, FRIT_REPO, GLASSKUBE, UNTIL
from bench.recovery.witness import ISSUER, REPOSITORY

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT_SECONDS = 150.0
"""A contestant that takes longer is ended: it gave up."""

_PATIENCE = f"{LIMIT_SECONDS:.0f}s"
_UNTIL = 'until "$0" apply -f "$1"; do echo "failed attempt"; sleep 5; done'


@dataclass(frozen=True)
class Place:
    """Where a contestant works: the cluster, a folder of its own, and the object that it shall apply, as a file."""

    kubeconfig: Path
    folder: Path
    manifest: Path


@dataclass(frozen=True)
class Rival:
    """One contestant. `probe` is the question of the witness that it depends on.

    `failed` counts failed attempts in what it printed on stdout.
    """

    key: str
    title: str
    probe: str
    command: Callable[[Basics, Place], tuple[str, ...]]
    failed: Callable[[str], int]


def repository(name: str) -> dict[str, object]:
    """The object that a contestant applies, under a name of its own."""
    return {
        "apiVersion": "packages.glasskube.dev/v1alpha1",
        "kind": "PackageRepository",
        "metadata": {"name": name},
        "spec": {"url": f"https://packages.example.com/{name}"},
    }


def _lines(printed: str) -> int:
    return sum(line.startswith("failed attempt") for line in printed.splitlines())


def _attempts(printed: str) -> int:
    """Of `frit repo add -o json`."""
    return len(_parsed(printed).get("failedAttempts") or ())


def _failures(printed: str) -> int:
    """Of `frit bootstrap -o json`."""
    return sum(int(one["count"]) for one in _parsed(printed).get("failures") or ())


def _parsed(printed: str) -> Mapping[str, list[dict[str, Any]]]:
    try:
        found = json.loads(printed)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _add(have: Basics, place: Place) -> tuple[str, ...]:
    obj = json.loads(place.manifest.read_text())
    name, url = obj["metadata"]["name"], obj["spec"]["url"]
    return (str(have.frit), "repo", "add", name, url, "--force", f"--timeout={_PATIENCE}", "-o", "json")


def _bootstrap(have: Basics, place: Place) -> tuple[str, ...]:
    return frit_command(have, f"--timeout={_PATIENCE}", "-o", "json")


def _glasskube(have: Basics, place: Place) -> tuple[str, ...]:
    return (sys.executable, "-m", "bench.recovery.glasskube", str(place.kubeconfig), str(place.manifest))


def _until(have: Basics, place: Place) -> tuple[str, ...]:
    return ("bash", "-c", _UNTIL, str(have.kubectl), str(place.manifest))


RIVALS = (
    Rival(FRIT_REPO, "frit repo add", REPOSITORY, _add, _attempts),
    Rival(FRIT_BOOTSTRAP, "frit bootstrap again", ISSUER, _bootstrap, _failures),
    Rival(GLASSKUBE, "Glasskube's policy", REPOSITORY, _glasskube, _lines),
    Rival(UNTIL, "until kubectl apply; do sleep 5; done", REPOSITORY, _until, _lines),
)


@dataclass(frozen=True)
class Ended:
    """How a contestant ended: monotonic seconds, exit code (None for one that was ended), and what it printed."""

    rival: Rival
    begun: float
    ended: float
    code: int | None
    failed: int
    last_words: str


class Started:
    """A contestant under way, in a process group of its own."""

    def __init__(self, rival: Rival, have: Basics, kubeconfig: Path, folder: Path) -> None:
        folder.mkdir()
        manifest = folder / "object.json"
        manifest.write_text(json.dumps(repository(f"bench-{rival.key}")))
        self.rival = rival
        self._printed, self._said = folder / "stdout", folder / "stderr"
        command = rival.command(have, Place(kubeconfig, folder, manifest))
        environment = {**measure.environment(kubeconfig, folder), "PYTHONPATH": str(ROOT)}
        with self._printed.open("wb") as out, self._said.open("wb") as err:
            self.begun = time.monotonic()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment,
                cwd=folder,
                process_group=0,
            )
        self._ended = 0.0
        self._waiting = threading.Thread(target=self._wait, name=rival.key, daemon=True)
        self._waiting.start()

    def _wait(self) -> None:
        self._process.wait()
        self._ended = time.monotonic()

    def end(self) -> Ended:
        """Wait for its end, which is brought about where it takes too long."""
        self._waiting.join(max(0.0, self.begun + LIMIT_SECONDS - time.monotonic()))
        late = self._waiting.is_alive()
        self.stop()
        self._waiting.join()
        printed = self._printed.read_text(errors="replace")
        said = [line for line in self._said.read_text(errors="replace").splitlines() if line.strip()]
        code = None if late else self._process.returncode
        words = (said or printed.splitlines() or [""])[-1]
        return Ended(self.rival, self.begun, self._ended, code, self.rival.failed(printed), words[:300])

    def stop(self) -> None:
        """End it, and what it has started, if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, 9)
