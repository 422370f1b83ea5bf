"""Where a manifest comes from: a URL, a file or standard input. Patient with networks, careful with content.

`fetch` gives bytes and their digest, and has no opinion about them; when the caller has found them good, `remember`
keeps them, so that only good downloads are ever used again.
"""

from __future__ import annotations

import hashlib
import os
import re
import select
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from base.clock import Deadline, Run, seconds_text
from base.errors import FritError, PreflightFailed, WrongUsage
from base.events import Listener, Said
from base.retry import Attempt, History, RetryPolicy
from certificates import cache
from web import urls

if TYPE_CHECKING:
    from web.troubles import TransferError

POLICY: Final = RetryPolicy(
    attempts=6, first_pause=0.5, growth=2.0, max_pause=8.0, jitter=0.2, timeout=120.0, last_chance=False
)
"""How patient a download is unless told otherwise. A server that asks for more time than there is, is not asked again,
and whoever waits learns at once that a file would help."""

_RELEASED: Final = re.compile(r"/v?\d+\.\d+\.\d+[^/]*/")
_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
_ELSEWHERE: Final = "or download it elsewhere and give the file: --cert-manager-manifest FILE"


@dataclass(frozen=True)
class DownloadOptions:
    """How to download. Time limits are seconds: to connect, and between two pieces of an answer.

    `ca_bundle` is a PEM file of certificates to trust besides the system's; `cache_dir` replaces FRIT_CACHE_DIR and
    the user's cache folder; `policy` says how often and how long to try.
    """

    timeout_connect: float = 10.0
    timeout_read: float = 20.0
    ca_bundle: Path | None = None
    use_cache: bool = True
    cache_dir: Path | None = None
    policy: RetryPolicy = POLICY


@dataclass(frozen=True)
class Fetched:
    """Bytes, and where they came from: `origin` is fit to be shown, without user, password and query.

    `sha256` is their digest in hexadecimal. `attempts` are those that failed before. `cache_key` is the name in the
    cache, and empty for what is never kept.
    """

    content: bytes = field(repr=False)
    origin: str
    sha256: str
    from_cache: bool = False
    attempts: tuple[Attempt, ...] = ()
    cache_key: str = ""


def fetch(
    source: str,
    *,
    options: DownloadOptions,
    run: Run,
    deadline: Deadline,
    emit: Listener,
    what: str = "the manifest of cert-manager",
    sha256: str | None = None,
) -> Fetched:
    """The bytes of a source: an https or http URL, the path of a file, or `-` for standard input.

    A release never changes once it is out, so the kept copy of a URL that names one (`/v1.21.2/`) is used without
    asking anybody; so is that of any URL when `sha256` says what has to be in it. `what` is what messages call it.
    Raises `PreflightFailed` if the bytes cannot be had, `WrongUsage` for a source that makes no sense, `Cancelled`.
    """
    expected = plain_digest(sha256) if sha256 is not None else None
    if source == "-":
        if sys.stdin.isatty():
            raise WrongUsage("'-' reads the manifest from standard input, and nothing is piped into it")
        return _fetched(_read(sys.stdin.fileno(), "standard input", run, deadline), "standard input")
    if "://" not in source:
        return _fetched(_read_file(source, run, deadline), source)
    urls.check(source)
    cacheable = options.use_cache and (expected is not None or _names_release(source))
    key = urls.key_of(source) if cacheable else ""
    if key:
        kept = cache.load(cache.folder(options.cache_dir), key)
        if kept is not None and expected in (None, hashlib.sha256(kept).hexdigest()):
            return _fetched(kept, urls.shown(source), from_cache=True, cache_key=key)
    history = History(f"download of {what}")
    content = _download(source, what, options, run, deadline, emit, history)
    return _fetched(content, urls.shown(source), attempts=tuple(history.attempts), cache_key=key)


def remember(fetched: Fetched, *, options: DownloadOptions, emit: Listener) -> bool:
    """Keep a download that was found good; says whether it is kept now. A cache that cannot be used is no failure."""
    if not fetched.cache_key or fetched.from_cache:
        return fetched.from_cache
    where = cache.folder(options.cache_dir)
    try:
        cache.store(where, fetched.cache_key, fetched.content)
    except OSError as error:
        emit(Said(f"the download is not kept in {where}: {error.strerror or error}", "warning"))
        return False
    return True


