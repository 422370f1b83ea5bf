"""The webhook stage: workloads available, the CA trusted, and the webhook proven several times in a row.

Watches tell when it is worth asking; only answers of the API server to real (dry-run) requests prove anything.
"""

from __future__ import annotations

import time
from typing import Any

from base.clock import seconds_text
from base.errors import CertificateWindow, FritError, NotReady, ServerRefused
from bootstrap.ground import Ground
from bootstrap.report import Stage
from bootstrap.target import Target
from certificates.bundle import authority_of, trusted_by
from certificates.probe import PROOFS, Outcome, Probed, in_a_row, probe_issuer
from kube.client import JSON
from kube.diagnosis import as_data, as_lines, diagnose
from kube.discovery import CORE_V1, DEPLOYMENTS, ENDPOINT_SLICES, MUTATING, VALIDATING
from kube.failures import ApiError, Kind
from kube.objects import Object, field
from kube.pods import reason_of_pods
from kube.readiness import Readiness, readiness_of
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake, Watched

PODS_EVERY = 5.0
"""Seconds between two looks at the pods, which say more than their Deployment about why it takes so long."""

LOOK = 0.1
"""Seconds between two looks at what the watches tell; that costs no request."""

FIRST_GAP, GROWTH, LONGEST_GAP = 0.1, 1.6, 1.0
"""Seconds between two probes that fail: after the first, times what, and at most."""


def prove(ground: Ground, stage: Stage, target: Target) -> None:
    """Wait until the workloads are available and the webhook is proven.

    Raises `CertificateWindow`, `NotReady` or `ServerRefused` with a diagnosis of the pods where that does not
    happen within the stage's limit, or cannot happen at all.
    """
    wake = Wake()
    proof = Proof(ground, stage, target, wake)
    try:
        wait_until(
            proof.question,
            what="the webhook",
            run=ground.run,
            deadline=stage.deadline,
            emit=stage.emit,
            wake=wake,
            pause=LOOK,
            out_of_time=lambda reason: _out_of_time(ground, target, proof.seconds, reason, proof.last),
        )
    finally:
        proof.stop()
    stage.summary = f"admits and refuses, {PROOFS} times in a row; its CA is trusted"


