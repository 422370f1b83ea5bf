"""The doors `frit search` and `frit show`: what the repositories hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from base.clock import Deadline
from base.errors import FritError, PreflightFailed
from base.events import Said
from base.options import DURATION, list_output_option, output_option, setting
from base.results import Result, Table
from base.session import Session
from kube.options import connection_options
from repositories.completion import complete_names, complete_packages, complete_versions
from repositories.connecting import patient_client

if TYPE_CHECKING:
    from repositories import wire
    from repositories.reader import Reader
    from repositories.reading import Outcome
    from repositories.searching import Found
    from repositories.targets import Target

SEARCH_EXAMPLES = """\b
Examples:
  frit search
  frit search postgres
  frit search certificate issuer --repository team
  frit search grafana --repository https://packages.example.com/team
  frit search monitoring -o json"""

SHOW_EXAMPLES = """\b
Examples:
  frit show cert-manager
  frit show cert-manager v1.17.0+2
  frit show grafana --repository team
  frit show grafana --repository file:///srv/packages -o yaml"""

_SHORT = 72
"""Characters of a description in a table; `-o wide` has all of them."""

_repository = setting(
    "-r",
    "--repository",
    "which",
    multiple=True,
    metavar="NAME|URL",
    shell_complete=complete_names,
    help="Read this repository only; may be given several times. A URL needs no cluster, and is read without "
    "credentials. [default: all that are registered]",
)
_fresh = setting("--refresh", is_flag=True, help="Ask the servers also where the cache is new enough.")
_strict = setting("--strict", is_flag=True, help="End with code 8 where any repository cannot be read.")
_timeout = setting(
    "--timeout",
    type=DURATION,
    default="10s",
    show_default=True,
    help="Limit for each repository; all are read at once.",
)


@click.command(epilog=SEARCH_EXAMPLES)
@click.argument("words", metavar="[TEXT]...", nargs=-1)
@_repository
@_fresh
@_strict
@_timeout
@connection_options
@list_output_option
@click.pass_obj
def search(
    session: Session,
    words: tuple[str, ...],
    which: tuple[str, ...],
    refresh: bool,
    strict: bool,
    timeout: float,
    kubeconfig: str | None,
    context: str | None,
) -> Result:
    """Find packages by words in their names and descriptions, in all repositories of the cluster.

    A package has to have every TEXT, in whatever case; without one, all packages are listed. Names that fit come
    before descriptions that do. LATEST is the version that the maintainers point to; frit show tells whether there
    is a newer one.

    A repository that cannot be read hides no other. Finding nothing is no failure.

    Exit codes: 3 where the package API is not installed, or a NAME is not registered; 8 where nothing could be read,
    or, with --strict, not everything; 9 where this account may not list repositories.
    """
    from repositories.searching import search as find

    targets = _targets(session, "search", which, kubeconfig, context)
    outcomes = _read(session, targets, refresh=refresh, timeout=timeout)
    found = find(" ".join(words).split(), _indexes(outcomes))
    data = {"packages": [one.data() for one in found], "repositories": _repositories(outcomes)}
    _demand(session, outcomes, strict, data)
    if not found and targets:
        about = f" matches {' '.join(words)!r}" if words else ""
        session.emit(Said(f"no package{about} among {_counted(outcomes)}"))
    return Result(
        data,
        _table(found) if found else None,
        wide=_wide(found) if found else None,
        names=list(dict.fromkeys(one.entry.name for one in found)),
    )


def _table(found: Sequence[Found]) -> Table:
    rows = [(one.entry.name, one.target.name, one.latest or "-", _shortened(one.description)) for one in found]
    return Table(("name", "repository", "latest", "description"), rows)


def _wide(found: Sequence[Found]) -> Table:
    rows = [(one.entry.name, one.target.name, one.latest or "-", one.scope, one.description) for one in found]
    return Table(("name", "repository", "latest", "scope", "description"), rows)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1].rstrip()}…"


