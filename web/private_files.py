"""Files that only this user can have written, in the user's cache folder; written so that a crash damages nothing."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from pathlib import Path
from typing import Final

_LEFT_BEHIND: Final = 3600.0  # seconds after which a temporary file belongs to a run that was killed


def cache_root(chosen: Path | None) -> Path:
    """The user's cache folder for frit: `chosen`, else FRIT_CACHE_DIR, else the platform's."""
    if chosen is None and (configured := os.environ.get("FRIT_CACHE_DIR")):
        chosen = Path(configured).expanduser()
    if chosen is None:
        import platformdirs  # costs 15 ms, which `frit --help` does not have to pay

        chosen = platformdirs.user_cache_path("frit", appauthor=False)
    return chosen


def prepare(folder: Path, below: Path) -> None:
    """Make a private folder and those above it down from `below`, and remove what killed runs left in it.

    Raises OSError, also where somebody else could write to one of them.
    """
    below.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in [*reversed([above for above in folder.parents if above.is_relative_to(below)]), folder]:
        one.mkdir(mode=0o700, exist_ok=True)
    if not is_private(folder):
        raise PermissionError(f"{folder} belongs to another user, or others may write to it")
    for name in folder.glob(".*.tmp"):
        if _age(name) > _LEFT_BEHIND:
            remove(name)


def replace(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file so that its name stands for the old content or for all of the new one. Raises OSError.

    What is not `durable` may be lost or damaged when the machine stops, but not when the process does.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:64]}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:  # whatever ended it, nothing may stay; it is raised again
        remove(Path(name))
        raise


def read(path: Path, most: int, *, begin: int | None = None) -> bytes | None:
    """The bytes of a private regular file of this user that is not larger than `most`, or None.

    With `begin` only so many of its first bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not _is_mine(status) or status.st_size > most:
            return None
        return file.read(most + 1 if begin is None else begin)


def is_private(folder: Path) -> bool:
    """Whether a folder is there that only this user can have written to."""
    try:
        return folder.is_dir() and _is_mine(folder.stat())
    except OSError:
        return False


def remove(path: Path) -> None:
    """Remove a file, if that can be done."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # what cannot be removed is ignored or overwritten by the next run


def _is_mine(status: os.stat_result) -> bool:
    """Whether only this user can have written something."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
