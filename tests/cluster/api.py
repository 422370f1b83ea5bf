"""Plain HTTPS requests to an API server, independent of frit's own code, so that a bug there can't hide itself."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import tempfile
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from .paths import ClusterError

TIMEOUT_SECONDS = 10.0
USER_AGENT = "frit-tests"
JSON = "application/json"

_BROKEN = (
    http.client.RemoteDisconnected,
    ConnectionResetError,
    BrokenPipeError,
    http.client.CannotSendRequest,
)


class Api:
    """One API server, with the credentials of a kubeconfig (certificate or token); one connection per thread."""

    def __init__(
        self, kubeconfig: Path, *, user_agent: str = USER_AGENT, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        cluster, user = _current(kubeconfig)
        self.server: str = cluster["server"]
        parts = urlsplit(self.server)
        self._address = (parts.hostname or "", parts.port or 443)
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout_seconds
        self._headers = {"User-Agent": user_agent}
        if "token" in user:
            self._headers["Authorization"] = f"Bearer {user['token']}"
        self._tls = _tls(cluster, user, kubeconfig)
        self._local = threading.local()
        self._opened: list[http.client.HTTPSConnection] = []

    def request(self, method: str, path: str, body: object = None, content: str = JSON, accept: str = JSON) -> Answer:
        """Sends one request. Raises OSError or http.client.HTTPException where there is no answer."""
        payload = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, "Accept": accept}
        if payload is not None:
            headers["Content-Type"] = content
        fresh = getattr(self._local, "connection", None) is None
        try:
            return self._send(method, path, payload, headers)
        except _BROKEN:
            self.close()
            # A connection that idled may have been closed meanwhile; on a new one it is a real failure.
            if fresh:
                raise
            return self._send(method, path, payload, headers)
        except BaseException:
            self.close()
            raise

    def _send(self, method: str, path: str, payload: bytes | None, headers: dict[str, str]) -> Answer:
        connection: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPSConnection(*self._address, timeout=self._timeout, context=self._tls)
            self._local.connection = connection
            self._opened.append(connection)
        connection.request(method, self._prefix + path, payload, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read())

    def close(self) -> None:
        """Closes this thread's connection."""
        connection: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._opened.remove(connection)
            self._local.connection = None

    def __del__(self) -> None:
        # Threads of a pool are gone before anybody could ask them to close theirs.
        for connection in getattr(self, "_opened", ()):
            connection.close()

    def get(self, path: str) -> Answer:
        return self.request("GET", path)


class Answer:
    """An answer: its status and its content."""

    def __init__(self, status: int, content: bytes) -> None:
        self.status = status
        self.content = content

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        return json.loads(self.content)

    def __str__(self) -> str:
        return f"{self.status} {self.content[:500].decode(errors='replace')}"


def _current(kubeconfig: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    data = yaml.safe_load(kubeconfig.read_text())

    def named(kind: str, name: str) -> dict[str, Any]:
        entries = [entry for entry in data[f"{kind}s"] if entry["name"] == name]
        if not entries:
            raise ClusterError(f"{kubeconfig} has no {kind} {name!r}")
        found: dict[str, Any] = entries[0][kind]
        return found

    context = named("context", data["current-context"])
    return named("cluster", context["cluster"]), named("user", context["user"])


def _tls(cluster: dict[str, Any], user: dict[str, Any], kubeconfig: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority = _material(cluster, "certificate-authority", kubeconfig)
    if authority is not None:
        context = ssl.create_default_context(cadata=authority.decode())
    certificate, key = (
        _material(user, "client-certificate", kubeconfig),
        _material(user, "client-key", kubeconfig),
    )
    if certificate is not None and key is not None:
        # ssl reads a client's certificate from a file only; this one is gone before anybody else could read it.
        descriptor, name = tempfile.mkstemp()
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(certificate + b"\n" + key)
            context.load_cert_chain(name)
        finally:
            Path(name).unlink()
    elif "token" not in user:
        raise ClusterError(f"{kubeconfig}: only client certificates and tokens are understood here")
    return context


def _material(entry: dict[str, Any], name: str, kubeconfig: Path) -> bytes | None:
    if f"{name}-data" in entry:
        return base64.b64decode(str(entry[f"{name}-data"]))
    if name in entry:
        return (kubeconfig.parent / str(entry[name])).read_bytes()
    return None
