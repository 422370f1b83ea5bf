"""Words and patterns that several tables look for: what Go, OpenSSL and HTTP libraries say of broken connections.

Needles are lower case, begin and end with whole words, and hold a space or punctuation that no name can hold. They
follow the texts as their authors build them: Go's crypto/x509, crypto/tls, net and net/http, client-go, gRPC.
"""

from __future__ import annotations

from typing import Final

from kube.failure_table import Pattern

EOF: Final = Pattern(r"(?:^|: ?|\()eof(?![\w-]|[.:]\w)")
X509: Final = Pattern(r"x509: [^\"(:;]{0,120}")

WRONG_NAMES: Final = (
    "certificate is valid for ",
    "certificate is not valid for",
    "legacy common name field",
    "contain any ip sans",
    "hostname mismatch",
    "ip address mismatch",
    "doesn't match either of ",
    "no alternative certificate subject name",
)
NOT_TLS: Final = (
    "does not look like a tls handshake",
    "http response to https client",
    "http request to an https server",
    "oversized record received",
    "malformed http ",
    "protocol version not supported",
    "unsupported protocol version",
    "unsupported protocol scheme",
    "handshake failure",
)
REFUSED: Final = ("connection refused", "actively refused it")
BROKEN: Final = (
    "connection reset by peer",
    "broken pipe",
    "unexpected eof",
    "server closed idle connection",
    "client connection lost",
    "connection force closed",
    " goaway",
    "stream error: ",
    "transport connection broken",
    "closed network connection",
    "forcibly closed by the remote host",
    "wsarecv: ",
    "wsasend: ",
)
ANSWERED_FOR: Final = (
    "the server is currently unable to handle the request",
    "service unavailable",
    "bad gateway",
    "an error on the server",
)
SILENT: Final = (
    "context deadline exceeded",
    "i/o timeout",
    "handshake timeout",
    "gateway timeout",
    "connection timed out",
    "operation timed out",
    "client.timeout",
    "request canceled",
    "timeout awaiting response headers",
    "did not properly respond after a period of time",
)
UNDECODED: Final = (
    "get version/kind",
    "json parse error",
    "invalid character ",
    "cannot unmarshal",
    " is registered for ",
    ": unknown conversion",
)
"""apimachinery about bytes that are not the object that it expected."""

NO_AGENT: Final = (
    "no agent available",
    "no backend available",
    "dial timeout",
    "no ssh tunnels",
    "tunnel closed",
    "tunnel disconnect",
)
NO_ROUTE: Final = ("no route to host", "host is unreachable", "network is unreachable")
NO_NAME: Final = ("no such host", "server misbehaving")
