"""What brings the files of a repository here: from a web server, from a folder, or (`repositories.oci`) a registry.

A carrier makes one attempt at one file and says what went wrong; when to try again, and what to keep, is decided by
`repositories.reading`.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from base.clock import Deadline
from base.errors import FritError, RepositoryUnusable
from repositories import names
from repositories.credentials import Credentials
from web import urls

if TYPE_CHECKING:
    from ssl import SSLContext

    from web.transfer import Connections

NOUN: Final = "file of a package repository"
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.ASCII)


@dataclass(frozen=True)
class Known:
    """What is known of a file that is here already: its validators, as its server wrote them."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True)
class File:
    """A file as it was brought: its content, or that it has not changed.

    `modified` is the HTTP date of its last change, where it is known. `max_age` is for how many seconds its server
    calls it fresh, None where it does not say; `keep` is false where it must not be kept.
    """

    content: bytes = field(repr=False)
    etag: str = ""
    modified: str = ""
    changed: bool = True
    max_age: float | None = None
    keep: bool = True


@dataclass(frozen=True)
class Ways:
    """How to reach servers: seconds to connect and between two pieces of an answer, and a PEM file of CAs to trust."""

    connect: float = 3.0
    read: float = 8.0
    ca_bundle: Path | None = None


class Carrier(Protocol):
    """Brings the files of one repository. Safe to share between threads."""

    @property
    def shown(self) -> str:
        """The repository's address, fit to be shown."""

    @property
    def identity(self) -> str:
        """The name of what it brings, by origin and credentials, for a cache; empty for what is never kept."""

    def fetch(self, path: names.Path, most: int, known: Known, limit: Deadline, stopped: Callable[[], bool]) -> File:
        """One attempt at a file of at most `most` bytes. Raises `TransferError`; `FritError` for bad credentials."""

    def close(self) -> None:
        """Let connections go."""


def identity(place: str, credentials: Credentials) -> str:
    """The name of a repository's files in a cache: whoever has other credentials has other files.

    Of secrets only 16 bits of a digest go in: enough to tell two from each other, too few to guess one from.
    """
    secret = "\0".join([credentials.password, credentials.token, credentials.client_key])
    who = hashlib.sha256(f"{place}\0{secret}".encode()).hexdigest()[:4] if secret.strip("\0") else ""
    public = "\0".join([place, credentials.username, credentials.client_certificate, credentials.ca_bundle, who])
    return hashlib.sha256(public.encode()).hexdigest()[:40]


class WebCarrier:
    """Files below a URL. Nothing is loaded and no connection made before the first file is asked for."""

    def __init__(self, url: str, credentials: Credentials, ways: Ways) -> None:
        self._url = url.rstrip("/")
        self.shown = urls.shown(self._url)
        self.identity = identity(self._url, credentials)
        self._credentials = credentials
        self._links = Links(credentials, ways)

    def fetch(self, path: names.Path, most: int, known: Known, limit: Deadline, stopped: Callable[[], bool]) -> File:
        """One GET, conditional where validators are known."""
        from web.transfer import Question, get

        headers = {"Accept": "application/yaml, application/json;q=0.9, */*;q=0.5"}
        if known.etag:
            headers["If-None-Match"] = known.etag
        elif known.modified:
            headers["If-Modified-Since"] = known.modified
        file = "/".join(path)
        question = Question(
            f"{self._url}/{names.in_url(path)}",
            NOUN,
            missing=f"there is no {file}",
            missing_hint="is this the folder that holds index.yaml?",
            most=most,
            headers=headers,
            authorization=authorization(self._credentials),
            pages=not file.endswith((".yaml", ".yml", ".json")),
        )
        answer = get(question, self._links.connections(), limit, stopped)
        said = answer.headers
        control = said.get("cache-control", "").lower()
        age = _MAX_AGE.search(control)
        return File(
            answer.content,
            _header(said.get("etag", "")),
            _header(said.get("last-modified", "")),
            answer.changed,
            0.0 if "no-cache" in control else float(age[1]) if age else None,
            "no-store" not in control,
        )

    def close(self) -> None:
        """Close the connections."""
        self._links.close()


