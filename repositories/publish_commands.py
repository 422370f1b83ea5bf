"""The doors of `frit repo` for those who publish packages: lint, index, serve and mirror."""

from __future__ import annotations

from pathlib import Path

import click

from base import exits
from base.events import Said
from base.options import output_option, setting
from base.results import Result
from base.session import Session
from repositories.lint_command import lint
from repositories.mirror_command import mirror
from repositories.wording import counted

INDEX_EXAMPLES = """\b
Examples:
  frit repo index ./packages
  frit repo index ./packages --check
  frit repo index ./packages --latest newest
  frit repo index ./packages -o json"""

SERVE_EXAMPLES = """\b
Examples:
  frit repo serve ./packages
  frit repo serve ./packages --port 0
  frit repo serve /srv/packages --host 10.0.0.5 --port 8080 --quiet
  frit repo serve ./packages & frit repo add local http://127.0.0.1:8080"""

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

_FOREVER = 3600.0


@click.command(epilog=INDEX_EXAMPLES)
@click.argument("directory", metavar="DIR", type=FOLDER)
@setting("--check", is_flag=True, help="Write nothing; the exit code is 10 if something would be written.")
@setting(
    "--latest",
    type=click.Choice(["keep", "newest"]),
    default="keep",
    show_default=True,
    help="What latestVersion becomes: what it is, as long as that is a version, or the newest version.",
)
@output_option
@click.pass_obj
def index(session: Session, directory: Path, check: bool, latest: str) -> Result:
    """Write index.yaml, and the versions.yaml of every package, out of the folders in DIR.

    A package is a folder, a version is a folder in it with a package.yaml. Versions are listed in their order,
    packages by name, with what the manifest of the latest version says about them. The same folders give the same
    bytes, and a file that is right already is not touched.

    Exit codes: 8 where a manifest, a name or a version is not fit for clients, and nothing was written; 10 with
    --check where something would be written.
    """
    from repositories import indexing
    from repositories.folders import Folder

    folder = Folder(directory)
    planned = indexing.plan(folder, latest)
    for name in planned.empty:
        session.emit(Said(f"{name} has no version with a package.yaml and is not listed", "warning"))
    for name, (pointer, top) in planned.behind.items():
        session.emit(Said(f"{name}: latestVersion stays {pointer}; {top} is newer, and --latest newest takes it"))
    session.run.check()
    if not check:
        indexing.write(folder, planned.changes)
    lines = [f"{'to be ' if check else ''}{one.change}: {one.file}" for one in planned.changes]
    total = f"{counted(planned.packages, 'package')}, {counted(planned.versions, 'version')}"
    lines.append(total if planned.changes else f"{total}; unchanged")
    data = {
        "directory": str(directory),
        "packages": planned.packages,
        "versions": planned.versions,
        "written": not check,
        "files": [{"file": one.file, "change": one.change} for one in planned.files],
        "behind": [
            {"package": name, "latestVersion": pointer, "newest": top}
            for name, (pointer, top) in planned.behind.items()
        ],
    }
    code = exits.CHANGES if check and planned.changes else exits.OK
    return Result(data, text="\n".join(lines), exit_code=code)


@click.command(epilog=SERVE_EXAMPLES)
@click.argument("directory", metavar="DIR", type=FOLDER)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    envvar="FRIT_SERVE_HOST",
    show_envvar=True,
    help="Address to listen on. Whoever can reach it can read DIR: there is no encryption and no password.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    envvar="FRIT_SERVE_PORT",
    show_envvar=True,
    help="Port to listen on; 0 takes a free one.",
)
@setting("--quiet", is_flag=True, help="Do not tell every request on stderr.")
@click.pass_obj
def serve(session: Session, directory: Path, host: str, port: int, quiet: bool) -> Result:
    """Serve the package repository in DIR over HTTP, until it is interrupted.

    For development, and for networks without a way to the internet. The URL is printed on stdout once the server
    answers. Files carry ETags, so that clients ask for changes only. Nothing but regular files below DIR is served:
    links are followed as long as they stay inside, and names that begin with a dot are never served.

    Ctrl-C ends it: the port closes, and answers in progress are finished. Its exit code is that of the signal.
    """
    from ipaddress import ip_address

    from repositories.serving import serving

    def tell(line: str) -> None:
        if not quiet:
            session.emit(Said(line))

    if not (directory / "index.yaml").is_file():
        session.emit(Said(f"{directory} has no index.yaml; frit repo index {directory} writes it", "warning"))
    with serving(directory, host, port, tell) as server:
        if not ip_address(server.host).is_loopback:
            session.emit(Said(f"everybody who can reach {server.host} can read {directory}", "warning"))

        def ended(code: int) -> None:
            server.close()
            session.emit(Said(f"stopped serving {directory}; requests answered: {server.requests}"))

        session.on_interrupt.append(ended)
        click.echo(server.url)
        session.emit(Said(f"serving {directory} at {server.url}; Ctrl-C ends it", "ok"))
        while True:
            session.run.sleep(_FOREVER)


COMMANDS = (lint, index, serve, mirror)
