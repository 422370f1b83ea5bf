"""Real servers on loopback for the tests of downloads: HTTP, HTTPS with a CA of their own, and a small proxy."""

from __future__ import annotations

import contextlib
import datetime
import http.server
import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.serving import running

Handler = http.server.BaseHTTPRequestHandler
Answer = Callable[[Handler], None]


class Server(http.server.ThreadingHTTPServer):
    """Gives the answers in their order, the last one again and again, and keeps what was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers)
        self.asked: list[Handler] = []
        self.lock = threading.Lock()
        server = self

        class Request(Handler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_GET(self) -> None:  # noqa: N802  # the name that http.server looks for
                with server.lock:
                    server.asked.append(self)
                    answer = server.answers[0] if len(server.answers) == 1 else server.answers.pop(0)
                self.close_connection = True
                # What a client that hangs up early does to the server is part of these tests.
                with contextlib.suppress(OSError):
                    answer(self)

            do_CONNECT = do_GET  # noqa: N815  # the name that http.server looks for

            def log_message(self, format: str, *args: Any) -> None:
                return

        super().__init__(("127.0.0.1", 0), Request)
        self.tls = tls

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands on the thread of the request, so that a client that refuses does not stop the server."""
        if self.tls is not None:
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except OSError:
                return
        super().finish_request(request, client_address)
        if self.tls is not None:
            request.close()

    def url(self, path: str = "/v1.21.2/cert-manager.yaml", host: str = "127.0.0.1") -> str:
        """The address of something on this server."""
        return f"{'https' if self.tls else 'http'}://{host}:{self.server_port}{path}"


@contextlib.contextmanager
def serving(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that is there until the block ends."""
    with running(Server(*answers, tls=tls)) as server:
        yield server


def answer(body: bytes = b"", status: int = 200, *, length: int | None = None, **headers: str) -> Answer:
    """An ordinary answer; `length` tells another length than the body has."""

    def give(request: Handler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body) if length is None else length))
        request.end_headers()
        request.wfile.write(body)

    return give


def stream(pieces: Callable[[], Iterator[bytes]], **headers: str) -> Answer:
    """An answer without a length, which ends when the connection does."""

    def give(request: Handler) -> None:
        request.send_response(200)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        for piece in pieces():
            request.wfile.write(piece)

    return give


def silence(until: threading.Event) -> Answer:
    """No answer at all, until an event is set."""

    def give(_: Handler) -> None:
        until.wait(30)

    return give


def forward(port: int) -> Answer:
    """What a proxy does, except that every host is the one on this port of loopback."""

    def give(request: Handler) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as server:
            if request.command == "CONNECT":
                request.send_response(200)
                request.end_headers()
            else:
                path = "/" + request.path.partition("://")[2].partition("/")[2]
                server.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            pairs = {request.connection: server, server: request.connection}
            while ready := select.select(list(pairs), [], [], 10)[0]:
                for side in ready:
                    data = side.recv(1 << 16)
                    if not data:
                        return
                    pairs[side].sendall(data)

    return give


class Authority:
    """A certificate authority of the tests: `bundle` is its certificate in a file."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {name}")])
        self.certificate = self._sign(self.name, self.key, x509.BasicConstraints(ca=True, path_length=None), [], 1)
        self.bundle = folder / f"{name}.pem"
        self.bundle.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *names: str, days: int = 1) -> ssl.SSLContext:
        """A context for a server with these names; with negative days its certificate has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
        ]
        end = x509.BasicConstraints(ca=False, path_length=None)
        certificate = self._sign(subject, key, end, alternatives, days)
        file = self.folder / f"{certificate.serial_number}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        constraints: x509.BasicConstraints,
        names: list[x509.GeneralName],
        days: int,
    ) -> x509.Certificate:
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - datetime.timedelta(days=2))
            .not_valid_after(end)
            .add_extension(constraints, critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())
