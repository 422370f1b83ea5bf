"""Does the webhook admit and refuse? The checks `admits` and `refuses`, from the probes' outcomes."""

from __future__ import annotations

from base import exits
from certificates.checks import Check, Severity, failed, passed, skipped, unknown
from certificates.facts import REQUESTS_CRD, Facts, Missed
from certificates.installation import WEBHOOK_NAME
from certificates.probe import REQUESTS, Outcome
from kube.access import Permission
from kube.failures import Failure, Kind

ADMITS = "admits"
REFUSES = "refuses"


def proof_checks(facts: Facts) -> list[Check]:
    """Whether a valid object is admitted and completed, and whether an invalid one is denied, each time."""
    if REQUESTS_CRD not in facts.served or not facts.probes:
        return [skipped(name, "the kinds of cert-manager are not served") for name in (ADMITS, REFUSES)]
    last = facts.probes[-1]
    times = f"{len(facts.probes)} times in a row on new connections" if len(facts.probes) > 1 else "once"
    before = f" (the {len(facts.probes) - 1} before went well)" if len(facts.probes) > 1 else ""
    admitted = passed(ADMITS, f"a valid CertificateRequest is admitted and completed, {times}")
    match last.outcome:
        case Outcome.PROVEN:
            return [admitted, passed(REFUSES, f"an invalid one is denied by {WEBHOOK_NAME}, {times}")]
        case Outcome.NOT_VALIDATED:
            return [admitted, failed(REFUSES, last.reason + before, _configurations(), heals=True)]
        case Outcome.NOT_MUTATED:
            return [
                failed(ADMITS, last.reason + before, _configurations(), heals=True),
                skipped(REFUSES, "not asked, because a valid one is not completed"),
            ]
    if last.failure is None:
        return [skipped(name, "not asked") for name in (ADMITS, REFUSES)]
    if last.admits:
        return [admitted, explained(REFUSES, last.failure, facts, before)]
    return [explained(ADMITS, last.failure, facts, before), skipped(REFUSES, "not asked, because a valid one fails")]


def explained(name: str, failure: Failure, facts: Facts, before: str = "") -> Check:
    """What a failed probe means: who said no, whether waiting helps, and what to do."""
    if failure.kind is Kind.FORBIDDEN and _is_permission(failure):
        permission = Permission("create", REQUESTS.group, REQUESTS.plural, facts.namespace)
        return unknown(name, Missed(permission, failure))
    rule = failure.rule
    message = failure.message
    if failure.status == 504 and not failure.webhook:
        message = f"the webhook did not answer in time: {message}"
    elif failure.kind is Kind.DENIED and failure.webhook != WEBHOOK_NAME:
        asked = "a valid object" if name == ADMITS else "the invalid object before cert-manager does"
        message = f"a policy that is not cert-manager's refuses {asked}: {message}"
    if failure.kind is Kind.UNKNOWN:
        return Check(name, Severity.UNKNOWN, message + before, rule.hint, exits.CANNOT_TELL)
    return failed(name, message + before, rule.hint, code=rule.exit_code, heals=rule.retry, budget=rule.budget)


def _is_permission(failure: Failure) -> bool:
    # RBAC and other authorizers name the user and the verb; quotas and policies that answer 403 do not
    return "cannot create resource" in failure.message


def _configurations() -> str:
    return "kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations"
