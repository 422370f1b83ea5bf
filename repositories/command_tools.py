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
from base.version import user_agent
from kube.options import connection_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from base.journal import Journal
    from kube.apply import Applier
    from kube.client import Client
    from repositories.credentials import Veil
    from repositories.registry import Registered

F = TypeVar("F", bound=Callable[..., Any])

LOOK = 15.0
"""Seconds for which a command that only reads tries again while the API server does not answer."""

COMPLETION = 2.0
"""Seconds that a press of the tab key may take."""


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


def complete_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The registered repositories that begin so, with their URLs; nothing where the cluster does not say in time."""
    from click.shell_completion import CompletionItem

    given = ctx.params.get(param.name or "") or ()
    taken = set(given) if isinstance(given, tuple | list) else set()
    found: list[CompletionItem] = []
    with contextlib.suppress(Exception):  # a tab key never answers with an error
        from base.parallel import Background

        asked = Background(lambda: _registered(ctx), "completion").result(COMPLETION)
        found = [
            CompletionItem(one.name, help=one.shown_url)
            for one in asked
            if one.name.startswith(incomplete) and one.name not in taken
        ]
    return found


def _registered(ctx: click.Context) -> list[Registered]:
    from repositories.registry import registered

    return registered(client_for("repo completion", ctx.params.get("kubeconfig"), ctx.params.get("context")))


def client_for(command: str, kubeconfig: str | None, context: str | None) -> Client:
    """A client for the cluster that was asked for; `command` goes into the user agent."""
    from kube.connection import ConnectionOptions, connect

    return connect(ConnectionOptions(kubeconfig, context), user_agent=user_agent(command)).client


def patient_client(session: Session, command: str, kubeconfig: str | None, context: str | None) -> Client:
    """The same for commands that only read: what fails for a moment is asked again for `LOOK` seconds."""
    from base.clock import Deadline
    from base.policy import retry_policy
    from kube.patience import Patience

    patience = Patience(retry_policy(), session.run, Deadline.after(LOOK), session.emit)
    return client_for(command, kubeconfig, context).patient(patience)


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
        return {"change": change, **more, "failedAttempts": self.journal.attempts, "error": error_data(error)}


def error_data(error: FritError | None) -> dict[str, Any] | None:
    """An error as JSON types."""
    if error is None:
        return None
    webhook = error.details.get("webhook")
    return {
        "message": error.message,
        "hint": error.hint,
        "exitCode": error.exit_code,
        "kind": str(error.details.get("kind", "")),
        "webhook": webhook if isinstance(webhook, dict) else None,
    }
