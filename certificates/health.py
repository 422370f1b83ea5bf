"""All checks of cert-manager, in the order in which one explains the next. Data in, data out."""

from __future__ import annotations

from certificates import leaders, presence, proof, trust
from certificates.checks import Check, Severity, skipped
from certificates.facts import Facts, Missed


def checks_of(facts: Facts) -> list[Check]:
    """Judge one look at a cluster.

    cainjector is needed for the next create only while the bundles are not right; afterwards its absence is a
    warning. Everything else that is named here is needed.
    """
    bundles = trust.bundles_check(facts)
    injecting = not bundles.ok and not isinstance(facts.secret, Missed)
    return [
        presence.installation_check(facts),
        presence.crds_check(facts),
        presence.deployment_check(facts, "controller"),
        presence.deployment_check(facts, "webhook"),
        presence.deployment_check(facts, "cainjector", needed=injecting),
        presence.configurations_check(facts),
        presence.endpoints_check(facts),
        trust.secret_check(facts),
        bundles,
        presence.failure_policy_check(facts),
        presence.namespace_check(facts),
        *_without_excluded(facts, proof.proof_checks(facts)),
        leaders.leader_check(facts, "controller"),
        leaders.leader_check(facts, "cainjector", needed=injecting),
    ]


def _without_excluded(facts: Facts, checks: list[Check]) -> list[Check]:
    """In a namespace that is excluded or does not exist, a probe that fails says nothing about the installation."""
    space = presence.namespace_check(facts)
    if space.severity is not Severity.FAILED:
        return checks
    why = f"cannot be asked in namespace {facts.namespace}"
    return [one if one.ok else skipped(one.name, why) for one in checks]
