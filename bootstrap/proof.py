"""The webhook stage: workloads available, the CA trusted, and the webhook proven several times in a row.

Watches tell when it is worth asking; only answers of the API server to real (dry-run) requests prove anything.
"""

from __future__ import annotations

import time
from typing import Any

from base import exits
from base.clock import seconds_text
from base.errors import CertificateWindow, FritError, NotReady, ServerRefused
from base.events import Said
from base.retry import OVERSHADOWS, Attempt, History
from bootstrap.ground import Ground
from bootstrap.report import Stage
from bootstrap.target import Target
from certificates.bundle import authority_of, trusted_by
from certificates.probe import PROOFS, Outcome, Probed, in_a_row, probe_issuer
from kube.client import JSON
from kube.diagnosis import as_data, as_lines, diagnose, reason_of_deployment
from kube.discovery import CORE_V1, DEPLOYMENTS, ENDPOINT_SLICES, MUTATING, VALIDATING
from kube.failure_kinds import KINDS
from kube.failures import ApiError, Failure, Kind
from kube.objects import Object, field
from kube.patience import last_failures, precise, told
from kube.readiness import Readiness, readiness_of
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake, Watched
from kube.whose import explained

PODS_EVERY = 5.0
"""Seconds between two looks at the pods, which say more than their Deployment about why it takes so long."""

LOOK = 0.1
"""Seconds between two looks at what the watches tell; that costs no request."""

FIRST_GAP, GROWTH, LONGEST_GAP = 0.1, 1.6, 1.0
"""Seconds between two probes that fail: after the first, times what, and at most. They begin anew where a watch shows
that the bundle or the endpoints changed, which takes the API server and kube-proxy a moment to hear of."""

PROVE = "prove the webhook"
LOOK_AT = "look at the webhook"

PATIENT = 3.0
"""Seconds for which probes that fail are what one expects of a webhook that starts; then each new kind gets a line."""


GOES_ON = "a re-run of frit bootstrap goes on where this one ended"


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
            out_of_time=proof.out_of_time,
        )
    finally:
        proof.stop()
    stage.summary = f"admits and refuses, {PROOFS} times in a row; its CA is trusted"


