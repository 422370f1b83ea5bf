"""The door of `frit explain`."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import click

from base.errors import WrongUsage
from base.options import output_option
from base.results import Result
from base.session import Session

EXAMPLES = """\b
Examples:
  # what does this mean, and does waiting help?
  frit explain 'failed calling webhook "webhook.cert-manager.io": ... x509: certificate signed by unknown authority'
  # what kubectl just said
  kubectl apply -f issuer.yaml 2>&1 | frit explain
  # every failure in a log, each once, with the number of its repeats
  kubectl -n cert-manager logs deploy/cert-manager | frit explain
  frit explain --file install.log
  # for a script: may it be tried again?
  frit explain -o json "$message" | jq '.findings | all(.retry)'

\b
Exit codes: 0 every failure was recognised (or there is none), 9 at least one was not."""

LAST_WORD = 0.5
"""Seconds that the explanation of what was read may take after a signal."""

USAGE = "Give a message (in quotes), --file FILE, or pipe a log into it: kubectl logs ... | frit explain"


@click.command(epilog=EXAMPLES)
@click.argument("message", nargs=-1)
@click.option(
    "-f",
    "--file",
    type=click.Path(dir_okay=False, allow_dash=True),
    envvar="FRIT_EXPLAIN_FILE",
    metavar="FILE",
    help="Read a message or a whole log from a file (- for standard input).",
)
@output_option
@click.pass_obj
def explain(session: Session, message: tuple[str, ...], file: str | None) -> Result:
    """Explain a failure: what it is, who spoke to whom, whether waiting helps, and what to do.

    Takes a MESSAGE, a Status as JSON or YAML, or a whole log, from the arguments, a file, or standard input (no
    argument, or -). Needs no cluster. In a log, repeats are counted, and lines that are no failures are passed over.
    Ctrl-C ends a log that goes on and on: what was read until then is explained.
    """
    from kube.explain import explain_log, explain_message
    from kube.explain_input import Stop, lines_of, opened
    from kube.explain_story import story

    if message and message != ("-",):
        if file:
            raise WrongUsage("there is a message and a --file", hint="Give one of them.")
        text = " ".join(message)
        if not text.strip():
            raise WrongUsage("the message is empty", hint=USAGE)
        if len(message) == 1 and len(text) < 200 and os.access(text, os.R_OK) and Path(text).is_file():
            raise WrongUsage(f"{text} is a file", hint=f"To read it: frit explain --file {text}")
        explanation = explain_message(text)
    else:
        if not (message or file) and (sys.stdin is None or sys.stdin.isatty()):
            raise WrongUsage("there is nothing to explain", hint=USAGE)
        stop, reading = Stop(), threading.current_thread()

        def interrupted(_: int) -> None:
            stop()
            reading.join(LAST_WORD)  # it prints what it has
            click.echo("interrupted: this is about what was read until then", err=True)

        session.on_interrupt.append(interrupted)
        with opened(file if file and file != "-" else None, stop) as stream:
            explanation = explain_log(lines_of(stream, stop))
        if not (message or file or explanation.said or stop.stopped):
            raise WrongUsage("there is nothing to explain: standard input is empty", hint=USAGE)
    return Result(explanation.document(), text=story(explanation), exit_code=explanation.exit_code)
