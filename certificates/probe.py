"""The question that proves cert-manager's webhook: does it admit and complete a valid object, and refuse a bad one?

Two dry-run creates of a CertificateRequest. The valid one must come back with the requester filled in, which only
the mutating webhook does; the invalid one must be denied by `webhook.cert-manager.io` itself. One accepted create
proves nothing: without webhook configurations an API server accepts everything (cert-manager issue 6721).
Nothing is stored: dry-run stops before the write (Kubernetes API Concepts, "Dry-run").
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from base.clock import Run
from certificates.installation import WEBHOOK_NAME
from kube.client import Client
from kube.discovery import Resource
from kube.failures import ApiError, Failure, Kind
from kube.hedge import hedged
from kube.objects import Object, field

ISSUERS = Resource("cert-manager.io", "v1", "issuers", "Issuer", True)
REQUESTS = Resource("cert-manager.io", "v1", "certificaterequests", "CertificateRequest", True)

PROOFS = 3
"""Pairs of probes that must succeed in a row, each on new connections."""

BETWEEN_PROOFS = 0.1
"""Seconds between two successful pairs."""

PEM = """-----BEGIN CERTIFICATE REQUEST-----
MIIBCDCBrwIBADAdMRswGQYDVQQDDBJmcml0LXByb2JlLmludmFsaWQwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAQUj0rdxoQgEdmUSjSJ2CC/ZGmRG2RpVETtSjjs
iX5XJo1rfd0nLLR+HvPaXdOtLqoMLS3TsFhR519JVeTJN37roDAwLgYJKoZIhvcN
AQkOMSEwHzAdBgNVHREEFjAUghJmcml0LXByb2JlLmludmFsaWQwCgYIKoZIzj0E
AwIDSAAwRQIhANrtvJDJlDOaxfEITpmvMwm0YP7jAsBpsJ/kATMmXvHyAiBlY42k
p5Smk6LgEKf7GZNcpIBPEN/MaReTYBZeNeRERA==
-----END CERTIFICATE REQUEST-----
"""
"""A signing request for frit-probe.invalid, made once; its private key was thrown away."""


class Outcome(StrEnum):
    """What one pair of probes showed."""

    PROVEN = "proven"
    NOT_MUTATED = "not mutated"
    NOT_VALIDATED = "not validated"
    FAILED = "failed"


@dataclass(frozen=True)
class Probed:
    """The outcome of one pair, and the failure of the request that did not get a verdict from the webhook.

    `admitted` tells a failure of the invalid object's request, which comes second, from one of the valid object's.
    """

    outcome: Outcome
    failure: Failure | None = None
    admitted: bool = False

    @property
    def proven(self) -> bool:
        """Whether the webhook admitted and refused as it should."""
        return self.outcome is Outcome.PROVEN

    @property
    def admits(self) -> bool:
        """Whether the valid object was admitted and completed."""
        return self.admitted or self.outcome in (Outcome.PROVEN, Outcome.NOT_VALIDATED)

    @property
    def hung(self) -> bool:
        """Whether it failed only because its time was up: the server's 504, or silence."""
        return self.failure is not None and self.failure.status in (0, 504)

    @property
    def reason(self) -> str:
        """Why it is not proven, in one sentence; empty when it is."""
        return {
            Outcome.PROVEN: "",
            Outcome.NOT_MUTATED: "a valid CertificateRequest came back without its requester: "
            "the mutating webhook is not in the path",
            Outcome.NOT_VALIDATED: "an invalid CertificateRequest was accepted: "
            "the validating webhook is not in the path",
            Outcome.FAILED: self.failure.message if self.failure else "the request failed",
        }[self.outcome]


def request_object(request: bytes, namespace: str) -> Object:
    """A CertificateRequest around the bytes of a signing request; its issuer need not exist."""
    return {
        "apiVersion": REQUESTS.api_version,
        "kind": REQUESTS.kind,
        "metadata": {"generateName": "frit-probe-", "namespace": namespace},
        "spec": {
            "request": base64.b64encode(request).decode(),
            "issuerRef": {"name": "frit-probe", "kind": "Issuer", "group": "cert-manager.io"},
        },
    }


def probe_once(client: Client, namespace: str, *, timeout: float) -> Probed:
    """Send one pair, each request on a new connection and limited to `timeout` seconds; never raises `ApiError`."""
    try:
        answer = _create(client, request_object(PEM.encode(), namespace), namespace, timeout)
    except ApiError as error:
        if error.failure.kind is Kind.DENIED and error.failure.webhook == WEBHOOK_NAME:
            # it validates, but nobody filled the requester in: only the mutating webhook is missing
            return Probed(Outcome.NOT_MUTATED, error.failure)
        return Probed(Outcome.FAILED, error.failure)
    if not (field(answer, "spec", "username") or field(answer, "spec", "uid")):
        return Probed(Outcome.NOT_MUTATED)
    try:
        _create(client, request_object(b"not a signing request", namespace), namespace, timeout)
    except ApiError as error:
        if error.failure.kind is Kind.DENIED and error.failure.webhook == WEBHOOK_NAME:
            return Probed(Outcome.PROVEN)
        return Probed(Outcome.FAILED, error.failure, admitted=True)
    return Probed(Outcome.NOT_VALIDATED)