class Proof:
    """One webhook while it is being proven: what the watches show, the last probe, and the CA as it was read."""

    def __init__(self, ground: Ground, stage: Stage, target: Target, wake: Wake) -> None:
        self._ground, self._stage, self._target = ground, stage, target
        self._began = time.monotonic()
        self._history = History(PROVE)
        self._kind = ""  # whose clock runs in the stage's budget
        self._told = ""  # the kind that had the last line
        self._cause: Failure | None = None
        self._cause_at = 0.0
        self._window = False
        self._away: Failure | None = None  # why the last look could not be had
        self._shown: list[str] = []
        self._authority = b""
        self._next_probe, self._gap = self._began, FIRST_GAP
        self._pods: list[Object] = []
        self._pods_at = PODS_EVERY
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

    @property
    def _took(self) -> str:
        """The same for people, with the number of attempts."""
        failed = len(self._history.attempts)
        return f"{seconds_text(self.seconds)} ({failed} attempts)" if failed > 1 else seconds_text(self.seconds)

    def stop(self) -> None:
        """End the watches and the clock."""
        if self._kind:
            self._stage.budget.end(self._kind)
            self._kind = ""
        for watched in (self._deployments, self._slices, *(one for _, one in self._configurations)):
            watched.stop()

    def question(self) -> Yes[None] | NotYet:
        """Whether the webhook is proven now.

        Raises what waiting cannot mend, and `Cancelled` where what goes on beside it has failed.
        """
        self._stage.budget.check()
        self._window, self._away = False, None
        try:
            if reason := self._unavailable():
                return NotYet(reason)
            self._look_for_changes()
            if time.monotonic() < self._next_probe:
                return NotYet(self._reason)
            self.last = self._probed()
            if self.last.proven:
                self._window = not self._trusted()
                return NotYet("the CA is not in both bundles yet") if self._window else Yes(None)
        except ApiError as error:  # the API server itself is away for a moment
            if not error.failure.retry:
                raise
            self._away = error.failure
            self._keep(LOOK_AT, error.failure, str(error.failure.kind), error.failure.message)
            return NotYet(error.failure.message)
        self._refuse_if_useless()
        return NotYet(self._reason)

    @property
    def _reason(self) -> str:
        """Why it is not proven: the last cause that is known, where the last probe says only that time ran out."""
        return self._cause.message if self._cause is not None else self.last.reason

    def _look_for_changes(self) -> None:
        """Probe soon where the bundles or the endpoints are not what they were at the last look."""
        watches = (self._slices, *(one for _, one in self._configurations))
        versions = [field(one, "metadata", "resourceVersion") for each in watches for one in each.objects.values()]
        if versions != self._shown:
            self._shown = versions
            self._gap = FIRST_GAP
            self._next_probe = min(self._next_probe, time.monotonic() + FIRST_GAP)

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
        if failure is None or self.last.outcome is not Outcome.FAILED:
            self._cause = None
            self._keep(PROVE, None, str(self.last.outcome), self.last.reason)
            return
        self._keep(PROVE, failure, str(failure.kind), self.last.reason)
        if not failure.retry:
            doing = f"prove the webhook in namespace {self._ground.settings.probe_namespace}"
            raise self._explained(told(ApiError(doing, failure), self._history), failure)
        cause = self._cause or failure
        if cause.rule.budget is not None and self._stage.budget.spent(self._kind) > cause.rule.budget:
            raise self._explained(self._not_ready(cause.message, cause.rule.hint), cause)

    def _keep(self, what: str, failure: Failure | None, kind: str, message: str) -> None:
        """Keep a failed attempt, and let the clock of its kind run: no kind starts anew when it comes again."""
        now = time.monotonic()
        if failure is not None and precise(failure):
            self._cause, self._cause_at = failure, now
        elif now - self._cause_at > OVERSHADOWS:
            self._cause = None
        cause = self._cause.message if self._cause is not None else message
        at = round(now - self._began, 3)
        self._history.attempts.append(Attempt(len(self._history.attempts) + 1, at, 0.0, kind, message, 0.0, cause))
        self._stage.attempt(what, kind, message, cause=cause)
        known = str(self._cause.kind) if self._cause is not None else kind
        if known != self._kind:
            if self._kind:
                self._stage.budget.end(self._kind)
            self._stage.budget.begin(known, now)
            self._kind = known
        if known != self._told and self.seconds > PATIENT:
            self._told = known
            self._stage.emit(Said(f"the webhook: {known}: {cause}"))

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
                raise self._not_ready(reason, "")
            if not verdict.ready:
                return f"Deployment {namespace}/{name}: {verdict.reason}{self._trouble(name)}"
        if not any(_ready(one) for one in self._slices.look().values()):
            return f"Service {namespace}/{self._target.service} has no ready endpoint"
        for name, watched in self._configurations:
            if not field(watched.look().get(name), "webhooks", 0, "clientConfig", "caBundle"):
                self._window = True
                return f"cainjector has not filled in the CA bundle of {name}"
        return ""

    def _trouble(self, deployment: str) -> str:
        """Why its pods are not ready, in a few words; asked only once it takes long, and then every few seconds."""
        if self.seconds > self._pods_at:
            self._pods_at = self.seconds + PODS_EVERY
            listed = self._ground.client.get(CORE_V1["Pod"].path(self._target.namespace), doing="list pods")
            self._pods = listed.get("items") or []
        found = reason_of_deployment(deployment, self._pods)
        return f" ({found})" if found else ""

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

    def out_of_time(self, reason: str) -> FritError:
        """The error for a webhook that was not proven within the stage's limit."""
        cause = self._cause
        if self._away is not None and (cause or self._away).rule.exit_code == exits.UNREACHABLE:
            error = told(ApiError(LOOK_AT, cause or self._away), self._history)
            error.hint = f"{error.hint}\n{GOES_ON}"
            return error
        took = self._took
        if cause is not None and cause.kind is Kind.CERTIFICATE_ROTATION:
            message = f"the webhook's certificate was not trusted after {took}: {cause.message}"
            return self._explained(self._certificate_window(message, cause.rule.hint), cause)
        if self._window:
            hint = KINDS[Kind.CERTIFICATE_ROTATION].hint
            return self._certificate_window(f"the webhook's certificate was not trusted after {took}: {reason}", hint)
        if self.last.outcome in (Outcome.NOT_MUTATED, Outcome.NOT_VALIDATED):
            return ServerRefused(
                f"the webhook was not in the path after {took}: {self.last.reason}",
                hint="kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
            )
        late = self._not_ready(reason, cause.rule.hint if cause is not None else "")
        return self._explained(late, cause) if cause is not None else late

    def _certificate_window(self, message: str, hint: str) -> CertificateWindow:
        lines, details = _diagnosis(self._ground, self._target)
        steps = [*last_failures(self._history), *lines, hint, GOES_ON]
        return CertificateWindow(message, hint="\n".join(steps), details=details)

    def _not_ready(self, reason: str, hint: str) -> NotReady:
        lines, details = _diagnosis(self._ground, self._target)
        steps = [*last_failures(self._history), *lines, *([hint] if hint else []), GOES_ON]
        message = f"cert-manager was not ready after {self._took}: {reason}"
        return NotReady(message, hint="\n".join(steps), details=details)

    def _explained(self, error: FritError, failure: Failure) -> FritError:
        return explained(error, self._ground.client, failure)


def _ready(endpoint_slice: Object) -> bool:
    endpoints = field(endpoint_slice, "endpoints", default=[])
    return any(field(one, "conditions", "ready") for one in endpoints)


def _diagnosis(ground: Ground, target: Target) -> tuple[list[str], dict[str, Any]]:
    try:
        found = diagnose(ground.client, target.namespace)
    except FritError as error:  # the diagnosis must not hide what it was made for
        return [f"no diagnosis: {error.message}"], {}
    return [line for one in found for line in as_lines(one)], {"diagnosis": [as_data(one) for one in found]}
