"""What breaks between frit and the API server: real sockets first, then the forms that libraries give it."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3
from kubernetes.client.exceptions import ApiException

from kube.failures import ApiError, Kind, from_exception
from tests.repositories.sites import closed_port


@contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A loopback server that hands its first connection to `serve`; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            connection, _ = listening.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def wait_a_while() -> None:
    """Longer than the client's patience in `failing_get`."""
    threading.Event().wait(0.5)


def failing_get(url: str, **options: Any) -> BaseException:
    """The exception that urllib3 raises for a URL."""
    with (
        urllib3.PoolManager(retries=False, timeout=0.3, **options) as pool,
        pytest.raises(Exception) as raised,
    ):
        pool.request("GET", url)
    return raised.value


def test_broken_connections_are_worth_another_try() -> None:
    """Refused, reset, cut short and silent connections, as urllib3 reports them for real sockets."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there, nor can anybody
        refused = from_exception(failing_get(f"http://127.0.0.1:{taken.getsockname()[1]}/"))
    assert (refused.kind, refused.status) == (Kind.API_UNAVAILABLE, 0)
    assert "refused" in refused.message
    with server(lambda connection: None) as port:
        assert from_exception(failing_get(f"http://127.0.0.1:{port}/")).kind == Kind.API_UNAVAILABLE
    with server(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal")) as port:
        assert from_exception(failing_get(f"http://127.0.0.1:{port}/")).kind == Kind.API_UNAVAILABLE
    with server(lambda connection: wait_a_while()) as port:
        silent = from_exception(failing_get(f"http://127.0.0.1:{port}/"))
    assert silent.kind == Kind.API_UNAVAILABLE
    assert "timed out" in silent.message
    with server(lambda connection: None) as port:
        assert from_exception(failing_get(f"https://127.0.0.1:{port}/")).kind == Kind.API_UNAVAILABLE


def test_a_proxy_that_is_away_is_configuration_and_reads_well() -> None:
    """urllib3 gives its exception two arguments, so that its own text is that of a tuple."""
    pool = urllib3.ProxyManager(f"http://127.0.0.1:{closed_port()}", retries=False)
    with pytest.raises(urllib3.exceptions.ProxyError) as raised:
        pool.request("GET", "https://api.example.com/")
    failure = from_exception(raised.value)
    assert failure.kind is Kind.PERMANENT_CONFIG
    assert failure.message.startswith("Unable to connect to proxy: HTTPSConnection(host='127.0.0.1'")


def test_a_server_that_does_not_speak_tls_is_configuration() -> None:
    """https to a plain HTTP port fails at once, and says so."""
    with server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        failure = from_exception(failing_get(f"https://127.0.0.1:{port}/"))
    assert (failure.kind, failure.rule.exit_code) == (Kind.PERMANENT_CONFIG, 4)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), "api-unavailable"),
        (ConnectionResetError(), "api-unavailable"),
        (BrokenPipeError(32, "Datenübergabe unterbrochen"), "api-unavailable"),
        (TimeoutError(), "api-unavailable"),
        (OSError(113, "Keine Route zum Zielrechner"), "permanent-config"),
        (OSError(101, "Network is unreachable"), "permanent-config"),
        (socket.gaierror(socket.EAI_NONAME, "unbekannt"), "permanent-config"),
        (socket.gaierror(socket.EAI_AGAIN, "später"), "api-unavailable"),
        (FileNotFoundError(2, "nicht da"), "permanent-config"),
        (ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] …"), "permanent-config"),
        (ssl.SSLEOFError(8, "[SSL: UNEXPECTED_EOF_WHILE_READING] …"), "api-unavailable"),
        (
            ApiException(status=0, reason="SSLError\n[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"),
            "permanent-config",
        ),
        (
            ApiException(status=0, reason="SSLError\n[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred"),
            "api-unavailable",
        ),
        (json.JSONDecodeError("Unterminated string", "{", 0), "api-unavailable"),
        (ValueError("Invalid header value b'x'"), "permanent-config"),
        (RuntimeError("no idea"), "unknown"),
        (RuntimeError(), "unknown"),
    ],
)
def test_an_exception_of_the_connection_has_a_kind_in_every_language(error: Exception, kind: str) -> None:
    """Types and error numbers count, so that a translated system text changes nothing."""
    failure = from_exception(error)
    assert failure.kind == kind
    assert failure.message
    assert (failure.status, failure.reason) == (0, "")


def test_the_cause_decides_not_the_wrapper() -> None:
    """urllib3 and `raise from` wrap the cause; a suppressed context does not count."""
    outer = RuntimeError("request failed")
    outer.__cause__ = ConnectionRefusedError(111, "Connection refused")
    assert from_exception(outer).kind == Kind.API_UNAVAILABLE
    quiet = RuntimeError("request failed")
    quiet.__context__ = ConnectionRefusedError(111, "Connection refused")
    quiet.__suppress_context__ = True
    assert from_exception(quiet).kind == Kind.UNKNOWN


def test_an_answer_inside_the_official_clients_exception_is_read() -> None:
    """ApiException with a code carries a Status; an ApiError is already understood."""
    answered = ApiException(status=409, reason="Conflict")
    answered.body = json.dumps({"kind": "Status", "reason": "Conflict", "code": 409})
    answered.headers = {"Retry-After": "2"}
    failure = from_exception(answered)
    assert (failure.kind, failure.status, failure.retry_after) == (Kind.CONFLICT, 409, 2.0)
    assert from_exception(ApiError("read", failure)) is failure
