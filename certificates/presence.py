"""Is everything of cert-manager there, and does it run? The checks that need no probe."""

from __future__ import annotations

from certificates.checks import Check, failed, passed, skipped, unknown, warning
from certificates.facts import Facts, Missed
from certificates.installation import CRD_NAMES, WEBHOOK_NAME, Installation
from certificates.probe import Outcome, excluded
from kube.diagnosis import as_lines
from kube.failures import Kind
from kube.objects import Object, field, ref_of
from kube.readiness import readiness_of

INSTALLATION = "installation"
CRDS = "crds"
CONFIGURATIONS = "webhook-configurations"
ENDPOINTS = "endpoints"
FAILURE_POLICY = "failure-policy"
NAMESPACE = "namespace"
INSTALL = "frit bootstrap   installs and proves cert-manager"

WEBHOOK_KINDS = (Kind.WEBHOOK_NOT_READY, Kind.WEBHOOK_UNREACHABLE, Kind.CERTIFICATE_ROTATION)
"""Failures of the call to the webhook, as opposed to its verdicts."""

CONSEQUENCES = {
    "controller": "the webhook admits, but nothing will be issued",
    "webhook": "nothing admits cert-manager's objects",
    "cainjector": "a new CA of the webhook will not be trusted",
}
"""What it means that a component does not run."""

WITHOUT = {"mutating": "requests are not completed", "validating": "invalid objects are accepted"}
"""What it means that a webhook configuration is missing."""


def mending(found: Installation) -> str:
    """What to do where something is missing; `frit bootstrap` completes only what it installed itself."""
    if found.absent or (found.owner is not None and found.owner.kind == "frit"):
        return INSTALL
    by = f" ({found.owner})" if found.owner else ""
    return f"mend it, or remove it completely, with the tool that installed it{by}; frit bootstrap leaves it alone"


def installation_check(facts: Facts) -> Check:
    """Which cert-manager this is, and whether there is one at all."""
    found = facts.installation
    if not found.deployments and "deployments" in facts.missed:
        return unknown(INSTALLATION, facts.missed["deployments"])
    if found.absent and not facts.served:
        return failed(INSTALLATION, "cert-manager is not installed", INSTALL)
    if not found.deployments:
        there = [
            *(["CustomResourceDefinitions"] if facts.served or found.crds else []),
            *(["webhook configurations"] if found.mutating or found.validating else []),
        ]
        return failed(
            INSTALLATION,
            f"only the {' and '.join(there)} of cert-manager are there: nothing of it runs",
            mending(found),
        )
    version = f"cert-manager {found.version or 'of unknown version'}"
    owner = f", installed by {found.owner}" if found.owner else ""
    if len(found.namespaces) > 1:
        where = ", ".join(found.namespaces)
        hint = "remove one of them: they share CRDs, webhook configurations and leader elections"
        return warning(INSTALLATION, f"there are several installations of cert-manager, in namespaces {where}", hint)
    return passed(INSTALLATION, f"{version} in namespace {found.namespace}{owner}")


def crds_check(facts: Facts) -> Check:
    """Whether the API server serves all kinds of cert-manager, which it does once their CRDs are Established."""
    lacking = [name for name in CRD_NAMES if name not in facts.served]
    if not lacking:
        return passed(CRDS, f"{len(CRD_NAMES)} CustomResourceDefinitions are established")
    coming = [name for name in lacking if name in facts.installation.crds]
    if len(coming) == len(lacking):
        hint = f"kubectl describe crd {coming[0]}"
        return failed(CRDS, "not established yet: " + ", ".join(coming), hint, heals=True)
    gone = [name for name in lacking if name not in coming]
    if len(gone) == len(CRD_NAMES):
        return failed(CRDS, "the CustomResourceDefinitions of cert-manager are missing", mending(facts.installation))
    return failed(CRDS, "CustomResourceDefinitions are missing: " + ", ".join(gone), mending(facts.installation))


def deployment_name(component: str) -> str:
    """The name of the check of one component's Deployment."""
    return f"deployment-{component}"


def deployment_check(facts: Facts, component: str, *, needed: bool = True) -> Check:
    """Whether one component runs; a component that is not `needed` for the next create gets a warning instead."""
    name = deployment_name(component)
    deployment = facts.installation.deployments.get(component)
    if deployment is None and "deployments" in facts.missed:
        return skipped(name, "deployments may not be listed")
    then = CONSEQUENCES[component]
    if deployment is None:
        message = f"the Deployment of the {component} is missing: {then}"
        hint = mending(facts.installation)
        return failed(name, message, hint) if needed else warning(name, message, hint)
    ref = ref_of(deployment)
    replicas = field(deployment, "spec", "replicas", default=1)
    if replicas == 0:
        command = f"kubectl -n {ref.namespace} scale deployment {ref.name} --replicas=1"
        message = f"{ref} is scaled to 0: {then}"
        return failed(name, message, command) if needed else warning(name, message, command)
    verdict = readiness_of(deployment)
    available = field(deployment, "status", "availableReplicas", default=0)
    if verdict.ready:
        return passed(name, f"{ref} is available ({available} of {replicas})")
    findings = facts.findings.get(component, ())
    first, *more = [line for one in findings for line in as_lines(one)] or [""]
    message = f"{ref} is not ready: {verdict.reason}" + (f"; {first}" if first else "")
    hint = "\n".join(more) or f"kubectl -n {ref.namespace} describe deployment {ref.name}"
    if available or not needed:
        return warning(name, message, hint, findings)
    return failed(name, message if findings else f"{message}; {then}", hint, heals=True, findings=findings)


