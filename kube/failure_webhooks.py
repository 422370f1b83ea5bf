"""The tables for what API servers say of webhooks: those that they could not call, and those that refused.

The same words mean different things by their speaker: `x509: certificate signed by unknown authority` about a webhook
is a rotation window, about the API server itself a wrong kubeconfig. Sources: apiserver's admission/plugin/webhook
and util/webhook, apiextensions' conversion, client-go's rest (which words the HTTP status of a webhook's answer).
"""

from __future__ import annotations

from typing import Final

from kube import failure_causes as causes
from kube import failure_words as words
from kube.failure_kinds import Kind
from kube.failure_table import Pattern, Rule

CANDIDATE: Final = "[candidate]"
CANDIDATE_NO_CA: Final = "[candidate cannot sign]"
"""What stands for Go's guess about a candidate authority: its own words quote a common name, which is free text."""

_NO_SUCH_SERVICE = Pattern(r"\b(?:service|endpoints?) \S+ not found")
_PROXY_SAYS_NO = Pattern(
    r"^(?:forbidden|not found|bad request|method not allowed|unauthorized|unable to connect"
    r"|proxy authentication required)(?!\S*[\w-])"
)
_BEFORE = Pattern(r"has expired or is not yet valid: current time \S+ is before")
_AFTER = Pattern(r"has expired or is not yet valid: current time \S+ is after|has expired(?! or)")
_NO_CA = Pattern(r"signed by unknown authority \[candidate cannot sign\]")
_STALE = Pattern(r"signed by unknown authority \[candidate\]|verification (?:error|failure)|x509: invalid signature")

_ROTATION: Final = (
    Rule(Kind.CERTIFICATE_ROTATION, ("signed by unknown authority",), also=_NO_CA, why=causes.BUNDLE_NO_CA),
    Rule(
        Kind.CERTIFICATE_ROTATION,
        ("signed by unknown authority", "verification error", "verification failure", "x509: invalid signature"),
        also=_STALE,
        why=causes.STALE_BUNDLE,
    ),
    Rule(
        Kind.CERTIFICATE_ROTATION,
        ("signed by unknown authority", "certificate is not trusted"),
        why=causes.OTHER_BUNDLE,
    ),
    Rule(Kind.CERTIFICATE_ROTATION, ("is not yet valid",), also=_BEFORE, why=causes.NOT_YET_VALID),
    Rule(Kind.CERTIFICATE_ROTATION, ("has expired",), also=_AFTER, why=causes.EXPIRED),
    Rule(Kind.CERTIFICATE_ROTATION, ("has expired or is not yet valid",)),
    Rule(
        Kind.CERTIFICATE_ROTATION,
        ("unable to load root certificates", "failed to load system roots"),
        why=causes.BUNDLE_NO_PEM,
    ),
)

WEBHOOK: Final[tuple[Rule, ...]] = (
    Rule(Kind.PERMANENT_CONFIG, words.WRONG_NAMES, why=causes.WEBHOOK_NAMES),
    *_ROTATION,
    Rule(Kind.PERMANENT_CONFIG, ("x509: ",), also=words.X509, why=causes.WEBHOOK_CERTIFICATE),
    Rule(Kind.WEBHOOK_NOT_READY, ("remote error: tls: internal error",), why=causes.NO_CERTIFICATE),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("remote error: tls: protocol", "remote error: tls: handshake", *words.NOT_TLS),
        why=causes.WEBHOOK_TLS,
    ),
    Rule(Kind.PERMANENT_CONFIG, ("remote error: tls: ",), why=causes.CLIENT_VERIFICATION),
    Rule(Kind.PERMANENT_CONFIG, ("address is not allowed",), why=causes.WEBHOOK_ADDRESS),
    Rule(Kind.PERMANENT_CONFIG, ("proxyconnect tcp",), why=causes.WEBHOOK_PROXY),
    # Go says of a proxy's refusal to CONNECT only the words of its HTTP status.
    Rule(Kind.PERMANENT_CONFIG, also=_PROXY_SAYS_NO, why=causes.WEBHOOK_PROXY),
    Rule(
        Kind.PERMANENT_CONFIG,
        (
            "no service port ",
            "invalid webhook response",
            "expected webhook response",
            "expected response.uid",
            "returned invalid ",
            "webhook sideeffects",
            "could not get rest client",
            "could not find the requested resource",
            "does not allow this method",
            "rejected our request",
            "to provide credentials",
            "unsupported service type",
            *words.UNDECODED,
        ),
        why=causes.WEBHOOK_CONTRACT,
    ),
    Rule(Kind.PERMANENT_CONFIG, also=Pattern(r"with the status code 4\d\d"), why=causes.WEBHOOK_CONTRACT),
    Rule(
        Kind.WEBHOOK_NOT_READY,
        (
            "received too many requests and has asked",
            "unable to return a response in the time allotted",
            "cannot complete the requested operation at this time",
        ),
        why=causes.WEBHOOK_BUSY,
    ),
    Rule(Kind.WEBHOOK_NOT_READY, ("no endpoints available",), why=causes.NO_ENDPOINTS),
    Rule(Kind.WEBHOOK_NOT_READY, (" not found",), also=_NO_SUCH_SERVICE, why=causes.NO_SERVICE),
    Rule(Kind.WEBHOOK_NOT_READY, words.REFUSED, why=causes.REFUSED),
    Rule(Kind.WEBHOOK_NOT_READY, words.BROKEN, why=causes.BROKE),
    Rule(Kind.WEBHOOK_NOT_READY, ("eof",), also=words.EOF, why=causes.BROKE),
    Rule(Kind.WEBHOOK_NOT_READY, ("an error on the server",), why=causes.WEBHOOK_ERROR),
    Rule(Kind.WEBHOOK_NOT_READY, also=Pattern(r"with the status code 5\d\d"), why=causes.WEBHOOK_ERROR),
    Rule(Kind.WEBHOOK_NOT_READY, words.ANSWERED_FOR, why=causes.BETWEEN_BROKE),
    Rule(Kind.WEBHOOK_NOT_READY, ("find session for client",), why=causes.NO_AGENT),
    Rule(Kind.WEBHOOK_UNREACHABLE, words.NO_AGENT, why=causes.NO_AGENT),
    Rule(Kind.WEBHOOK_UNREACHABLE, words.NO_ROUTE, why=causes.NO_ROUTE),
    Rule(Kind.WEBHOOK_UNREACHABLE, words.NO_NAME, why=causes.NO_NAME),
    Rule(
        Kind.WEBHOOK_UNREACHABLE,
        (*words.SILENT, "context canceled", "ssh: rejected", "error dialing backend"),
    ),
    Rule(Kind.WEBHOOK_UNREACHABLE, ("dial tcp", "read tcp", "write tcp", "proxy error from")),
)
"""The API server about a webhook that it could not call, for admission or for conversion."""

DENIAL: Final[tuple[Rule, ...]] = (
    # A policy engine that hands on what the API server told it: the refusal ends when the server is back.
    Rule(
        Kind.API_UNAVAILABLE,
        ("the server is currently unable to handle the request", "etcdserver: request timed out"),
    ),
    Rule(Kind.DENIED),
)
"""An admission webhook that was asked and refused. Only words of the API server make it worth waiting."""

CONTRACT: Final[tuple[Rule, ...]] = (
    Rule(Kind.PERMANENT_CONFIG, ("does not support dry run",), why=causes.NO_DRY_RUN),
    Rule(Kind.PERMANENT_CONFIG, why=causes.WEBHOOK_CONTRACT),
)
"""An admission webhook that the API server will not ask, or whose answer it does not take."""
