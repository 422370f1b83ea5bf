"""What is known of a cluster: plain data in its state folder, read anew by every command."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import paths
from .processes import Process


@dataclass(frozen=True)
class Cluster:
    """A running cluster, as tests, demo and benchmarks see it.

    ``audit_log`` has one JSON document per line (Metadata level); it is None where the provider can't have one.
    """

    name: str
    provider: str
    folder: Path
    kubeconfig: Path
    server: str
    audit_log: Path | None
    kubectl: Path


def _file(folder: Path) -> Path:
    return folder / "cluster.json"


def save(cluster: Cluster) -> None:
    """Writes the cluster's data in one step: a reader never sees half of it."""
    data = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(cluster).items()}
    _write(_file(cluster.folder), data)


def load(name: str) -> Cluster | None:
    """The cluster that a finished ``up`` left under this name; None where there is none."""
    try:
        data = json.loads(_file(paths.cluster_folder(name)).read_text())
    except FileNotFoundError:
        return None
    return Cluster(
        name=data["name"],
        provider=data["provider"],
        folder=Path(data["folder"]),
        kubeconfig=Path(data["kubeconfig"]),
        server=data["server"],
        audit_log=Path(data["audit_log"]) if data["audit_log"] else None,
        kubectl=Path(data["kubectl"]),
    )


@dataclass(frozen=True)
class Component:
    """A program of the cluster (``etcd``, ``kube-apiserver``, ...): its process, and the command that started it."""

    process: Process
    command: tuple[str, ...]


def _table(folder: Path) -> Path:
    return folder / "processes.json"


def components(folder: Path) -> dict[str, Component]:
    """The table of a cluster's own programs by name; empty where there is none."""
    try:
        data = json.loads(_table(folder).read_text())
    except FileNotFoundError:
        return {}
    return {
        name: Component(Process(entry["pid"], entry["started"]), tuple(entry.get("command", ())))
        for name, entry in data.items()
    }


def record(folder: Path, name: str, process: Process, command: Sequence[str]) -> None:
    """Puts a program into the table. Callers are the only writer at a time."""
    table = components(folder)
    table[name] = Component(process, tuple(command))
    data = {key: {**asdict(value.process), "command": value.command} for key, value in table.items()}
    _write(_table(folder), data)


def _write(file: Path, data: object) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(json.dumps(data, indent=1) + "\n")
    temporary.replace(file)
