"""Help, version and completion come at once: they load none of the libraries that talk to anything."""

from __future__ import annotations

import re

import pytest

from base.version import VERSION
from tests.frit.processes import PLAIN, finished

HEAVY = {"kubernetes", "urllib3", "httpx", "httpcore", "yaml", "rich", "ssl", "cryptography", "tenacity"}


def loaded(*arguments: str, **env: str) -> tuple[int, str, set[str]]:
    """Exit code and stdout of a run, and the top names of all modules that it imported, in whatever thread."""
    program = [PLAIN[0], "-X", "importtime", *PLAIN[1:]]
    code, out, err = finished(*arguments, program=program, env=env)
    names = set(re.findall(r"(?m)^import time:\s+\d+ \|\s+\d+ \|\s+(\w+)", err))
    assert "click" in names
    return code, out, names


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], ["no-such-command"], []], ids=str)
def test_the_front_door_is_light(arguments: list[str]) -> None:
    """The root's help, the version and a typing error load no heavy library, and no room's door."""
    _, _, names = loaded(*arguments)
    assert names & {*HEAVY, "bootstrap", "repositories", "certificates", "kube", "web"} == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["bootstrap", "--help"],
        ["check", "--help"],
        ["explain", "--help"],
        ["repo", "--help"],
        ["repo", "add", "--help"],
        ["repo", "list", "-h"],
        ["repo", "update", "--help"],
        ["repo", "refresh", "--help"],
    ],
    ids=" ".join,
)
def test_the_help_of_a_command_is_light(arguments: list[str]) -> None:
    """A command's help loads its door, and what is behind it only when it is used."""
    code, out, names = loaded(*arguments)
    assert code == 0
    assert out.startswith("Usage: frit ")
    assert names & (HEAVY - {"tenacity"}) == set()


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("frit ", {"bootstrap", "check", "explain", "repo", "search", "show"}),
        ("frit boot", {"bootstrap"}),
        ("frit --ver", {"--version"}),
        ("frit repo li", {"list", "lint"}),
        ("frit repo re", {"refresh", "remove"}),
        ("frit bootstrap --upst", {"--upstream-probes"}),
        ("frit repo list -o ", {"text", "wide", "name", "json", "yaml"}),
    ],
)
def test_completion_is_right_and_light(typed: str, completed: set[str]) -> None:
    """Pressing the tab key offers commands, options and values, and loads no heavy library."""
    number = str(len(typed.split(" ")) - 1)
    code, out, names = loaded(_FRIT_COMPLETE="bash_complete", COMP_WORDS=typed, COMP_CWORD=number)
    assert code == 0
    assert {line.partition(",")[2] for line in out.splitlines()} == completed
    assert names & (HEAVY - {"tenacity"}) == set()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_can_be_sourced(shell: str) -> None:
    """The script of each shell names the program, and the exit code says that it worked."""
    code, out, err = finished(program=PLAIN, env={"_FRIT_COMPLETE": f"{shell}_source"})
    assert (code, err) == (0, "")
    assert "_FRIT_COMPLETE" in out


def test_the_version_is_the_one_of_the_package() -> None:
    """One line on stdout."""
    assert finished("--version", program=PLAIN) == (0, f"frit {VERSION}\n", "")


def test_a_download_loads_no_command_line_of_httpx() -> None:
    """httpx brings a command line with rich and pygments; frit's start does not pay for it."""
    program = "import web.transfer, sys; print(*{name.split('.')[0] for name in sys.modules})"
    code, out, err = finished(program=[PLAIN[0], "-c", program])
    assert (code, err) == (0, "")
    assert "httpx" in out.split()
    assert {"rich", "pygments"} & set(out.split()) == set()
