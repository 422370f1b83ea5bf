"""A repository somewhere else, file by file, for those who check or copy all of it, and what its packages name.

Nothing is kept: whoever checks wants to know what is there now, and whoever copies keeps it elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from base.clock import Deadline, Run
from base.events import Listener
from base.parallel import each
from base.policy import History, RetryPolicy
from repositories import names, safe_yaml
from repositories.carriers import Links, Ways
from repositories.credentials import Credentials
from repositories.objects import hide_credentials
from repositories.reader import Origin, Reader, ReadOptions, Unread
from web.attempts import patiently
from web.transfer import Answer, Question, get
from web.troubles import TransferError

PARALLEL: Final = 8
"""Files that are read at the same time: enough to hide waiting, few enough for a small server."""

WAYS: Final = Ways(connect=5.0, read=15.0)
POLICY: Final = RetryPolicy(attempts=5, timeout=60.0)
"""Whoever copies thousands of files meets a server's bad moment, so each file gets some patience."""

_QUICK: Final = RetryPolicy(attempts=2, timeout=20.0)
_THERE: Final = ("too-large", "forbidden", "rate-limited", "web-page")
"""Failures that a link may have and still lead somewhere: pages for people are large, and shy of programs."""


def reader_for(url: str, credentials: Credentials, run: Run, emit: Listener) -> Reader:
    """A reader that keeps nothing. Raises `WrongUsage` for a URL that no repository can have."""
    return Reader(
        Origin(hide_credentials(url), url, credentials), ReadOptions(WAYS, POLICY, use_cache=False), run, emit
    )


@dataclass(frozen=True)
class Remote:
    """The repository that a reader reads; see `repositories.linting.Source`."""

    reader: Reader
    workers: int = PARALLEL

    def read(self, path: names.Path, most: int) -> bytes | None:
        """The content of a file of the repository, None where there is none. Raises `RepositoryUnusable`."""
        try:
            return self.reader.raw(path, most).value
        except Unread as error:
            if error.kind == "not-found":
                return None
            raise

    def packages(self) -> list[str]:
        """Nothing: a web server lists no folders."""
        return []

    def versions(self, package: str) -> list[str]:
        """Nothing: a web server lists no folders."""
        return []


class Elsewhere:
    """What packages name by a URL. Nobody there gets a repository's login; its CA bundle is trusted here too."""

    def __init__(self, credentials: Credentials, run: Run, emit: Listener) -> None:
        self._links = Links(Credentials(ca_bundle=credentials.ca_bundle), WAYS)
        self._run = run
        self._emit = emit

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._links.close()

    def fetch(self, url: str) -> bytes:
        """The manifest at a URL. Raises `TransferError`."""
        return self._ask(Question(url, most=safe_yaml.FILE.bytes), POLICY).content

    def unreachable(self, wanted: Iterable[str]) -> Mapping[str, str]:
        """The URLs that lead nowhere, each with the reason; every one is asked for once."""

        def ask(url: str) -> tuple[str, str]:
            try:
                self._ask(Question(url, "page", most=safe_yaml.FILE.bytes, pages=True), _QUICK)
            except TransferError as error:
                return url, "" if error.kind in _THERE else error.message
            return url, ""

        return {url: why for url, why in each(ask, list(wanted), PARALLEL) if why}

    def _ask(self, question: Question, policy: RetryPolicy) -> Answer:
        connections = self._links.connections()
        return patiently(
            lambda limit, stopped: get(question, connections, limit, stopped),
            policy=policy,
            run=self._run,
            deadline=Deadline.after(policy.timeout),
            emit=self._emit,
            history=History(hide_credentials(question.url)),
        )
