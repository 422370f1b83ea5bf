"""A repository on loopback that wants a login, and keeps what it was shown; with TLS it also wants a certificate."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.cluster import pki
from tests.packages_server import PACKAGES
from tests.serving import running


def basic(username: str, password: str) -> str:
    """The header of a basic login (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


class Guarded(ThreadingHTTPServer):
    """Serves the test packages to those who show one of the `accepted` Authorization headers; "" is for everybody."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(PACKAGES)))
        self.accepted: set[str] = {""}
        self.shown: list[str] = []
        self.scheme = "http"

    @property
    def url(self) -> str:
        """The URL of the repository."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that breaks off is no news."""


class _Handler(SimpleHTTPRequestHandler):
    server: Guarded

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        self.server.shown.append(given)
        if given in self.server.accepted or "" in self.server.accepted:
            super().do_GET()
        else:
            self.send_error(401)

    def log_message(self, format: str, *args: object) -> None:
        pass  # requests are no news on stderr


@contextmanager
def guarded(*accepted: str, tls: pki.Authority | None = None) -> Iterator[Guarded]:
    """The running server; with `tls` it has a certificate of that authority and wants one of it from clients."""
    server = Guarded()
    server.accepted = set(accepted)
    if tls is not None:
        pair = tls.issue("packages", "packages", hosts=("127.0.0.1",))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        context.load_verify_locations(tls.pair.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.scheme = "https"
    with running(server):
        yield server


def client_pair(tls: pki.Authority) -> tuple[Path, Path]:
    """A client's certificate and key that the server accepts."""
    pair = tls.issue("client", "client")
    return pair.certificate, pair.key
