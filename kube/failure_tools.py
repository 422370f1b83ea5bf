"""The table for what kubectl, Helm, flux, Argo CD, controllers and client libraries print.

They quote the API server, and tell besides of what they do themselves: check manifests, keep releases, wait, and ask
servers that have nothing to do with the Kubernetes API.
"""

from __future__ import annotations

import re
from typing import Final

from kube import failure_causes as causes
from kube import failure_words as words
from kube.failure_kinds import Kind
from kube.failure_rules import SENTENCES
from kube.failure_table import Pattern, Rule, Why
from kube.failure_talk import CONNECTION, CREDENTIALS, PEER_CERTIFICATE, TOOL

_SIGNER: Final = "controller -> signer"
_KUBELET: Final = "kubelet -> API server"
_ELSEWHERE: Final = "client -> a server outside of the Kubernetes API"

_ASKING: Final = (
    "failed to pull image",
    "failed to pull and unpack",
    "acme account",
    "not a valid chart repository",
    "unable to clone",
)
_PATHS: Final = ("/v2/", "/directory", "/dir", "/index.yaml")
_URL: Final = (
    r"https?://[^\s\"/]{1,255}(?:/v2/|/dir(?:ectory)?\b|(?:/[^\s\"/]{1,63}){0,4}/index\.yaml)\S{0,200} .{0,60}?"
)
_WAITED = Pattern(
    r"\b(?:install(?:ation)?|upgrade|rollback|uninstall(?:ation)?)(?: \"\")? failed"
    r"(?: for release \S{1,300} with chart \S{1,300})?: "
    r"(?:(?!rate limiter|\b(?:get|post|put|patch|delete) |rpc ).){0,600}?context deadline exceeded"
)
_CLIENT_CHECK = Pattern(r"error validating data: (?:\[|unknown object type|apiversion not set|kind not set)")
_PROBE = Pattern(r"(?:readiness|liveness|startup) probe failed: ")
_HANDSHAKE = Pattern(r"authentication handshake failed: .{0,80}?x509: ")

_PODS: Final[tuple[Rule, ...]] = (
    Rule(
        Kind.UNKNOWN,
        (" errimagepull", " imagepullbackoff", "back-off pulling image"),
        why=causes.IMAGE,
        between="kubelet -> registry",
    ),
    Rule(
        Kind.UNKNOWN,
        ("back-off restarting failed container", " crashloopbackoff"),
        why=causes.CRASHING,
        between="kubelet -> container",
    ),
    Rule(Kind.UNKNOWN, (" nodes are available: ",), why=causes.UNSCHEDULABLE, between="scheduler"),
)
"""What events and lists say of pods; how long it lasts is not in these texts."""

_SIGNERS: Final[tuple[Rule, ...]] = (
    # Vault's client: the signer's own HTTP code stands in the text.
    Rule(
        Kind.API_UNAVAILABLE,
        ("error making api request",),
        also=Pattern(r"\bcode: 5\d\d\b"),
        why=causes.SIGNER_AWAY,
        between=_SIGNER,
    ),
    Rule(
        Kind.FORBIDDEN,
        ("error making api request",),
        also=Pattern(r"\bcode: 403\b"),
        why=causes.SIGNER,
        between=_SIGNER,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("error making api request",),
        also=Pattern(r"\bcode: 4\d\d\b"),
        why=causes.SIGNER,
        between=_SIGNER,
    ),
    Rule(
        Kind.API_UNAVAILABLE,
        ("urn:ietf:params:acme:error:serverinternal", "urn:ietf:params:acme:error:badnonce"),
        why=causes.SIGNER_AWAY,
        between=_SIGNER,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("urn:ietf:params:acme:error:ratelimited",),
        why=causes.SIGNER_LIMIT,
        between=_SIGNER,
    ),
    Rule(Kind.PERMANENT_CONFIG, ("urn:ietf:params:acme:error:",), why=causes.SIGNER, between=_SIGNER),
)
"""Signers behind an Issuer: Vault and ACME servers (RFC 8555, 6.7)."""


def _elsewhere(kind: Kind, why: Why, *says: str) -> tuple[Rule, Rule]:
    """Rules for servers that are known by what was asked of them, or by a path that no API server has."""
    cause = "|".join(re.escape(one) for one in says)
    return (
        Rule(kind, _ASKING, also=Pattern(cause), why=why, between=_ELSEWHERE),
        Rule(kind, _PATHS, also=Pattern(f"{_URL}(?P<words>{cause})"), why=why, between=_ELSEWHERE),
    )


