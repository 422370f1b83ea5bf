"""A folder on HTTP, for development and for networks without a way out: read only, nothing outside of the folder."""

from __future__ import annotations

import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import IO, cast

from base.errors import WrongUsage
from base.parallel import spawn
from base.version import VERSION
from repositories.etags import Digests, matches
from repositories.objects import hide_credentials, one_line
from repositories.shelf import Refused, names_of, open_below

LOOPBACK = "127.0.0.1"
MOST_CONNECTIONS = 256
"""Connections at the same time, each with a thread; one more is closed at once."""

IDLE = 30.0
"""Seconds after which a connection that says nothing is closed."""

_LAST = 0.4
"""Seconds that requests in progress have when the server ends; frit has less than a second for its end."""

_TYPES = {
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".json": "application/json",
    ".tgz": "application/gzip",
    ".gz": "application/gzip",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".md": "text/markdown; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}


class Server(socketserver.ThreadingTCPServer):
    """The server behind `serving`; `tell` gets one line for every request.

    Raises `WrongUsage` where the address cannot be listened on.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, directory: Path, host: str, port: int, tell: Callable[[str], None]) -> None:
        self.directory = directory
        self.digests = Digests()
        self.tell = tell
        self.busy = threading.Condition()
        self.requests = 0
        self.answering = 0
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._closed = False
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise WrongUsage(
                f"could not listen on {_authority(host, port)}: {getattr(error, 'strerror', None) or error}",
                hint="name another --host or --port; --port 0 takes a free one",
            ) from None
        self.host, self.port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where the folder is served; of a server on all addresses, its address on loopback."""
        host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(self.host, self.host)  # noqa: S104 -- compared only
        return f"http://{_authority(host, self.port)}"

    def process_request(self, request: object, client_address: object) -> None:
        """Give a connection a thread, or close it where all places are taken."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(cast(socket.socket, request))
            return
        super().process_request(cast(socket.socket, request), client_address)

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Answer the requests of one connection."""
        try:
            super().process_request_thread(cast(socket.socket, request), client_address)
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say in one line what broke a connection; a client that went away is no news."""
        import sys

        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.tell(f"could not answer: {type(error).__name__}: {one_line(str(error))}")

    def close(self) -> None:
        """Close the port and let requests in progress finish, for a moment. Safe to call twice, from any thread."""
        with self.busy:
            if self._closed:
                return
            self._closed = True
        self.shutdown()
        self.socket.close()
        with self.busy:
            self.busy.wait_for(lambda: not self.answering, timeout=_LAST)


@contextmanager
def serving(
    directory: Path, host: str = LOOPBACK, port: int = 0, tell: Callable[[str], None] = lambda line: None
) -> Iterator[Server]:
    """Serve a folder while the block runs; port 0 takes a free one. Raises what `Server` raises."""
    server = Server(directory, host, port, tell)
    spawn(lambda: server.serve_forever(poll_interval=0.05), "serving")
    try:
        yield server
    finally:
        server.close()


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of files, with conditions; everything else is an error in one line of plain text."""

    protocol_version = "HTTP/1.1"
    server_version = f"frit/{VERSION}"
    sys_version = ""
    timeout = IDLE
    wbufsize = 65536
    disable_nagle_algorithm = True
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain; charset=utf-8"
    server: Server

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        # the body of a request is not read, so it must not be taken for the next request
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True
        with self.server.busy:
            self.server.answering += 1
            self.server.requests += 1
        try:
            self._send(body=body)
            self.wfile.flush()
        finally:
            with self.server.busy:
                self.server.answering -= 1
                self.server.busy.notify_all()

    def _send(self, *, body: bool) -> None:
        try:
            opened = open_below(self.server.directory, names_of(self.path))
        except Refused as refused:
            self.send_error(refused.status, refused.why)
            return
        with opened as file:
            about = os.fstat(file.fileno())
            tag = self.server.digests.tag(file)
            unchanged = self._unchanged(tag, about.st_mtime)
            self.send_response(HTTPStatus.NOT_MODIFIED if unchanged else HTTPStatus.OK)
            self.send_header("ETag", tag)
            self.send_header("Last-Modified", formatdate(about.st_mtime, usegmt=True))
            self.send_header("Cache-Control", "no-cache")  # keep it, and ask each time whether it is still right
            self.send_header("X-Content-Type-Options", "nosniff")
            if not unchanged:
                self.send_header("Content-Type", _TYPES.get(Path(file.name).suffix, "application/octet-stream"))
                self.send_header("Content-Length", str(about.st_size))
            self.end_headers()
            if body and not unchanged:
                self._copy(file, about.st_size)

    def _copy(self, file: IO[bytes], size: int) -> None:
        """Send exactly as many bytes as were promised; of a file that shrank, break off, so that it shows."""
        while size:
            part = file.read(min(size, 1 << 18))
            if not part:
                self.close_connection = True
                return
            self.wfile.write(part)
            size -= len(part)

    def _unchanged(self, tag: str, changed: float) -> bool:
        """Whether the client has it already. Source: RFC 9110, section 13.2.2 (If-None-Match goes first)."""
        known = self.headers.get_all("If-None-Match")
        if known is not None:
            return matches(", ".join(known), tag)
        with suppress(ValueError, TypeError, IndexError, OverflowError):
            return int(changed) <= parsedate_to_datetime(self.headers["If-Modified-Since"]).timestamp()
        return False

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        number = code.value if isinstance(code, HTTPStatus) else code
        self.server.tell(one_line(f"{self.command} {hide_credentials(self.path)[:200]} {number}"))

    def log_error(self, format: str, *args: object) -> None:
        pass  # the request's own line says the code

    def log_message(self, format: str, *args: object) -> None:
        pass
