"""A TLS handshake over a port-forward's frames: who is trusted, with which dates, and what breaks."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from base.clock import Deadline
from kube.client import Client
from kube.failures import ApiError
from kube.port_forward import CLOSE, DATA, ERRORS, Tunnel, forwarded, handshake, trusting
from kube.webhook_backend import SIGNATURE_FAILURE, attempts
from kube.x509 import certificates_in, read
from tests.faults.proxy import FaultProxy
from tests.faults.rules import status
from tests.kube.pki import Authority, Pair

HOST = "hook.space.svc"
BINARY = 0x2


class Frames:
    """What an API server's port-forward sends: the port on both channels first, then the bytes of a socket."""

    def __init__(self, other: socket.socket, first: list[tuple[int, bytes]] | None = None) -> None:
        port = (9443).to_bytes(2, "little")
        start = [(BINARY, bytes((DATA,)) + port), (BINARY, bytes((ERRORS,)) + port)]
        self._waiting = start if first is None else first
        self._other = other

    def recv_data(self) -> tuple[int, bytes]:
        if self._waiting:
            return self._waiting.pop(0)
        data = self._other.recv(1000)
        return (BINARY, bytes((DATA,)) + data) if data else (CLOSE, b"")

    def send_binary(self, frame: bytes) -> None:
        assert frame[0] == DATA
        self._other.sendall(frame[1:])

    def settimeout(self, seconds: float) -> None:
        self._other.settimeout(seconds)

    def shutdown(self) -> None:
        self._other.close()


@contextmanager
def serving(pair: Pair, folder: Path) -> Iterator[Tunnel]:
    """A TLS server that shows a certificate, and a tunnel to it."""
    (folder / "chain.pem").write_bytes(pair.pem)
    (folder / "key.pem").write_bytes(pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    theirs.settimeout(10)

    def serve() -> None:
        with suppress(OSError):  # a caller that does not trust it breaks the handshake off
            context.wrap_socket(theirs, server_side=True).close()
        theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield tunnel_to(ours)
    finally:
        ours.close()
        thread.join(10)


def tunnel_to(ours: socket.socket, first: list[tuple[int, bytes]] | None = None) -> Tunnel:
    frames: Any = Frames(ours, first)
    return Tunnel(frames, "connect to a pod", Deadline.after(10))


def test_who_is_trusted(tmp_path: Path) -> None:
    """The CA that signed is enough, also beside another one; another CA of the same name is not."""
    right, other = Authority("hook-ca"), Authority("hook-ca")
    another = Authority("another-ca")
    for bundle in (right.pem, another.pem + right.pem):
        with serving(right.issue(HOST), tmp_path) as tunnel:
            assert read(handshake(tunnel, trusting(certificates_in(bundle)), HOST)).names == (HOST,)
    for bundle in (other.pem, another.pem):
        with serving(right.issue(HOST), tmp_path) as tunnel, pytest.raises(ssl.SSLCertVerificationError):
            handshake(tunnel, trusting(certificates_in(bundle)), HOST)


def test_an_old_and_a_new_ca_of_one_name(tmp_path: Path) -> None:
    """Where OpenSSL stops at the first of them, the attempts that follow find the one that signed, as Go does."""
    old, new = Authority("hook-ca"), Authority("hook-ca")
    tried = attempts(certificates_in(old.pem + new.pem))
    assert [len(one) for one in tried] == [2, 1, 1]
    outcomes: list[bool | int] = []
    for authorities in tried:
        with serving(new.issue(HOST), tmp_path) as tunnel:
            try:
                outcomes.append(bool(handshake(tunnel, trusting(authorities), HOST)))
            except ssl.SSLCertVerificationError as error:
                outcomes.append(error.verify_code)
    assert outcomes[0] in (True, SIGNATURE_FAILURE)  # OpenSSL's choice between the two
    assert outcomes[1:] == [True, SIGNATURE_FAILURE]
    assert attempts([]) == []
    assert attempts([b"one"]) == [[b"one"]]


def test_dates_and_names_are_left_to_the_caller(tmp_path: Path) -> None:
    """An expired certificate, one of the future, and one for another name are shown, not refused."""
    authority = Authority(ends=timedelta(days=-1), born=timedelta(days=-9))
    past = authority.issue("other", born=timedelta(days=-8), ends=timedelta(days=-2))
    future = authority.issue("other", born=timedelta(days=2))
    for pair in (past, future):
        with serving(pair, tmp_path) as tunnel:
            assert handshake(tunnel, trusting(certificates_in(authority.pem)), HOST) == certificates_in(pair.pem)[0]


def test_without_a_bundle_everybody_is_shown(tmp_path: Path) -> None:
    """No authority at all means: look only. A certificate that stands in the bundle itself is trusted."""
    pair = Authority().issue(HOST)
    for authorities in ([], certificates_in(pair.pem)):
        with serving(pair, tmp_path) as tunnel:
            assert handshake(tunnel, trusting(authorities), HOST) == certificates_in(pair.pem)[0]


def test_who_does_not_speak_tls() -> None:
    """An answer that is no TLS is an SSLError, and a connection that ends is one too."""
    for said in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b""):
        ours, theirs = socket.socketpair()
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(ssl.SSLError):
            handshake(tunnel_to(ours), trusting([]), HOST)
        ours.close()
        theirs.close()


def test_what_the_server_says_on_the_error_channel() -> None:
    """The words of the kubelet become an ApiError."""
    port = (9443).to_bytes(2, "little")
    first = [(BINARY, bytes((ERRORS,)) + port), (BINARY, bytes((ERRORS,)) + b"dial tcp: connection refused")]
    ours, theirs = socket.socketpair()
    with pytest.raises(ApiError, match="could not connect to a pod: dial tcp: connection refused"):
        handshake(tunnel_to(ours, first), trusting([]), HOST)
    ours.close()
    theirs.close()


def test_silence_ends_at_the_deadline() -> None:
    """A pod that says nothing costs the time that was given, and not more."""
    ours, theirs = socket.socketpair()
    frames: Any = Frames(ours)
    with pytest.raises(ApiError, match="time"):
        handshake(Tunnel(frames, "connect to a pod", Deadline.after(0.2)), trusting([]), HOST)
    ours.close()
    theirs.close()


def test_a_server_that_answers_no_websocket(server: FaultProxy, asking: Client) -> None:
    """Where the server refuses, its Status is understood as of every other request."""
    server.on(
        status(403, "Forbidden", 'pods "p" is forbidden: User "u" cannot get resource "pods/x"')
    )  # as RBAC says it
    with pytest.raises(ApiError) as caught:
        forwarded(asking, "space", "p", 9443, timeout=5)
    assert caught.value.failure.status == 403
    assert caught.value.failure.reason == "Forbidden"