class FolderCarrier:
    """Files of a folder on this machine, links out of it excluded. Nothing of it is kept."""

    identity = ""

    def __init__(self, folder: Path) -> None:
        self.shown = str(folder)
        self._folder = folder

    def fetch(self, path: names.Path, most: int, known: Known, limit: Deadline, stopped: Callable[[], bool]) -> File:
        """Read a file."""
        from repositories.shelf import Refused, open_below
        from web.troubles import TransferError

        try:
            with open_below(self._folder, path) as file:
                content = file.read(most + 1)
                changed = os.fstat(file.fileno()).st_mtime
        except Refused as refused:
            message = f"{'/'.join(path)}: {refused.why}"
            raise TransferError("forbidden" if refused.status == 403 else "not-found", message) from None
        except OSError as error:
            raise TransferError("unreadable", f"{'/'.join(path)}: {error.strerror}") from None
        if len(content) > most:
            raise TransferError("too-large", f"{'/'.join(path)} is larger than {most >> 20} MiB, and no {NOUN} is")
        from email.utils import format_datetime  # only folders need it, and it takes long to load

        return File(content, modified=format_datetime(datetime.fromtimestamp(changed, UTC), usegmt=True))

    def close(self) -> None:
        """Nothing is open."""


class Links:
    """Connections with the trust and the certificate that credentials ask for, made when they are first needed."""

    def __init__(self, credentials: Credentials, ways: Ways) -> None:
        self._credentials = credentials
        self._ways = ways
        self._lock = threading.Lock()
        self._made: Connections | None = None

    def connections(self) -> Connections:
        """The connections. Raises `WrongUsage` for a CA bundle, `RepositoryUnusable` for credentials that are none."""
        from web.transfer import Connections, Line

        with self._lock:
            if self._made is None:
                own, other = _trust(self._credentials, self._ways.ca_bundle)
                self._made = Connections(Line(self._ways.connect, self._ways.read, own, other))
            return self._made

    def close(self) -> None:
        """Close them."""
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None


def authorization(credentials: Credentials) -> str:
    """The header Authorization for credentials, empty for none. Raises `RepositoryUnusable` for what none can hold."""
    if credentials.token:
        if not re.fullmatch(r"[\x21-\x7e]+", credentials.token):
            raise _unusable(
                "the token holds blanks or characters that no header can hold", "is a line break at its end?"
            )
        return f"Bearer {credentials.token}"
    if not credentials.username and not credentials.password:
        return ""
    if ":" in credentials.username:
        raise _unusable("the user name holds a colon, which basic authentication cannot tell", "use another one")
    pair = f"{credentials.username}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _trust(credentials: Credentials, ca_bundle: Path | None) -> tuple[SSLContext, SSLContext]:
    """The TLS contexts for the repository's own origin and for others."""
    if not (credentials.client_certificate or credentials.client_key or credentials.ca_bundle):
        shared = _common_trust(ca_bundle)
        return shared, shared
    from web.tls import show_certificate, trust, trust_also

    own = trust(ca_bundle)
    try:
        if credentials.ca_bundle:
            trust_also(own, credentials.ca_bundle.encode())
        if credentials.client_certificate or credentials.client_key:
            show_certificate(own, credentials.client_certificate.encode(), credentials.client_key.encode())
    except ValueError as error:
        raise _unusable(str(error), "frit repo update NAME   with others stores them anew") from None
    return own, _common_trust(ca_bundle)


@functools.lru_cache(maxsize=4)
def _common_trust(ca_bundle: Path | None) -> SSLContext:
    """One context for all repositories: loading the system's authorities takes tens of milliseconds."""
    from web.tls import trust

    return trust(ca_bundle)


def _unusable(problem: str, hint: str) -> FritError:
    return RepositoryUnusable(f"the repository's credentials cannot be used: {problem}", hint=hint)


def _header(value: str) -> str:
    """A validator that can be sent back as it is, else nothing."""
    return value if len(value) <= 512 and value.isascii() and value.isprintable() else ""