@click.command(epilog=SHOW_EXAMPLES)
@click.argument("package", shell_complete=complete_packages)
@click.argument("version", required=False, default="", shell_complete=complete_versions)
@_repository
@_fresh
@_strict
@_timeout
@connection_options
@output_option
@click.pass_obj
def show(
    session: Session,
    package: str,
    version: str,
    which: tuple[str, ...],
    refresh: bool,
    strict: bool,
    timeout: float,
    kubeconfig: str | None,
    context: str | None,
) -> Result:
    """Show one package: what it installs, what it needs, its versions and the values that can be set.

    VERSION is the one that the maintainers point to, if none is given; where a newer one is published, that is said.
    It may be written without its v, and without the packaging revision after +, which is then the newest.

    Where several repositories have the package, it is shown as the default repository has it, else the first by
    name; --repository chooses another one.

    Exit codes: 3 where there is no such package or version, the package API is not installed, or a NAME is not
    registered; 8 where the package cannot be read, or, with --strict, any repository; 9 where this account may not
    list repositories.
    """
    from repositories.objects import hide_credentials
    from repositories.package_view import Package, text
    from repositories.reader import Origin, Reader, ReadOptions
    from repositories.searching import named

    targets = _targets(session, "show", which, kubeconfig, context)
    outcomes = _read(session, targets, refresh=refresh, timeout=timeout)
    indexes = _indexes(outcomes)
    _demand(session, outcomes, strict, {"repositories": _repositories(outcomes)})
    found = named(package, indexes)
    if not found:
        raise _no_package(package, outcomes)
    chosen = found[0]
    target = chosen.target
    with Reader(Origin(target.name, target.url, target.credentials()), ReadOptions(), session.run) as reader:
        deadline = Deadline.after(timeout)
        known = _versions(session, reader, package, refresh=refresh, deadline=deadline)
        wanted = _version(chosen, version, known)
        read = reader.manifest(package, wanted, deadline=deadline)
    for warning in read.warnings:
        session.emit(Said(str(warning), "warning"))
    shown = Package(chosen, wanted, read.value, known, [one.target.name for one in found[1:]])
    _odd(session, shown)
    data = {**shown.data(), "repositories": _repositories(outcomes)}
    return Result(data, text=text(shown, hide_credentials(target.url)))


def _versions(
    session: Session, reader: Reader, package: str, *, refresh: bool, deadline: Deadline
) -> wire.PackageVersions | None:
    """The versions of a package; where they cannot be read, a warning, as the package itself may well be there."""
    try:
        read = reader.versions(package, fresh=refresh, deadline=deadline)
    except FritError as error:
        session.emit(Said(error.message, "warning"))
        return None
    if read.stale:
        session.emit(Said(f"{reader.origin.name} answers from the cache: {read.note}", "warning"))
    return read.value


def _version(found: Found, asked: str, known: wire.PackageVersions | None) -> str:
    """The version to show. Raises `PreflightFailed` for one that is not published."""
    from repositories.versions import matching, ordered

    latest = known.latest_version if known is not None else found.entry.latest_version
    if not asked or known is None:
        chosen = asked or latest
        if chosen:
            return chosen
    texts = known.texts if known is not None else []
    chosen = matching(asked, texts)
    if not chosen:
        newest = ", ".join(ordered(texts, newest_first=True)[:5])
        raise PreflightFailed(
            f"{found.entry.name} has no version {asked or 'that its maintainers point to'} in {found.target.name}",
            hint=f"the newest are {newest}\nfrit show {found.entry.name}   shows what there is" if newest else "",
        )
    return chosen


def _odd(session: Session, shown: Any) -> None:
    """Say where index and versions point to different versions."""
    listed = shown.found.entry.latest_version
    if shown.known is not None and listed and listed != shown.latest:
        session.emit(
            Said(
                f"the index of {shown.found.target.name} points to {shown.found.latest},"
                f" the versions of {shown.found.entry.name} to {shown.latest}",
                "warning",
            )
        )


