"""Results on stdout: tables and text for people, JSON and YAML for scripts."""

from __future__ import annotations

import json
import os
import re
import sys

import click

from base.results import Result, Table

_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What controls a terminal, or the direction of its text, and what JSON takes as it is. It stands in texts only."""


def render(result: Result, output: str) -> int:
    """Print a result in one format (`text`, `wide`, `name`, `json`, `yaml`) and return its exit code.

    Where the reader went away (`frit ... | head`), the rest is lost and the exit code stays that of the result.
    """
    try:
        _print(result, output)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 -- so that the flush at exit does not fail again
    return result.exit_code


def _print(result: Result, output: str) -> None:
    if output == "json":
        text = json.dumps(result.data, indent=2, ensure_ascii=False)
        click.echo(_UNSEEN.sub(lambda one: f"\\u{ord(one[0]):04x}", text))
    elif output == "yaml":
        import yaml

        click.echo(yaml.safe_dump(result.data, sort_keys=False, allow_unicode=True), nl=False)
    elif output == "name":
        for name in result.names:
            click.echo(name)
    else:
        table = result.wide if output == "wide" and result.wide is not None else result.table
        if table is not None:
            click.echo(table_text(table))
        if result.text:
            click.echo(result.text)


def table_text(table: Table) -> str:
    """Columns separated by three blanks, titles in capitals, as kubectl prints them."""
    rows = [[title.upper() for title in table.columns], *[list(row) for row in table.rows]]
    widths = [max(len(row[n]) for row in rows) for n in range(len(table.columns))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
