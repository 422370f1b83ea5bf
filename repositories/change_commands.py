"""The doors of `frit repo` that change something: add, update, remove, set-default."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from base import exits
from base.errors import WrongUsage
from base.events import Said
from base.options import object_output_option, setting
from base.results import Result
from base.session import Session
from repositories.command_tools import Writing, force_conflicts_option, name_argument, write_options
from repositories.credential_options import CredentialOptions, credential_options, gathered

if TYPE_CHECKING:
    from kube.apply import Applier
    from repositories.intent import Given
    from repositories.put import Put, Wish

ADD_EXAMPLES = """\b
Examples:
  frit repo add team https://packages.example.com/team
  frit repo add glasskube https://packages.dl.glasskube.dev/packages --default
  frit repo add team https://packages.example.com/team --username ci --password-file ./password
  vault read -field=token team | frit repo add team https://packages.example.com/team --token-stdin
  frit repo add team https://packages.example.com/team --credentials-secret team-login --ca-bundle ca.pem
  frit repo add later https://packages.example.com/later --force --timeout 5m --wait"""

UPDATE_EXAMPLES = """\b
Examples:
  frit repo update team --url https://packages.example.com/stable
  frit repo update team --username ci --password-stdin < password
  FRIT_REPO_TOKEN=... frit repo update team --auth bearer
  frit repo update team --move-credentials
  frit repo update team --no-credentials"""

REMOVE_EXAMPLES = """\b
Examples:
  frit repo remove team
  frit repo remove team --context staging
  frit repo remove team -o json"""

DEFAULT_EXAMPLES = """\b
Examples:
  frit repo set-default team
  frit repo set-default team --context staging
  frit repo set-default team -o json"""


@click.command("add", epilog=ADD_EXAMPLES)
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
@credential_options
@setting("--force", is_flag=True, help="Do not look at the repository first: for one that cannot be reached yet.")
@setting("--wait", is_flag=True, help="Wait until the repository is usable, for as long as --timeout allows.")
@write_options
@object_output_option
@click.pass_obj
def add(session: Session, /, name: str, url: str, **chosen: Any) -> Result:
    """Register the package repository at URL under NAME.

    URL is the folder that holds index.yaml; a slash at its end does not matter. It is looked at first: where it cannot
    be read, nothing is written. A repository that is registered already gets the new URL, and stays the default if it
    is; one that is registered like this already is left alone at once.

    Credentials come from standard input, a file, FRIT_REPO_PASSWORD or FRIT_REPO_TOKEN, or a prompt, and are stored in
    a Secret that the repository refers to.

    While a webhook is not ready, or the server is overloaded or away, it is tried again until --timeout.

    Exit codes: 3 where the package API is not installed, another repository is the default, or stored credentials
    would go to another server; 4 where nobody answers; 5 where the server refuses the object; 6 and 7 where something,
    or the certificate of a webhook, was not ready in time; 8 where the repository cannot be read; 9 where this account
    may not do or see what is needed.
    """
    from repositories.objects import repository
    from repositories.put import Wish

    given = gathered(CredentialOptions.taken_from(chosen))
    checked = repository(name, url)
    wish = Wish(checked.name, checked.url, chosen.pop("default"), given, chosen.pop("force"))
    return _put(session, "repo add", wish, chosen)


@click.command("update", epilog=UPDATE_EXAMPLES)
@name_argument()
@click.option("--url", metavar="URL", envvar="FRIT_REPO_URL", help="The new folder of index.yaml.")
@credential_options
@click.option(
    "--move-credentials",
    is_flag=True,
    envvar="FRIT_REPO_MOVE_CREDENTIALS",
    help="Move credentials that stand in the object itself into a Secret.",
)
@click.option(
    "--keep-credentials",
    is_flag=True,
    envvar="FRIT_REPO_KEEP_CREDENTIALS",
    help="With --url: the credentials that are stored are meant for the new server too.",
)
@click.option(
    "--no-credentials",
    is_flag=True,
    envvar="FRIT_REPO_NO_CREDENTIALS",
    help="Take all credentials away, and the CA bundle; those that are given besides take their place.",
)
@setting("--force", is_flag=True, help="Do not look at the repository first: for one that cannot be reached yet.")
@setting("--wait", is_flag=True, help="Wait until the repository is usable, for as long as --timeout allows.")
@force_conflicts_option
@write_options
@object_output_option
@click.pass_obj
def update(session: Session, /, name: str, url: str | None, **chosen: Any) -> Result:
    """Change the URL or the credentials of a repository; what is not given stays as it is.

    The repository is looked at first, with what it would have then: where it cannot be read, nothing is written. URL
    and credentials change in one write, so that neither is ever used with the other one of before. Stored credentials
    go to another server only with --keep-credentials.

    Exit codes: as those of frit repo add; 3 also where NAME is not registered, 5 also where somebody else applies what
    would change.
    """
    from repositories.objects import checked_name, checked_url
    from repositories.put import Wish

    given: Given = gathered(CredentialOptions.taken_from(chosen))
    drop, move, keep = (chosen.pop(f"{one}_credentials") for one in ("no", "move", "keep"))
    if drop and (move or keep):
        raise WrongUsage("--no-credentials does not go together with --move-credentials or --keep-credentials")
    given = replace(given, drop=drop, move=move, keep=keep)
    if url is None and not given:
        raise WrongUsage(
            "nothing was given that shall change",
            hint="frit repo update --help   shows the options; --move-credentials moves credentials into a Secret",
        )
    wish = Wish(
        checked_name(name),
        None if url is None else checked_url(url),
        given=given,
        force=chosen.pop("force"),
        anew=False,
        force_conflicts=chosen.pop("force_conflicts"),
    )
    return _put(session, "repo update", wish, chosen)


