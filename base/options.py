"""Options that many commands share: output, and retry policy. Durations are written as kubectl writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from base.session import Session

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `90s`, `1m30s`, `500ms` or `2h`; a bare number means seconds.

    Raises ValueError for anything else. Source: Go's time.ParseDuration, which kubectl and Helm use.
    """
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration: write 90s, 1m30s, 500ms or 2h")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


class Duration(click.ParamType[float]):
    """A click type for durations; the value is seconds as a float."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Turn an option's text into seconds."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION = Duration()


def output_option(command: F) -> F:
    """Add `-o/--output`; the choice lands in the session, not in the command's arguments."""

    def chosen(ctx: click.Context, _: click.Parameter, value: str) -> None:
        ctx.ensure_object(Session).output = value

    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json", "yaml"]),
        default="text",
        show_default=True,
        expose_value=False,
        callback=chosen,
        envvar="FRIT_OUTPUT",
        show_envvar=True,
        help="How to print the result on stdout.",
    )(command)
