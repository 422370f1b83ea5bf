"""What options have in common: environment variables, durations as kubectl writes them, and the output format."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from base.session import Session

F = TypeVar("F", bound=Callable[..., Any])


def setting(name: str, *aliases: str, **attributes: Any) -> Callable[[F], F]:
    """A click option whose value may also come from the environment, named after its long flag.

    `--cert-manager-version` can be set as FRIT_CERT_MANAGER_VERSION; click gives flags precedence over the
    environment, the environment over the file, the file over the default.
    """
    long = next(one for one in (name, *aliases) if one.startswith("--")).partition("/")[0]
    variable = "FRIT_" + long.removeprefix("--").replace("-", "_").upper()
    return click.option(name, *aliases, envvar=variable, **attributes)


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

    return setting(
        "-o",
        "--output",
        type=click.Choice(["text", "json", "yaml"]),
        default="text",
        show_default=True,
        expose_value=False,
        callback=chosen,
        help="How to print the result on stdout.",
    )(command)
