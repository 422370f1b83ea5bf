"""What options have in common: environment variables, durations as kubectl writes them, and the output format."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from base.session import Session

F = TypeVar("F", bound=Callable[..., Any])


class _Setting(click.Option):
    """An option whose errors name the environment variable where the value comes from it."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """The flags, and the variable if nobody typed a flag."""
        hint = super().get_error_hint(ctx)
        source = ctx.get_parameter_source(self.name or "") if ctx else None
        return f"{hint} (from {self.envvar})" if source is ParameterSource.ENVIRONMENT else hint


def setting(name: str, *aliases: str, **attributes: Any) -> Callable[[F], F]:
    """A click option whose value may also come from the environment, named after its long flag.

    `--cert-manager-version` can be set as FRIT_CERT_MANAGER_VERSION; click gives flags precedence over the
    environment, the environment over the file, the file over the default.
    """
    long = next(one for one in (name, *aliases) if one.startswith("--")).partition("/")[0]
    variable = "FRIT_" + long.removeprefix("--").replace("-", "_").upper()
    return click.option(name, *aliases, cls=_Setting, envvar=variable, **attributes)


LONGEST_DURATION = 366 * 86400.0
"""Seconds; a longer wait is a slip of the keyboard, and the clocks of operating systems have limits too."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `90s`, `1m30s`, `500ms` or `2h`; a bare number means seconds.

    Raises ValueError for anything else. Source: Go's time.ParseDuration, which kubectl and Helm use.
    """
    text = text.strip()
    with_unit = f"{text}s" if re.fullmatch(r"\d+(\.\d+)?", text) else text
    parts = _DURATION.findall(with_unit)
    if not parts or "".join(number + unit for number, unit in parts) != with_unit:
        raise ValueError(f"{text!r} is not a duration: write 90s, 1m30s, 500ms or 2h")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > LONGEST_DURATION:
        raise ValueError(f"{text[:40]!r} is longer than a year")
    return seconds


class Duration(click.ParamType[float]):
    """A click type for durations; the value is seconds as a float, and not less than `least`."""

    name = "duration"

    def __init__(self, least: float = 0.0) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Turn an option's text into seconds."""
        try:
            seconds = float(value) if isinstance(value, int | float) else parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds < self.least:
            self.fail(f"{seconds:g}s is less than {self.least * 1000:.0f}ms", param, ctx)
        return seconds


DURATION = Duration()


LEAST_PAUSE = 0.05
"""Seconds; the least that --retry-max-pause takes, so that nobody hammers a server by a slip of the keyboard."""


def retry_options(command: F) -> F:
    """Add the options of the retry loop; they arrive as `retry_timeout`, `retry_attempts` and `retry_max_pause`.

    Durations are seconds, None where nothing was said. `base.policy.retry_policy` makes a policy of them.
    """

    for option in (
        setting(
            "--retry-max-pause",
            type=Duration(LEAST_PAUSE),
            help="Longest pause between two attempts. [default: 5s, and 1s while a webhook is not ready]",
        ),
        setting(
            "--retry-attempts",
            type=click.IntRange(1),
            metavar="N",
            default=1000,
            show_default=True,
            help="Most attempts of one request.",
        ),
        setting(
            "--retry-timeout",
            type=DURATION,
            help="How long failures may last before frit gives up; 0 repeats nothing. "
            "[default: as long as the other limits allow]",
        ),
    ):
        command = option(command)
    return command


def output_option(command: F) -> F:
    """Add `-o/--output`; the choice lands in the session, not in the command's arguments."""
    return _output(["text", "json", "yaml"])(command)


def object_output_option(command: F) -> F:
    """The same for commands that write one object, with its name alone (`name`), as kubectl has it."""
    return _output(["text", "name", "json", "yaml"])(command)


def list_output_option(command: F) -> F:
    """The same for commands that show things, with more columns (`wide`) or the names alone (`name`)."""
    return _output(["text", "wide", "name", "json", "yaml"])(command)


def _output(formats: list[str]) -> Callable[[F], F]:
    def chosen(ctx: click.Context, _: click.Parameter, value: str) -> None:
        ctx.ensure_object(Session).output = value

    return setting(
        "-o",
        "--output",
        type=click.Choice(formats),
        default="text",
        show_default=True,
        expose_value=False,
        callback=chosen,
        help="How to print the result on stdout.",
    )
