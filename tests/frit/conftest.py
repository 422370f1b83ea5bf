"""A server that answers as a test says, for commands that talk to one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.proxy import FaultProxy


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultProxy]:
    """The fault proxy with no API server behind it."""
    with FaultProxy(tmp_path) as running:
        yield running
