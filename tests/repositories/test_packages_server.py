"""The local package repository that tests and the demo use."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from tests.packages_server import PACKAGES, serve


def test_it_serves_the_packages_while_the_block_runs() -> None:
    """Index and manifests come as they are, a + in a version stays one, and afterwards the port is closed."""
    with serve() as url:
        assert url.startswith("http://127.0.0.1:")
        for path in ("index.yaml", "hello-web/v1.1.0+1/package.yaml", "hello-web/v1.1.0%2B1/package.yaml"):
            with urllib.request.urlopen(f"{url}/{path}") as answer:  # noqa: S310 -- loopback
                assert answer.headers["Content-Type"] == "application/yaml"
                assert answer.read() == (PACKAGES / path.replace("%2B", "+")).read_bytes()
    with socket.socket() as free:
        assert free.connect_ex(("127.0.0.1", urlsplit(url).port or 0)) != 0


def test_it_has_nothing_else() -> None:
    """A folder has no listing, and nothing outside the folder is served."""
    with serve() as url:
        for path in ("hello-web/", "missing.yaml", "../packages_server.py"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"{url}/{path}")  # noqa: S310 -- loopback
            assert caught.value.code == 404
            caught.value.close()
