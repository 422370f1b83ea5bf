"""frit on a terminal: colours, the live view, and plugins that talk to people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from base import exits
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy
from tests.frit.processes import PLAIN, on_terminal

ESCAPE = "\x1b"


def test_an_error_is_red_unless_colours_are_unwanted() -> None:
    """NO_COLOR leaves the words and takes the colour."""
    code, shown = on_terminal("fail", "NotReady")
    assert code == exits.NOT_READY
    assert f"{ESCAPE}[31merror:{ESCAPE}[0m could not do it: no\n" in shown
    code, shown = on_terminal("fail", "NotReady", env={"NO_COLOR": "1"})
    assert code == exits.NOT_READY
    assert shown == "error: could not do it: no\n  first this\n  then that\n"


def test_a_live_view_leaves_only_lines() -> None:
    """The lines of the stages stay, the live line and the hidden cursor do not."""
    code, shown = on_terminal("talk", "--lines", "3")
    assert code == 6
    assert all(f"stage {number}" in shown for number in range(3))
    assert shown.rstrip().endswith("told everything")
    assert shown.count(f"{ESCAPE}[?25l") == shown.count(f"{ESCAPE}[?25h")


@pytest.mark.parametrize("variable", ["CI", "TERM"])
def test_a_dumb_terminal_and_ci_get_plain_lines(variable: str) -> None:
    """No cursor is moved where nobody looks, or nothing can be drawn."""
    _, shown = on_terminal("talk", "--lines", "3", env={"NO_COLOR": "1", variable: "dumb"})
    assert ESCAPE not in shown


@pytest.mark.parametrize("arguments", [["--help"], ["bootstrap", "--help"], ["--version"], ["repo", "lst"]], ids=str)
def test_help_moves_no_cursor(arguments: list[str]) -> None:
    """Texts are texts, on a terminal too."""
    _, shown = on_terminal(*arguments, program=PLAIN)
    assert ESCAPE not in shown


def kubeconfig(folder: Path, server: FaultProxy, script: str) -> str:
    plugin = folder / "plugin"
    plugin.write_text(f"#!/bin/sh\n{script}\n")
    plugin.chmod(0o755)
    data = json.loads(server.kubeconfig.read_text())
    execute = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(plugin),
        "interactiveMode": "IfAvailable",
    }
    data["users"][0]["user"] = {"exec": execute}
    path = folder / "with-plugin"
    path.write_text(json.dumps(data))
    return str(path)


def test_a_plugin_may_talk_to_people(server: FaultProxy, tmp_path: Path) -> None:
    """What a login tool writes on stderr is seen, and the token that it prints is used."""
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": server.token},
    }
    server.on(ok({"items": []}), times=None)
    path = kubeconfig(tmp_path, server, f"echo 'open the browser' >&2; echo '{json.dumps(credential)}'")
    code, shown = on_terminal("repo", "list", "--kubeconfig", path, program=PLAIN)
    assert code == 0, shown
    assert "open the browser" in shown
    assert server.seen[0].headers["authorization"] == f"Bearer {server.token}"


def test_a_plugin_that_fails_on_a_terminal_has_said_why(server: FaultProxy, tmp_path: Path) -> None:
    """Its own words are on the terminal already; frit's message points at them."""
    path = kubeconfig(tmp_path, server, "echo 'session expired' >&2; exit 1")
    code, shown = on_terminal("repo", "list", "--kubeconfig", path, program=PLAIN, env={"NO_COLOR": "1"})
    assert code == exits.UNREACHABLE
    assert shown.index("session expired") < shown.index("error: could not get credentials for context 'faults'")
    assert "what it said stands above" in shown
    assert "NoneType" not in shown
