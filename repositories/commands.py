"""The door `frit repo`: list the package repositories of a cluster, and register one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from base.events import Said
from base.options import DURATION, output_option
from base.results import Result, Table
from base.session import Session
from base.version import user_agent
from kube.options import connection_options

if TYPE_CHECKING:
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
  frit repo add team https://packages.example.com/team --timeout 5s"""


@click.group()
def repo() -> None:
    """Register and list package repositories.

    A package repository is a folder on a web server; the cluster knows it as an object of kind PackageRepository.
    """


@repo.command("list", epilog=LIST_EXAMPLES)
@connection_options
@output_option
@click.pass_obj
def list_(session: Session, kubeconfig: str | None, context: str | None) -> Result:
    """List the package repositories of a cluster.

    AUTH says how the repository is authenticated to; "(inline)" means that credentials stand in the object, where
    everybody who may read it can read them. STATUS is "-" where nothing in the cluster has looked at the repository.

    Exit codes: 3 where the package API is not installed, 9 where this account may not list repositories.
    """
    from kube.connection import ConnectionOptions, connect
    from repositories.registry import defaults, registered

    client = connect(ConnectionOptions(kubeconfig, context), user_agent=user_agent("repo list")).client
    found = registered(client)
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
    help="How long to try again while the server cannot do it.",
)
@connection_options
@output_option
@click.pass_obj
def add(
    session: Session,
    name: str,
    url: str,
    default: bool,
    timeout: float,
    kubeconfig: str | None,
    context: str | None,
) -> Result:
    """Register the package repository at URL under NAME.

    URL is the folder that holds index.yaml; a slash at its end does not matter. A repository that is registered
    already gets the new URL, and stays the default if it is. Nothing is downloaded.

    Exit codes: 3 where the package API is not installed, another repository is the default, or stored credentials
    would go to a new URL; 5 where the server refuses the object; 9 where this account may not list repositories.
    """
    from dataclasses import replace

    from base.clock import Deadline
    from base.retry import RetryPolicy
    from kube.apply import Applier
    from kube.connection import ConnectionOptions, connect
    from repositories.objects import repository
    from repositories.registry import Registered, register, registered, settled

    wanted = repository(name, url, default=default)
    client = connect(ConnectionOptions(kubeconfig, context), user_agent=user_agent("repo add")).client
    policy = RetryPolicy(timeout=timeout)
    applier = Applier(client, policy, session.run, Deadline.after(timeout), session.emit)
    existing = registered(client)
    sent = settled(wanted, existing)
    applied = register(applier, sent)
    there = next((one for one in existing if one.name == name), Registered(name, url))
    what = replace(there, url=sent.url, default=sent.default)  # what the object says now, without asking again
    suffix = ", the default" if what.default else ""
    text = f"repository {what.name} {applied.change}: {what.shown_url}{suffix}"
    attempts = [
        {"number": one.number, "at": one.at, "seconds": one.seconds, "kind": one.kind, "message": one.message}
        for one in applied.history.attempts
    ]
    data = {"change": str(applied.change), "repository": what.data(), "failedAttempts": attempts}
    return Result(data, text=text)


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
