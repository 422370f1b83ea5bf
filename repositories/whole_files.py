"""Files that are there completely or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def replace(target: Path, content: bytes, *, durable: bool = True) -> None:
    """Put a complete file in the place of another one, with its mode. Raises OSError.

    What is not `durable` may be lost when the machine stops, but not when the process does.
    """
    try:
        mode = target.stat().st_mode & 0o777
    except FileNotFoundError:
        mode = 0o644
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 -- a descriptor
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if durable:
                os.fsync(file.fileno())
        os.replace(name, target)  # noqa: PTH105 -- beside its like in os
    except BaseException:  # whatever ended it, nothing may stay; it is raised again
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 -- the same
        raise