class Proof:
    """One webhook while it is being proven: what the watches show, the last probe, and the CA as it was read."""

    def __init__(self, ground: Ground, stage: Stage, target: Target, wake: Wake) -> None:
        self._ground, self._stage, self._target = ground, stage, target
        self._began = time.monotonic()
        self._unreachable_since: float | None = None
        self._authority = b""
        self._next_probe, self._gap = self._began, FIRST_GAP
        self._pods_at, self._pods = PODS_EVERY, ""
        self.last = Probed(Outcome.FAILED)

        def watched(path: str, query: dict[str, str], what: str) -> Watched:
            return Watched(ground.client, path, query, what=what, wake=wake, run=ground.run, accept=JSON)

        def named(name: str) -> dict[str, str]:
            return {"fieldSelector": f"metadata.name={name}"}

        slices = {"labelSelector": f"kubernetes.io/service-name={target.service}"}
        self._deployments = watched(DEPLOYMENTS.path(target.namespace), {}, "deployments")
        self._slices = watched(ENDPOINT_SLICES.path(target.namespace), slices, "endpoint slices")
        self._configurations = (  # by name, and both have the same one
            (target.mutating, watched(MUTATING.path(), named(target.mutating), "the mutating configuration")),
            (target.validating, watched(VALIDATING.path(), named(target.validating), "the validating configuration")),
        )

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._began

    def stop(self) -> None:
        """End the watches."""
        for watched in (self._deployments, self._slices, *(one for _, one in self._configurations)):
            watched.stop()

    def question(self) -> Yes[None] | NotYet:
        """Whether the webhook is proven now. Raises what waiting cannot mend."""
        try:
            if reason := self._unavailable():
                return NotYet(reason)
            if time.monotonic() < self._next_probe:
                return NotYet(self.last.reason)
            self.last = self._probed()
            if self.last.proven:
                return Yes(None) if self._trusted() else NotYet("the CA is not in both bundles yet")
        except ApiError as error:  # the API server itself is away for a moment
            if not error.failure.retry:
                raise
            self._stage.attempt("look at the webhook", str(error.failure.kind), error.failure.message)
            return NotYet(error.failure.message)
        self._refuse_if_useless()
        return NotYet(self.last.reason)

    def _probed(self) -> Probed:
        """The last of several pairs of probes; an Issuer goes first, because its kind becomes usable last."""
        client, namespace, run = self._ground.client, self._ground.settings.probe_namespace, self._ground.run
        try:
            probe_issuer(client, namespace, run)
        except ApiError as error:
            return Probed(Outcome.FAILED, error.failure)
        return in_a_row(client, namespace, run)[-1]

    def _refuse_if_useless(self) -> None:
        """Keep a failed probe for the report, and raise where another one cannot end better."""
        self._next_probe = time.monotonic() + self._gap
        self._gap = min(LONGEST_GAP, self._gap * GROWTH)
        failure = self.last.failure
        kind = str(failure.kind) if failure else str(self.last.outcome)
        self._stage.attempt("prove the webhook", kind, self.last.reason)
        if failure is None or self.last.outcome is not Outcome.FAILED:
            return
        if not failure.retry:
            raise ApiError(f"prove the webhook in namespace {self._ground.settings.probe_namespace}", failure)
        if failure.rule.budget is None:
            self._unreachable_since = None
            return
        now = time.monotonic()
        self._unreachable_since = self._unreachable_since or now
        if now - self._unreachable_since > failure.rule.budget:
            raise _not_ready(self._ground, self._target, self.seconds, self.last.reason, failure.rule.hint)

    def _unavailable(self) -> str:
        """Why it is not worth probing yet; empty when it is. Raises `NotReady` for a Deployment beyond hope."""
        namespace = self._target.namespace
        deployments = self._deployments.look()
        for name in self._target.deployments:
            if name not in deployments:
                return f"Deployment {namespace}/{name} is not seen yet"
            verdict = readiness_of({"apiVersion": "apps/v1", "kind": "Deployment", **deployments[name]})
            if verdict.readiness is Readiness.FAILED:
                reason = f"Deployment {namespace}/{name}: {verdict.reason}"
                raise _not_ready(self._ground, self._target, self.seconds, reason, "")
            if not verdict.ready:
                return f"Deployment {namespace}/{name}: {verdict.reason}{self._trouble()}"
        if not any(_ready(one) for one in self._slices.look().values()):
            return f"Service {namespace}/{self._target.service} has no ready endpoint"
        for name, watched in self._configurations:
            if not field(watched.look().get(name), "webhooks", 0, "clientConfig", "caBundle"):
                return f"cainjector has not filled in the CA bundle of {name}"
        return ""

    def _trouble(self) -> str:
        """Why pods are not ready, in a few words; asked only once it takes long, and then every few seconds."""
        if self.seconds > self._pods_at:
            self._pods_at = self.seconds + PODS_EVERY
            listed = self._ground.client.get(CORE_V1["Pod"].path(self._target.namespace), doing="list pods")
            found = reason_of_pods(listed.get("items") or [])
            self._pods = f" ({found})" if found else ""
        return self._pods

    def _trusted(self) -> bool:
        """Whether the CA in the Secret stands in both bundles; reads the Secret once, and again while it does not."""
        namespace, name = self._target.ca_secret
        if not name:
            return True  # a bundle that somebody else maintains, not cainjector: the probes have already proven it
        if not self._contained():
            path = CORE_V1["Secret"].path(namespace, name)
            self._authority = authority_of(self._ground.client.get(path, doing=f"read Secret {namespace}/{name}"))
        return self._contained()

    def _contained(self) -> bool:
        return all(trusted_by(one.look().get(name), self._authority) for name, one in self._configurations)


def _ready(endpoint_slice: Object) -> bool:
    endpoints = field(endpoint_slice, "endpoints", default=[])
    return any(field(one, "conditions", "ready") for one in endpoints)


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
