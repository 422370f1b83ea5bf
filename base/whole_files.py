"""Files that are there completely or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


def replace(target: Path, content: bytes, *, durable: bool = True) -> None:
    """Put a complete file in the place of another one, with its mode, or of none. Raises OSError.

    What is not `durable` may be lost when the machine stops, but not when the process does.
    """
    mode: int | None = None  # what the umask leaves
    with contextlib.suppress(FileNotFoundError):
        mode = target.stat().st_mode & 0o777
    name = target.with_name(f".{target.name}.frit-new")
    descriptor = _alone(name)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 -- a descriptor
            file.write(content)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            if durable:
                os.fsync(file.fileno())
            name.replace(target)  # while nobody else writes to it
    except BaseException:  # whatever ended it, nothing may stay; it is raised again
        with contextlib.suppress(OSError):
            name.unlink()
        raise


def _alone(name: Path) -> int:
    """A descriptor of an empty file of this name, to which nobody else writes as long as it is open.

    The name is always the same, so that what a killed run leaves behind is taken by the next one.
    """
    with contextlib.suppress(OSError):
        if name.lstat().st_uid != os.geteuid():
            name.unlink()  # of a run of somebody else
    while True:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), name.lstat()):
                os.ftruncate(descriptor, 0)
                return descriptor
        os.close(descriptor)  # another run has just put it in its place
