"""The options that say which cluster: kubeconfig and context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def connection_options(command: F) -> F:
    """Add `--kubeconfig` and `--context`; they arrive as `kubeconfig` and `context`, None when not given."""
    command = click.option(
        "--context",
        metavar="NAME",
        envvar="FRIT_CONTEXT",
        show_envvar=True,
        help="Context of the kubeconfig to use. [default: the current one]",
    )(command)
    return click.option(
        "--kubeconfig",
        metavar="FILE",
        envvar="FRIT_KUBECONFIG",
        show_envvar=True,
        help="Kubeconfig to use. [default: $KUBECONFIG, then ~/.kube/config, then the pod's service account]",
    )(command)
