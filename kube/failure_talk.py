"""The tables for the talk between a client and the API server: frit's own, and what other tools print.

Here a certificate that is not trusted means a wrong kubeconfig or a proxy, never a rotation window. Sources: client-go
and its credential plugins, kubectl, Helm, OpenSSL, urllib3, aiohttp, the official clients for Python and Java.
"""

from __future__ import annotations

import re
from typing import Final

from kube import failure_causes as causes
from kube import failure_words as words
from kube.failure_kinds import Kind
from kube.failure_rules import SENTENCES
from kube.failure_table import Rule

_PLUGIN: Final = "client -> credential plugin"
_SIGNER: Final = "controller -> signer"
_TOOL: Final = "client"

_LOCALHOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[?::1\]?)(?:'?, (?:port=)?|:)(?:8080|80)\b")
_PEER_CERTIFICATE = re.compile(r"remote error: tls: (?:bad|unknown|expired) certificate")
_PROXY_SAYS_NO = re.compile(
    r"(?:unable to connect to the server|\b(?:get|post|put|patch|delete) \S+): "
    r"(?:forbidden|proxy authentication required|method not allowed|bad request)(?:[\"']|\W*$)"
)

_CREDENTIALS: Final[tuple[Rule, ...]] = (
    Rule(
        Kind.UNAUTHENTICATED,
        (
            "getting credentials: ",
            "exec: process returned",
            "exec: executable ",
            "exec plugin: ",
            "exec plugin is configured",
        ),
        why=causes.LOGIN,
        between=_PLUGIN,
    ),
    Rule(
        Kind.UNAUTHENTICATED,
        ("cannot fetch token", "refresh token", "invalid_grant"),
        why=causes.LOGIN,
        between="client -> identity provider",
    ),
)

_TRUST: Final[tuple[Rule, ...]] = (
    # A connection that ends in the middle of the handshake is no matter of trust.
    Rule(Kind.API_UNAVAILABLE, ("unexpected_eof_while_reading", "eof occurred in violation of protocol")),
    Rule(Kind.PERMANENT_CONFIG, words.WRONG_NAMES, why=causes.SERVER_NAMES),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("certificate has expired", "certificate is not yet valid", "has expired or is not yet valid"),
        why=causes.SERVER_CLOCK,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "signed by unknown authority",
            "certificate verify failed",
            "certificate_verify_failed",
            "sslcertverificationerror",
        ),
        why=causes.SERVER_TRUST,
    ),
    Rule(Kind.PERMANENT_CONFIG, ("x509: ",), also=words.X509, why=causes.SERVER_TRUST),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "tls ca certificate bundle",
            "unable to load root certificates",
            "[ssl] pem lib",
            "key_values_mismatch",
            "private key does not match",
            "failed to find any pem data",
            "illegal base64 data",
        ),
        why=causes.KUBECONFIG_FILES,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            *words.NOT_TLS,
            "wrong_version_number",
            "wrong version number",
            "[ssl: http_request]",
            "record_layer_failure",
            "unsupported_protocol",
            "alert protocol version",
        ),
        why=causes.NOT_TLS,
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
        why=causes.CLIENT_CERTIFICATE,
    ),
    Rule(Kind.PERMANENT_CONFIG, ("remote error: tls: ",), also=_PEER_CERTIFICATE, why=causes.CLIENT_CERTIFICATE),
)
"""TLS between client and server."""

