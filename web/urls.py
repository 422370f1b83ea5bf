"""URLs as users give them: checked before use, shown without secrets, told apart by what they stand for."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit, urlunsplit

from base.errors import WrongUsage


def check(url: str) -> None:
    """Raise `WrongUsage` unless this is an https or http URL with a host."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or brackets without an address between them
        usable = False
    if not usable:
        raise WrongUsage(
            f"{shown(url)!r} cannot be downloaded: only https and http URLs can",
            hint="for a file, write its path; for standard input, write -",
        )


def shown(url: str) -> str:
    """A URL as messages may show it: host, port and path, but neither user nor password nor query."""
    place = url.partition("://")[2].partition("#")[0].partition("?")[0]
    host, slash, path = place.partition("/")
    return f"{host.rpartition('@')[2]}{slash}{path}"


def key_of(url: str) -> str:
    """A name for what a URL stands for, from which nothing of the URL can be read."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2].lower()  # who asks does not change what is there
    return hashlib.sha256(urlunsplit((parts.scheme, place, parts.path, parts.query, "")).encode()).hexdigest()


def is_web_page(content: bytes) -> bool:
    """Whether what a URL led to begins like HTML or XML; no manifest does."""
    return content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