def _put(session: Session, command: str, wish: Wish, chosen: dict[str, Any]) -> Result:
    from repositories.glance import reader
    from repositories.objects import to_object
    from repositories.put import put
    from repositories.registry import as_registered
    from repositories.waiting import wait_until_usable

    writing = Writing(session, command, chosen)
    writing.veil.add(*wish.given.new.secrets())
    sent = to_object(_sent(wish))

    def data(obj: Any = sent) -> dict[str, Any]:
        return {"repository": as_registered(obj).data()}

    with writing.reported(data):
        applier = writing.applier()
        done = put(applier, _offered(applier, wish), reader, writing.veil)
        seen = done.seen
        if chosen["wait"]:
            seen = wait_until_usable(applier, wish.name, reader, writing.veil) or seen
    more = {**data(done.obj), "packages": seen.packages if seen else None}
    text = _text(done, seen.packages if seen else None)
    return Result(writing.data(str(done.change), more), text=text, names=[wish.name])


def _text(done: Put, packages: int | None) -> str:
    from repositories.registry import as_registered

    what = as_registered(done.obj)
    parts = [what.shown_url]
    parts += ["the default"] if what.default else []
    parts += [f"{packages} packages"] if packages is not None else []
    return f"repository {what.name} {done.change}: {', '.join(parts)}"


def _sent(wish: Wish) -> Any:
    from repositories.objects import Repository

    return Repository(wish.name, wish.url or "", wish.default)


def _offered(applier: Applier, wish: Wish) -> Wish:
    """The wish, with what a Secret that was named offers."""
    if not wish.given.existing:
        return wish
    from repositories.secrets import check_existing

    offered = tuple(check_existing(applier.client, wish.given.existing))
    return replace(wish, given=replace(wish.given, offered=offered))


@click.command("remove", epilog=REMOVE_EXAMPLES)
@name_argument()
@write_options
@object_output_option
@click.pass_obj
def remove(session: Session, /, name: str, **chosen: Any) -> Result:
    """Remove a repository, and the Secret that frit made for it.

    Refused while packages of it are installed, which are named. A Secret that somebody else made stays. A repository
    that is not registered is no failure, so this can be repeated.

    Exit codes: 3 where packages of it are installed or the package API is not; 5 where the server refuses; 6 where a
    finalizer holds it; 9 where this account may not see which packages are installed.
    """
    from repositories.objects import checked_name
    from repositories.remove import remove as take_away

    checked_name(name)
    writing = Writing(session, "repo remove", chosen)
    with writing.reported(lambda: {"name": name}):
        done = take_away(writing.applier(), name)
    if not done.there:
        meant = f"; did you mean {' or '.join(done.near)}?" if done.near else ""
        session.emit(Said(f"there is no package repository {name}{meant}", "warning" if done.near else "info"))
    if done.default:
        session.emit(Said("no repository is the default now; frit repo set-default NAME   chooses one", "warning"))
    change = "removed" if done.there or done.secrets else "unchanged"
    data = writing.data(change, {"name": name, "secrets": list(done.secrets)})
    return Result(data, text=f"repository {name} {change}", names=[name])


@click.command("set-default", epilog=DEFAULT_EXAMPLES)
@name_argument()
@force_conflicts_option
@write_options
@object_output_option
@click.pass_obj
def set_default(session: Session, /, name: str, force_conflicts: bool, **chosen: Any) -> Result:
    """Make NAME the repository of packages that name none.

    The mark is first taken away from the repository that has it, and then set. Whoever is interrupted in between
    leaves no default, never two; the same command completes it.

    Exit codes: 3 where NAME is not registered; 5 where the server refuses, or somebody else has moved the mark
    elsewhere at the same moment; 9 where this account may not list repositories.
    """
    from repositories import defaults
    from repositories.objects import checked_name

    checked_name(name)
    writing = Writing(session, "repo set-default", chosen)
    stands: list[str] = [""]

    def between(text: str) -> None:
        stands[0] = text

    def interrupted(_: int) -> None:
        click.echo(f"interrupted{': ' if stands[0] else ''}{stands[0]}", err=True)

    session.on_interrupt.append(interrupted)
    with writing.reported(lambda: {"name": name}):
        moved = defaults.set_default(writing.applier(), name, force_conflicts=force_conflicts, between=between)
    session.on_interrupt.remove(interrupted)
    before = [one for one in moved.before if one != name]
    text = f"repository {moved.default or name} {moved.change}: the default"
    text += f", before {' and '.join(before)}" if before else ""
    data = writing.data(str(moved.change), {"name": name, "default": moved.default, "before": list(moved.before)})
    ok = moved.default == name
    code = exits.OK if ok else exits.REFUSED
    return Result(data, text=text if ok else "", exit_code=code, names=[name] if ok else [])


COMMANDS = (add, update, remove, set_default)
