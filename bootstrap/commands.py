"""The door of this room: `frit bootstrap`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from base import exits
from base.clock import seconds_text
from base.errors import FritError, WrongUsage
from base.options import DURATION, output_option, retry_options, setting
from base.policy import retry_policy
from base.results import Result, Table
from base.session import Session
from bootstrap.configfile import config_file_option
from bootstrap.settings import STAGES, Settings, parse_stage_timeouts
from kube.options import connection_options

EXAMPLES = """\b
Examples:
  # the current context: install, prove, register the default repository
  frit bootstrap
  # see first what would change
  frit bootstrap --dry-run
  # from a provisioning script: a named context, a limit, an account of the run
  frit bootstrap --context prod-eu --timeout 5m --report bootstrap.json
  # without internet: a manifest and images of your own
  frit bootstrap --cert-manager-manifest cert-manager.yaml --image-registry registry.example.com/mirror
  # your own repository beside the default one
  frit bootstrap --repository team=https://packages.example.com/stable
  # everything in a file
  frit bootstrap -f frit.yaml

\b
Every option can also be set as FRIT_<OPTION>, such as FRIT_TIMEOUT, or in the file of -f.
Exit codes: 0 done, 2 wrong usage, 3 nothing was changed, 4 no connection, 5 refused, 6 not ready in time,
7 certificate not trusted in time, 9 cannot tell, 10 --dry-run --exit-code found changes, 130 and 143 interrupted."""


@click.command(epilog=EXAMPLES)
@config_file_option
@connection_options
@setting("--cert-manager-version", metavar="VERSION", help="Release to install. [default: the newest that frit knows]")
@setting(
    "--cert-manager-manifest",
    metavar="FILE|URL|-",
    help="Take the manifest from here instead of the release's own URL; - reads stdin.",
)
@setting("--sha256", metavar="DIGEST", help="Refuse a manifest with another SHA-256 digest.")
@setting(
    "--image-registry",
    metavar="HOST[/PATH]",
    help="Take all images from this registry instead of quay.io, the ACME solver's too.",
)
@setting(
    "--allow-image",
    metavar="PREFIX",
    multiple=True,
    help="Also accept a manifest whose images come from here, for example registry.example.com/jetstack. Repeatable.",
)
@setting(
    "--upstream-probes",
    is_flag=True,
    help="Leave the webhook's readiness probe as the release has it (first look after 5 s).",
)
@setting(
    "--ca-bundle",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="PEM certificates that downloads trust besides the system's.",
)
@setting("--cache/--no-cache", "use_cache", default=True, help="Keep downloads in the cache.  [default: cache]")
@setting(
    "--repository",
    "repositories",
    metavar="NAME=URL",
    multiple=True,
    help="Also register the package repository at URL as NAME. Repeatable.",
)
@setting(
    "--default-repository/--no-default-repository",
    default=True,
    help="Register the public default repository.  [default: default-repository]",
)
@setting(
    "--probe-namespace",
    default="default",
    show_default=True,
    metavar="NAME",
    help="Namespace in which the webhook is proven (dry run, nothing is stored).",
)
@setting("--timeout", type=DURATION, default="10m", show_default=True, help="Limit of the whole run.")
@setting(
    "--stage-timeout",
    "stage_timeouts",
    multiple=True,
    metavar="STAGE=DURATION",
    help="Limit of one stage: "
    + ", ".join(f"{name} ({seconds_text(limit)})" for name, (_, limit) in STAGES.items())
    + ". Repeatable.",
)
@retry_options
@setting("--dry-run", is_flag=True, help="Ask the server what would change, and change nothing.")
@setting("--exit-code", is_flag=True, help="With --dry-run: exit 10 when there would be changes.")
@setting(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write an account of the run as JSON, also when it fails or is interrupted.",
)
@output_option
@click.pass_obj
def bootstrap(
    session: Session,
    /,
    *,
    timeout: float,
    stage_timeouts: tuple[str, ...],
    retry_timeout: float | None,
    retry_attempts: int,
    retry_max_pause: float | None,
    exit_code: bool,
    report: Path | None,
    **chosen: Any,
) -> Result:
    """Install cert-manager, prove its webhook, and register package repositories.

    Every run is a re-run: it reads the cluster, completes what is missing and leaves alone what is right. A healthy
    cert-manager that somebody else installed is kept and proven. Interrupt it whenever you like; the next run goes on.
    """
    from bootstrap import report as reports

    if exit_code and not chosen["dry_run"]:
        raise WrongUsage("--exit-code says whether a dry run found changes: use it with --dry-run")
    settings = Settings(
        timeout=timeout,
        stage_timeouts=parse_stage_timeouts(stage_timeouts),
        retry=retry_policy(retry_timeout, retry_attempts, retry_max_pause),
        **chosen,
    )
    if report is not None:
        reports.check_writable(report)
    recorder = reports.Recorder(session.emit)
    recorder.retry = settings.retry

    def finish(outcome: str, code: int, error: FritError | None = None) -> dict[str, Any]:
        data = recorder.report(outcome, code, error)
        if report is None:
            return data
        try:
            reports.write(report, data)
        except OSError as no:
            words = f"could not write the report {report}: {no.strerror or no}"
            if outcome not in ("failed", "interrupted"):
                raise FritError(f"{words}; the run itself ended well: {outcome}") from None
            click.echo(words, err=True)  # what ended the run is told all the same, and its exit code counts
        return data

    def interrupted(code: int) -> None:
        click.echo(recorder.account(), err=True)
        finish("interrupted", code)

    session.on_interrupt.append(interrupted)
    from bootstrap.run import bootstrap as run  # after the line above: this import takes a moment

    try:
        planned = run(settings, session, recorder)
    except FritError as error:
        if session.run.cancelled:
            raise  # the signal's own account is being written
        data = finish("failed", error.exit_code, error)
        if session.output != "text":
            session.failed = Result(data, exit_code=error.exit_code)
        raise
    except Exception as error:  # told by the front door; the account of what was done until then is still worth having
        finish("failed", exits.BUG, FritError(f"this is a bug in frit: {type(error).__name__}: {error}"))
        raise
    session.on_interrupt.remove(interrupted)
    if settings.dry_run:
        code = exits.CHANGES if exit_code and any(one.change != "unchanged" for one in planned) else exits.OK
        data = finish("planned", code)
        rows = [
            (str(one.change), str(one.ref), "" if one.checked else "not checked by the server yet") for one in planned
        ]
        return Result(data, Table(("change", "object", "note"), rows), exit_code=code)
    outcome = "changed" if recorder.changed else "unchanged"
    data = finish(outcome, exits.OK)
    took = seconds_text(data["seconds"])
    text = f"ready ({took})" if recorder.changed else f"ready, nothing had to be changed ({took})"
    return Result(data, text=text)
