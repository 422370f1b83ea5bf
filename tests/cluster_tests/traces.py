"""What a cluster could leave on its machine, seen from outside of it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import network, node, paths, processes, sandbox

# Folders in which kubelet, containerd, CNI and their like would leave things.
_FOLDERS = ("/etc/cni", "/opt/cni", "/run", "/run/containerd", "/run/netns", "/var/lib", "/var/lib/cni", "/var/log")


@dataclass(frozen=True)
class Machine:
    """The machine's own mounts, firewall rules, kernel settings and folders: no cluster may change them."""

    mounts: tuple[str, ...]
    rules: tuple[str, ...]
    settings: tuple[str, ...]
    folders: tuple[tuple[str, ...], ...]


def machine() -> Machine:
    settings = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")
    rules = [line for table in ("nat", "filter", "mangle") for line in _rules(table)]
    return Machine(
        mounts=tuple(sorted(Path("/proc/self/mounts").read_text().splitlines())),
        rules=tuple(rules),
        settings=tuple(Path("/proc/sys", setting).read_text() for setting in settings),
        folders=tuple(tuple(sorted(map(str, Path(folder).glob("*")))) for folder in _FOLDERS),
    )


def _rules(table: str) -> list[str]:
    saved = subprocess.run(["iptables-save", "-t", table], capture_output=True, text=True, check=True).stdout
    return [re.sub(r"\[\d+:\d+\]", "", line) for line in saved.splitlines() if not line.startswith("#")]


def inside(name: str) -> tuple[set[int], set[str]]:
    """The processes of a running cluster, containers included, and their network namespaces."""
    box = sandbox.find(paths.cluster_folder(name))
    assert box is not None
    found = {process.pid for process in processes.in_pid_namespace(box.namespace)}
    # Containers have pid namespaces of their own, but are descendants of the first process.
    parents = {pid: _parent(pid) for pid in processes.all_ids()}
    while more := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    namespaces = {_net(pid) for pid in found} - {_net(os.getpid())}
    return found, {namespace for namespace in namespaces if namespace is not None}


def _parent(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))


def _net(pid: int) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None  # gone, or none of ours: a container's init may refuse to be looked at


def left_of(name: str, namespaces: Collection[str] = ()) -> list[str]:
    """Everything that is still there of a cluster."""
    folder = paths.cluster_folder(name)
    found = [f"process {p.pid}" for p in processes.with_argument(sandbox.marker(folder))]
    found += [f"namespace {n} of {pid}" for pid in processes.all_ids() for n in namespaces if _net(pid) == n]
    found += [f"link {network.link_name(name)}"] if Path("/sys/class/net", network.link_name(name)).exists() else []
    found += [str(group) for root in node.hierarchies() for group in root.glob(node.cgroup_name(name))]
    found += [str(folder)] if folder.exists() else []
    return found
