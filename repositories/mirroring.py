"""`frit repo mirror`: a complete copy of a repository in a folder, for networks without a way out.

Files are copied byte by byte. What belongs to a version is fetched once; lists are fetched each time and written
last, so that what a list names is always there. A mirror that was interrupted goes on where it was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from base.clock import Run
from base.errors import RepositoryUnusable
from base.events import Listener, Waiting
from base.parallel import each
from repositories import names, safe_yaml, wire
from repositories.linting import Source
from repositories.localizing import FOLDER, absolute, local_name, localized
from repositories.mirror_state import State
from repositories.problems import Malformed
from repositories.shapes import examine
from web.troubles import TransferError

A = TypeVar("A")
T = TypeVar("T")

Fetch = Callable[[str], bytes]
"""Gets what an absolute URL gives. Raises `TransferError`."""

_EVERY: Final = 1.0


@dataclass(frozen=True)
class Trouble:
    """A file that is not in the mirror, and why."""

    file: str
    message: str


@dataclass
class Tally:
    """What a mirror did. `missing` is what the repository itself has not; `failed` is what could not be fetched.

    `outside` counts the versions that need charts or manifests that are not in the mirror.
    """

    packages: int = 0
    versions: int = 0
    files: int = 0
    fetched: int = 0
    kept: int = 0
    bytes: int = 0
    outside: int = 0
    missing: list[Trouble] = field(default_factory=list)
    failed: list[Trouble] = field(default_factory=list)


class Mirror:
    """One run. With `fetch`, manifests with absolute URLs are copied too, and the packages refer to the copies."""

    def __init__(self, source: Source, state: State, run: Run, emit: Listener, fetch: Fetch | None = None) -> None:
        self._source = source
        self._state = state
        self._run = run
        self._emit = emit
        self._fetch = fetch
        self._lock = threading.Lock()
        self._told = time.monotonic()
        self.tally = Tally()

    def make(self) -> Tally:
        """Copy everything. The lists of what is not complete stay as they were.

        Raises `RepositoryUnusable` where the index cannot be read, or the folder not be written to.
        """
        tally = self.tally
        content = self._source.read(names.index_path(), safe_yaml.INDEX.bytes)
        if content is None:
            raise RepositoryUnusable("could not mirror the repository: it has no index.yaml")
        index = wire.read_index(content).value
        packages = sorted({entry.name for entry in index.packages})
        lists = dict(zip(packages, self._each(self._list, packages), strict=True))
        todo = [(name, version) for name, found in lists.items() if found for version in found[1]]
        whole = self._each(self._version, todo)
        broken = {name for (name, _), fine in zip(todo, whole, strict=True) if not fine}
        for name, found in lists.items():
            if found and name not in broken:
                self._put(names.versions_path(name), found[0])
                tally.packages += 1
        tally.versions = len(todo)
        if not tally.failed:
            self._put(names.index_path(), content)
            tally.files = self._state.complete()
        return tally

    def _each(self, function: Callable[[A], T], items: list[A]) -> list[T]:
        return each(function, items, self._source.workers)

    def _list(self, name: str) -> tuple[bytes, list[str]] | None:
        """The content and the versions of a package's list; None where it is not there or cannot be read."""
        path = names.versions_path(name)
        try:
            content = self._source.read(path, safe_yaml.VERSIONS.bytes)
            if content is None:
                self._note(self.tally.missing, path, "it is not in the repository")
                return None
            return content, list(dict.fromkeys(wire.read_versions(content, "/".join(path)).value.texts))
        except RepositoryUnusable as error:
            self._note(self.tally.failed, path, error.message)
            return None

    def _version(self, item: tuple[str, str]) -> bool:
        """Copy one version; false where something could not be fetched that the repository may have."""
        name, version = item
        self._progress()
        path = names.manifest_path(name, version)
        kept = self._state.kept(path)
        if kept is not None and self._whole(kept, name, version):
            content = kept
        else:
            found, asked = self._ask(path, safe_yaml.MANIFEST.bytes)
            if found is None:
                return asked
            kept, content = None, found
        try:
            parsed = examine(wire.PackageManifest, content, "/".join(path), safe_yaml.MANIFEST)
        except Malformed as bad:
            self._note(self.tally.failed, path, bad.message)
            return False
        manifest = parsed.value
        beside = [self._beside(name, version, one.url) for one in manifest.manifests if names.is_relative(one.url)]
        fine = all(beside)
        wanted = {} if parsed.errors else absolute(manifest)  # clients refuse it, wherever its manifests lie
        if self._fetch is not None:
            copied = {n: self._copy(self._fetch, name, version, url) for n, url in wanted.items()}
            fine = fine and None not in copied.values()
            if wanted and fine:
                content = localized(content, {n: one for n, one in copied.items() if one is not None})
        if manifest.helm is not None or (wanted and self._fetch is None):
            with self._lock:
                self.tally.outside += 1
        if fine and content == kept:
            self._count(content, fetched=False)
        elif fine:
            self._put(path, content)
        return fine

    def _whole(self, content: bytes, name: str, version: str) -> bool:
        """Whether all files that a package.yaml in the mirror refers to are in the mirror too."""
        manifest = examine(wire.PackageManifest, content, names.MANIFEST, safe_yaml.MANIFEST).value
        try:
            paths = [
                names.file_path(name, version, one.url) for one in manifest.manifests if names.is_relative(one.url)
            ]
        except ValueError:
            return False
        return all(self._state.kept(path) is not None for path in paths)

    def _beside(self, name: str, version: str, relative: str) -> bool:
        """Copy a file that lies in the repository."""
        try:
            path = names.file_path(name, version, relative)
        except ValueError as error:
            self._note(self.tally.missing, names.manifest_path(name, version), str(error))
            return True
        if (kept := self._state.kept(path)) is not None:
            self._count(kept, fetched=False)
            return True
        content, asked = self._ask(path, safe_yaml.FILE.bytes)
        if content is not None:
            self._put(path, content)
        return asked

    def _copy(self, fetch: Fetch, name: str, version: str, url: str) -> str | None:
        """Copy what lies elsewhere, and give its path from the package.yaml; None where it could not be fetched."""
        path = (name, version, FOLDER, local_name(url))
        if (kept := self._state.kept(path)) is not None:
            self._count(kept, fetched=False)
        else:
            try:
                self._put(path, fetch(url))
            except TransferError as error:
                self._note(self.tally.failed, path, error.message)
                return None
        return f"./{FOLDER}/{path[-1]}"

    def _ask(self, path: names.Path, most: int) -> tuple[bytes | None, bool]:
        """A file of the repository, and whether that is the repository's answer; both with a note otherwise."""
        self._run.check()
        try:
            content = self._source.read(path, most)
        except RepositoryUnusable as error:
            self._note(self.tally.failed, path, error.message)
            return None, False
        if content is None:
            self._note(self.tally.missing, path, "it is not in the repository")
        return content, True

    def _note(self, where: list[Trouble], path: names.Path, message: str) -> None:
        with self._lock:
            where.append(Trouble("/".join(path), message))

    def _put(self, path: names.Path, content: bytes) -> None:
        self._state.put(path, content)
        self._count(content, fetched=True)

    def _count(self, content: bytes, *, fetched: bool) -> None:
        with self._lock:
            self.tally.bytes += len(content)
            self.tally.fetched += fetched
            self.tally.kept += not fetched

    def _progress(self) -> None:
        """Say about once a second how far it is."""
        self._run.check()
        with self._lock:
            now, done = time.monotonic(), self.tally.fetched + self.tally.kept
            if now - self._told < _EVERY:
                return
            self._told = now
        self._emit(Waiting("the mirror", self._run.elapsed(), f"{done} files are there"))
