"""docs/reference.md, generated from the commands themselves: ``python -m tests.reference`` writes it anew.

Everything comes from click's own data, not from its wrapped help, so that the result does not depend on a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from frit.cli import root

FILE = Path(__file__).resolve().parent.parent / "docs" / "reference.md"
_DEFAULT = re.compile(r"\s*\[default: (?P<default>.*)\]$")
_HEAD = """\
# Command reference

This page is generated from the commands: `make reference` writes it anew, and a test fails when it is not up to
date. `frit COMMAND --help` shows the same. What the options of a bootstrap mean together is told in
[configuration.md](configuration.md), exit codes in [exit-codes.md](exit-codes.md).

A flag wins over its environment variable, and that over the default. A flag that is only on or off takes `true` or
`false` in the environment; an option that may be repeated takes its values separated by blanks.
"""


def render() -> str:
    """The whole page."""
    return _HEAD + "".join(_section(context) for context in contexts())


def contexts() -> Iterator[click.Context]:
    """A context for every command, groups before their commands, in the order of the help."""

    def walk(command: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
        context = click.Context(command, info_name=name, parent=parent)
        yield context
        if isinstance(command, click.Group):
            for one in command.list_commands(context):
                found = command.get_command(context, one)
                assert found is not None
                yield from walk(found, one, context)

    return walk(root, "frit", None)


def options_of(command: click.Command) -> list[click.Option]:
    """The options of a command that are its own: without help and version, which every program has."""
    return [one for one in command.params if isinstance(one, click.Option) and one.name not in ("help", "version")]


def _section(context: click.Context) -> str:
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"## {context.command_path}", f"```text\n{usage}\n```", _paragraphs(command.help or "")]
    if isinstance(command, click.Group):
        parts.append(_commands(command, context))
    options = options_of(command)
    if options:
        rows = ["| Option | Environment | Default | Meaning |", "|---|---|---|---|", *map(_row, options)]
        parts.append("\n".join(rows))
    if command.epilog:
        parts += [f"```text\n{one.strip()}\n```" for one in command.epilog.replace("\b\n", "\b").split("\b") if one]
    return "\n" + "\n\n".join(parts) + "\n"


def _commands(group: click.Group, context: click.Context) -> str:
    rows = ["| Command | What it does |", "|---|---|"]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        path = f"{context.command_path} {name}"
        rows.append(f"| [{path}](#{path.replace(' ', '-')}) | {_cell(command.get_short_help_str(200))} |")
    return "\n".join(rows)


def _row(option: click.Option) -> str:
    help_text = option.help or ""
    match = _DEFAULT.search(help_text)
    names = "<br>".join(f"`{_cell(one)}`" for one in _names(option))
    variable = f"`{option.envvar}`" if isinstance(option.envvar, str) else ""
    meaning = help_text[: match.start()] if match else help_text
    return f"| {names} | {variable} | {_cell(match['default'] if match else _default(option))} | {_cell(meaning)} |"


def _names(option: click.Option) -> Iterator[str]:
    takes = "" if option.is_flag else " " + option.make_metavar(click.Context(click.Command("none")))
    for flag in (*option.opts, *option.secondary_opts):
        yield flag + takes


def _default(option: click.Option) -> str:
    if option.is_flag:
        return "off"
    return str(option.default) if isinstance(option.default, str | int | float) else ""


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(one.split()) for one in text.split("\n\n"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the page."""
    FILE.write_text(render(), encoding="utf-8")
    print(f"wrote {FILE.name}")


if __name__ == "__main__":
    main()