def configurations_check(facts: Facts) -> Check:
    """Whether both webhook configurations are there, and the Service that they name."""
    found = facts.installation
    for part in ("mutating", "validating"):
        if part in facts.missed:
            return unknown(CONFIGURATIONS, facts.missed[part])
    there = {"mutating": found.mutating, "validating": found.validating}
    gone = [part for part, one in there.items() if one is None]
    if gone:
        verb = "configurations are" if len(gone) > 1 else "configuration is"
        effects = " and ".join(WITHOUT[part] for part in gone)
        message = f"the {' and the '.join(gone)} webhook {verb} missing ({WEBHOOK_NAME}): {effects}"
        return failed(CONFIGURATIONS, message, mending(found))
    namespace, name = found.service
    if not name:
        return passed(CONFIGURATIONS, "both are there and call the webhook by its URL")
    if isinstance(facts.service, Missed):
        return unknown(CONFIGURATIONS, facts.service)
    if facts.service is None:
        return failed(
            CONFIGURATIONS, f"they call Service {namespace}/{name}, which does not exist", _configurations(found)
        )
    return passed(CONFIGURATIONS, f"both are there and call Service {namespace}/{name}")


def endpoints_check(facts: Facts) -> Check:
    """Whether the webhook's Service has an address that is ready."""
    namespace, name = facts.installation.service
    if not name:
        return skipped(ENDPOINTS, "no webhook configuration names a Service")
    if isinstance(facts.slices, Missed):
        return unknown(ENDPOINTS, facts.slices)
    ready = {address for one in facts.slices or [] for address in ready_addresses(one)}
    if ready:
        return passed(ENDPOINTS, f"Service {namespace}/{name} has {len(ready)} ready address{'es' * (len(ready) > 1)}")
    hint = f"kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name}"
    return failed(ENDPOINTS, f"Service {namespace}/{name} has no ready address", hint, heals=True)


def ready_addresses(endpoint_slice: Object) -> list[str]:
    """The addresses of an EndpointSlice that take connections; a missing `ready` means yes.

    Source: Kubernetes API reference, EndpointSlice v1, EndpointConditions.
    """
    return [
        str(address)
        for one in field(endpoint_slice, "endpoints", default=[])
        if field(one, "conditions", "ready", default=True)
        for address in field(one, "addresses", default=[])
    ]


def failure_policy_check(facts: Facts) -> Check:
    """Whether objects are refused while the webhook is down."""
    found = facts.installation
    configurations = [one for one in (found.mutating, found.validating) if one is not None]
    if not configurations:
        return skipped(FAILURE_POLICY, "there is no webhook configuration")
    ignoring = [one for one in configurations if ignoring_webhook(one) is not None]
    if not ignoring:
        return passed(FAILURE_POLICY, "Fail: nothing passes while the webhook is down")
    titles = " and ".join(str(ref_of(one)) for one in ignoring)
    hint = "\n".join(_to_fail(one) for one in ignoring)
    if facts.probes and _is_silent(facts):
        message = f"Ignore in {titles}, and the webhook does not answer: objects pass, neither completed nor validated"
        return failed(FAILURE_POLICY, message, hint, heals=True)
    message = f"Ignore in {titles}: right today, but an outage of the webhook lets invalid objects pass"
    return warning(FAILURE_POLICY, message, hint)


def ignoring_webhook(configuration: Object) -> int | None:
    """The index of the first webhook of a configuration whose failurePolicy is Ignore, or None."""
    webhooks = field(configuration, "webhooks", default=[])
    return next((number for number, one in enumerate(webhooks) if one.get("failurePolicy") == "Ignore"), None)


def _to_fail(configuration: Object) -> str:
    ref = ref_of(configuration)
    patch = f'[{{"op":"replace","path":"/webhooks/{ignoring_webhook(configuration)}/failurePolicy","value":"Fail"}}]'
    return f"kubectl patch {ref.kind.lower()} {ref.name} --type=json -p '{patch}'"


def _is_silent(facts: Facts) -> bool:
    """Whether the API server went on without the webhook: asked, it would have completed the object."""
    last, mutating, space = facts.probes[-1], facts.installation.mutating, facts.probe_namespace
    if last.failure is not None:
        return last.failure.kind in WEBHOOK_KINDS
    if last.outcome is not Outcome.NOT_MUTATED or mutating is None or not isinstance(space, dict):
        return False
    return not excluded(mutating, space)


def namespace_check(facts: Facts) -> Check:
    """Whether the probe namespace can tell anything: it exists, and the webhooks cover it."""
    name, space = facts.namespace, facts.probe_namespace
    if isinstance(space, Missed):
        return unknown(NAMESPACE, space)
    other = "probe in another one: frit check -n NAME"
    if space is None:
        return failed(NAMESPACE, f"namespace {name} does not exist", other)
    if field(space, "metadata", "deletionTimestamp"):
        return failed(NAMESPACE, f"namespace {name} is being deleted", other)
    for part, one in (("validation", facts.installation.validating), ("mutation", facts.installation.mutating)):
        if reason := excluded(one, space):
            message = f"namespace {name} is excluded from {part}: {reason}; this says nothing about the installation"
            return failed(NAMESPACE, message, f"{other}\nkubectl get namespace {name} --show-labels")
    return passed(NAMESPACE, f"{name} is covered by both webhooks")


def _configurations(found: Installation) -> str:
    refs = [ref_of(one) for one in (found.mutating, found.validating) if one]
    commands = [f"kubectl delete {one.kind.lower()} {one.name}" for one in refs]
    return "\n".join(["if cert-manager was removed, take out what it left:", *commands])
