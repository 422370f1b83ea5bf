"""The tables that say which kind of failure some words are. One table for each speaker, read from the top.

The same words mean different things by their speaker. `x509: certificate signed by unknown authority` about a
webhook is a rotation window; about the API server itself it is a wrong kubeconfig. `failure_reader` takes a
text out of its envelope and picks the table; the first rule that matches decides.

Needles are lower case and hold a space or punctuation that no name can hold, and names are blanked before, so
that an object called "forbidden" changes nothing. They follow the texts as their authors build them:
apimachinery's api/errors, apiserver's admission/plugin/webhook and util/webhook, apiextensions' conversion,
etcd's rpctypes, Go's crypto/x509, crypto/tls, net and net/http, OpenSSL, urllib3 and aiohttp.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kube import failure_hints as hints
from kube.failure_kinds import Kind


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a table.

    It matches a text that holds any of `says` (no `says`: every text) and fits `also`, under an HTTP status
    of `status` (none: every status). Where no status is known, a rule counts only if it looks for words.
    """

    kind: Kind
    says: tuple[str, ...] = ()
    status: tuple[int, ...] = ()
    also: re.Pattern[str] | None = None
    hint: str = ""

    def matches(self, text: str, status: int) -> bool:
        """Whether the rule decides this text."""
        if self.status and status not in self.status and (status or not (self.says or self.also)):
            return False
        for words in self.says:  # a plain loop: any() with a generator takes twice the time
            if words in text:
                break
        else:
            if self.says:
                return False
        return self.also is None or self.also.search(text) is not None


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are looked at only if the text holds any of `says`: most texts skip all of them."""

    says: tuple[str, ...]
    rules: tuple[Rule, ...]


Table = tuple[Rule | Group, ...]

EOF = re.compile(r"(?:^|: ?|\()eof(?:$|[\s,;)'\"])")
_UNAUTHORIZED = re.compile(r"(?:^|[:(] ?)unauthorized(?:$|[\s),;:'\"]|\.(?:\s|$))")
_NO_SUCH_SERVICE = re.compile(r"\b(?:service|endpoints?) \S+ not found")
_PROXY_SAYS_NO = re.compile(
    r"^(?:forbidden|not found|bad request|method not allowed|unauthorized|proxy authentication required)"
    r"(?!\S*[\w-])"
)

WRONG_NAMES: Final = (
    "certificate is valid for ",
    "certificate is not valid for",
    "legacy common name field",
    "contain any ip sans",
    "hostname mismatch",
    "ip address mismatch",
)
NOT_TLS: Final = (
    "does not look like a tls handshake",
    "http response to https client",
    "http request to an https server",
    "oversized record received",
    "malformed http ",
    "protocol version not supported",
    "unsupported protocol scheme",
    "handshake failure",
)
BROKEN: Final = (
    "connection refused",
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
)

WEBHOOK: Final[Table] = (
    Rule(Kind.PERMANENT_CONFIG, WRONG_NAMES, hint=hints.WEBHOOK_NAMES),
    Rule(
        Kind.CERTIFICATE_ROTATION,
        (
            "signed by unknown authority",
            "has expired or is not yet valid",
            "unable to load root certificates",
            "certificate is not trusted",
            "x509: invalid signature",
            "verification error",
            "verification failure",
            "failed to load system roots",
        ),
    ),
    Rule(Kind.PERMANENT_CONFIG, ("x509: ",), hint=hints.WEBHOOK_CERTIFICATE),
    Rule(Kind.WEBHOOK_NOT_READY, ("remote error: tls: internal error",), hint=hints.WEBHOOK_NO_CERTIFICATE),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("remote error: tls: protocol", "remote error: tls: handshake"),
        hint=hints.WEBHOOK_TLS,
    ),
    Rule(Kind.PERMANENT_CONFIG, ("remote error: tls: ",), hint=hints.WEBHOOK_CLIENT_CERTIFICATE),
    Rule(Kind.PERMANENT_CONFIG, NOT_TLS, hint=hints.WEBHOOK_TLS),
    Rule(Kind.PERMANENT_CONFIG, ("address is not allowed",), hint=hints.WEBHOOK_ADDRESS),
    Rule(Kind.PERMANENT_CONFIG, ("proxyconnect tcp",), hint=hints.WEBHOOK_PROXY),
    Rule(Kind.PERMANENT_CONFIG, also=_PROXY_SAYS_NO, hint=hints.WEBHOOK_PROXY),
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
        ),
        hint=hints.WEBHOOK_CONTRACT,
    ),
    Rule(Kind.WEBHOOK_NOT_READY, ("no endpoints available", "find session for client", *BROKEN)),
    Rule(Kind.WEBHOOK_NOT_READY, ("eof",), also=EOF),
    Rule(Kind.WEBHOOK_NOT_READY, (" not found",), also=_NO_SUCH_SERVICE),
    Rule(
        Kind.WEBHOOK_UNREACHABLE,
        (
            *SILENT,
            "no agent available",
            "no backend available",
            "dial timeout",
            "no route to host",
            "host is unreachable",
            "network is unreachable",
            "no such host",
            "server misbehaving",
            "context canceled",
            "ssh: rejected",
            "no ssh tunnels",
            "error dialing backend",
        ),
    ),
    Rule(Kind.WEBHOOK_UNREACHABLE, ("dial tcp", "read tcp", "write tcp", "proxy error from")),
)
"""The API server about a webhook that it could not call, for admission or for conversion."""

DENIAL: Final[Table] = (
    # A policy engine that hands on what the API server told it: the refusal ends when the server is back.
    Rule(
        Kind.API_UNAVAILABLE,
        ("the server is currently unable to handle the request", "etcdserver: request timed out"),
    ),
    Rule(Kind.DENIED),
)
"""An admission webhook that was asked and refused. Only words of the API server make it worth waiting."""

SENTENCES: Final[Table] = (
    Rule(Kind.UNAUTHENTICATED, status=(401,)),
    Rule(
        Kind.UNAUTHENTICATED,
        (
            "must be logged in to the server",
            "asked for the client to provide credentials",
            '"system:anonymous" cannot',
        ),
        (403,),
    ),
    Rule(Kind.UNAUTHENTICATED, ("unauthorized",), (401,), also=_UNAUTHORIZED),
    Rule(
        Kind.TERMINATING,
        (
            "cause=namespaceterminating",
            "because it is being terminated",
            "object is being deleted",
            "ensuring all content is removed",
            "custom resource definition is terminating",
        ),
        (403, 405, 409),
    ),
    Rule(Kind.DENIED, ("denied request: ",), (400, 403, 413, 422)),
    Rule(Kind.DENIED, ("exceeded quota: ", "failed quota: "), (403,), hint=hints.QUOTA),
    Rule(Kind.DENIED, ("violates podsecurity ", "podsecuritypolicy: "), (403,), hint=hints.POD_SECURITY),
    Rule(Kind.FORBIDDEN, (" is forbidden: ", "forbidden: user "), (403,)),
    Rule(Kind.FORBIDDEN, status=(403,)),
    Rule(Kind.FIELD_CONFLICT, ("cause=fieldmanagerconflict", "apply failed with "), (409,)),
    Rule(
        Kind.CONFLICT,
        ("the object has been modified", "operation cannot be fulfilled on"),
        (409,),
    ),
    Rule(Kind.CRD_NOT_ESTABLISHED, ("storage is (re)initializing",)),
    Rule(
        Kind.INVALID,
        (" is invalid: ", "strict decoding error"),
        (400, 422),
    ),
    Rule(Kind.ALREADY_EXISTS, ("reason=alreadyexists", '" already exists'), (409,)),
    Rule(Kind.CONFLICT, status=(409, 410)),
    Rule(Kind.CONFLICT, ("too old resource version", "required revision has been compacted"), (410, 500)),
    Rule(Kind.RATE_LIMITED, ("too many requests", "client-side throttling"), (429,)),
    Rule(Kind.RATE_LIMITED, status=(429,)),
    Rule(
        Kind.CRD_NOT_ESTABLISHED,
        (
            "no matches for kind ",
            "could not find the requested resource",
            "404 page not found",
            "failed to find api group ",
            "no resources found for group ",
            "have a resource type ",
        ),
        (404,),
    ),
    Rule(Kind.NOT_FOUND, ('" not found',), (404,)),
    Rule(Kind.NOT_FOUND, status=(404,)),
    Rule(Kind.INVALID, status=(400, 405, 406, 411, 413, 414, 415, 422, 431)),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("database space exceeded", "etcdserver: no space"),
        (500,),
        hint=hints.ETCD_SPACE,
    ),
    Rule(Kind.INVALID, ("request is too large",), (500,), hint=hints.TOO_LARGE),
    Rule(
        Kind.API_UNAVAILABLE,
        (
            "etcdserver: ",
            "the server is currently unable to handle the request",
            "unable to return a response in the time allotted",
            "request did not complete within",
            "could not be completed at this time",
            "error trying to reach service",
            "failed to complete mutation in",
            "failed to complete validation in",
            "evaluation timed out",
            "transport is closing",
            "apiserver is shutting down",
            "apiserver not ready",
        ),
        (500, 503, 504),
    ),
    Rule(Kind.API_UNAVAILABLE, status=(408, 425, *range(502, 600))),
)
"""What API servers say about themselves, their admission and their storage."""

SERVER: Final[Table] = (
    *SENTENCES,
    # The API server's own connections: to etcd, to an authorizer, to an aggregated API.
    Rule(Kind.API_UNAVAILABLE, (*BROKEN, *SILENT), (500,)),
)
"""An answer that is a Status."""

BETWEEN: Final[Table] = (
    Rule(Kind.PERMANENT_CONFIG, ("http request to an https server",), (400,), hint=hints.NOT_TLS),
    Rule(Kind.PERMANENT_CONFIG, status=(407,), hint=hints.PROXY),
    Rule(Kind.PERMANENT_CONFIG, ("<html", "<!doctype html"), (400, 403, 404, 405), hint=hints.NOT_AN_API_SERVER),
    Rule(Kind.PERMANENT_CONFIG, status=tuple(range(300, 400)), hint=hints.NOT_AN_API_SERVER),
    Rule(Kind.API_UNAVAILABLE, status=(500,)),
    *SERVER,
)
"""An answer that is no Status: the API server's plain texts, or whoever stands before it."""
