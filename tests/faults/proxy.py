"""A TLS proxy in front of an API server that does on demand what a real server can't be made to do.

It ends TLS with a certificate of its own authority, wants a bearer token of its own from the client, and passes
requests on with the credentials of the kubeconfig that it was given. Rules (`rules.py`) say what goes wrong. What it
saw stays readable in `seen`, headers too.
"""

from __future__ import annotations

import http.client
import secrets
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.cluster import pki
from tests.faults.ends import Upstream, write_kubeconfig
from tests.faults.rules import UNAUTHORIZED, Clock, Delay, Fault, Reset, Rule, Says, Truncated, status

MOST_CONNECTIONS = 64
MOST_SEEN = 5000
IDLE_SECONDS = 60.0
_NOT_PASSED_ON = frozenset({"host", "connection", "authorization", "content-length", "transfer-encoding"})
_OF_ONE_HOP = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})


@dataclass(frozen=True)
class Seen:
    """One request as it arrived (header names in lower case), the faults that it met, and the status it was answered
    with (0: none)."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    faults: tuple[Fault, ...]
    status: int
    at: float


class FaultProxy:
    """The proxy on loopback; a context manager. Without an upstream every request needs a rule that answers it."""

    def __init__(self, folder: Path, upstream: Path | None = None) -> None:
        self.folder = folder
        self.authority = pki.Authority(folder / "pki")
        self.token = secrets.token_hex(16)
        self.upstream = Upstream(upstream) if upstream else None
        self.rules: list[Rule] = []
        self.seen: deque[Seen] = deque(maxlen=MOST_SEEN)
        self.handshakes_refused = 0
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        pair = self.authority.issue("proxy", "frit-fault-proxy", hosts=("127.0.0.1", "localhost"))
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(pair.certificate, pair.key)
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        self.kubeconfig = self.write_kubeconfig("kubeconfig")

    def write_kubeconfig(self, name: str, *, authority: Path | None = None, token: str | None = None) -> Path:
        """A kubeconfig that points here, with another authority or another token where one is given."""
        trusted = authority or self.authority.pair.certificate
        return write_kubeconfig(self.folder / name, self.url, trusted, token or self.token)

    def on(self, fault: Fault, **when: Any) -> Rule:
        """Add a rule (see `Rule` for the conditions) and return it, so that its hits can be counted."""
        rule = Rule(fault, **when)
        self.rules.append(rule)
        return rule

    def faults_for(self, method: str, path: str) -> list[Fault]:
        """What happens to one request: delays and clocks of all rules, and the first other fault."""
        found: list[Fault] = []
        for rule in list(self.rules):
            if rule.takes(method, path):
                found.append(rule.fault)
                if not isinstance(rule.fault, Delay | Clock):
                    break
        return found

    @contextmanager
    def using(self, connection: socket.socket) -> Iterator[None]:
        """Keep a socket where `__exit__` finds it while the block runs."""
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        until = time.monotonic() + 5.0
        while self._server.running and time.monotonic() < until:
            with self._lock:
                for one in self._open:
                    _cut(one)
            time.sleep(0.01)  # handlers end as soon as their sockets are shut down
        assert not self._server.running, "handlers of the fault proxy did not end"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy
        self.running = 0
        self._count = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self.running < MOST_CONNECTIONS

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self._count:
            self.running += 1
        try:
            request.settimeout(IDLE_SECONDS)
            with self.proxy.using(request):
                tls = self.proxy.tls.wrap_socket(request, server_side=True)
        except OSError:  # the client does not trust the certificate, or went away
            self.proxy.handshakes_refused += 1
        else:
            with tls, self.proxy.using(tls):
                _Handler(tls, client_address, self)
        finally:
            with self._count:
                self.running -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: connections that break are this server's trade."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # what was written before a reset must have left
    server: _Server

    def do_GET(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token != proxy.token:
            faults: list[Fault] = [UNAUTHORIZED]
        else:
            faults = proxy.faults_for(self.command, self.path)
        for one in faults:
            if isinstance(one, Delay) and proxy.stopping.wait(one.seconds):
                self.close_connection = True
                return
        what = next((one for one in faults if not isinstance(one, Delay | Clock)), None)
        if what is Reset.BEFORE or isinstance(what, Says):
            self._answer(headers, faults, what)
        elif proxy.upstream is None:
            self._answer(headers, faults, status(501, "", f"no rule answers {self.command} {self.path}"))
        else:
            self._pass_on(proxy.upstream, headers, body, faults, what)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815 -- names of http.server

    def _answer(self, headers: dict[str, str], faults: list[Fault], what: Reset | Says) -> None:
        if isinstance(what, Says):
            self._keep(headers, faults, what.status)
            self._send(what.status, what.header_lines(), what.body)
        else:
            self._keep(headers, faults, 0)
            self._reset()

    def _keep(self, headers: dict[str, str], faults: list[Fault], answered: int) -> None:
        parts = urlsplit(self.path)
        seen = Seen(
            self.command, parts.path, dict(parse_qsl(parts.query)), headers, tuple(faults), answered, time.monotonic()
        )
        self.server.proxy.seen.append(seen)

    def _pass_on(
        self, upstream: Upstream, headers: dict[str, str], body: bytes, faults: list[Fault], what: Fault | None
    ) -> None:
        connection = upstream.connection()
        try:
            connection.connect()
            with self.server.proxy.using(connection.sock):
                passed = {name: value for name, value in headers.items() if name not in _NOT_PASSED_ON}
                connection.putrequest(self.command, self.path, skip_accept_encoding=True)
                for name, value in {**passed, **upstream.headers}.items():
                    connection.putheader(name, value)
                if body or self.command in ("POST", "PUT", "PATCH"):
                    connection.putheader("Content-Length", str(len(body)))
                connection.endheaders(body or None)
                with connection.getresponse() as response:
                    self._keep(headers, faults, response.status)
                    self._pass_back(response, faults, what)
        finally:
            connection.close()

    def _pass_back(self, response: http.client.HTTPResponse, faults: list[Fault], what: Fault | None) -> None:
        lines = [(name, value) for name, value in response.getheaders() if name.lower() not in _OF_ONE_HOP]
        for one in faults:
            if isinstance(one, Clock):
                lines = [(name, _shifted(value, one) if name == "Date" else value) for name, value in lines]
        if what is Reset.AFTER:
            response.read()
            self._reset()
        elif self.command == "HEAD" or response.length is not None or isinstance(what, Truncated):
            self._send_whole(response, lines, what)
        else:
            self._stream(response, lines, what)

    def _send_whole(self, response: http.client.HTTPResponse, lines: list[tuple[str, str]], what: Fault | None) -> None:
        content = response.read()
        if isinstance(what, Truncated):
            content = content[: len(content) // 2]
        if what is Reset.MIDDLE:
            self._send(response.status, lines, content, cut=len(content) // 2)
            self._reset()
        else:
            self._send(response.status, lines, content)

    def _stream(self, response: http.client.HTTPResponse, lines: list[tuple[str, str]], what: Fault | None) -> None:
        self._head(response.status, [*lines, ("Transfer-Encoding", "chunked")])
        while chunk := response.read1(65536):
            if what is Reset.MIDDLE:
                chunk = chunk[: len(chunk) // 2 or 1]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            if what is Reset.MIDDLE:
                self._reset()
                return
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, lines: list[tuple[str, str]], content: bytes, cut: int | None = None) -> None:
        self._head(status, [*lines, ("Content-Length", str(len(content)))])
        if self.command != "HEAD":
            self.wfile.write(content[:cut])

    def _head(self, status: int, lines: list[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in lines:
            self.send_header(name, value)
        self.end_headers()

    def _reset(self) -> None:
        """Let the connection end with RST instead of a proper goodbye."""
        time.sleep(0.02)  # what was written before must arrive: a reset overtakes unread data
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: tests look at `seen`."""


def _shifted(date: str, clock: Clock) -> str:
    return formatdate(parsedate_to_datetime(date).timestamp() + clock.seconds, usegmt=True)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it may have ended meanwhile
        connection.shutdown(socket.SHUT_RDWR)
