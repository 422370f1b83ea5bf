"""The cert-manager stage: apply what the release consists of, in an order that lets pods start early.

Namespace first. Then the custom resource definitions, which take the API server longest, beside everything that
pods need: service accounts, RBAC, services. The webhook's Deployment follows at once, because its start is the longest
way to a working webhook and needs no definition; the other two wait until the definitions are stored, because a
cainjector that starts without them looks again only after 10 s. Webhook configurations come last. Before the
definitions are served no object of cert-manager can be created, so nothing passes unvalidated in between.
Nothing waits for a pod here: the proof does.
"""

from __future__ import annotations

from collections.abc import Sequence

from base.parallel import Background, each
from bootstrap.ground import PARALLEL_APPLIES, Ground
from bootstrap.plan import Plan
from bootstrap.report import Stage
from certificates.manifest import Manifest
from kube.apply import Applier, Change
from kube.discovery import Discovery
from kube.established import wait_until_served
from kube.objects import Object, field, ref_of


def install(ground: Ground, stage: Stage, plan: Plan, manifest: Manifest) -> None:
    """Apply the manifest. Raises `ApiError`, or `NotReady` where definitions are not served in time."""
    applier = ground.applier(stage, compare=not plan.fresh)
    groups = grouped(manifest.objects)

    def apply(group: str) -> None:
        apply_all(applier, stage, plan.discovery, groups[group])

    apply("namespaces")
    definitions = Background(lambda: apply("definitions"), "apply definitions")
    apply("foundation")
    apply("webhook")
    definitions.result()
    apply("workloads")
    apply("configurations")
    wait_until_served(ground.client, groups["definitions"], run=ground.run, deadline=stage.deadline, emit=stage.emit)
    changes = stage.changes
    if not (changes[Change.CREATED] or changes[Change.CHANGED]):
        stage.outcome = "unchanged"
    stage.summary = f"{manifest.version}: " + ", ".join(f"{n} {change}" for change, n in changes.items() if n)


def grouped(objects: Sequence[Object]) -> dict[str, list[Object]]:
    """Objects by the step in which they are applied, each step in the order of the manifest."""
    groups: dict[str, list[Object]] = {
        step: [] for step in ("namespaces", "definitions", "foundation", "webhook", "workloads", "configurations")
    }
    for obj in objects:
        groups[_step(obj)].append(obj)
    return groups


def _step(obj: Object) -> str:
    match obj["kind"]:
        case "Namespace":
            return "namespaces"
        case "CustomResourceDefinition":
            return "definitions"
        case "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration":
            return "configurations"
        case "Deployment":
            component = field(obj, "metadata", "labels", "app.kubernetes.io/component")
            return "webhook" if component == "webhook" else "workloads"
    return "foundation"


def apply_all(applier: Applier, stage: Stage, discovery: Discovery, objects: Sequence[Object]) -> None:
    """Apply objects at the same time, a handful at once, and keep what each apply did."""

    def one(obj: Object) -> None:
        stage.applied(applier.apply(obj, discovery.of(ref_of(obj))))

    each(one, objects, PARALLEL_APPLIES)
