"""What a soak leaves: plain data, written as JSON and read again for tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.stored import load, save

FORMAT = "frit-bench-soak/1"


@dataclass(frozen=True)
class Usage:
    """What a process uses: resident memory in MB (10^6), threads, open files."""

    resident_mb: float
    threads: int
    files: int


@dataclass(frozen=True)
class Window:
    """One window. Times are seconds.

    `open_for` is from the start of the apply to the witness's first success, `recovery` from there to the apply's own
    (None where it failed, and `error` says why); `kinds` are the kinds of its failed attempts, in order; `usage` is
    what the process used before it, when nothing was under way.
    """

    number: int
    sort: str
    open_for: float
    seconds: float
    recovery: float | None
    kinds: tuple[str, ...]
    usage: Usage
    error: str = ""


@dataclass(frozen=True)
class Soak:
    """A whole soak; `sorts` are the titles of the sorts of windows, `failures` say what ended it early."""

    started: str
    seed: int
    seconds: float
    wanted: int
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    sorts: Mapping[str, str]
    windows: tuple[Window, ...]
    after: Usage | None = None
    failures: tuple[str, ...] = ()


def write(path: Path, results: Soak) -> None:
    """Write results as JSON."""
    save(path, FORMAT, results)


def read(path: Path) -> Soak:
    """Read results that `write` wrote. Raises ValueError for another format."""
    data = load(path, FORMAT, "a soak")
    data["windows"] = tuple(
        Window(**{**one, "kinds": tuple(one["kinds"]), "usage": Usage(**one["usage"])}) for one in data["windows"]
    )
    data["after"] = Usage(**data["after"]) if data["after"] else None
    data["failures"] = tuple(data["failures"])
    return Soak(**data)
