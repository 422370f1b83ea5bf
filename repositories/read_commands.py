"""The doors of `frit repo` that change nothing: list, show, test, refresh."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import click

from base import exits
from base.clock import Deadline
from base.errors import FritError, RepositoryUnusable
from base.events import Said
from base.options import DURATION, list_output_option, setting
from base.results import Result, Table
from base.session import Session
from kube.options import connection_options
from repositories.command_tools import name_argument
from repositories.completion import complete_names
from repositories.connecting import patient_client
from repositories.credential_options import CredentialOptions, credential_options, gathered
from repositories.views import COPIED, age_text, as_data, more, place_text, row, seen_text, status, warnings

LIST_EXAMPLES = """\b
Examples:
  frit repo list
  frit repo list --context staging
  frit repo list -o wide --look always
  frit repo list -o name --look never
  frit repo list -o json"""

SHOW_EXAMPLES = """\b
Examples:
  frit repo show team
  frit repo show team --context staging
  frit repo show team -o json"""

TEST_EXAMPLES = """\b
Examples:
  frit repo test team
  frit repo test https://packages.example.com/team
  frit repo test https://packages.example.com/team --username ci --password-stdin < password
  frit repo test file:///srv/packages -o json"""

REFRESH_EXAMPLES = """\b
Examples:
  frit repo refresh
  frit repo refresh team glasskube
  frit repo refresh --strict -o json"""


@click.command("list", epilog=LIST_EXAMPLES)
@setting(
    "--look",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Whether frit itself reads the repositories: auto reads those that no controller has looked at.",
)
@connection_options
@list_output_option
@click.pass_obj
def list_(session: Session, look: str, kubeconfig: str | None, context: str | None) -> Result:
    """List the package repositories of a cluster.

    AUTH says how the repository is authenticated to; "(inline)" means that credentials stand in the object, where
    everybody who may read it can read them: frit repo update NAME --move-credentials. STATUS is what a controller
    says, and where none has looked at the repository, what frit sees itself: reachable, unreachable, or old where
    only the cache could answer. All are asked at the same time, and one that is broken hides no other.

    What the cluster fails to answer for a moment is asked again, for up to 15 s.

    Exit codes: 3 where the package API is not installed, 9 where this account may not list repositories.
    """
    from repositories.glance import reader
    from repositories.looking import look_at_all
    from repositories.registry import as_registered, listed
    from repositories.targets import target_of

    client = patient_client(session, "repo list", kubeconfig, context)
    objects = listed(client)
    found = [as_registered(one) for one in objects]
    looked_at = [
        (obj, one)
        for obj, one in zip(objects, found, strict=True)
        if look == "always" or (look == "auto" and not one.ready)
    ]
    targets = [target_of(client, obj, one) for obj, one in looked_at]
    looks = {one.name: one for one in look_at_all(reader, targets, run=session.run)}
    said = warnings(found, looks)
    for warning in said:
        session.emit(Said(warning, "warning"))
    if not found:
        session.emit(Said("no package repository is registered; frit repo add NAME URL registers one"))
    now = datetime.now(UTC)
    table = Table(
        ("name", "url", "default", "auth", "status", "packages", "age"), [row(one, looks, now) for one in found]
    )
    wide = Table(
        (*table.columns, "written", "secret", "message"),
        [(*row, *more(one, looks, now)) for row, one in zip(table.rows, found, strict=True)],
    )
    data = {"repositories": [as_data(one, looks) for one in found], "warnings": said}
    names = [one.name for one in found]
    return Result(data, table if found else None, wide=wide if found else None, names=names)


@click.command("show", epilog=SHOW_EXAMPLES)
@name_argument()
@connection_options
@list_output_option
@click.pass_obj
def show(session: Session, name: str, kubeconfig: str | None, context: str | None) -> Result:
    """Show everything about one repository: where it is, how it is authenticated to, what it holds, who uses it.

    Credentials are never shown, only where they are kept.

    Exit codes: 3 where NAME is not registered, or the package API is not installed; 9 where this account may not list
    repositories. A repository that cannot be read is shown with the reason, and is no failure.
    """
    from repositories.credentials import has_copy, places
    from repositories.glance import reader
    from repositories.looking import LOOK_LIMIT, look
    from repositories.registry import as_registered, listed
    from repositories.remove import installed_from
    from repositories.targets import not_registered, target_of

    client = patient_client(session, "repo show", kubeconfig, context)
    objects = listed(client)
    obj = next((one for one in objects if as_registered(one).name == name), None)
    if obj is None:
        raise not_registered(name, objects)
    one, kept = as_registered(obj), places(obj)
    seen = look(reader, target_of(client, obj, one), run=session.run, deadline=Deadline.after(LOOK_LIMIT))
    try:
        installed: list[str] | None = installed_from(client, name, default=one.default)
    except FritError as error:
        session.emit(Said(error.message, "warning"))
        installed = None
    looks, now = {name: seen}, datetime.now(UTC)
    data = {**as_data(one, looks), "credentials": [place.data() for place in kept], "installed": installed}
    lines = [
        ("Name", name),
        ("URL", one.shown_url),
        ("Default", "yes" if one.default else "no"),
        ("Age", age_text(one.created, now)),
        ("Authentication", "; ".join([one.auth, *map(place_text, kept), *([COPIED] if has_copy(obj) else [])])),
        ("Status", status(one, looks) + (f": {one.message}" if one.message else "")),
        ("Seen by frit", seen_text(seen, now)),
        ("Installed", "not known" if installed is None else ", ".join(installed) or "nothing"),
    ]
    width = max(len(title) for title, _ in lines) + 1
    shown = "\n".join(f"{title + ':':{width}}  {text}" for title, text in lines)
    return Result(data, text=shown, names=[name])


