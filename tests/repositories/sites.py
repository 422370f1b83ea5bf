"""A package repository on a real server on loopback: validators, logins, and faults on request."""

from __future__ import annotations

import atexit
import base64
import contextlib
import hashlib
import http.server
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from base.clock import Run
from base.events import Event
from base.policy import RetryPolicy
from repositories.carriers import Ways
from repositories.credentials import Credentials
from repositories.origins import NOBODY
from repositories.reader import POLICY, Origin, Reader, ReadOptions
from tests.serving import running

Handler = http.server.BaseHTTPRequestHandler
Fault = Callable[[Handler], None]

QUICK: RetryPolicy = replace(POLICY, attempts=3, first_pause=0.01, growth=1.0, max_pause=0.01, jitter=0.0, timeout=10.0)

FILES: dict[str, bytes] = {
    "index.yaml": b"packages:\n- name: alpha\n  latestVersion: v1.0.0+1\n- name: beta\n  scope: Namespaced\n",
    "alpha/versions.yaml": b"latestVersion: v1.0.0+1\nversions:\n- version: v1.0.0+1\n- version: v1.1.0+1\n",
    "alpha/v1.0.0+1/package.yaml": b"name: alpha\ndefaultNamespace: alpha\nmanifests:\n- url: ./all.yaml\n",
    "alpha/v1.0.0+1/all.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
}


class Site(http.server.ThreadingHTTPServer):
    """Serves `files`. `asked` are the paths in their order, `callers` the ports from which they were asked for.

    `status` counts the answers by their status.

    `faults` are for a path (or "" for any), and are used up one by one; `login` is the header Authorization to ask
    for. `validators` says which of `etag` and `modified` it sends; `headers` are sent besides.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.files = dict(FILES)
        self.asked: list[str] = []
        self.heard: list[dict[str, str]] = []
        self.callers: list[int] = []
        self.status: Counter[int] = Counter()
        self.faults: dict[str, list[Fault]] = {}
        self.login = ""
        self.validators = {"etag"}
        self.headers: dict[str, str] = {}
        self.modified = 1_760_000_000.0
        self.lock = threading.Lock()
        self.tls = tls
        site = self

        class Request(Handler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_GET(self) -> None:  # noqa: N802  # the name that http.server looks for
                with contextlib.suppress(OSError):  # what a client that hangs up does to the server is no matter here
                    site.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                return

        super().__init__(("127.0.0.1", 0), Request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands on the thread of the request."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with contextlib.suppress(OSError), self.tls.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def answer(self, request: Handler) -> None:
        """Answer one request."""
        path = unquote(request.path.removeprefix("/"))
        with self.lock:
            self.asked.append(path)
            self.heard.append({name.lower(): value for name, value in request.headers.items()})
            self.callers.append(request.client_address[1])
            waiting = self.faults.get(path) or self.faults.get("") or []
            fault = waiting.pop(0) if waiting else None
        if fault is not None:
            request.close_connection = True
            return fault(request)
        if self.login and request.headers.get("Authorization") != self.login:
            return self.give(request, b"", 401, {"WWW-Authenticate": 'Basic realm="packages"'})
        body = self.files.get(path)
        if body is None:
            return self.give(request, b"nothing here", 404)
        headers = dict(self.headers)
        etag, modified = f'"{hashlib.sha256(body).hexdigest()[:16]}"', formatdate(self.modified, usegmt=True)
        if "etag" in self.validators:
            headers["ETag"] = etag
        if "modified" in self.validators:
            headers["Last-Modified"] = modified
        said = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
        known = ("etag" in self.validators and said[0] == etag) or (
            "modified" in self.validators and said[1] == modified
        )
        return self.give(request, b"" if known else body, 304 if known else 200, headers)

    def give(self, request: Handler, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Send an answer."""
        with self.lock:
            self.status[status] += 1
        request.send_response(status)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        if status != 304:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    @property
    def url(self) -> str:
        """The address of the repository."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def site(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """A server that is there until the block ends."""
    with running(Site(tls)) as server:
        yield server


def closed_port() -> int:
    """A port on which nobody listens, also not the server of another test: it is taken until the process ends."""
    one = socket.socket()
    one.bind(("127.0.0.1", 0))
    atexit.register(one.close)
    return int(one.getsockname()[1])


def status(code: int, body: bytes = b"", **headers: str) -> Fault:
    """A fault: an answer with this status."""

    def give(request: Handler) -> None:
        request.send_response(code)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return give


def reset(request: Handler) -> None:
    """A fault: the connection ends without an answer."""
    request.connection.close()


def silence(until: threading.Event) -> Fault:
    """A fault: no answer until an event is set."""

    def give(_: Handler) -> None:
        until.wait(20)

    return give


def pieces(make: Callable[[], Iterator[bytes]], **headers: str) -> Fault:
    """A fault: an answer without a length, in pieces."""

    def give(request: Handler) -> None:
        request.send_response(200)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        for piece in make():
            request.wfile.write(piece)

    return give


def basic(username: str, password: str) -> str:
    """The header for a user."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


class Desk:
    """Makes readers with quick settings and a cache of their own; `events` is what was told."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.events: list[Event] = []
        self.run = Run()
        self._readers: list[Reader] = []

    def close(self) -> None:
        """Close all readers."""
        for reader in self._readers:
            reader.close()

    def options(self, **changes: Any) -> ReadOptions:
        """Options for an impatient test."""
        given = {"ways": Ways(2.0, 2.0), "policy": QUICK, "cache_dir": self.cache, **changes}
        return ReadOptions(**given)

    def reader(self, url: str, credentials: Credentials = NOBODY, **changes: Any) -> Reader:
        """A reader of one repository."""
        made = Reader(Origin("team", url, credentials), self.options(**changes), self.run, self.events.append)
        self._readers.append(made)
        return made


@contextlib.contextmanager
def desk_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Readers in an environment without proxies, closed at the end."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "FRIT_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    made = Desk(folder / "cache")
    yield made
    made.close()
