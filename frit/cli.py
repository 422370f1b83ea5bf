"""The root command. Doors of the rooms are imported when they are used, so that `frit --help` stays fast."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from base.results import Result
from base.session import Session
from base.version import VERSION

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

DOORS = {
    "bootstrap": ("bootstrap.commands:bootstrap", "Take a cluster to proven cert-manager and registered repositories."),
    "check": (
        "bootstrap.check_command:check",
        "Prove that the next cert-manager object will be admitted, or say why not.",
    ),
    "explain": ("kube.commands:explain", "Explain a failure message or a log: what it is, and whether waiting helps."),
    "repo": ("repositories.commands:repo", "Register, inspect, publish and copy package repositories."),
    "search": ("repositories.package_commands:search", "Find packages in all repositories."),
    "show": ("repositories.package_commands:show", "Show one package: what it installs, its versions and values."),
}
"""Command name -> where its door is, and its line in the root help (repeated here, so that help imports no door)."""


HABITS = {"describe": ["show"], "list": ["search", "repo list"], "ls": ["search", "repo list"], "verify": ["check"]}
"""Words of other tools, and what is meant here."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are invoked, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all doors."""
        return list(DOORS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the door of one command."""
        if cmd_name not in DOORS:
            return None
        module, _, attribute = DOORS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for one that does not exist, name the ones that are written almost alike."""
        if args and args[0] not in DOORS and not args[0].startswith("-"):
            import difflib

            near = HABITS.get(args[0]) or difflib.get_close_matches(args[0], DOORS)
            meant = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"No such command '{args[0]}'.{meant}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. A pipe that breaks anywhere but on stdout is an error: click would call it a success."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            import select

            poll = select.poll()
            poll.register(sys.stdout, 0)
            if poll.poll(0):
                raise  # the reader of a help text went away
            raise RuntimeError(f"a connection broke: {error}") from error

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of commands from the table above, so that pressing a key imports no door."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=line) for name, (_, line) in DOORS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in DOORS.items()])


EPILOG = """\b
Start here:
  frit bootstrap --dry-run     what a bootstrap would change
  frit bootstrap               install, prove and register
  frit check                   is the next create going to work?
  frit explain "$message"      what a failure means, and whether waiting helps
  frit repo list               which package repositories there are
  frit search postgres         which packages they have

Exit codes are listed in docs/exit-codes.md. Every option can also be set by a variable, such as
FRIT_CONTEXT: docs/reference.md names all of them."""


@click.group(
    cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(VERSION, prog_name="frit", message="%(prog)s %(version)s")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Take a new Kubernetes cluster to proven cert-manager and registered package repositories."""
    from frit.progress import listener_for

    session = ctx.ensure_object(Session)
    session.listener = listener_for(sys.stderr)


@root.result_callback()
@click.pass_obj
def finish(session: Session, result: Any) -> int:
    """Render what the command returned and give its exit code."""
    if not isinstance(result, Result):
        return 0
    from frit.render import render

    close = getattr(session.listener, "close", None)
    if close is not None:
        close()
    return render(replace(result, text=session.to_paste(result.text)), session.output)
