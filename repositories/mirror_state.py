"""A mirror's folder: files that are written whole, and their checksums, which survive an interruption.

SHA256SUMS lists every file when a mirror is complete, in the form of sha256sum. While a mirror goes on, each file
that is complete is a line in a journal, so that the next run need not fetch it again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from base.errors import RepositoryUnusable, WrongUsage
from base.whole_files import replace
from repositories import names

SUMS: Final = "SHA256SUMS"
_JOURNAL: Final = ".frit-mirror"
_LOCK: Final = ".frit-mirror.lock"
_LINE: Final = re.compile(r"([0-9a-f]{64}) [ *]([^\n\\]+)\n")


class State:
    """The files of a mirror, by path. Safe to share between threads."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._known = {**_sums(directory / SUMS), **_sums(directory / _JOURNAL)}
        self._now: dict[str, str] = {}
        self._journal = open(directory / _JOURNAL, "a", encoding="utf-8")  # noqa: PTH123, SIM115 -- closed by `mirror_folder`
        self._journal.write("\n")  # ends a line that a killed run has begun

    def kept(self, path: names.Path) -> bytes | None:
        """The content of a file that an earlier run has fetched, if it is still what was fetched."""
        known = self._known.get("/".join(path))
        if known is None:
            return None
        try:
            content = self.directory.joinpath(*path).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest() != known:
            return None
        with self._lock:
            self._now["/".join(path)] = known
        return content

    def put(self, path: names.Path, content: bytes) -> None:
        """Write a file, whole, and remember its checksum. Raises `RepositoryUnusable` where it cannot be written."""
        target = self.directory.joinpath(*path)
        if path[0] == SUMS:
            raise RepositoryUnusable(f"could not write {target}: a mirror keeps its checksums there")
        digest = hashlib.sha256(content).hexdigest()
        with _told(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            replace(target, content, durable=False)
            with self._lock:
                self._now["/".join(path)] = digest
                self._journal.write(f"{digest}  {'/'.join(path)}\n")
                self._journal.flush()

    def complete(self) -> int:
        """Write SHA256SUMS with the files of this run, and give their number. Raises like `put`."""
        lines = [f"{digest}  {path}\n" for path, digest in sorted(self._now.items())]
        with _told(self.directory / SUMS):
            replace(self.directory / SUMS, "".join(lines).encode())
            (self.directory / _JOURNAL).unlink(missing_ok=True)
        return len(lines)

    def close(self) -> None:
        """Close the journal."""
        with contextlib.suppress(OSError):  # what could not be written was told when it was
            self._journal.close()


@contextlib.contextmanager
def _told(target: Path) -> Iterator[None]:
    """Say what could not be written."""
    try:
        yield
    except OSError as error:
        raise RepositoryUnusable(
            f"could not write {target}: {error.strerror or error}",
            hint="what was fetched until now is kept; run it again once there is room and permission",
        ) from None


@contextlib.contextmanager
def mirror_folder(directory: Path) -> Iterator[State]:
    """The state of a mirror's folder, which is made where it is not there.

    Raises `WrongUsage` where it cannot be used, or another mirror is being made in it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise WrongUsage(f"could not use the folder {directory}: {error.strerror or error}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WrongUsage(
                f"another mirror is being made in {directory}", hint="wait for its end, or name another folder"
            ) from None
        try:
            state = State(directory)
        except OSError as error:
            raise WrongUsage(f"could not use {error.filename}: {error.strerror or error}") from None
        try:
            yield state
        finally:
            state.close()
    finally:
        os.close(lock)


def _sums(file: Path) -> dict[str, str]:
    """Path -> checksum of the complete lines of a file, the last one counts; none where there is no file."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    return {match[2]: match[1] for match in map(_LINE.fullmatch, text.splitlines(keepends=True)) if match}
