"""Reading one repository: what a file says, from its server or from the cache.

A file is asked for with its validators, and kept when it was found good. While it is fresh nobody is asked; where its
server fails, the kept copy is used with a note. The files of a published version never change, so a kept one is never
asked for again. What fails, fails for one repository alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from base.clock import Deadline, Run, seconds_text
from base.errors import RepositoryUnusable
from base.events import Listener, silent
from base.policy import History, RetryPolicy
from repositories import names, wire
from repositories.carriers import File, Known, Ways
from repositories.credentials import Credentials, Veil
from repositories.disk_cache import DiskCache, Head
from repositories.indexes import from_kept_form, kept_form, read_index
from repositories.origins import NOBODY, carrier_for
from repositories.problems import Malformed, Problem
from repositories.safe_yaml import FILE, INDEX_BYTES, MANIFEST, VERSIONS
from repositories.shapes import Parsed
from web.private_files import cache_root

if TYPE_CHECKING:
    from web.troubles import TransferError

T = TypeVar("T")

FRESH: Final = 300.0
"""Seconds for which a file that may change is used without asking, unless its server says less."""

POLICY: Final = RetryPolicy(
    attempts=4, first_pause=0.3, growth=2.0, max_pause=4.0, jitter=0.2, timeout=15.0, last_chance=False
)
"""How patient a read is. Whoever looks at many repositories gives it less time by a deadline."""

PATIENCE: Final = 3.0
"""Seconds that a failing server is worth where there is a kept copy to use instead."""

_ANSWERS: Final = frozenset({"not-found", "forbidden", "bad-url"})
"""Failures after which an old copy would be a lie: the server says that there is nothing for us."""


@dataclass(frozen=True)
class Origin:
    """A repository to read: what it is called, its URL, and who we are."""

    name: str
    url: str
    credentials: Credentials = NOBODY


@dataclass(frozen=True)
class ReadOptions:
    """How to read. `fresh` replaces the time for which nobody is asked; `cache_dir` the user's cache folder.

    `offline` asks nobody at all.
    """

    ways: Ways = field(default_factory=Ways)
    policy: RetryPolicy = POLICY
    use_cache: bool = True
    cache_dir: Path | None = None
    fresh: float = FRESH
    offline: bool = False


@dataclass(frozen=True)
class Read(Generic[T]):
    """What a file says, and how it was had.

    `stale` is true for a kept copy that is used because its server failed; `note` then says so in one line. `modified`
    is when the file last changed (as HTTP writes it, empty where nobody says), `asked` when its server was last asked
    (seconds since the epoch). `warnings` are what is odd about it.
    """

    value: T
    from_cache: bool = False
    stale: bool = False
    note: str = ""
    modified: str = ""
    asked: float = 0.0
    warnings: tuple[Problem, ...] = ()

    @property
    def updated(self) -> str:
        """When the file last changed, as RFC 3339 in UTC; empty where nobody says, and for what is no date."""
        return _rfc3339(self.modified)


class Unread(RepositoryUnusable):
    """A file of a repository could not be had. `kind` is why: `not-found`, `forbidden`, `timeout`, `tls-trust` ..."""

    def __init__(self, message: str, kind: str, *, hint: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(message, hint=hint, details={"kind": kind, **(details or {})})
        self.kind = kind


class Reader:
    """Reads the files of one repository. Safe to share between threads; close it, or use it in a `with`.

    Every method raises `Unread` where a file cannot be had, `Malformed` for one that is broken, other `FritError`
    for credentials or options that cannot be used, and `Cancelled`. No deadline means that of the policy alone.
    """

    def __init__(self, origin: Origin, options: ReadOptions, run: Run, emit: Listener = silent) -> None:
        self.origin = origin
        self._options = options
        self._run = run
        self._emit = emit
        self._veil = Veil(*origin.credentials.secrets())
        self._carrier = carrier_for(origin.url, origin.credentials, options.ways)
        kept = options.use_cache and self._carrier.identity
        self._cache = DiskCache(cache_root(options.cache_dir), self._carrier.identity) if kept else None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def shown(self) -> str:
        """The repository's address, fit to be shown."""
        return self._carrier.shown

    def close(self) -> None:
        """Let connections go."""
        self._carrier.close()

    def forget(self) -> None:
        """Remove all that is kept of this repository."""
        if self._cache is not None:
            self._cache.forget()

    def index(self, *, fresh: bool = False, deadline: Deadline | None = None) -> Read[wire.Index]:
        """The index. `fresh` asks the server even where the kept copy is new enough."""
        path = names.index_path()
        return self._read(path, INDEX_BYTES, read_index, fresh, deadline)

    def versions(
        self, package: str, *, fresh: bool = False, deadline: Deadline | None = None
    ) -> Read[wire.PackageVersions]:
        """The versions of a package."""
        path = self._path(lambda: names.versions_path(package))
        return self._read(path, VERSIONS.bytes, wire.read_versions, fresh, deadline)

    def manifest(self, package: str, version: str, *, deadline: Deadline | None = None) -> Read[wire.PackageManifest]:
        """The manifest of one version, which is asked for once and never again."""
        path = self._path(lambda: names.manifest_path(package, version))
        return self._read(path, MANIFEST.bytes, wire.read_manifest, None, deadline)

    def file(
        self, package: str, version: str, relative: str, *, most: int = FILE.bytes, deadline: Deadline | None = None
    ) -> Read[bytes]:
        """A file that the manifest of a version refers to by a path; it too is asked for once."""
        path = self._path(lambda: names.file_path(package, version, relative))
        inside = path[:2] == (package, version)
        return self._read(path, most, _as_it_is, None if inside else False, deadline)

    def raw(self, path: names.Path, most: int, *, fresh: bool = True, deadline: Deadline | None = None) -> Read[bytes]:
        """The bytes of a file, whatever they are; they are not kept, as nobody has found them good."""
        return self._read(path, most, _as_it_is, fresh, deadline, keep=False)

    def _path(self, make: Callable[[], names.Path]) -> names.Path:
        try:
            return make()
        except ValueError as error:
            raise Unread(f"{self.shown}: {error}", "bad-name", hint="look at the name and the version") from None

    def _read(
        self,
        path: names.Path,
        most: int,
        parse: Callable[[bytes, str], Parsed[T]],
        fresh: bool | None,
        deadline: Deadline | None,
        keep: bool = True,
    ) -> Read[T]:
        """One file: from the cache where that will do, else from its server. `fresh` None is for what never changes."""
        cache, file = self._cache if keep else None, f"{self.shown}/{'/'.join(path)}"
        head = cache.head(path) if cache is not None else None
        if head is not None and (fresh is None or self._options.offline or (not fresh and self._is_fresh(head))):
            kept = self._kept(path, head, parse, file)
            if kept is not None:
                return kept
        if self._options.offline:
            raise Unread(f"{file} is not in the cache, and nobody shall be asked", "offline")
        until = deadline or Deadline.after(self._options.policy.timeout)
        known = Known(head.etag, head.modified) if head is not None else Known()
        from web.troubles import TransferError  # whoever is content with the cache does not pay for httpx

        history = History(f"read {file}")
        began = time.monotonic()
        try:
            brought = self._bring(path, most, known, until, history, patient=head is None)
            if not brought.changed and head is not None and cache is not None:
                cache.confirm(path)
                kept = self._kept(path, replace(head, asked=time.time()), parse, file)
                if kept is not None:
                    return replace(kept, from_cache=False)
                brought = self._bring(path, most, Known(), until, history, patient=True)  # the kept copy is damaged
            if not brought.changed:
                raise TransferError("unexpected", "the server says that nothing has changed, which nobody asked for")
        except TransferError as error:
            kept = None if head is None or error.kind in _ANSWERS else self._kept(path, head, parse, file)
            if kept is not None:
                return _stale(kept, path, head, error.message)
            raise self._failed(error, file, history, time.monotonic() - began) from None
        return self._taken(path, brought, head, parse, file, keep)

    def _taken(
        self,
        path: names.Path,
        brought: File,
        head: Head | None,
        parse: Callable[[bytes, str], Parsed[T]],
        file: str,
        keep: bool,
    ) -> Read[T]:
        """What was brought, kept if it is good."""
        try:
            parsed = parse(brought.content, file)
        except Malformed as error:
            kept = self._kept(path, head, parse, file) if head is not None else None
            if kept is not None:
                return _stale(kept, path, head, error.message)
            raise
        if self._cache is not None and keep and brought.keep:
            self._keep(self._cache, path, brought, parsed)
        return Read(parsed.value, modified=brought.modified, asked=time.time(), warnings=parsed.warnings)

    def _keep(self, cache: DiskCache, path: names.Path, brought: File, parsed: Parsed[Any]) -> None:
        import hashlib

        digest = hashlib.sha256(brought.content).hexdigest()
        done = cache.keep(path, brought.content, Head(digest, brought.etag, brought.modified, brought.max_age))
        if done and isinstance(parsed.value, wire.Index):
            cache.keep_second(path, digest, kept_form(parsed))

    def _kept(
        self, path: names.Path, head: Head, parse: Callable[[bytes, str], Parsed[T]], file: str
    ) -> Read[T] | None:
        """What is kept of a file, None where it is damaged."""
        cache = self._cache
        if cache is None:
            return None
        parsed: Parsed[Any] | None = None
        if path == names.index_path() and (form := cache.second(path, head.sha256)) is not None:
            parsed = from_kept_form(form, file)
        if parsed is None:
            content = cache.content(path)
            try:
                parsed = parse(content, file) if content is not None else None
            except Malformed:  # kept by a version with other rules
                return None
        if parsed is None:
            return None
        return Read(parsed.value, from_cache=True, modified=head.modified, asked=head.asked, warnings=parsed.warnings)

    def _is_fresh(self, head: Head) -> bool:
        fresh = self._options.fresh
        return head.age() < (fresh if head.max_age is None else min(fresh, head.max_age))

    def _bring(
        self, path: names.Path, most: int, known: Known, until: Deadline, history: History, *, patient: bool
    ) -> File:
        from web.attempts import patiently
        from web.troubles import TransferError

        def fetch(limit: Deadline, stopped: Callable[[], bool]) -> File:
            try:
                return self._carrier.fetch(path, most, known, limit, stopped)
            except TransferError as error:
                error.message = self._veil.text(error.message)  # a server may quote what it was sent
                raise

        policy = self._options.policy
        if not patient:
            policy = replace(policy, timeout=min(policy.timeout, PATIENCE))
        return patiently(
            fetch,
            policy=policy,
            run=self._run,
            deadline=until,
            emit=self._emit,
            history=history,
        )

    def _failed(self, error: TransferError, file: str, history: History, seconds: float) -> Unread:
        tries = len(history.attempts)
        spent = f" ({tries} attempts in {seconds_text(seconds)})" if tries > 1 else ""
        hint = error.hint
        if not hint and error.kind == "forbidden":
            hint = "does the repository want a login, or another one? frit repo update NAME   stores it"
        elif not hint:
            hint = "is the server up? A network behind a proxy needs HTTPS_PROXY (and NO_PROXY)" if error.retry else ""
        attempts = [{"at": one.at, "kind": one.kind, "message": one.message} for one in history.attempts]
        message = f"could not read {file}: {error.message}{spent}"
        return Unread(message, error.kind, hint=hint or "look at the URL", details={"attempts": attempts})


def _as_it_is(content: bytes, _: str) -> Parsed[bytes]:
    return Parsed(content)


def _stale(kept: Read[T], path: names.Path, head: Head | None, why: str) -> Read[T]:
    age = head.age() if head is not None else 0.0
    when = f"{_age_text(age)} ago" if age != float("inf") else "another time"
    return replace(kept, stale=True, note=f"{'/'.join(path)} is the copy of {when}: {why}")


def _age_text(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} seconds"


def _rfc3339(date: str) -> str:
    """An HTTP date as RFC 3339 in UTC, empty for what is none."""
    from email.utils import parsedate_to_datetime  # a search asks for no date, and does not pay for it

    try:
        moment = parsedate_to_datetime(date)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, TypeError, OverflowError):
        return ""
