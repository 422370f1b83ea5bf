"""The door `frit repo`: what is registered, changing it, and publishing repositories."""

from __future__ import annotations

import click

from repositories.change_commands import COMMANDS as CHANGING
from repositories.publish_commands import COMMANDS as PUBLISHING
from repositories.read_commands import COMMANDS as READING


class _Ordered(click.Group):
    """A group that lists its commands in the order in which they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(self.commands)


@click.group(cls=_Ordered)
def repo() -> None:
    """Register, inspect, serve and check package repositories.

    A package repository is a folder on a web server; the cluster knows it as an object of kind PackageRepository.
    """


for _one in (*READING, *CHANGING, *PUBLISHING):
    repo.add_command(_one)