def plain_digest(sha256: str) -> str:
    """A SHA-256 digest as 64 small hexadecimal digits, `sha256:` in front or not. Raises `WrongUsage` for others."""
    match = _DIGEST.fullmatch(sha256.strip())
    if match is None:
        raise WrongUsage(
            f"{sha256[:200]!r} is not a SHA-256 digest: it has 64 hexadecimal digits", hint="sha256sum FILE prints it"
        )
    return match.group(1).lower()


def _names_release(url: str) -> bool:
    """Whether a part of the path is a version (`/v1.21.2/`): what lies there never changes once it is published."""
    return _RELEASED.search(urlsplit(url).path) is not None


def _download(
    url: str, what: str, options: DownloadOptions, run: Run, deadline: Deadline, emit: Listener, history: History
) -> bytes:
    # httpx costs 70 ms, which a file or a kept copy does not have to pay
    from web import transfer
    from web.attempts import patiently
    from web.tls import trust
    from web.troubles import TransferError

    question = transfer.Question(
        url,
        missing="this release does not exist at that URL",
        missing_hint="look at --cert-manager-version",
        most=cache.MAX_BYTES,
    )
    line = transfer.Line(options.timeout_connect, options.timeout_read, trust(options.ca_bundle))
    began = time.monotonic()
    with transfer.Connections(line) as connections:
        try:
            return patiently(
                lambda limit, stopped: transfer.get(question, connections, limit, stopped).content,
                policy=options.policy,
                run=run,
                deadline=deadline,
                emit=emit,
                history=history,
            )
        except TransferError as error:
            raise _failed(error, url, what, history, time.monotonic() - began) from None


def _failed(error: TransferError, url: str, what: str, history: History, seconds: float) -> FritError:
    tries = len(history.attempts)
    spent = f" ({tries} attempts in {seconds_text(seconds)})" if tries > 1 else ""
    message = f"could not download {what} from {urls.shown(url)}: {error.message}{spent}"
    others = [f"{text} ({count} times)" for text, count in history.distinct() if not text.endswith(error.message)]
    if others:
        message += "\nbefore that: " + "; ".join(others)
    first = error.hint or (
        "is the server up? A network behind a proxy needs HTTPS_PROXY (and NO_PROXY)"
        if error.retry
        else "look at the URL"
    )
    return PreflightFailed(
        message,
        hint=f"{first}\n{_ELSEWHERE}",
        details={"url": urls.shown(url), "attempts": [_as_data(attempt) for attempt in history.attempts]},
    )


def _as_data(attempt: Attempt) -> dict[str, Any]:
    return {"at": attempt.at, "seconds": attempt.seconds, "kind": attempt.kind, "message": attempt.message}


def _read_file(path: str, run: Run, deadline: Deadline) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    try:
        return _read(descriptor, path, run, deadline)
    finally:
        os.close(descriptor)


def _read(descriptor: int, name: str, run: Run, deadline: Deadline) -> bytes:
    """All bytes of a file or a pipe, at most 16 MiB. A pipe to which nobody writes can be interrupted."""
    content = bytearray()
    try:
        while True:
            run.check()
            if not select.select([descriptor], [], [], 0.1)[0]:
                if deadline.passed():
                    raise PreflightFailed(f"{name} did not end in time", hint="does the program that writes it hang?")
                continue
            piece = os.read(descriptor, 1 << 16)
            if not piece:
                break
            content += piece
            if len(content) > cache.MAX_BYTES:
                raise PreflightFailed(
                    f"{name} is larger than {cache.MAX_BYTES // 2**20} MiB, and no manifest is",
                    hint="is this the right file? --cert-manager-manifest wants the release's cert-manager.yaml",
                )
    except OSError as error:
        raise _unreadable(name, error) from None
    return bytes(content)


def _unreadable(name: str, error: Exception) -> PreflightFailed:
    reason = getattr(error, "strerror", None) or str(error)
    return PreflightFailed(f"{name} cannot be read: {reason}", hint="--cert-manager-manifest takes FILE, URL or -")


def _fetched(content: bytes, origin: str, **more: Any) -> Fetched:
    return Fetched(content, origin, hashlib.sha256(content).hexdigest(), **more)
