"""Downloads that were found good, kept in the user's cache folder.

An entry is two files: the content, and its SHA-256 digest beside it. They are written to the side and renamed, so
that a crash leaves the old entry, the new one, or two files that do not fit together; the digest is compared at every
read, and what does not fit is thrown away. Only the user can read them or could have written them.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 16 * 1024 * 1024
"""No manifest is larger, whether it comes from a server, from a file or from the cache."""

_LEFT_BEHIND: Final = 3600.0  # seconds after which a temporary file belongs to a run that was killed


def folder(chosen: Path | None) -> Path:
    """Where downloads are kept: below `chosen`, else FRIT_CACHE_DIR, else the user's cache folder."""
    if chosen is None and (configured := os.environ.get("FRIT_CACHE_DIR")):
        chosen = Path(configured).expanduser()
    if chosen is None:
        import platformdirs  # costs 15 ms, which `frit --help` does not have to pay

        chosen = platformdirs.user_cache_path("frit", appauthor=False)
    return chosen / "downloads"


def load(where: Path, key: str) -> bytes | None:
    """The content of an entry, or None if there is none that is whole and private. A damaged one is removed."""
    if not _is_private(where):
        return None
    content, digest = _read(where / key), _read(where / f"{key}.sha256")
    if content is None and digest is None:
        return None
    if content is not None and digest is not None and hashlib.sha256(content).hexdigest().encode() == digest.strip():
        return content
    for name in (key, f"{key}.sha256"):
        _remove(where / name)
    return None


def store(where: Path, key: str, content: bytes) -> None:
    """Keep content. Raises OSError if that is not possible; then the entry is as it was, or is seen to be damaged."""
    where.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    where.mkdir(mode=0o700, exist_ok=True)
    if not _is_private(where):
        raise PermissionError(f"{where} belongs to another user, or others may write to it")
    for name in where.glob(".*.tmp"):
        if _age(name) > _LEFT_BEHIND:
            _remove(name)
    _replace(where / key, content)
    _replace(where / f"{key}.sha256", hashlib.sha256(content).hexdigest().encode())


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that its name stands for the old content or for all of the new one."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:  # whatever ended it, nothing may stay; it is raised again
        _remove(Path(name))
        raise


def _read(path: Path) -> bytes | None:
    """The bytes of a private regular file of this user, or None."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not _is_mine(status) or status.st_size > MAX_BYTES:
            return None
        return file.read(MAX_BYTES + 1)


def _is_private(where: Path) -> bool:
    try:
        return where.is_dir() and _is_mine(where.stat())
    except OSError:
        return False


def _is_mine(status: os.stat_result) -> bool:
    """Whether only this user can have written something."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # what cannot be removed is ignored or overwritten by the next run
