"""What the commands of `frit repo` have in common: options, the connection, results that failed, names to complete."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from base.errors import FritError
from base.options import DURATION, retry_options, setting
from base.results import Result
from base.session import Session
from kube.options import connection_options
from repositories.completion import complete_names
from repositories.connecting import client_for

if TYPE_CHECKING:
    from base.journal import Journal
    from kube.apply import Applier
    from repositories.credentials import Veil

F = TypeVar("F", bound=Callable[..., Any])


def write_options(command: F) -> F:
    """The options of commands that write: `--timeout`, the retry loop's, the connection's."""
    limit = click.option(
        "--timeout",
        type=DURATION,
        default="60s",
        show_default=True,
        envvar="FRIT_TIMEOUT",
        show_envvar=True,
        help="Limit of the whole command: how long to try again while the server cannot do it.",
    )
    return limit(retry_options(connection_options(command)))


def force_conflicts_option(command: F) -> F:
    """Add `--force-conflicts`."""
    return setting(
        "--force-conflicts",
        is_flag=True,
        help="Also change fields that somebody else applies, such as a GitOps controller; it may put them back.",
    )(command)


def name_argument(**attributes: Any) -> Callable[[F], F]:
    """The argument NAME, or NAMES, of repositories that are registered, with completion."""
    return click.argument(attributes.pop("name", "name"), shell_complete=complete_names, **attributes)


class Writing:
    """One command that writes: its applier, the failed attempts, and the veil over its secrets."""

    def __init__(self, session: Session, command: str, chosen: dict[str, Any]) -> None:
        from base.journal import Journal
        from repositories.credentials import Veil

        self.veil: Veil = Veil()
        self.session = session
        self.journal: Journal = Journal(self.veil.listener(session.emit))
        self._command = command
        self._timeout: float = chosen.pop("timeout")
        self._retry = [chosen.pop(f"retry_{name}") for name in ("timeout", "attempts", "max_pause")]
        self._cluster = (chosen.pop("kubeconfig"), chosen.pop("context"))

    def applier(self) -> Applier:
        """Connect. The clock of `--timeout` starts here."""
        from base.clock import Deadline
        from base.policy import retry_policy
        from repositories.registry import applier_for

        client = client_for(self._command, *self._cluster)
        policy = retry_policy(*self._retry)
        return applier_for(client, policy, self.session.run, Deadline.after(self._timeout), self.journal)

    @contextlib.contextmanager
    def reported(self, data: Callable[[], dict[str, Any]]) -> Iterator[None]:
        """Raise what was raised inside, saying nothing secret; `data` is what scripts get then, besides the error."""
        try:
            yield
        except FritError as error:
            self.veil.error(error)
            if self.session.output in ("json", "yaml"):
                whole = self.data("failed", data(), error)
                self.session.failed = Result(whole, exit_code=error.exit_code)
            raise error from None

    def data(self, change: str, more: dict[str, Any], error: FritError | None = None) -> dict[str, Any]:
        """What scripts get: the change, what it is about, the failed attempts, and the error."""
        return {"change": change, **more, "failedAttempts": self.journal.attempts, "error": error and error.data()}
