"""The tables for the connection between a client and the API server, of any client and of frit itself.

Here a certificate that is not trusted means a wrong kubeconfig or a proxy, never a rotation window. Sources: client-go
and its credential plugins, kubectl, Helm, OpenSSL, urllib3, aiohttp, the official clients for Python and Java.
"""

from __future__ import annotations

from typing import Final

from kube import failure_causes as causes
from kube import failure_words as words
from kube.failure_kinds import Kind
from kube.failure_table import Pattern, Rule

_PLUGIN: Final = "client -> credential plugin"
TOOL: Final = "client"

_LOCAL: Final = r"(?:localhost|127\.0\.0\.1|\[?::1\]?)(?:'?, (?:port=)?|:)(?:8080|80)\b"
_LOCALHOST = Pattern(
    rf"{_LOCAL}.{{0,400}}?(?:refused|connectex: )|(?:connect call failed|econnrefused|refused).{{0,40}}?{_LOCAL}"
)
PEER_CERTIFICATE = Pattern(r"remote error: tls: (?:bad|unknown|expired) certificate")
_PROXY_SAYS_NO = Pattern(
    r"(?:unable to connect to the server|\b(?:get|post|put|patch|delete) \S+): "
    r"(?:forbidden|proxy authentication required|method not allowed|bad request)(?:[\"',;]|\W*$)"
)

CREDENTIALS: Final[tuple[Rule, ...]] = (
    Rule(
        Kind.UNAUTHENTICATED,
        (
            "getting credentials: ",
            "exec: process returned",
            "exec: executable ",
            "exec plugin: ",
            "exec plugin is configured",
            "auth plugin has been removed",
            "no auth provider found",
            "unable to locate credentials",
            "error executing access token command",
            "the sso session ",
        ),
        why=causes.LOGIN,
        between=_PLUGIN,
    ),
    Rule(
        Kind.UNAUTHENTICATED,
        ("an error occurred (",),
        also=Pattern(r"an error occurred \((?:expired|invalid|unrecognized|accessdenied|auth|sign)\w{0,40}\) when"),
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
    Rule(
        Kind.PERMANENT_CONFIG,
        (*words.WRONG_NAMES, "certificateerror(", "err_tls_cert_altname_invalid", "peer certificate: notvalidforname"),
        why=causes.SERVER_NAMES,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "certificate has expired",
            "certificate is not yet valid",
            "has expired or is not yet valid",
            "certificate is expired",
            "cert_has_expired",
            "peer certificate: expired",
        ),
        why=causes.SERVER_CLOCK,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "signed by unknown authority",
            "certificate verify failed",
            "certificate_verify_failed",
            "sslcertverificationerror",
            "certificate is not trusted",
            "pkix path building failed",
            "unable to find valid certification path",
            "unable to verify the first certificate",
            "unable to get local issuer certificate",
            "self-signed certificate",
            "self signed certificate",
            "peer certificate: unknownissuer",
            "remote certificate is invalid",
            "failed to verify certificate: ",
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
    Rule(Kind.PERMANENT_CONFIG, ("remote error: tls: ",), also=PEER_CERTIFICATE, why=causes.CLIENT_CERTIFICATE),
)
"""TLS between client and server."""

CONNECTION: Final[tuple[Rule, ...]] = (
    *_TRUST,
    *CREDENTIALS,
    Rule(Kind.PERMANENT_CONFIG, ("invalid header value", "illegal header value"), why=causes.CREDENTIAL_TEXT),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "localhost:80",
            "localhost', port=80",
            "'localhost', 80",
            "127.0.0.1:80",
            "127.0.0.1', port=80",
            "'127.0.0.1', 80",
            "::1]:80",
            "::1]:8080",
            "'::1', 80",
            "'::1', 8080",
        ),
        also=_LOCALHOST,
        why=causes.NO_KUBECONFIG,
    ),
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
            "unable to load in-cluster configuration",
            "context was not found for specified context",
            "with the insecure flag is not allowed",
            'context "" does not exist',
            'cluster "" does not exist',
            "no context exists with the name",
            "no such file or directory",
            "[enoent]",
            "locationparseerror",
            "invalid url",
            "insecureskipverify must be specified",
        ),
        why=causes.NO_KUBECONFIG,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "too many colons in address",
            "missing port in address",
            '" in host name',
            '" after host',
            "error parsing server url",
        ),
        why=causes.SERVER_ADDRESS,
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
    Rule(Kind.UNKNOWN, ("context canceled",), why=causes.CANCELLED, between=TOOL),
    Rule(Kind.RATE_LIMITED, ("rate limiter wait returned an error",), why=causes.CLIENT_LIMIT, between=TOOL),
    Rule(
        Kind.API_UNAVAILABLE,
        (
            *words.REFUSED,
            "was refused - did you specify",
            "[econnrefused]",
            "connect econnrefused",
            "[winerror 10061]",
            "[errno 111]",
            "connect call failed",
        ),
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
            "econnreset: ",
            "read econnreset",
            "connect etimedout",
            "socket hang up",
            "couldn't connect to server",
            "connecttimeout: ",
            "readtimeout: ",
            "[winerror 10053]",
            "[winerror 10054]",
            "[winerror 10060]",
            "[errno 104]",
            "[errno 110]",
            "all connection attempts failed",
            "java.net.connectexception",
            "java.net.sockettimeoutexception",
            "java.net.socketexception",
            "unexpected end of stream",
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
    Rule(
        Kind.API_UNAVAILABLE,
        (*words.NO_NAME, "getaddrinfo enotfound", "getaddrinfo eai_again", "java.net.unknownhostexception"),
        why=causes.NO_HOST,
    ),
    # Go names the operation that failed, and the system its reason in whatever language.
    Rule(Kind.API_UNAVAILABLE, (*words.NO_ROUTE, "dial tcp", "read tcp", "write tcp")),
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
    *CONNECTION,
)
"""frit's own connection: an address that does not resolve or has no route is a wrong address."""
