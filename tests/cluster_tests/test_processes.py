"""Processes are ended by id only while the id still means the same process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster import components, processes, sandbox, state
from tests.cluster.paths import ClusterError
from tests.cluster.processes import Process
from tests.cluster.state import Cluster


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()


def test_recycled_id_is_neither_alive_nor_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    """A process whose start time differs from the recorded one is somebody else's, and gets no signal."""
    now = processes.identify(sleeper.pid)
    assert now is not None
    assert now.alive()
    stale = replace(now, started=now.started - 1)
    assert not stale.alive()
    assert not stale.send(signal.SIGKILL)
    assert processes.end([stale]) == []
    assert sleeper.poll() is None


def test_zombie_is_not_alive() -> None:
    """A process that has ended but was not reaped yet counts as gone."""
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    identified = processes.identify(child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.identify(child.pid) is None
    assert identified is None or not identified.alive()
    child.wait()


def test_name_with_spaces_and_parentheses_is_read(tmp_path: Path) -> None:
    """The start time is found behind a program's name, whatever characters that name has."""
    odd = tmp_path / "a) R (b"
    odd.symlink_to("/bin/sleep")
    child = subprocess.Popen([odd, "60"])
    try:
        found = processes.identify(child.pid)
        assert found is not None
        assert found.alive()
    finally:
        child.kill()
        child.wait()


def test_end_is_patient_and_then_final() -> None:
    """SIGTERM comes first; what doesn't heed it is killed when its time of grace is over."""
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    found = processes.identify(child.pid)
    assert found is not None
    assert processes.end([found], grace_seconds=0.2) == []
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()


def test_first_process_is_known_by_its_state_folder(tmp_path: Path) -> None:
    """Only a process that carries exactly this folder's mark is found, and one outside of a sandbox isn't taken."""
    mark, other = sandbox.marker(tmp_path / "a"), sandbox.marker(tmp_path / "ab")
    code = "import time; print(1, flush=True); time.sleep(60)"
    children = [
        subprocess.Popen([sys.executable, "-c", code, argument], stdout=subprocess.PIPE) for argument in (mark, other)
    ]
    try:
        for child in children:
            assert child.stdout is not None
            child.stdout.readline()
        assert [found.pid for found in processes.with_argument(mark)] == [children[0].pid]
        assert sandbox.find(tmp_path / "a") is None
    finally:
        for child in children:
            assert child.stdout is not None
            child.kill()
            child.wait()
            child.stdout.close()


def test_process_table_survives_writing_and_reading(tmp_path: Path) -> None:
    """Components are found again with their command, and a table that isn't there is empty."""
    assert state.components(tmp_path) == {}
    state.record(tmp_path, "etcd", Process(1, 2), ["etcd", "--x"])
    state.record(tmp_path, "kubelet", Process(3, 4), ["kubelet"])
    assert state.components(tmp_path) == {
        "etcd": state.Component(Process(1, 2), ("etcd", "--x")),
        "kubelet": state.Component(Process(3, 4), ("kubelet",)),
    }


def test_unknown_component_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    """Asking for a component that a cluster doesn't have names those that it has."""
    cluster = Cluster("n", "builtin", tmp_path, tmp_path, "https://x", None, tmp_path)
    state.record(tmp_path, "etcd", Process(1, 2), ["etcd"])
    with pytest.raises(ClusterError, match=r"has no component 'apiserver'; it has etcd"):
        components.process(cluster, "apiserver")