_CONNECTION: Final[tuple[Rule, ...]] = (
    *_TRUST,
    *_CREDENTIALS,
    Rule(Kind.PERMANENT_CONFIG, ("invalid header value", "illegal header value"), why=causes.CREDENTIAL_TEXT),
    Rule(Kind.PERMANENT_CONFIG, ("refused", "connect call failed"), also=_LOCALHOST, why=causes.NO_KUBECONFIG),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "configexception",
            "no configuration has been provided",
            "invalid configuration: ",
            "invalid kube-config",
            "error loading config file",
            "current-context is not set",
            "service host/port is not set",
            'context "" does not exist',
            'cluster "" does not exist',
            "no context exists with the name",
            "no auth provider found",
            "no such file or directory",
            "[enoent]",
            "locationparseerror",
            "invalid url",
            "insecureskipverify must be specified",
        ),
        why=causes.NO_KUBECONFIG,
    ),
    Rule(Kind.API_UNAVAILABLE, ("tunnel connection failed: 50",)),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("proxyerror", "proxyconnect tcp", "tunnel connection failed", "connect to proxy"),
        why=causes.PROXY,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("forbidden", "proxy authentication required", "method not allowed", "bad request"),
        also=_PROXY_SAYS_NO,
        why=causes.PROXY,
    ),
    # A caller that was stopped cannot succeed by asking again with the same context.
    Rule(Kind.UNKNOWN, ("context canceled",), why=causes.CANCELLED, between=_TOOL),
    Rule(Kind.RATE_LIMITED, ("rate limiter wait returned an error",), between=_TOOL),
    Rule(
        Kind.API_UNAVAILABLE,
        (*words.REFUSED, "was refused - did you specify", "[econnrefused]", "connect call failed"),
        why=causes.CLIENT_REFUSED,
    ),
    Rule(
        Kind.API_UNAVAILABLE,
        (
            *words.BROKEN,
            *words.ANSWERED_FOR,
            *words.SILENT,
            "jsondecodeerror",
            "protocolerror",
            "timeouterror",
            "readtimeouterror",
            "connecttimeouterror",
            "[econnreset]",
            "[econnaborted]",
            "[epipe]",
            "[etimedout]",
            "cannot connect to host",
            "failed to establish a new connection",
            "server disconnected",
            "connection aborted",
            "remote end closed connection",
            "read timed out",
            "alert internal error",
            "remote error: tls: internal error",
            *words.NO_AGENT,
        ),
    ),
    Rule(Kind.API_UNAVAILABLE, ("eof",), also=words.EOF),
    Rule(Kind.API_UNAVAILABLE, words.NO_NAME, why=causes.NO_HOST),
    Rule(Kind.API_UNAVAILABLE, (*words.NO_ROUTE, "dial tcp")),
)

OWN: Final[tuple[Rule, ...]] = (
    Rule(
        Kind.API_UNAVAILABLE,
        ("temporary failure in name resolution", "[eai_again]", "server misbehaving"),
        why=causes.NO_HOST,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "nameresolutionerror",
            "gaierror",
            "name or service not known",
            "nodename nor servname",
            "no address associated with hostname",
        ),
        why=causes.SERVER_ADDRESS,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("[ehostunreach]", "[enetunreach]", *words.NO_ROUTE),
        why=causes.SERVER_ADDRESS,
    ),
    *_CONNECTION,
)
"""frit's own connection: an address that does not resolve or has no route is a wrong address."""

QUOTED: Final[tuple[Rule, ...]] = (
    Rule(
        Kind.CERTIFICATE_ROTATION,
        ("tls handshake error from ",),
        also=_PEER_CERTIFICATE,
        why=causes.PEER_REFUSED,
        between="API server -> webhook",
    ),
    Rule(Kind.UNKNOWN, ("tls handshake error from ",), why=causes.HANG_UP),
    Rule(Kind.CERTIFICATE_ROTATION, ("ca bundle is not injected yet",), why=causes.OTHER_BUNDLE),
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
        why=causes.HELM_OWNS,
        between=_TOOL,
    ),
    Rule(Kind.INVALID, ("validationerror(", ": unknown field "), why=causes.CLIENT_CHECK, between=_TOOL),
    *_CREDENTIALS,
    Rule(Kind.PERMANENT_CONFIG, (" is registered for version ",), why=causes.CLIENT_SCHEME, between=_TOOL),
    # Vault's client: the signer's own HTTP code stands in the text.
    Rule(
        Kind.API_UNAVAILABLE,
        ("error making api request",),
        also=re.compile(r"\bcode: 5\d\d\b"),
        why=causes.SIGNER_AWAY,
        between=_SIGNER,
    ),
    Rule(
        Kind.FORBIDDEN,
        ("error making api request",),
        also=re.compile(r"\bcode: 403\b"),
        why=causes.SIGNER,
        between=_SIGNER,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("error making api request",),
        also=re.compile(r"\bcode: 4\d\d\b"),
        why=causes.SIGNER,
        between=_SIGNER,
    ),
    *SENTENCES,
    *_CONNECTION,
    Rule(Kind.UNKNOWN, ("timed out waiting for the condition",), why=causes.GAVE_UP, between=_TOOL),
)
"""What kubectl, Helm, cmctl, controllers and client libraries print about their talk with an API server."""
