"""Results as text: tables that line up, and data that keeps its order."""

from __future__ import annotations

import json

import pytest
import yaml

from base.results import Result, Table
from frit.render import render, table_text

DATA = {"b": 1, "a": [{"name": "größe", "ready": None, "text": "two\nlines", "on": "yes", "number": "1.10"}]}


def test_a_table_lines_up() -> None:
    """Titles in capitals, three blanks between columns, none at the end of a line."""
    table = Table(("name", "age"), [("a", "12d"), ("longer", ""), ("b", "5h")])
    assert table_text(table) == "NAME     AGE\na        12d\nlonger\nb        5h"
    assert table_text(Table(("name",), [])) == "NAME"


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_data_survives_its_way_through_a_format(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a script reads is what the command returned, with keys in their order and letters as they are."""
    assert render(Result(DATA, Table(("x",), []), "text", exit_code=5), output) == 5
    shown = capsys.readouterr().out
    read = json.loads(shown) if output == "json" else yaml.safe_load(shown)
    assert read == DATA
    assert list(read) == ["b", "a"]
    assert "größe" in shown
    assert shown.endswith("\n")
    assert not shown.endswith("\n\n")


def test_nothing_to_say_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A result without table and text prints nothing for people."""
    assert render(Result({"a": 1}), "text") == 0
    assert capsys.readouterr().out == ""


def test_a_list_is_shown_as_wide_as_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """`wide` shows the wide table where there is one, else the usual one, and `name` only the names, a line each."""
    table, wide = Table(("x",), [("1",)]), Table(("x", "y"), [("1", "2")])
    for result, output, shown in (
        (Result(DATA, table, wide=wide), "wide", "X   Y\n1   2\n"),
        (Result(DATA, table), "wide", "X\n1\n"),
        (Result(DATA, table, wide=wide), "text", "X\n1\n"),
        (Result(DATA, table, names=("a", "b")), "name", "a\nb\n"),
        (Result(DATA, table), "name", ""),
    ):
        assert render(result, output) == 0
        assert capsys.readouterr().out == shown


def test_json_controls_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What JSON takes as it is, and a terminal obeys, is escaped; scripts read the same."""
    data = {"text": "\x1b[31m \x7f \x9b31m \u202e \u2028 größe"}
    render(Result(data), "json")
    shown = capsys.readouterr().out
    assert all(one.isprintable() or one == "\n" for one in shown)
    assert "größe" in shown
    assert json.loads(shown) == data
