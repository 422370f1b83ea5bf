"""A TCP connection to a port of a pod, through the API server, and a TLS handshake over it.

Needs the permission to get pods/portforward (newer API servers: to create it). Source: Kubernetes API reference, Pod,
"connect GET requests to portforward of Pod", WebSocket subprotocol v4.channel.k8s.io: each binary frame begins with
its channel, 0 for data and 1 for errors, and the first frame of each repeats the port.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from base.clock import Deadline
from base.parallel import Background
from kube.client import Client
from kube.discovery import CORE_V1
from kube.failures import ApiError, from_answer, from_exception, from_text

if TYPE_CHECKING:
    from websocket import WebSocket

DATA, ERRORS = 0, 1
CLOSE = 0x8
"""The opcode of a close frame. Source: RFC 6455, section 5.2."""

IGNORE_DATES = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python does not name: dates are judged by the server's clock."""


class Tunnel:
    """One connection to a port of a pod, until a deadline. Whatever breaks it raises `ApiError`."""

    def __init__(self, websocket: WebSocket, doing: str, deadline: Deadline) -> None:
        self._websocket, self._doing, self._deadline = websocket, doing, deadline
        self._begun: set[int] = set()

    def send(self, data: bytes) -> None:
        """Send bytes to the pod."""
        try:
            self._websocket.send_binary(bytes((DATA,)) + data)
        except Exception as error:  # noqa: BLE001 -- websocket, ssl and socket errors share no root
            raise ApiError(self._doing, from_exception(error)) from None

    def receive(self) -> bytes:
        """The next bytes of the pod; empty at the end of the connection."""
        while True:
            try:
                self._websocket.settimeout(max(0.01, self._deadline.remaining()))
                opcode, frame = self._websocket.recv_data()
            except Exception as error:  # noqa: BLE001 -- websocket, ssl and socket errors share no root
                raise ApiError(self._doing, from_exception(error)) from None
            if opcode == CLOSE or not frame:
                return b""
            channel, data = frame[0], bytes(frame[1:])
            if channel not in self._begun:
                self._begun.add(channel)  # the port, which is known
            elif channel == ERRORS:
                raise ApiError(self._doing, from_text(data.decode("utf-8", "replace")))
            elif data:
                return data

    def close(self) -> None:
        """End the connection; never raises."""
        with suppress(Exception):  # it ends in any case
            self._websocket.shutdown()  # type: ignore[no-untyped-call]  # the library leaves it untyped


def forwarded(client: Client, namespace: str, pod: str, port: int, *, timeout: float) -> Tunnel:
    """Connect to a port of a pod. `timeout` (seconds) bounds the connecting and everything that follows.

    Raises `ApiError`, also where the server forbids it.
    """
    doing = f"connect to port {port} of Pod {namespace}/{pod}"
    path = f"{CORE_V1['Pod'].path(namespace, pod)}/portforward"
    deadline = Deadline.after(timeout)

    def connect() -> Tunnel:
        from kubernetes.stream.ws_client import get_websocket_url, websocket_proxycare
        from websocket import WebSocket, WebSocketBadStatusException

        configuration, tls, headers = client.upgrading(path)
        url = get_websocket_url(client.host + path, [("ports", str(port))])
        options: dict[str, Any] = {"header": {**headers, "Sec-WebSocket-Protocol": "v4.channel.k8s.io"}}
        if configuration.proxy:
            options = websocket_proxycare(options, configuration, url, headers)
        websocket = WebSocket(sslopt={"context": tls, "server_hostname": configuration.tls_server_name})
        try:
            websocket.connect(url, **options)  # type: ignore[no-untyped-call]  # the library leaves it untyped
        except WebSocketBadStatusException as error:
            failure = from_answer(error.status_code, error.resp_body or b"", error.resp_headers or {})
            raise ApiError(doing, failure) from None
        return Tunnel(websocket, doing, deadline)

    try:
        # on a thread of its own: the official client gives its connecting no limit
        return Background(connect, "port-forward").result(timeout)
    except ApiError:
        raise
    except Exception as error:  # noqa: BLE001 -- websocket, ssl and socket errors share no root
        raise ApiError(doing, from_exception(error)) from None


def handshake(tunnel: Tunnel, context: ssl.SSLContext, name: str) -> bytes:
    """Shake hands over a tunnel as a caller of `name`; gives the certificate that the other side shows, as DER.

    Raises `ssl.SSLError` (`SSLCertVerificationError` where it is not trusted) and `ApiError`.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            if outgoing.pending:
                tunnel.send(outgoing.read())
            if data := tunnel.receive():
                incoming.write(data)
            else:
                incoming.write_eof()
        else:
            if outgoing.pending:
                tunnel.send(outgoing.read())
            return tls.getpeercert(binary_form=True) or b""


def trusting(authorities: list[bytes]) -> ssl.SSLContext:
    """A context that trusts exactly these certificates (DER), as API servers trust a caBundle; none: trusts all.

    Whatever stands in a bundle is an anchor for Go, also a certificate that is no CA. Dates and names are left out:
    who asks judges them apart. Raises `ssl.SSLError` where none of them can be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if not authorities:
        context.verify_mode = ssl.CERT_NONE
        return context
    context.load_verify_locations(cadata=b"".join(authorities))
    context.verify_flags = ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_TRUSTED_FIRST | IGNORE_DATES)
    return context
