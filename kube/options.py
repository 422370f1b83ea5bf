"""The options that say which cluster: kubeconfig and context."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, TypeVar

import click

from base.options import setting
from base.session import Session

F = TypeVar("F", bound=Callable[..., Any])


def connection_options(command: F) -> F:
    """Add `--kubeconfig` and `--context`; they arrive as `kubeconfig` and `context`, None when not given."""
    command = setting(
        "--context",
        metavar="NAME",
        callback=_told,
        help="Context of the kubeconfig to use. [default: the current one]",
    )(command)
    return setting(
        "--kubeconfig",
        metavar="FILE",
        callback=_told,
        help="Kubeconfig to use. [default: $KUBECONFIG, then ~/.kube/config, then the pod's service account]",
    )(command)


def _told(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Remember which cluster was asked for, so that commands for people to paste reach the same one."""
    if value is not None:
        ctx.ensure_object(Session).kubectl += f" --{option.name} {shlex.quote(value)}"
    return value
