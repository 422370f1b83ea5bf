"""The webhook stage: workloads available, the CA trusted, and the webhook proven several times in a row.

Watches tell when it is worth asking; only answers of the API server to real (dry-run) requests prove anything.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from base.clock import seconds_text
from base.errors import CertificateWindow, FritError, NotReady, ServerRefused
from bootstrap.ground import Ground
from bootstrap.report import Stage
from bootstrap.target import Target
from certificates.bundle import authority_of, trusted_by
from certificates.probe import Outcome, Probed, probe
from kube.client import JSON
from kube.diagnosis import as_data, as_lines, diagnose
from kube.discovery import CORE_V1, DEPLOYMENTS, ENDPOINT_SLICES, MUTATING, VALIDATING
from kube.failures import ApiError, Kind
from kube.objects import Object, field
from kube.readiness import Readiness, readiness_of
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake, Watched

PROOFS = 3
"""Pairs of probes that must succeed in a row, each on new connections."""

BETWEEN_PROOFS = 0.1
"""Seconds between two successful pairs: an API server's cached webhook client may still hold an old bundle."""


@dataclass
class _Seen:
    """What the watches show, and the CA Secret as it was last read."""

    deployments: Watched
    slices: Watched
    mutating: Watched
    validating: Watched
    authority: bytes = b""
    read_at: float = dataclass_field(default=0.0)


def prove(ground: Ground, stage: Stage, target: Target) -> None:
    """Wait until the workloads are available and the webhook is proven.

    Raises `CertificateWindow`, `NotReady` or `ServerRefused` with a diagnosis of the pods where that does not
    happen within the stage's limit, or cannot happen at all.
    """
    wake = Wake()
    seen = _watch(ground, target, wake)
    began = time.monotonic()
    last = [Probed(Outcome.FAILED)]
    first_unreachable = [0.0]

    def question() -> Yes[None] | NotYet:
        if reason := _unavailable(ground, target, seen):
            return NotYet(reason)
        last[0] = probe(ground.client, ground.settings.probe_namespace, ground.run)
        rounds = 1
        while last[0].proven and rounds < PROOFS:
            ground.run.sleep(BETWEEN_PROOFS)
            last[0] = probe(ground.client, ground.settings.probe_namespace, ground.run)
            rounds += 1
        if last[0].proven:
            return Yes(None) if _trusted(ground, target, seen) else NotYet("the CA is not in both bundles yet")
        failure = last[0].failure
        stage.attempt("prove the webhook", str(failure.kind) if failure else str(last[0].outcome), last[0].reason)
        if failure is not None and last[0].outcome is Outcome.FAILED:
            if not failure.retry:
                raise ApiError(f"prove the webhook in namespace {ground.settings.probe_namespace}", failure)
            if failure.rule.budget is not None:
                first_unreachable[0] = first_unreachable[0] or time.monotonic()
                if time.monotonic() - first_unreachable[0] > failure.rule.budget:
                    raise _not_ready(ground, target, time.monotonic() - began, last[0].reason, failure.rule.hint)
            else:
                first_unreachable[0] = 0.0
        return NotYet(last[0].reason)

    try:
        wait_until(
            question,
            what="the webhook",
            run=ground.run,
            deadline=stage.deadline,
            emit=stage.emit,
            wake=wake,
            pause=0.25,
            out_of_time=lambda reason: _out_of_time(ground, target, time.monotonic() - began, reason, last[0]),
        )
    finally:
        for watched in (seen.deployments, seen.slices, seen.mutating, seen.validating):
            watched.stop()
    stage.summary = f"admits and refuses, {PROOFS} times in a row; its CA is trusted"


