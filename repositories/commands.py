"""The door `frit repo`: what is registered, changing it, and publishing repositories."""

from __future__ import annotations

import click

from repositories.change_commands import COMMANDS as CHANGING
from repositories.publish_commands import COMMANDS as PUBLISHING
from repositories.read_commands import COMMANDS as READING

LINES = {
    "list": "Which are registered, and can they be read?",
    "show": "Everything about one: address, credentials, contents, users.",
    "test": "Read one now, and say whether it can be used.",
    "refresh": "Ask their servers what has changed.",
    "add": "Register the repository at URL under NAME.",
    "update": "Change the URL or the credentials of one.",
    "remove": "Remove one that no installed package comes from.",
    "set-default": "Make one that of packages that name none.",
    "lint": "Look for mistakes in a folder or at a URL.",
    "index": "Write index.yaml and all versions.yaml.",
    "serve": "Serve a folder over HTTP.",
    "mirror": "Copy a whole repository into a folder.",
}
"""The lines of the commands in the group's help, in the order in which they are needed."""

HABITS = {"ls": "list", "rm": "remove", "delete": "remove"}
"""What other tools call these commands: glasskube repo ls and repo delete, helm repo rm."""


class _Repo(click.Group):
    """A group that lists its commands in their order, and knows what others call them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(LINES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, also of one that is a habit."""
        return super().get_command(ctx, HABITS.get(cmd_name, cmd_name))


@click.group(cls=_Repo)
def repo() -> None:
    """Register, inspect, serve and check package repositories.

    A package repository is a folder on a web server; the cluster knows it as an object of kind PackageRepository.
    """


for _one in (*READING, *CHANGING, *PUBLISHING):
    _one.short_help = LINES[str(_one.name)]
    repo.add_command(_one)
