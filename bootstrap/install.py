"""The cert-manager stage: apply what the release consists of, in an order that lets pods start early.

1. The namespace. 2. What the webhook's pod needs, and its Deployment: its start is the longest way to a working
webhook, and it needs no custom resource definition. The API server is still at leisure then; one that digests
definitions lets the kubelet wait for the pod's volumes. 3. The other service accounts, RBAC and services.
4. The definitions. 5. The other Deployments, after the definitions are stored, because a cainjector that starts
without them looks again only after 10 s. 6. Webhook configurations. Before the definitions are served no object of
cert-manager can be created, so nothing passes unvalidated in between. Nothing waits for a pod here: the proof does.
7. After the proof, the services that only carry metrics: kube-proxy takes up changes at most once a second, and
whichever comes first makes the webhook's own wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from base.errors import Cancelled
from base.parallel import Background
from bootstrap.ground import Ground
from bootstrap.plan import Plan
from bootstrap.report import Stage
from certificates.manifest import Manifest
from kube.apply import Applier, Change
from kube.discovery import Discovery, Resource
from kube.established import have_storage_built, wait_until_served
from kube.objects import Object, field, ref_of
from kube.running import wait_until_running

SERVICE = "service of the webhook"
GROUPS = (
    "namespaces",
    "for the webhook",
    "webhook",
    SERVICE,
    "foundation",
    "definitions",
    "workloads",
    "configurations",
)
"""The steps, each of them done before the next begins; within a step objects are applied at the same time."""

REST = "rest"
"""What is applied after the webhook is proven."""

LEISURE = 0.15
"""Seconds in which a fresh install writes nothing, so that the webhook's pod finds an API server at leisure."""

CERTIFICATES = Resource("cert-manager.io", "v1", "certificates", "Certificate", True)


def install(ground: Ground, stage: Stage, plan: Plan, manifest: Manifest) -> None:
    """Apply the manifest. Raises `ApiError`, or `NotReady` where definitions are not served in time."""
    applier = ground.applier(stage, compare=not plan.fresh)
    groups = grouped(manifest.objects)
    service: Background[None] | None = None

    def apply_service() -> None:
        wait_until_running(ground.client, groups["webhook"], ground.run)
        apply_all(applier, stage, plan.discovery, groups[SERVICE])

    try:
        for group in GROUPS:
            if group == SERVICE and plan.fresh:
                service = Background(apply_service, group)
                ground.run.sleep(LEISURE)
                continue
            stage.budget.check()
            apply_all(applier, stage, plan.discovery, groups[group])
            if group == "definitions" and plan.fresh:
                building = partial(have_storage_built, ground.client, CERTIFICATES, ground.run)
                Background(building, "storage of certificates")
        wait_until_served(
            ground.client,
            groups["definitions"],
            run=ground.run,
            deadline=stage.deadline,
            emit=stage.emit,
            fresh=plan.fresh,
            budget=stage.budget,
        )
    except Cancelled:
        if service is not None:
            service.result()  # raises what stopped the rest
        raise
    if service is not None:
        service.result()
    changes = stage.changes
    if not (changes[Change.CREATED] or changes[Change.CHANGED]):
        stage.outcome = "unchanged"
    later = f"; {len(groups[REST])} services follow the proof" if groups[REST] and changes[Change.CREATED] else ""
    stage.summary = f"{manifest.version}: " + ", ".join(f"{n} {change}" for change, n in changes.items() if n) + later


def grouped(objects: Sequence[Object]) -> dict[str, list[Object]]:
    """Objects by the step in which they are applied, each step in the order of the manifest."""
    groups: dict[str, list[Object]] = {group: [] for group in (*GROUPS, REST)}
    for obj in objects:
        groups[_group(obj)].append(obj)
    return groups


def install_rest(ground: Ground, stage: Stage, plan: Plan, manifest: Manifest) -> None:
    """Apply what nothing waits for, after the webhook is proven. Raises `ApiError`."""
    applier = ground.applier(stage, compare=not plan.fresh)
    apply_all(applier, stage, plan.discovery, grouped(manifest.objects)[REST])


def _group(obj: Object) -> str:
    of_the_webhook = field(obj, "metadata", "labels", "app.kubernetes.io/component") == "webhook"
    match obj["kind"]:
        case "Namespace":
            return "namespaces"
        case "CustomResourceDefinition":
            return "definitions"
        case "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration":
            return "configurations"
        case "Deployment":
            return "webhook" if of_the_webhook else "workloads"
        case "Service":
            return SERVICE if of_the_webhook else REST
    return "for the webhook" if of_the_webhook else "foundation"


def apply_all(applier: Applier, stage: Stage, discovery: Discovery, objects: Sequence[Object]) -> None:
    """Apply objects at the same time, a handful at once, and keep what each apply did."""

    def one(obj: Object) -> None:
        stage.applied(applier.apply(obj, discovery.of(ref_of(obj))))

    applier.together(one, objects)
