"""The door `frit repo lint`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from base import exits
from base.errors import FritError, WrongUsage
from base.options import setting
from base.results import Result
from base.session import Session
from repositories.credential_options import CredentialOptions, credential_options, gathered
from repositories.lint_rules import ORDER, RULES

LINT_EXAMPLES = """\b
Examples:
  frit repo lint ./packages
  frit repo lint ./packages --ignore missing-icon --ignore no-revision
  frit repo lint ./packages --fail-on warning --online
  frit repo lint ./packages -o sarif > lint.sarif
  frit repo lint https://packages.example.com/team -o json"""


@click.command(epilog=LINT_EXAMPLES)
@click.argument("where", metavar="DIR|URL")
@setting(
    "--ignore",
    multiple=True,
    type=click.Choice(list(RULES)),
    metavar="RULE",
    help="Leave out what this rule finds; may be repeated. docs/publishing.md lists the rules.",
)
@setting(
    "--fail-on",
    type=click.Choice([*map(str, ORDER), "never"]),
    default="error",
    show_default=True,
    help="The least severity that makes the exit code 5.",
)
@setting("--online", is_flag=True, help="Ask for every URL that the packages name, too.")
@credential_options
@setting(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "yaml", "sarif"]),
    default="text",
    show_default=True,
    help="How to print the result on stdout.",
)
@click.pass_obj
def lint(
    session: Session, /, where: str, ignore: tuple[str, ...], fail_on: str, online: bool, output: str, **chosen: Any
) -> Result:
    """Look for mistakes in the package repository in DIR or at URL.

    Every file is read as clients read it, and compared with the others: schema, names, versions and their order,
    references that lead nowhere, charts without versions, values that are patched as texts where a boolean or a
    number is needed, targets that match nothing, missing icons.

    Each remark is a line with file, line, severity, field and rule. Nothing is changed. Credentials for a URL are
    given as to frit repo add.

    Exit codes: 5 where there are errors (see --fail-on), 8 where the repository cannot be reached.
    """
    from repositories import lint_results
    from repositories.credentials import Veil
    from repositories.folders import Folder
    from repositories.linting import Linter, Source, without

    session.output = "text" if output == "sarif" else output
    given = gathered(CredentialOptions.taken_from(chosen)).new
    veil, remote = Veil(*given.secrets()), "://" in where
    source: Source = Folder(Path(where))
    if not remote and not Path(where).is_dir():
        raise WrongUsage(f"there is no folder {where}", hint="name the folder that holds index.yaml, or a URL")
    try:
        with ExitStack() as stack:
            unreachable = None
            if remote or online:  # who lints a folder need not wait for what makes requests
                from repositories.remote import Elsewhere, Remote, reader_for

                emit = veil.listener(session.emit)
                if remote:
                    source = Remote(stack.enter_context(reader_for(where, given, session.run, emit)))
                unreachable = stack.enter_context(Elsewhere(given, session.run, emit)).unreachable if online else None
            report = without(Linter(source, session.run, unreachable).lint(), ignore)
    except FritError as error:
        raise veil.error(error) from None
    failing = ORDER[: ORDER.index(fail_on) + 1] if fail_on != "never" else ()
    code = exits.REFUSED if any(one.severity in failing for one in report.remarks) else exits.OK
    if output == "sarif":
        session.output = "json"
        return Result(lint_results.as_sarif(report, where), exit_code=code)
    return Result(lint_results.as_data(report, where), text=lint_results.as_text(report, where), exit_code=code)