def _watch(ground: Ground, target: Target, wake: Wake) -> _Seen:
    def watched(path: str, query: dict[str, str], what: str) -> Watched:
        return Watched(ground.client, path, query, what=what, wake=wake, run=ground.run, accept=JSON)

    by_name = "fieldSelector"
    return _Seen(
        watched(DEPLOYMENTS.path(target.namespace), {}, "deployments"),
        watched(
            ENDPOINT_SLICES.path(target.namespace),
            {"labelSelector": f"kubernetes.io/service-name={target.service}"},
            "endpoint slices",
        ),
        watched(MUTATING.path(), {by_name: f"metadata.name={target.mutating}"}, "the mutating configuration"),
        watched(VALIDATING.path(), {by_name: f"metadata.name={target.validating}"}, "the validating configuration"),
    )


def _unavailable(ground: Ground, target: Target, seen: _Seen) -> str:
    """Why it is not worth probing yet; empty when it is. Raises `NotReady` for a Deployment that is beyond hope."""
    for name in target.deployments:
        deployment = seen.deployments.objects.get(name)
        if deployment is None:
            return f"Deployment {target.namespace}/{name} is not seen yet"
        verdict = readiness_of({"apiVersion": "apps/v1", "kind": "Deployment", **deployment})
        if verdict.readiness is Readiness.FAILED:
            raise _not_ready(ground, target, ground.run.elapsed(), f"Deployment {name}: {verdict.reason}", "")
        if not verdict.ready:
            return f"Deployment {target.namespace}/{name}: {verdict.reason}"
    if not any(_ready(one) for one in seen.slices.objects.values()):
        return f"Service {target.namespace}/{target.service} has no ready endpoint"
    for watched, name in ((seen.mutating, target.mutating), (seen.validating, target.validating)):
        if not field(watched.objects.get(name), "webhooks", 0, "clientConfig", "caBundle"):
            return f"cainjector has not filled in the CA bundle of {name}"
    return ""


def _ready(endpoint_slice: Object) -> bool:
    endpoints = field(endpoint_slice, "endpoints", default=[])
    return any(field(one, "conditions", "ready") for one in endpoints)


def _trusted(ground: Ground, target: Target, seen: _Seen) -> bool:
    """Whether the CA in the Secret stands in both bundles; reads the Secret once, and again while it does not."""
    namespace, name = target.ca_secret
    if not name:
        return True  # a bundle that somebody else maintains, not cainjector: the probes have already proven it
    for _ in range(2):
        if all(
            trusted_by(watched.objects.get(configuration), seen.authority)
            for watched, configuration in ((seen.mutating, target.mutating), (seen.validating, target.validating))
        ):
            return True
        secret: Any = ground.client.get(
            CORE_V1["Secret"].path(namespace, name), doing=f"read Secret {namespace}/{name}"
        )
        seen.authority = authority_of(secret)
    return False


def _out_of_time(ground: Ground, target: Target, seconds: float, reason: str, last: Probed) -> FritError:
    if last.failure is not None and last.failure.kind is Kind.CERTIFICATE_ROTATION:
        return CertificateWindow(
            f"the webhook's certificate was not trusted after {seconds_text(seconds)}: {last.failure.message}",
            hint=last.failure.rule.hint,
            details=_diagnosis(ground, target)[1],
        )
    if last.outcome in (Outcome.NOT_MUTATED, Outcome.NOT_VALIDATED):
        return ServerRefused(
            f"the webhook was not in the path after {seconds_text(seconds)}: {last.reason}",
            hint="kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
        )
    return _not_ready(ground, target, seconds, reason, last.failure.rule.hint if last.failure else "")


def _not_ready(ground: Ground, target: Target, seconds: float, reason: str, hint: str) -> NotReady:
    lines, details = _diagnosis(ground, target)
    return NotReady(
        f"cert-manager was not ready after {seconds_text(seconds)}: {reason}",
        hint="\n".join([*lines, *([hint] if hint else []), "a re-run of frit bootstrap goes on where this one ended"]),
        details=details,
    )


def _diagnosis(ground: Ground, target: Target) -> tuple[list[str], dict[str, Any]]:
    try:
        found = diagnose(ground.client, target.namespace)
    except FritError as error:  # the diagnosis must not hide what it was made for
        return [f"no diagnosis: {error.message}"], {}
    return [line for one in found for line in as_lines(one)], {"diagnosis": [as_data(one) for one in found]}
