"""The door `frit repo`: list the package repositories of a cluster, and register one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from base.errors import FritError
from base.events import Said
from base.options import DURATION, output_option, retry_options
from base.results import Result, Table
from base.session import Session
from base.version import user_agent
from kube.options import connection_options
from repositories.publish_commands import COMMANDS as PUBLISHING

if TYPE_CHECKING:
    from base.journal import Journal
    from repositories.registry import Registered

LIST_EXAMPLES = """\b
Examples:
  frit repo list
  frit repo list --context staging
  frit repo list -o json
  frit repo list -o yaml --kubeconfig ./other-cluster.yaml"""

ADD_EXAMPLES = """\b
Examples:
  frit repo add team https://packages.example.com/team
  frit repo add glasskube https://packages.dl.glasskube.dev/packages --default
  frit repo add local http://127.0.0.1:8080 --context kind-dev
  frit repo add team https://packages.example.com/team -o json
  frit repo add team https://packages.example.com/team --timeout 5m --retry-max-pause 10s"""

LOOK = 15.0
"""Seconds for which `frit repo list` tries again while the server does not answer."""


@click.group()
def repo() -> None:
    """Register and list package repositories.

    A package repository is a folder on a web server; the cluster knows it as an object of kind PackageRepository.
    """


for _one in PUBLISHING:
    repo.add_command(_one)


@repo.command("list", epilog=LIST_EXAMPLES)
@connection_options
@output_option
@click.pass_obj
def list_(session: Session, kubeconfig: str | None, context: str | None) -> Result:
    """List the package repositories of a cluster.

    AUTH says how the repository is authenticated to; "(inline)" means that credentials stand in the object, where
    everybody who may read it can read them. STATUS is "-" where nothing in the cluster has looked at the repository.

    What fails for a moment is asked again, for up to 15 s.

    Exit codes: 3 where the package API is not installed, 9 where this account may not list repositories.
    """
    from base.clock import Deadline
    from base.policy import retry_policy
    from kube.connection import ConnectionOptions, connect
    from kube.patience import Patience
    from repositories.registry import defaults, registered

    client = connect(ConnectionOptions(kubeconfig, context), user_agent=user_agent("repo list")).client
    found = registered(client.patient(Patience(retry_policy(), session.run, Deadline.after(LOOK), session.emit)))
    marked = defaults(found)
    warnings = []
    if len(marked) > 1:
        warnings.append(
            f"{len(marked)} repositories are marked as the default ({', '.join(marked)}):"
            " where packages come from that name none is not certain"
        )
    warnings += [f"{one.name} is not ready: {one.message}" for one in found if one.ready == "False"]
    for warning in warnings:
        session.emit(Said(warning, "warning"))
    if not found:
        session.emit(Said("no package repository is registered; frit repo add NAME URL registers one"))
    now = datetime.now(UTC)
    table = Table(("name", "url", "default", "auth", "status", "age"), [_row(one, now) for one in found])
    return Result({"repositories": [one.data() for one in found], "warnings": warnings}, table if found else None)


@repo.command("add", epilog=ADD_EXAMPLES)
@click.argument("name")
@click.argument("url")
@click.option(
    "--default",
    "default",
    is_flag=True,
    envvar="FRIT_REPO_DEFAULT",
    show_envvar=True,
    help="Packages that name no repository come from this one. Refused while another repository is the default.",
)
@click.option(
    "--timeout",
    type=DURATION,
    default="60s",
    show_default=True,
    envvar="FRIT_TIMEOUT",
    show_envvar=True,
    help="Limit of the whole command: how long to try again while the server cannot do it.",
)
@retry_options
@connection_options
@output_option
@click.pass_obj
def add(
    session: Session,
    name: str,
    url: str,
    default: bool,
    timeout: float,
    retry_timeout: float | None,
    retry_attempts: int,
    retry_max_pause: float | None,
    kubeconfig: str | None,
    context: str | None,
) -> Result:
    """Register the package repository at URL under NAME.

    URL is the folder that holds index.yaml; a slash at its end does not matter. A repository that is registered
    already gets the new URL, and stays the default if it is. Nothing is downloaded.

    While a webhook is not ready, or the server is overloaded or away, it is tried again until --timeout.

    Exit codes: 3 where the package API is not installed, another repository is the default, or stored credentials
    would go to a new URL; 4 where nobody answers; 5 where the server refuses the object; 6 and 7 where something, or
    the certificate of a webhook, was not ready in time; 9 where this account may not list repositories.
    """
    from dataclasses import replace

    from base.clock import Deadline
    from base.journal import Journal
    from base.policy import retry_policy
    from kube.connection import ConnectionOptions, connect
    from repositories.objects import repository
    from repositories.registry import Registered, applier_for, register, registered, settled

    wanted = repository(name, url, default=default)
    client = connect(ConnectionOptions(kubeconfig, context), user_agent=user_agent("repo add")).client
    policy = retry_policy(retry_timeout, retry_attempts, retry_max_pause)
    journal = Journal(session.emit)
    applier = applier_for(client, policy, session.run, Deadline.after(timeout), journal)
    what = Registered(wanted.name, wanted.url, wanted.default)
    try:
        existing = registered(applier.client)
        sent = settled(wanted, existing)
        there = next((one for one in existing if one.name == name), Registered(name, url))
        what = replace(there, url=sent.url, default=sent.default)  # what the object says now, without asking again
        applied = applier.together(lambda one: register(applier, one), [sent])[0]
    except FritError as error:
        if session.output != "text":
            session.failed = Result(_data("failed", what, journal, error), exit_code=error.exit_code)
        raise
    suffix = ", the default" if what.default else ""
    text = f"repository {what.name} {applied.change}: {what.shown_url}{suffix}"
    return Result(_data(str(applied.change), what, journal), text=text)


def _data(change: str, what: Registered, journal: Journal, error: FritError | None = None) -> dict[str, Any]:
    """What scripts get, also of an add that failed."""
    said = None
    if error is not None:
        webhook = error.details.get("webhook")
        said = {
            "message": error.message,
            "hint": error.hint,
            "exitCode": error.exit_code,
            "kind": str(error.details.get("kind", "")),
            "webhook": webhook if isinstance(webhook, dict) else None,
        }
    return {"change": change, "repository": what.data(), "failedAttempts": journal.attempts, "error": said}


def _row(one: Registered, now: datetime) -> tuple[str, ...]:
    status = {"True": "ready", "False": "not ready", "": "-"}.get(one.ready, one.ready.lower())
    auth = f"{one.auth} (inline)" if one.inline else one.auth
    return (one.name, one.shown_url, "yes" if one.default else "", auth, status, age_text(one.created, now))


def age_text(created: str, now: datetime) -> str:
    """How long ago an RFC 3339 time was, in one unit: `45s`, `12m`, `5h`, `40d`; `-` for no time at all."""
    try:
        seconds = max(0, int((now - datetime.fromisoformat(created)).total_seconds()))
    except (ValueError, TypeError):
        return "-"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
