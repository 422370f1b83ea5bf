"""Where the throw-away clusters keep things: one folder below the user's cache folder, nothing elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

SOURCES = Path(__file__).resolve().parent

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")


class ClusterError(Exception):
    """Something that the user can act on; its text is the whole message."""


def cache() -> Path:
    """The folder for everything: ``$XDG_CACHE_HOME/frit-tests`` or ``~/.cache/frit-tests``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "frit-tests"


def binaries() -> Path:
    """The folder of built programs, one subfolder per program, version and inputs."""
    return cache() / "bin"


def clusters() -> Path:
    """The folder that holds one subfolder per cluster."""
    return cache() / "clusters"


def cluster_folder(name: str) -> Path:
    """The state folder of the cluster ``name``. Raises ClusterError for a name that can't be a host name."""
    if not _NAME.fullmatch(name):
        raise ClusterError(
            f"{name!r} can't name a cluster: use lower-case letters, digits and '-', 30 characters at most"
        )
    return clusters() / name
