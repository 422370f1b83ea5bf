"""A package repository of our own on loopback, for tests and the demo; `frit repo serve` serves it by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repositories.serving import serving

PACKAGES = Path(__file__).parent / "packages"
"""Packages of our own, in the wire format."""


@contextmanager
def serve(directory: Path = PACKAGES, port: int = 0) -> Iterator[str]:
    """The URL of a server on 127.0.0.1 that serves ``directory`` while the block runs; port 0 takes a free one."""
    with serving(directory, port=port) as server:
        yield server.url
