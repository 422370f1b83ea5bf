"""A package repository on a web server, file by file, for those who check or copy all of it. Nothing is cached."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from base.clock import Deadline, Run
from base.errors import RepositoryUnusable
from base.events import Listener
from base.parallel import each
from base.policy import RetryPolicy
from base.retry import History
from repositories import names, safe_yaml
from repositories.credentials import Credentials
from repositories.objects import hide_credentials
from web import tls
from web.attempts import patiently
from web.transfer import Answer, Connections, Line, Question, get
from web.troubles import TransferError

if TYPE_CHECKING:
    import ssl

CONNECT: Final = 5.0
READ: Final = 15.0
LONGEST: Final = 120.0
"""Seconds for a connection, for a silence, and for one file with all attempts."""

PARALLEL: Final = 8
_POLICY: Final = RetryPolicy(attempts=5, timeout=60.0)
_QUICK: Final = RetryPolicy(attempts=2, timeout=20.0)
_THERE: Final = ("too-large", "forbidden", "rate-limited", "web-page")
"""Failures that a link may have and still lead somewhere: pages for people are large, and shy of programs."""


class Downloads:
    """Requests to a repository with its credentials, and to others without them. Use it in a `with`.

    Raises `RepositoryUnusable` for certificates that cannot be used.
    """

    def __init__(self, credentials: Credentials, run: Run, emit: Listener) -> None:
        self._run = run
        self._emit = emit
        self._login = login(credentials)
        others = trust(Credentials(ca_bundle=credentials.ca_bundle))
        self._own = Connections(Line(CONNECT, READ, trust(credentials), others))
        self._others = Connections(Line(CONNECT, READ, others))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._own.close()
        self._others.close()

    def own(self, url: str, most: int) -> bytes:
        """What lies at a URL of the repository. Raises `TransferError`."""
        return self._ask(Question(url, "file", most=most, authorization=self._login), self._own, _POLICY).content

    def fetch(self, url: str) -> bytes:
        """The manifest at another URL. Raises `TransferError`."""
        return self._ask(Question(url, most=safe_yaml.FILE.bytes), self._others, _POLICY).content

    def unreachable(self, wanted: Iterable[str]) -> Mapping[str, str]:
        """The URLs that lead nowhere, each with the reason; every one is asked for once."""

        def ask(url: str) -> tuple[str, str]:
            try:
                self._ask(Question(url, "page", most=safe_yaml.FILE.bytes, pages=True), self._others, _QUICK)
            except TransferError as error:
                return url, "" if error.kind in _THERE else error.message
            return url, ""

        return {url: why for url, why in each(ask, list(wanted), PARALLEL) if why}

    def _ask(self, question: Question, connections: Connections, policy: RetryPolicy) -> Answer:
        return patiently(
            lambda limit, stopped: get(question, connections, limit, stopped),
            policy=policy,
            run=self._run,
            deadline=Deadline.after(LONGEST),
            emit=self._emit,
            history=History(hide_credentials(question.url)),
        )


@dataclass(frozen=True)
class Remote:
    """The repository at a URL; see `repositories.linting.Source`."""

    url: str
    downloads: Downloads
    workers: int = PARALLEL

    def read(self, path: names.Path, most: int) -> bytes | None:
        """The content of a file of the repository, None where there is none. Raises `RepositoryUnusable`."""
        try:
            return self.downloads.own(f"{self.url.rstrip('/')}/{names.in_url(path)}", most)
        except TransferError as error:
            if error.kind == "not-found":
                return None
            where = f"{'/'.join(path)} of {hide_credentials(self.url)}"
            raise RepositoryUnusable(f"could not read {where}: {error.message}", hint=error.hint) from None

    def packages(self) -> list[str]:
        """Nothing: a web server lists no folders."""
        return []

    def versions(self, package: str) -> list[str]:
        """Nothing: a web server lists no folders."""
        return []


def login(credentials: Credentials) -> str:
    """The value of the header Authorization, empty for no login. Sources: RFC 7617 and 6750."""
    if credentials.token:
        return f"Bearer {credentials.token}"
    if credentials.username or credentials.password:
        return "Basic " + base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()
    return ""


def trust(credentials: Credentials) -> ssl.SSLContext:
    """Whom to trust, and what to show. Raises `RepositoryUnusable` for certificates that cannot be used."""
    context = tls.trust(None)
    try:
        if credentials.ca_bundle:
            tls.trust_also(context, credentials.ca_bundle.encode())
        if credentials.client_certificate:
            tls.show_certificate(context, credentials.client_certificate.encode(), credentials.client_key.encode())
    except ValueError as error:
        raise RepositoryUnusable(f"could not use the certificates that were given: {error}") from None
    return context
