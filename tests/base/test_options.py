"""Durations as people write them, and options that the environment can set."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from base.options import DURATION, output_option, parse_duration, setting
from base.session import Session


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("1m30s", 90),
        ("500ms", 0.5),
        ("2h", 7200),
        ("1h1m1s1ms", 3661.001),
        ("1.5h", 5400),
        ("30", 30),
        ("0.5", 0.5),
        ("0", 0),
        (" 5m ", 300),
    ],
)
def test_durations_are_read_as_kubectl_writes_them(text: str, seconds: float) -> None:
    """Numbers with units, in any number; a bare number is seconds."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", " ", "s", "5 s", "-5s", "5x", "5sx", "x5s", "1e3", "1,5s", "inf", "nan", "5m-3s", "1.s"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    """The error quotes what was given and shows how to write it."""
    with pytest.raises(ValueError, match="write 90s, 1m30s, 500ms or 2h"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["8808h", "9" * 400, "9" * 400 + "h"])
def test_a_wait_of_more_than_a_year_is_a_slip(text: str) -> None:
    """No clock is asked to wait longer than it can."""
    with pytest.raises(ValueError, match="is longer than a year"):
        parse_duration(text)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading_of_durations(text: str) -> None:
    """Every text is a duration that is finite and not negative, or a ValueError."""
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert 0 <= seconds < float("inf")


@click.command()
@setting("--retry-max-pause", "-p", type=DURATION, default="5s")
@setting("--cache/--no-cache", "use_cache", default=True)
@output_option
@click.pass_obj
def command(session: Session, /, **chosen: Any) -> None:
    """Print what arrived."""
    click.echo(f"{session.output} {chosen}")


def invoke(*arguments: str, **environment: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, arguments, obj=Session(), env=environment)
    return done.exit_code, done.output.strip()


def test_an_option_is_set_by_flag_over_environment_over_default() -> None:
    """The variable is FRIT_ and the long flag's name; a flag wins over it."""
    assert invoke() == (0, "text {'retry_max_pause': 5.0, 'use_cache': True}")
    set_ = {"FRIT_RETRY_MAX_PAUSE": "1m", "FRIT_CACHE": "false", "FRIT_OUTPUT": "json"}
    assert invoke(**set_) == (0, "json {'retry_max_pause': 60.0, 'use_cache': False}")
    assert invoke("-p", "2s", "--cache", "-o", "yaml", **set_) == (
        0,
        "yaml {'retry_max_pause': 2.0, 'use_cache': True}",
    )


def test_a_bad_value_names_the_option_and_what_is_possible() -> None:
    """A wrong duration or format is wrong usage (2), with the flag's name."""
    code, said = invoke("--retry-max-pause", "soon")
    assert code == 2
    assert "'--retry-max-pause'" in said
    assert "'soon' is not a duration" in said
    code, said = invoke("-o", "xml")
    assert code == 2
    assert "'text', 'json', 'yaml'" in said


def test_a_bad_value_in_the_environment_names_the_variable() -> None:
    """Who never typed the flag learns where the value comes from."""
    code, said = invoke(FRIT_RETRY_MAX_PAUSE="soon")
    assert code == 2
    assert "FRIT_RETRY_MAX_PAUSE" in said
