"""The options that say which cluster: kubeconfig and context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from base.options import setting

F = TypeVar("F", bound=Callable[..., Any])


def connection_options(command: F) -> F:
    """Add `--kubeconfig` and `--context`; they arrive as `kubeconfig` and `context`, None when not given."""
    command = setting(
        "--context",
        metavar="NAME",
        help="Context of the kubeconfig to use. [default: the current one]",
    )(command)
    return setting(
        "--kubeconfig",
        metavar="FILE",
        help="Kubeconfig to use. [default: $KUBECONFIG, then ~/.kube/config, then the pod's service account]",
    )(command)
