"""`-f frit.yaml`: the options of a bootstrap in a file, by the names of the long flags.

    apiVersion: frit/v1
    cert-manager-version: 1.21.2
    repository:
      - team=https://packages.example.com/stable
    timeout: 5m

Flags win over the environment, the environment over the file, the file over defaults. An unknown key or a value of
the wrong type is an error that names the line.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from base.errors import WrongUsage
from base.options import setting

F = TypeVar("F", bound=Callable[..., Any])

API_VERSION = "frit/v1"


def config_file_option(command: F) -> F:
    """Add `-f/--file`, which fills click's default map before the other options are read."""

    def load_into(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
        if value is not None:
            ctx.default_map = {**(ctx.default_map or {}), **load(value, ctx.command)}

    return setting(
        "-f",
        "--file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=load_into,
        help="Take options from this file (see docs/configuration.md).",
    )(command)


def load(path: Path, command: click.Command) -> dict[str, Any]:
    """Read a configuration file into values by parameter name.

    Raises `WrongUsage` with file and line for anything that is not an option of the command.
    """
    import yaml

    options = {
        flag.removeprefix("--"): option
        for option in command.params
        if isinstance(option, click.Option)
        for flag in (*option.opts, *option.secondary_opts)
        if flag.startswith("--") and option.name not in ("file",)
    }
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise WrongUsage(f"{path}: this is not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise WrongUsage(f"{where}: this is not YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(root, yaml.MappingNode):
        raise WrongUsage(f"{path}: a configuration file is a mapping", hint=f"begin it with: apiVersion: {API_VERSION}")
    values: dict[str, Any] = {}
    seen: dict[str, int] = {}
    version = None
    for key_node, value_node in root.value:
        where = f"{path}:{key_node.start_mark.line + 1}"
        key = str(key_node.value)
        if key in seen:
            raise WrongUsage(f"{where}: {key} stands here a second time (first in line {seen[key]})")
        seen[key] = key_node.start_mark.line + 1
        if key == "apiVersion":
            version = str(value_node.value)
            if version != API_VERSION:
                raise WrongUsage(f"{where}: apiVersion {version!r} is not known", hint=f"this frit reads {API_VERSION}")
            continue
        if key not in options or key.startswith("no-"):
            near = _nearest(key, options)
            raise WrongUsage(
                f"{where}: there is no setting {key!r}",
                hint=f"did you mean {near}?" if near else "frit bootstrap --help lists them",
            )
        option = options[key]
        values[str(option.name)] = _value(option, key, value_node, where)
    if version is None:
        raise WrongUsage(f"{path}: apiVersion is missing", hint=f"begin the file with: apiVersion: {API_VERSION}")
    return values


def _value(option: click.Option, key: str, node: Any, where: str) -> Any:
    import yaml

    loaded = yaml.SafeLoader("")
    try:
        value = loaded.construct_object(node, deep=True)
    finally:
        loaded.dispose()
    if option.multiple:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise WrongUsage(f"{where}: {key} takes a list of texts")
        return value
    if option.is_flag:
        if not isinstance(value, bool):
            raise WrongUsage(f"{where}: {key} is true or false, not {value!r}")
        return value
    if isinstance(value, list | dict) or value is None or isinstance(value, bool):
        raise WrongUsage(f"{where}: {key} takes one value")
    try:
        option.type.convert(str(value), option, None)
    except click.BadParameter as error:
        raise WrongUsage(f"{where}: {key}: {error.message}") from None
    return str(value)


def _nearest(key: str, options: dict[str, Any]) -> str:
    import difflib

    found = difflib.get_close_matches(key, [one for one in options if not one.startswith("no-")], n=1)
    return found[0] if found else ""
