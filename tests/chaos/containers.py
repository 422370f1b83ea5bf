"""The programs in the containers of a built-in cluster, seen from its node: ending them as a crash does."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from tests.cluster import Cluster, ClusterError, node, processes
from tests.cluster.processes import Process

KILL_EVERY_SECONDS = 0.1


def running(cluster: Cluster, program: str) -> list[Process]:
    """The processes of a program (its path in the container) in this cluster's pods, and in no other's."""
    found = [pid for pid in processes.all_ids() if processes.command_line(pid)[:1] == [program]]
    ours = (processes.identify(pid) for pid in found if _in_cgroup(pid, node.cgroup_name(cluster.name)))
    return [one for one in ours if one is not None]


def kill(cluster: Cluster, program: str) -> None:
    """Ends a program with SIGKILL: no goodbye, no lease given back. Raises ClusterError where it does not run."""
    found = running(cluster, program)
    if not found:
        raise ClusterError(f"{program} does not run in cluster {cluster.name}")
    for one in found:
        one.send(signal.SIGKILL)
    if left := processes.wait_gone(found, 10):
        raise ClusterError(f"{program} ({left[0].pid}) does not end")


class Crashing:
    """Ends a program whenever it has started again, until `stop`."""

    def __init__(self, cluster: Cluster, program: str) -> None:
        self._cluster, self._program = cluster, program
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(KILL_EVERY_SECONDS):
            for one in running(self._cluster, self._program):
                one.send(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it no more."""
        self._stop.set()
        self._thread.join()


def _in_cgroup(pid: int, name: str) -> bool:
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return any(name in line.rpartition(":")[2].split("/") for line in lines)
