"""The doors `frit search` and `frit show`: what the repositories hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from base.clock import Deadline
from base.errors import FritError, PreflightFailed
from base.events import Said
from base.options import list_output_option
from base.results import Result, Table
from base.session import Session
from repositories.catalogue import Asked, catalogue_options, read_catalogue, reported, say_odd
from repositories.completion import complete_packages, complete_versions

if TYPE_CHECKING:
    from repositories import wire
    from repositories.package_view import Package
    from repositories.reader import Reader
    from repositories.searching import Found

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


@click.command(epilog=SEARCH_EXAMPLES)
@click.argument("words", metavar="[TEXT]...", nargs=-1)
@catalogue_options
@list_output_option
@click.pass_obj
def search(session: Session, /, words: tuple[str, ...], **options: Any) -> Result:
    """Find packages by words in their names and descriptions, in all repositories of the cluster.

    A package has to have every TEXT, in whatever case; without one, all packages are listed. Names that fit come
    before descriptions that do. LATEST is the version that the maintainers point to; frit show tells whether there
    is a newer one.

    A repository that cannot be read hides no other. Finding nothing is no failure.

    Exit codes: 3 where the package API is not installed, or a NAME is not registered; 8 where nothing could be read,
    or, with --strict, not everything; 9 where this account may not list repositories.
    """
    from repositories.searching import search as find

    asked = Asked(**options)
    catalogue = read_catalogue(session, "search", asked)
    found = find(" ".join(words).split(), catalogue.indexes)
    data = {"packages": [one.data() for one in found], "repositories": catalogue.data()}
    with reported(session, data):
        catalogue.demand(strict=asked.strict)
    if not found and catalogue.outcomes:
        about = f" matches {' '.join(words)!r}" if words else ""
        session.emit(Said(f"no package{about} among {catalogue.size}"))
    table = _wide if session.output == "wide" else _table  # of large results only what is shown
    names = list(dict.fromkeys(one.entry.name for one in found))
    return Result(data, table(found) if found else None, names=names)


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
@catalogue_options
@list_output_option
@click.pass_obj
def show(session: Session, /, package: str, version: str, **options: Any) -> Result:
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
    from repositories.reader import Origin, Reader
    from repositories.searching import named

    asked = Asked(**options)
    catalogue = read_catalogue(session, "show", asked)
    data: dict[str, Any] = {"name": package, "repositories": catalogue.data()}
    with reported(session, data):
        catalogue.demand(strict=asked.strict)
        found = named(package, catalogue.indexes)
        if not found:
            raise catalogue.missing(package)
        chosen = found[0]
        target = chosen.target
        with Reader(Origin(target.name, target.url, target.credentials()), asked.reading, session.run) as reader:
            deadline = Deadline.after(asked.timeout)
            known = _versions(session, reader, package, refresh=asked.refresh, deadline=deadline)
            wanted = _version(chosen, version, known)
            read = reader.manifest(package, wanted, deadline=deadline)
    say_odd(session, read)
    shown = Package(chosen, wanted, read.value, known, [one.target.name for one in found[1:]])
    _odd(session, shown)
    data = {**shown.data(), "repositories": data["repositories"]}
    return Result(data, text=text(shown, hide_credentials(target.url)), names=[package])


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
    say_odd(session, read)
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


def _odd(session: Session, shown: Package) -> None:
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