_OUTSIDE: Final[tuple[Rule, ...]] = (
    *_elsewhere(
        Kind.PERMANENT_CONFIG,
        causes.ELSEWHERE_TRUST,
        "x509: ",
        "certificate signed by unknown authority",
        *words.NOT_TLS,
    ),
    *_elsewhere(
        Kind.PERMANENT_CONFIG,
        causes.ELSEWHERE_REFUSED,
        "unauthorized",
        "forbidden",
        "authentication required",
        "authorization failed",
        "access denied",
        "404 not found",
        "manifest unknown",
        "knownhosts: ",
        "unable to authenticate",
        ": not found",
    ),
    *_elsewhere(Kind.RATE_LIMITED, causes.ELSEWHERE_AWAY, "toomanyrequests: ", "too many requests"),
    *_elsewhere(
        Kind.API_UNAVAILABLE,
        causes.ELSEWHERE_AWAY,
        *words.REFUSED,
        *words.BROKEN,
        *words.ANSWERED_FOR,
        *words.SILENT,
        *words.NO_NAME,
        *words.NO_ROUTE,
        "dial tcp",
    ),
    Rule(
        Kind.API_UNAVAILABLE,
        ("probe failed: ",),
        also=_PROBE,
        why=causes.PROBE,
        between="kubelet -> container",
    ),
    Rule(
        Kind.NOT_FOUND,
        ("mountvolume.setup failed for volume ",),
        also=Pattern(r"(?:secret|configmap) \S{1,300} not found"),
        why=causes.VOLUME,
        between=_KUBELET,
    ),
    Rule(Kind.API_UNAVAILABLE, ("leader election lost", "leaderelection lost"), why=causes.LEASE_LOST),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("authentication handshake failed: ",),
        also=_HANDSHAKE,
        why=causes.ETCD_TRUST,
        between="API server -> etcd",
    ),
    Rule(
        Kind.FORBIDDEN,
        ("unable to upgrade connection: forbidden",),
        between="API server -> kubelet",
    ),
)
"""Servers that have nothing to do with the Kubernetes API, and what else is not said to or by the API server."""

_HELM: Final[tuple[Rule, ...]] = (
    Rule(
        Kind.PERMANENT_CONFIG,
        ("invalid ownership metadata", "imported into the current release"),
        why=causes.HELM_OWNS,
        between=TOOL,
    ),
    Rule(Kind.NOT_FOUND, ("release: not found", "has no deployed releases"), why=causes.HELM_NO_RELEASE, between=TOOL),
    Rule(
        Kind.CONFLICT,
        ("another operation (install/upgrade/rollback) is in progress",),
        why=causes.HELM_BUSY,
        between=TOOL,
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("which is incompatible with kubernetes",),
        why=causes.CHART_VERSION,
        between=TOOL,
    ),
    # The time that --wait has is over; that is no answer to any request.
    Rule(Kind.UNKNOWN, ("context deadline exceeded",), also=_WAITED, why=causes.GAVE_UP, between=TOOL),
)
"""Helm about its releases, by itself or under flux and Argo CD."""

QUOTED: Final[tuple[Rule, ...]] = (
    Rule(
        Kind.CERTIFICATE_ROTATION,
        ("tls handshake error from ",),
        also=PEER_CERTIFICATE,
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
    Rule(Kind.PERMANENT_CONFIG, ("http request to an https server",), why=causes.NOT_TLS),
    Rule(Kind.INVALID, ("validationerror(", ": unknown field "), why=causes.CLIENT_CHECK, between=TOOL),
    Rule(Kind.INVALID, ("error validating data: ",), also=_CLIENT_CHECK, why=causes.CLIENT_CHECK, between=TOOL),
    Rule(
        Kind.INVALID,
        ("error converting yaml to json: ", "error unmarshaling json: "),
        why=causes.MANIFEST,
        between=TOOL,
    ),
    *CREDENTIALS,
    Rule(Kind.PERMANENT_CONFIG, (" is registered for ",), why=causes.CLIENT_SCHEME, between=TOOL),
    *_SIGNERS,
    *_OUTSIDE,
    *_HELM,
    *SENTENCES,
    *CONNECTION,
    *_PODS,
    Rule(
        Kind.UNKNOWN,
        (
            "timed out waiting for the condition",
            "timed out waiting for cache to be synced",
            "timeout waiting for: ",
            "exceeded its progress deadline",
            "failed: backofflimitexceeded",
        ),
        why=causes.GAVE_UP,
        between=TOOL,
    ),
)
"""What kubectl, Helm, cmctl, controllers and client libraries print about their talk with an API server."""