@click.command("test", epilog=TEST_EXAMPLES)
@click.argument("which", metavar="NAME|URL", shell_complete=complete_names)
@credential_options
@setting("--timeout", type=DURATION, default="20s", show_default=True, help="Limit of the whole command.")
@connection_options
@list_output_option
@click.pass_obj
def test(
    session: Session, /, which: str, timeout: float, kubeconfig: str | None, context: str | None, **chosen: Any
) -> Result:
    """Read a repository and say whether it can be used: reachable, well-formed, how old, how many packages.

    A NAME is looked up in the cluster, with its credentials. A URL needs no cluster; credentials for it are given as
    to frit repo add. The server is always asked, whatever the cache holds.

    Exit codes: 3 where NAME is not registered, 8 where the repository cannot be used, 9 where this account may not
    read what is needed.
    """
    from repositories.credentials import Veil
    from repositories.glance import reader
    from repositories.looking import look
    from repositories.objects import hide_credentials
    from repositories.targets import is_url, registered_targets, url_target

    veil = Veil()
    if is_url(which):
        given = gathered(CredentialOptions.taken_from(chosen))
        veil.add(*given.new.secrets())
        target = url_target(which, lambda: given.new)
    else:
        (target,) = registered_targets(patient_client(session, "repo test", kubeconfig, context), [which])
    began = time.monotonic()
    seen = look(reader, target, run=session.run, deadline=Deadline.after(timeout), fresh=True)
    seconds = time.monotonic() - began
    data = {
        "name": target.name,
        "url": hide_credentials(target.url),
        "seen": seen.data(),
        "seconds": round(seconds, 3),
        "error": seen.error and seen.error.data(),
    }
    error = seen.error
    if error is None and seen.seen is not None and seen.seen.stale:
        error = RepositoryUnusable(f"{target.name} answers only from the cache: {seen.message}")
    if error is not None:
        if session.output in ("json", "yaml"):
            session.failed = Result(data, exit_code=error.exit_code)
        raise veil.error(error) from None
    text = f"{target.name} can be used: {seen_text(seen, datetime.now(UTC))} ({seconds:.1f} s)"
    return Result(data, text=text, names=[target.name])


@click.command("refresh", epilog=REFRESH_EXAMPLES)
@name_argument(name="names", nargs=-1, metavar="[NAME]...")
@setting("--strict", is_flag=True, help="End with code 8 where any of them cannot be read.")
@setting("--timeout", type=DURATION, default="20s", show_default=True, help="Limit for each repository.")
@connection_options
@list_output_option
@click.pass_obj
def refresh(
    session: Session,
    names: tuple[str, ...],
    strict: bool,
    timeout: float,
    kubeconfig: str | None,
    context: str | None,
) -> Result:
    """Ask the servers of all repositories, or of those that are named, what has changed, and renew frit's cache.

    What has not changed is not sent again. One repository that cannot be read hides no other.

    Exit codes: 3 where a NAME is not registered; 8 where nothing could be read, or, with --strict, not everything.
    """
    from repositories.glance import reader
    from repositories.looking import look_at_all
    from repositories.targets import registered_targets

    targets = registered_targets(patient_client(session, "repo refresh", kubeconfig, context), names)
    looks = look_at_all(reader, targets, run=session.run, limit=timeout, fresh=True)
    now = datetime.now(UTC)
    good = [one for one in looks if one.seen is not None and not one.seen.stale]
    rows = [
        (
            one.name,
            "read" if one in good else "old" if one.seen else "failed",
            str(one.seen.packages) if one.seen else "-",
            age_text(one.seen.updated, now) if one.seen else "-",
            one.message,
        )
        for one in looks
    ]
    bad = bool(looks) and (len(good) < len(looks) if strict else not good)
    return Result(
        {"repositories": [{"name": one.name, **one.data()} for one in looks]},
        Table(("name", "status", "packages", "written", "message"), rows) if rows else None,
        names=[one.name for one in good],
        text="" if rows else "no package repository is registered",
        exit_code=exits.REPOSITORY if bad else exits.OK,
    )


COMMANDS = (list_, show, test, refresh)
