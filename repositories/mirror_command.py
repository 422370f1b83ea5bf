"""The door `frit repo mirror`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from base.errors import FritError, RepositoryUnusable
from base.events import Said
from base.options import output_option, setting
from base.results import Result
from base.session import Session
from kube.options import connection_options
from repositories.completion import complete_names
from repositories.connecting import patient_client
from repositories.credential_options import CredentialOptions, credential_options, gathered
from repositories.wording import counted

if TYPE_CHECKING:
    from repositories.credentials import Credentials
    from repositories.mirroring import Tally, Trouble

MIRROR_EXAMPLES = """\b
Examples:
  frit repo mirror glasskube ./mirror
  frit repo mirror glasskube ./mirror --with-manifests
  frit repo mirror https://packages.example.com/team /srv/packages --username ci --password-file ./password
  frit repo mirror glasskube ./mirror && frit repo serve ./mirror"""

_MOST_NAMED = 10
"""Files that a message names; `-o json` has all of them."""


@click.command(epilog=MIRROR_EXAMPLES)
@click.argument("which", metavar="NAME|URL", shell_complete=complete_names)
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@setting(
    "--with-manifests",
    is_flag=True,
    help="Copy manifests that lie elsewhere too, and let the packages refer to the copies.",
)
@credential_options
@connection_options
@output_option
@click.pass_obj
def mirror(
    session: Session,
    /,
    which: str,
    directory: Path,
    with_manifests: bool,
    kubeconfig: str | None,
    context: str | None,
    **chosen: Any,
) -> Result:
    """Copy a whole repository into DIR, for networks without a way to the internet.

    A NAME is looked up in the cluster, with its credentials. A URL needs no cluster; credentials for it are given as
    to frit repo add.

    Files are copied as they are, and SHA256SUMS lists them. What belongs to a version is fetched once: a mirror that
    was interrupted, or is made again, goes on with what is new. Lists are written last, when all that they name is
    there. Helm charts and images are not copied.

    Exit codes: 3 where NAME is not registered; 8 where the repository cannot be read, or something of it could not be
    fetched; 9 where this account may not read what is needed.
    """
    from repositories.credentials import Veil
    from repositories.mirror_state import mirror_folder
    from repositories.mirroring import Mirror
    from repositories.remote import Elsewhere, Remote, reader_for

    veil = Veil()
    try:
        url, credentials = _opened(session, which, kubeconfig, context, chosen)
        veil.add(*credentials.secrets())
        emit = veil.listener(session.emit)
        with (
            reader_for(url, credentials, session.run, emit) as reader,
            Elsewhere(credentials, session.run, emit) as elsewhere,
            mirror_folder(directory) as state,
        ):
            fetch = elsewhere.fetch if with_manifests else None
            tally = Mirror(Remote(reader), state, session.run, session.emit, fetch).make()
        return _told(session, which, directory, tally)
    except FritError as error:
        raise veil.error(error) from None


def _opened(
    session: Session, which: str, kubeconfig: str | None, context: str | None, chosen: dict[str, Any]
) -> tuple[str, Credentials]:
    """The URL and the credentials of what was asked for."""
    from repositories.targets import is_url, registered_targets

    if is_url(which):
        given: Credentials = gathered(CredentialOptions.taken_from(chosen)).new
        return which, given
    (target,) = registered_targets(patient_client(session, "repo mirror", kubeconfig, context), [which])
    return target.url, target.credentials()


def _told(session: Session, which: str, directory: Path, tally: Tally) -> Result:
    """The result. Raises `RepositoryUnusable` where the mirror is not complete."""
    from repositories.mirror_state import SUMS
    from repositories.objects import hide_credentials

    shown = hide_credentials(which)
    data = {
        "repository": shown,
        "directory": str(directory),
        "complete": not tally.failed,
        "packages": tally.packages,
        "versions": tally.versions,
        "fetched": tally.fetched,
        "kept": tally.kept,
        "bytes": tally.bytes,
        "versionsThatNeedMore": tally.outside,
        "missing": [vars(one) for one in tally.missing],
        "failed": [vars(one) for one in tally.failed],
        "checksums": SUMS if not tally.failed else "",
    }
    if tally.missing:
        session.emit(Said(f"the repository itself lacks {_named(tally.missing)}", "warning"))
    if tally.failed:
        error = RepositoryUnusable(
            f"the mirror of {shown} is not complete: could not fetch {_named(tally.failed)}",
            hint="run it again: what was fetched is kept, and lists of what is not complete were not written",
        )
        if session.output != "text":
            session.failed = Result(data, exit_code=error.exit_code)
        raise error
    if tally.outside:
        session.emit(Said(f"versions that also need charts or manifests from elsewhere: {tally.outside}"))
    text = (
        f"{directory}: {counted(tally.packages, 'package')}, {counted(tally.versions, 'version')};"
        f" {counted(tally.fetched, 'file')} fetched, {tally.kept} kept ({tally.bytes / 1e6:.1f} MB);"
        f" checksums in {SUMS}"
    )
    return Result(data, text=text)


def _named(troubles: list[Trouble]) -> str:
    shown = sorted(f"{one.file} ({one.message})" for one in troubles)[:_MOST_NAMED]
    more = f" and {len(troubles) - _MOST_NAMED} more" if len(troubles) > _MOST_NAMED else ""
    return ", ".join(shown) + more
