"""The front door: one message for every error, data on stdout, talk on stderr, and documented exit codes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from base import errors, exits
from base.errors import FritError
from tests.frit.processes import PLAIN, WITH_DOORS, environment, finished

KINDS = sorted(one.__name__ for one in FritError.__subclasses__() if one.__module__ == errors.__name__)


@pytest.mark.parametrize("name", [name for name in KINDS if name != "Cancelled"])
def test_an_error_is_one_message_and_its_exit_code(name: str) -> None:
    """What happened, then what to do next, on stderr; nothing on stdout, and no traceback."""
    code, out, err = finished("fail", name)
    assert (code, out) == (getattr(errors, name).exit_code, "")
    assert err == "error: could not do it: no\n  first this\n  then that\n"


def test_what_nobody_raises_on_purpose_is_a_bug() -> None:
    """It is called one, without a traceback unless FRIT_DEBUG asks for it."""
    code, out, err = finished("fail", "ZeroDivision")
    assert (code, out) == (exits.BUG, "")
    assert err.startswith("error: this is a bug in frit: ZeroDivisionError: one by zero\n")
    assert "FRIT_DEBUG=1" in err
    assert "Traceback" not in err
    assert "Traceback" in finished("fail", "ZeroDivision", env={"FRIT_DEBUG": "1"})[2]


def test_a_pipe_that_breaks_elsewhere_is_no_success() -> None:
    """Only the reader of stdout may go away; click takes every broken pipe for that."""
    code, _, err = finished("fail", "broken-pipe")
    assert code == exits.BUG
    assert "a connection broke" in err


def test_a_command_that_fails_can_still_have_a_result() -> None:
    """With -o json the result is on stdout and the message on stderr."""
    code, out, err = finished("fail", "failed-result")
    assert code == exits.NOT_READY
    assert json.loads(out) == {"outcome": "failed"}
    assert err == "error: could not wait\n  wait longer\n"


def test_a_failure_is_data_for_scripts() -> None:
    """With -o json an error that has no result besides it stands on stdout as `error`, and on stderr as ever."""
    code, out, err = finished("fail", "for-scripts")
    error = {"message": "could not wait", "hint": "wait longer", "exitCode": code, "kind": "", "webhook": None}
    assert code == exits.NOT_READY
    assert json.loads(out) == {"error": error}
    assert err == "error: could not wait\n  wait longer\n"


def test_text_is_for_people() -> None:
    """A table with titles in capitals, then the text; talk does not mix with it."""
    code, out, err = finished("answer", "--code", "10")
    assert code == 10
    assert out == f"NAME     VALUE\nname-0   {'ü' * 20}\nname-1   {'ü' * 20}\ndone\n"
    assert err == "  grüße\n"


def test_json_and_yaml_are_for_scripts() -> None:
    """The same data, in the order in which the command gave it, and nothing else on stdout."""
    code, out, _ = finished("answer", "-o", "json", "--code", "10")
    data = json.loads(out)
    assert code == 10
    assert list(data) == ["z", "a"]
    _, out, _ = finished("answer", "-o", "yaml")
    assert yaml.safe_load(out) == data
    assert out.startswith("z:\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bootsrap"], "No such command 'bootsrap'. Did you mean bootstrap?"),
        (["chek"], "No such command 'chek'. Did you mean check?"),
        (["xyz"], "No such command 'xyz'."),
        (["repo", "lst"], "No such command 'lst'."),
        (["bootstrap", "--dry-rum"], "--dry-run"),
        (["--verison"], "--version"),
        (["bootstrap", "--timeout"], "'--timeout' requires an argument"),
        (["bootstrap", "--timeout", "soon"], "'soon' is not a duration"),
        (["bootstrap", "surplus"], "unexpected extra argument (surplus)"),
        (["repo", "add", "name"], "Missing argument 'URL'"),
        (["bootstrap", "--exit-code"], "use it with --dry-run"),
    ],
)
def test_wrong_usage_says_what_is_right(arguments: list[str], words: str) -> None:
    """A typing error names what is almost alike, or what is missing; exit code 2, nothing on stdout."""
    code, out, err = finished(*arguments, program=PLAIN)
    assert (code, out) == (exits.USAGE, "")
    assert words in err
    assert "Traceback" not in err


def test_frit_alone_shows_its_help() -> None:
    """Without a command the help is talk, and wrong usage for scripts."""
    code, out, err = finished(program=PLAIN)
    assert (code, out) == (exits.USAGE, "")
    assert err.startswith("Usage: frit ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["answer", "--rows", "20000"], 0),
        (["answer", "--rows", "20000", "--code", "6", "-o", "json"], 6),
        (["bootstrap", "--help"], 0),
    ],
)
def test_a_reader_that_goes_away_changes_no_exit_code(arguments: list[str], code: int) -> None:
    """`frit ... | head -1` is quiet, and says how the command ended, not that the pipe broke."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        assert finished(*arguments, stdout=closed)[::2] == (code, "  grüße\n" if arguments[0] == "answer" else "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_disk_that_is_full_is_no_bug_and_no_success() -> None:
    """What stdout could not take is an error of its own; what went wrong before is told all the same."""
    with Path("/dev/full").open("wb") as full:
        for arguments in (["answer"], ["--help"]):
            code, _, err = finished(*arguments, stdout=full)
            assert code == exits.BUG
            assert "no room left: [Errno 28] No space left on device" in err
            assert "bug" not in err
        code, _, err = finished("fail", "failed-result", stdout=full)
        assert code == exits.NOT_READY
        assert "error: could not wait\n" in err
        assert "Traceback" not in err


@pytest.mark.parametrize("name", ["MemoryError", "RuntimeError", "OSError"])
def test_a_machine_without_room_is_no_bug_in_frit(name: str) -> None:
    """Out of memory, of processes or of open files: the message says so, and nobody reports a bug."""
    code, _, err = finished("fail", name)
    assert code == exits.BUG
    assert err.startswith("error: the machine that frit runs on has no room left: ")
    assert "bug" not in err


def test_a_log_that_breaks_does_not_end_the_work() -> None:
    """Where nobody reads stderr any more, the command goes on to its end and its exit code."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        assert finished("talk", stderr=closed)[:2] == (6, "told everything\n")
        assert finished("fail", "NotReady", stderr=closed)[0] == exits.NOT_READY
        assert finished("fail", "ZeroDivision", stderr=closed)[0] == exits.BUG
        assert finished("no-such-command", stderr=closed)[0] == exits.USAGE


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_bug(closing: str) -> None:
    """Started by something that gave it no stdin, stdout or stderr, frit still ends as it should."""
    shell = ["sh", "-c", f'"$@" {closing}', "sh", *WITH_DOORS]
    for arguments, code in ((["answer", "--code", "10"], 10), (["fail", "NotReady"], 6), (["--help"], 0)):
        done = subprocess.run([*shell, *arguments], env=environment(), capture_output=True, timeout=30)
        assert done.returncode == code
        assert b"Traceback" not in done.stderr


def test_a_terminal_that_knows_few_characters_is_no_bug() -> None:
    """Characters that cannot be shown are escaped; JSON stays JSON."""
    code, out, err = finished("answer", "-o", "json", env={"PYTHONIOENCODING": "ascii"})
    assert code == 0
    assert json.loads(out.replace("\\xfc", "\\u00fc"))["z"][0]["value"] == "ü" * 20
    assert err == "  gr\\xfc\\xdfe\n"
