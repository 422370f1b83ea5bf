"""Help texts: each is kept as a file, so that every change of what people read is seen.

Set UPDATE_GOLDEN=1 to write the files anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from frit.cli import DOORS, root
from repositories.commands import HABITS
from tests.frit.processes import PLAIN, finished

GOLDEN = Path(__file__).parent / "golden"


def commands(
    command: click.Command = root, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands with the words that lead to them, groups too."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None, name
            yield from commands(below, (*path, name))


ALL = dict(commands())
RUNNABLE = [path for path, command in ALL.items() if not isinstance(command, click.Group)]


def words(path: tuple[str, ...]) -> str:
    return " ".join(["frit", *path])


@pytest.mark.parametrize("path", ALL, ids=words)
def test_the_help_is_the_one_that_was_seen(path: tuple[str, ...]) -> None:
    """`--help` prints what stands in the golden file of the command."""
    code, shown, _ = finished(*path, "--help", program=PLAIN)
    assert code == 0
    golden = GOLDEN / ("-".join(["frit", *path]) + ".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    """Every file belongs to a command that exists."""
    assert {one.stem for one in GOLDEN.iterdir()} == {"-".join(["frit", *path]) for path in ALL}


@pytest.mark.parametrize("path", RUNNABLE, ids=words)
def test_every_command_shows_examples(path: tuple[str, ...]) -> None:
    """Three to six real command lines stand in the help of every command that does something."""
    lines = [line.strip() for line in (ALL[path].epilog or "").splitlines()]
    examples = [line for line in lines if line.startswith(f"{words(path)} ") or line == words(path)]
    assert 3 <= len(examples) <= 6


@pytest.mark.parametrize("path", RUNNABLE, ids=words)
def test_every_option_says_what_it_does(path: tuple[str, ...]) -> None:
    """No option is without help, and each can be set in the environment."""
    for option in ALL[path].params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert str(option.envvar).startswith("FRIT_"), option.name


def test_the_root_help_lists_every_command_in_its_own_words() -> None:
    """The table names the commands that there are, in sentences, and each has a help of its own."""
    assert list(DOORS) == [path[0] for path in ALL if len(path) == 1]
    for name, (_, line) in DOORS.items():
        assert line.endswith("."), name
        assert ALL[(name,)].help, name


@pytest.mark.parametrize("habit", HABITS)
def test_what_other_tools_call_a_command_works(habit: str) -> None:
    """It is the same command under another name, which help does not list."""
    code, shown, _ = finished("repo", habit, "--help", program=PLAIN)
    assert code == 0
    assert shown.splitlines()[2:] == (GOLDEN / f"frit-repo-{HABITS[habit]}.txt").read_text().splitlines()[2:]


def test_a_word_of_another_tool_is_answered_with_ours() -> None:
    """Whoever comes from Glasskube types describe."""
    code, _, said = finished("describe", "cert-manager", program=PLAIN)
    assert (code, "Did you mean show?" in said) == (2, True)
