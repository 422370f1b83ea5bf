"""The door of `frit check`."""

from __future__ import annotations

import click

from base.errors import FritError, WrongUsage
from base.options import DURATION, output_option, setting
from base.results import Result
from base.session import Session
from base.version import user_agent
from kube.options import connection_options

EXAMPLES = """\b
Examples:
  # is the next create going to work? one look, half a second
  frit check
  # in a pipeline, after an install: wait for it, at most three minutes
  kubectl apply -f cert-manager.yaml && frit check --only cert-manager --wait 3m
  # where applications are deployed, and whether a certificate is really issued
  frit check -n shop --issue
  # for a script: what is wrong, and why
  frit check -o json | jq -r '.checks[] | select(.ok | not) | "\\(.name): \\(.message)"'

\b
Exit codes: 0 ready, 4 no connection, 5 a policy refuses, 6 not ready,
7 certificates do not match, 8 only repositories are missing, 9 not enough permission to know."""


@click.command(epilog=EXAMPLES)
@connection_options
@setting(
    "-n",
    "--namespace",
    default="default",
    show_default=True,
    metavar="NAME",
    help="Namespace in which the webhook is probed (dry run, nothing is stored).",
)
@setting(
    "--wait",
    type=DURATION,
    default="0s",
    show_default=True,
    help="Go on looking for so long while something may still become ready. "
    "What waiting cannot mend (missing, scaled to 0, refused, forbidden) ends it at once.",
)
@setting(
    "--issue",
    is_flag=True,
    help="Also have a selfSigned certificate issued, in a temporary namespace that is removed in any case.",
)
@setting(
    "--only",
    type=click.Choice(["cert-manager", "repositories"]),
    help="Check one part. With cert-manager, a cluster without the package API can be ready.",
)
@output_option
@click.pass_obj
def check(
    session: Session,
    /,
    *,
    kubeconfig: str | None,
    context: str | None,
    namespace: str,
    wait: float,
    issue: bool,
    only: str | None,
) -> Result:
    """Prove that the next cert-manager object will be admitted, or say why not.

    Looks at everything between a create and an issued certificate: kinds, workloads, endpoints, the webhook's CA and
    who trusts it, what the webhook really answers to a valid and to an invalid object, and who leads. Changes
    nothing, unless --issue is given.
    """
    if issue and only == "repositories":
        raise WrongUsage("--issue needs cert-manager: leave --only repositories out")
    from bootstrap import check as checking
    from kube.connection import ConnectionOptions, connect

    try:
        connection = connect(ConnectionOptions(kubeconfig, context), user_agent=user_agent("check"))
    except FritError as error:
        session.failed = Result(checking.data_of_error(error), exit_code=error.exit_code)
        raise
    answer = checking.check(session, connection, checking.Asked(namespace, wait, issue, only or ""))
    return Result(checking.data_of(answer), text=checking.text_of(answer), exit_code=answer.exit_code)
