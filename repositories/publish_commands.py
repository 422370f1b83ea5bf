"""The doors of `frit repo` for those who publish packages: lint, index, serve and mirror. No cluster is needed."""

from __future__ import annotations

from pathlib import Path

import click

from base.events import Said
from base.options import setting
from base.results import Result
from base.session import Session

SERVE_EXAMPLES = """\b
Examples:
  frit repo serve ./packages
  frit repo serve ./packages --port 0
  frit repo serve /srv/packages --host 10.0.0.5 --port 8080 --quiet
  frit repo serve ./packages & frit repo add local http://127.0.0.1:8080"""

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

_FOREVER = 3600.0


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


COMMANDS = (serve,)
