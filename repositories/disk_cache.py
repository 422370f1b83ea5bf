"""What repositories said, kept in the user's cache folder.

Each repository has a folder, named for its origin and for who asks (`repositories.carriers.identity`); each file of
it is an entry: one line of JSON about the content, then the content. Its digest is compared whenever it is read, so
what a crash or a bug damaged is no entry. The time of the file is when its server was last asked. Beside an entry
there may be a second form of it, which is faster to read. No secret is ever part of an entry or of its name.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from repositories import names
from web import private_files

MOST: Final = 256 << 20
"""Bytes that the cache may hold of all repositories together; the oldest goes first."""

_MOST_HEAD: Final = 4096
_SWEEP_AFTER: Final = 16 << 20  # bytes written between two looks at the size
_SWEEP_EVERY: Final = 600.0  # seconds after which a new process looks as well
_LEFT: Final = 0.8  # share of MOST that stays when something has to go
_TOUCH_AFTER: Final = 86400.0  # seconds after which reading what never changes makes it young again


@dataclass(frozen=True)
class Head:
    """What is known of a kept file: validators, the digest of its content, its freshness as its server has it.

    `asked` is when its server last said so, in seconds since the epoch.
    """

    sha256: str
    etag: str = ""
    modified: str = ""
    max_age: float | None = None
    asked: float = field(default=0.0, compare=False)

    def age(self) -> float:
        """Seconds since the server was asked; infinite where the clock was set back."""
        age = time.time() - self.asked
        return age if age >= 0 else float("inf")


class DiskCache:
    """The kept files of one repository. A cache that cannot be used is empty, and keeps nothing. Safe for threads."""

    def __init__(self, root: Path, identity: str, most: int = MOST) -> None:
        self._root = root / "repositories"
        self._folder = self._root / identity
        self._most = most
        self._prepared = False
        self._written = 0

    def head(self, path: names.Path) -> Head | None:
        """What is known of a kept file, None where there is none."""
        place = self._place(path)
        begin = private_files.read(place, self._most, begin=_MOST_HEAD)
        return _head(begin, place) if begin is not None else None

    def content(self, path: names.Path) -> bytes | None:
        """The content of a kept file, None where there is none that is whole; a damaged one is removed."""
        place = self._place(path)
        raw = private_files.read(place, self._most)
        if raw is None:
            return None
        head = _head(raw[:_MOST_HEAD], place)
        content = raw[raw.find(b"\n") + 1 :]
        if head is None or hashlib.sha256(content).hexdigest() != head.sha256:
            private_files.remove(place)
            return None
        if head.age() > _TOUCH_AFTER:
            self.confirm(path)
        return content

    def keep(self, path: names.Path, content: bytes, head: Head) -> bool:
        """Keep a file; whether that was possible."""
        about = {key: value for key, value in asdict(head).items() if key != "asked" and value not in ("", None)}
        return self._write(self._place(path), json.dumps(about).encode() + b"\n" + content)

    def confirm(self, path: names.Path) -> None:
        """Note that the server was asked just now, and said that the kept file is still right."""
        with suppress(OSError):
            os.utime(self._place(path))

    def second(self, path: names.Path, sha256: str) -> bytes | None:
        """The second form of the kept file with this digest, None where there is none that is whole."""
        raw = private_files.read(self._place(path, "2"), self._most)
        if raw is None:
            return None
        first, _, form = raw.partition(b"\n")
        return form if first == _about_second(sha256, form) else None

    def keep_second(self, path: names.Path, sha256: str, form: bytes) -> bool:
        """Keep the second form of the file with this digest."""
        return self._write(self._place(path, "2"), _about_second(sha256, form) + b"\n" + form)

    def forget(self) -> None:
        """Remove all that is kept of this repository."""
        for one in self._folder.glob("*"):
            private_files.remove(one)
        with suppress(OSError):
            self._folder.rmdir()

    def _place(self, path: names.Path, form: str = "1") -> Path:
        return self._folder / f"{hashlib.sha256('/'.join(path).encode()).hexdigest()[:40]}.{form}"

    def _write(self, place: Path, content: bytes) -> bool:
        try:
            if not self._prepared or not self._folder.is_dir():
                private_files.prepare(self._folder, self._root.parent)
                self._prepared = True
            # Without waiting for the disk: what a power cut damages, its digest gives away.
            private_files.replace(place, content, durable=False)
            self._written += len(content)
            self._sweep()
        except OSError:
            return False
        return True

    def _sweep(self) -> None:
        """Once in a while, remove the oldest entries of all repositories until the rest fits."""
        mark = self._root / ".swept"
        with suppress(OSError):
            if self._written < min(_SWEEP_AFTER, self._most // 4) and time.time() - mark.stat().st_mtime < _SWEEP_EVERY:
                return
        self._written = 0
        mark.touch(mode=0o600)
        found = []
        for one in self._root.glob("*/*"):
            with suppress(OSError):
                status = one.stat()
                found.append((status.st_mtime, status.st_size, one))
        total = sum(size for _, size, _ in found)
        if total <= self._most:
            return
        for _, size, one in sorted(found, key=lambda entry: entry[0]):
            private_files.remove(one)
            total -= size
            if total <= self._most * _LEFT:
                return


def _about_second(sha256: str, form: bytes) -> bytes:
    return f"{sha256} {hashlib.sha256(form).hexdigest()}".encode()


def _head(begin: bytes, place: Path) -> Head | None:
    line, end, _ = begin.partition(b"\n")
    try:
        about: dict[str, Any] = json.loads(line) if end else {}
        head = Head(**about, asked=place.stat().st_mtime)
    except (ValueError, TypeError, RecursionError, OSError):
        return None
    texts = all(isinstance(one, str) for one in (head.sha256, head.etag, head.modified))
    return head if texts and isinstance(head.max_age, float | int | None) else None
