"""The tables for the talk between a client and the API server: frit's own, and what other tools print.

Here a certificate that is not trusted means a wrong kubeconfig or a proxy, never a rotation window.
"""

from __future__ import annotations

import re
from typing import Final

from kube import failure_hints as hints
from kube.failure_kinds import Kind
from kube.failure_rules import BROKEN, EOF, NOT_TLS, SENTENCES, SILENT, WRONG_NAMES, Group, Rule, Table

_LOCALHOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[?::1\]?)(?:'?, (?:port=)?|:)(?:8080|80)\b")
_PEER_CERTIFICATE = re.compile(r"remote error: tls: (?:bad|unknown|expired) certificate")

_TRUST: Final[tuple[Rule, ...]] = (
    Rule(Kind.API_UNAVAILABLE, ("unexpected_eof_while_reading", "eof occurred in violation of protocol")),
    Rule(Kind.PERMANENT_CONFIG, WRONG_NAMES, hint=hints.SERVER_NAMES),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("certificate has expired", "certificate is not yet valid", "has expired or is not yet valid"),
        hint=hints.SERVER_CLOCK,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("certificate_verify_failed", "certificate verify failed", "sslcertverificationerror", "x509: "),
        hint=hints.SERVER_TRUST,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "tls ca certificate bundle",
            "unable to load root certificates",
            "[ssl] pem lib",
            "key_values_mismatch",
            "private key does not match",
        ),
        hint=hints.KUBECONFIG_FILES,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            *NOT_TLS,
            "wrong_version_number",
            "wrong version number",
            "[ssl: http_request]",
            "record_layer_failure",
            "unsupported_protocol",
            "alert protocol version",
        ),
        hint=hints.NOT_TLS,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "alert certificate required",
            "alert unknown ca",
            "alert bad certificate",
            "alert certificate unknown",
            "alert certificate expired",
            "alert access denied",
            "remote error: tls: certificate required",
        ),
        hint=hints.CLIENT_CERTIFICATE,
    ),
    Rule(Kind.PERMANENT_CONFIG, also=_PEER_CERTIFICATE, hint=hints.CLIENT_CERTIFICATE),
)
"""TLS between client and server. A connection that ends in the middle of it is no matter of trust."""

_CONNECTION: Final[Table] = (
    Group(("tls", "ssl", "x509", "certificate", "http re", "protocol scheme"), _TRUST),
    Rule(
        Kind.UNAUTHENTICATED,
        ("getting credentials: ", "exec: process returned", "exec: executable "),
        hint=hints.LOGIN,
    ),
    Rule(Kind.UNAUTHENTICATED, ("cannot fetch token", "refresh token", "invalid_grant"), hint=hints.LOGIN),
    Rule(Kind.PERMANENT_CONFIG, ("invalid header value", "illegal header value"), hint=hints.CREDENTIAL_TEXT),
    Rule(Kind.PERMANENT_CONFIG, ("refused", "connect call failed"), also=_LOCALHOST, hint=hints.NO_KUBECONFIG),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "configexception",
            "no configuration has been provided",
            "invalid configuration: ",
            "invalid kube-config",
            "service host/port is not set",
            'context "" does not exist',
            "no auth provider found",
            "no such file or directory",
            "[enoent]",
            "locationparseerror",
            "invalid url",
        ),
        hint=hints.NO_KUBECONFIG,
    ),
    Rule(Kind.API_UNAVAILABLE, ("tunnel connection failed: 50",)),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("proxyerror", "proxyconnect tcp", "tunnel connection failed", "connect to proxy"),
        hint=hints.PROXY,
    ),
    # A caller that was stopped cannot succeed by asking again with the same context.
    Rule(Kind.UNKNOWN, ("context canceled",), hint=hints.CANCELLED),
    Rule(Kind.RATE_LIMITED, ("rate limiter wait returned an error",)),
    Rule(
        Kind.API_UNAVAILABLE,
        (
            *BROKEN,
            *SILENT,
            "jsondecodeerror",
            "protocolerror",
            "timeouterror",
            "[econn",
            "[epipe]",
            "[etimedout]",
            "was refused - did you specify",
            "cannot connect to host",
            "failed to establish a new connection",
            "server disconnected",
            "connection aborted",
            "remote end closed connection",
            "read timed out",
            "alert internal error",
            "remote error: tls: internal error",
        ),
    ),
    Rule(Kind.API_UNAVAILABLE, ("eof",), also=EOF),
    Rule(
        Kind.API_UNAVAILABLE,
        ("no such host", "server misbehaving", "no route to host", "network is unreachable", "dial tcp"),
    ),
)

OWN: Final[Table] = (
    Rule(Kind.API_UNAVAILABLE, ("temporary failure in name resolution", "[eai_again]", "server misbehaving")),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "nameresolutionerror",
            "gaierror",
            "name or service not known",
            "nodename nor servname",
            "no address associated with hostname",
        ),
        hint=hints.SERVER_ADDRESS,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("[ehostunreach]", "[enetunreach]", "no route to host", "network is unreachable"),
        hint=hints.SERVER_ADDRESS,
    ),
    *_CONNECTION,
)
"""frit's own connection: an address that does not resolve or has no route is a wrong address."""

QUOTED: Final[Table] = (
    Rule(Kind.CERTIFICATE_ROTATION, ("tls handshake error from ",), also=_PEER_CERTIFICATE),
    Rule(Kind.UNKNOWN, ("tls handshake error from ",)),
    Rule(Kind.CERTIFICATE_ROTATION, ("ca bundle is not injected yet",)),
    Rule(
        Kind.WEBHOOK_NOT_READY,
        (
            "webhook service is not created yet",
            "webhook deployment is not ready yet",
            "did not mutate the dry-run",
            "did not validate the dry-run",
        ),
    ),
    Rule(Kind.CRD_NOT_ESTABLISHED, ("crds are not yet installed", "ensure crds are installed first")),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("invalid ownership metadata", "imported into the current release"),
        hint=hints.HELM_OWNS,
    ),
    Rule(Kind.INVALID, ("validationerror(", ": unknown field ")),
    Rule(Kind.PERMANENT_CONFIG, (" is registered for version ",), hint=hints.CLIENT_SCHEME),
    # Vault's client: the signer's own HTTP code stands in the text.
    Rule(Kind.API_UNAVAILABLE, ("error making api request",), also=re.compile(r"\bcode: 5\d\d\b")),
    Rule(Kind.FORBIDDEN, ("error making api request",), also=re.compile(r"\bcode: 403\b"), hint=hints.SIGNER),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("error making api request",),
        also=re.compile(r"\bcode: 4\d\d\b"),
        hint=hints.SIGNER,
    ),
    *SENTENCES,
    *_CONNECTION,
)
"""What kubectl, Helm, cmctl, controllers and client libraries print about their talk with an API server."""