def _targets(
    session: Session, command: str, which: Sequence[str], kubeconfig: str | None, context: str | None
) -> list[Target]:
    """The repositories to read, each once. The cluster is only asked where a name has to be looked up."""
    from repositories.targets import is_url, registered_targets, url_target

    by_url = [url_target(one) for one in dict.fromkeys(which) if is_url(one)]
    by_name = [one for one in which if not is_url(one)]
    if by_url and not by_name:
        return by_url
    targets = registered_targets(patient_client(session, command, kubeconfig, context), by_name)
    if not targets:
        session.emit(Said("no package repository is registered; frit repo add NAME URL registers one"))
    return [*targets, *by_url]


def _read(session: Session, targets: Sequence[Target], *, refresh: bool, timeout: float) -> list[Outcome[wire.Index]]:
    """All indexes, read at the same time; what is odd or old about them is said."""
    from repositories.reader import ReadOptions
    from repositories.reading import read_indexes
    from repositories.targets import is_url

    outcomes = read_indexes(targets, ReadOptions(), session.run, emit=session.emit, fresh=refresh, seconds=timeout)
    for one in outcomes:
        if one.read is not None and one.read.stale:
            session.emit(Said(f"{one.target.name} answers from the cache: {one.read.note}", "warning"))
        elif one.error is not None and len(outcomes) > 1:
            whose = "" if is_url(one.target.name) else f"{one.target.name}: "
            session.emit(Said(f"{whose}{one.error.message}", "warning"))
    return outcomes


def _indexes(outcomes: Sequence[Outcome[wire.Index]]) -> list[tuple[Target, wire.Index]]:
    return [(one.target, one.read.value) for one in outcomes if one.read is not None]


def _demand(session: Session, outcomes: Sequence[Outcome[wire.Index]], strict: bool, data: dict[str, Any]) -> None:
    """Fail where nothing could be read, or with `strict` not everything; scripts get what there is all the same."""
    from repositories.command_tools import error_data
    from repositories.reading import demand

    try:
        demand(outcomes, strict=strict)
    except FritError as error:
        if session.output in ("json", "yaml"):
            session.failed = Result({**data, "error": error_data(error)}, exit_code=error.exit_code)
        raise


def _repositories(outcomes: Sequence[Outcome[wire.Index]]) -> list[dict[str, Any]]:
    """What became of each repository, as JSON types."""
    from repositories.objects import hide_credentials

    return [
        {
            "name": one.target.name,
            "url": hide_credentials(one.target.url),
            "status": "failed" if one.read is None else "old" if one.read.stale else "read",
            "packages": len(one.read.value.packages) if one.read is not None else None,
            "message": one.error.message if one.error is not None else one.read.note if one.read is not None else "",
        }
        for one in outcomes
    ]


def _counted(outcomes: Sequence[Outcome[wire.Index]]) -> str:
    from repositories.wording import counted

    read = [one.read.value for one in outcomes if one.read is not None]
    packages = sum(len(index.packages) for index in read)
    return f"{counted(packages, 'package')} of {'1 repository' if len(read) == 1 else f'{len(read)} repositories'}"


def _no_package(package: str, outcomes: Sequence[Outcome[wire.Index]]) -> FritError:
    """The error where no repository that could be read has a package."""
    from base.errors import RepositoryUnusable
    from repositories.searching import near

    failed = [one.target.name for one in outcomes if one.read is None]
    like = near(package, _indexes(outcomes))
    meant = f"did you mean {' or '.join(like)}?\n" if like else ""
    if not outcomes:
        return PreflightFailed(
            f"there is no package {package}: no package repository is registered",
            hint="frit repo add NAME URL   registers one",
        )
    kind = RepositoryUnusable if failed else PreflightFailed
    rest = f"; {', '.join(failed)} could not be read" if failed else ""
    return kind(
        f"there is no package {package} among {_counted(outcomes)}{rest}",
        hint=f"{meant}frit search TEXT   finds packages by words",
    )