def _create(client: Client, obj: Object, namespace: str, timeout: float) -> Any:
    return client.request(
        "POST",
        REQUESTS.path(namespace),
        doing=f"create a CertificateRequest in namespace {namespace} (dry run)",
        query={"dryRun": "All"},
        body=obj,
        timeout=timeout,
        new_connection=True,
    ).json()


class _Undecided(Exception):
    """Carries the outcome of a pair that is not final while another pair is still under way."""

    def __init__(self, probed: Probed) -> None:
        super().__init__(probed.reason)
        self.probed = probed


def probe(client: Client, namespace: str, run: Run, *, timeout: float = 2.0, after: float = 0.3) -> Probed:
    """Send a pair, another after `after` seconds if it hangs, and a third after twice that; the first proof wins.

    Each request is limited to `timeout` seconds. A request that hung says nothing about the cause, so the failure
    of one that did not is preferred. Raises `Cancelled` when the run is asked to stop.
    """
    failures: list[Probed] = []

    def attempt() -> Probed:
        found = probe_once(client, namespace, timeout=timeout)
        if found.outcome is Outcome.FAILED:
            failures.append(found)
            raise _Undecided(found)
        return found

    try:
        return hedged(attempt, after=after, most=3, run=run)
    except _Undecided as undecided:
        return next((one for one in failures if not one.hung), undecided.probed)


def probe_issuer(client: Client, namespace: str, run: Run, *, timeout: float = 1.0, after: float = 0.3) -> None:
    """Have an Issuer admitted (dry run), with hedges as `probe` has them; raises `ApiError` where it is not.

    The kinds of cert-manager do not become usable in the same moment: an API server holds creates of a custom
    resource for up to two seconds after its definition was established, and the large definitions come last.
    Source: apiextensions-apiserver, pkg/apiserver/customresource_handler.go.
    """
    issuer = {
        "apiVersion": ISSUERS.api_version,
        "kind": ISSUERS.kind,
        "metadata": {"generateName": "frit-probe-", "namespace": namespace},
        "spec": {"selfSigned": {}},
    }

    def attempt() -> None:
        client.request(
            "POST",
            ISSUERS.path(namespace),
            doing=f"create an Issuer in namespace {namespace} (dry run)",
            query={"dryRun": "All"},
            body=issuer,
            timeout=timeout,
            new_connection=True,
        )

    hedged(attempt, after=after, most=3, run=run)


def in_a_row(client: Client, namespace: str, run: Run) -> tuple[Probed, ...]:
    """Pairs of probes, one after the other, until one proves nothing or `PROOFS` have succeeded; at least one.

    Once is not always: an API server keeps connections to a webhook and may still hold an old bundle.
    """
    found = [probe(client, namespace, run)]
    while found[-1].proven and len(found) < PROOFS:
        run.sleep(BETWEEN_PROOFS)
        found.append(probe(client, namespace, run))
    return tuple(found)


def excluded(configuration: Object | None, namespace: Object) -> str:
    """Why a namespace is not covered by the webhooks of a configuration, or an empty text.

    Evaluates namespaceSelector as the API server does. Source: Kubernetes documentation, "Dynamic Admission
    Control", matching requests: namespaceSelector.
    """
    labels = {
        "kubernetes.io/metadata.name": str(field(namespace, "metadata", "name", default="")),
        **field(namespace, "metadata", "labels", default={}),
    }
    for webhook in field(configuration, "webhooks", default=[]):
        selector = field(webhook, "namespaceSelector", default={})
        for key, value in field(selector, "matchLabels", default={}).items():
            if labels.get(key) != value:
                return f"it lacks the label {key}={value}"
        for rule in field(selector, "matchExpressions", default=[]):
            if reason := _mismatch(rule, labels):
                return reason
    return ""


def _mismatch(rule: Object, labels: dict[str, str]) -> str:
    key, values = str(rule.get("key", "")), list(rule.get("values") or [])
    have = labels.get(key)
    match rule.get("operator"):
        case "In" if have not in values:
            return f"its label {key} is none of {', '.join(values)}"
        case "NotIn" if have is not None and have in values:
            return f"it has the label {key}={have}"
        case "Exists" if have is None:
            return f"it lacks the label {key}"
        case "DoesNotExist" if have is not None:
            return f"it has the label {key}"
    return ""
