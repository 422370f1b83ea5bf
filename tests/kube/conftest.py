"""A server that says what a test wants it to say, and a client that is connected to it as frit connects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kube.client import Client
from kube.connection import ConnectionOptions, connect
from tests.faults.proxy import FaultProxy


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultProxy]:
    """The fault proxy with no API server behind it: rules answer everything."""
    with FaultProxy(tmp_path) as running:
        yield running


@pytest.fixture
def asking(server: FaultProxy) -> Client:
    """A client of that server."""
    return connect(ConnectionOptions(kubeconfig=str(server.kubeconfig)), user_agent="frit/0 (test)").client
