"""The cert-manager stage: apply what the release consists of, in an order that lets pods start early.

Namespace first. Then the custom resource definitions, which take the API server longest, beside everything that a
pod needs (service accounts, RBAC, services) and the workloads; webhook configurations last, when the definitions are
served and the pods have long been asked for. Nothing waits for a pod here: the proof does.
"""

from __future__ import annotations

from collections.abc import Sequence

from base.parallel import Background, in_parallel
from bootstrap.ground import PARALLEL_APPLIES, Ground
from bootstrap.plan import Plan
from bootstrap.report import Stage
from certificates.manifest import Manifest
from kube.apply import Applier, Change
from kube.discovery import Discovery
from kube.established import wait_until_served
from kube.objects import Object, ref_of

CRD = "CustomResourceDefinition"
WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
COMPONENT_ORDER = ("webhook", "cainjector", "controller")
"""Deployments in the order in which their pods are missed."""


def install(ground: Ground, stage: Stage, plan: Plan, manifest: Manifest) -> None:
    """Apply the manifest. Raises `ApiError`, or `NotReady` where definitions are not served in time."""
    applier = ground.applier(stage, compare=not plan.fresh)
    groups = grouped(manifest.objects)
    apply_all(applier, stage, plan.discovery, groups["namespaces"])
    definitions = Background(
        lambda: apply_all(applier, stage, plan.discovery, groups["definitions"]), "apply definitions"
    )
    apply_all(applier, stage, plan.discovery, groups["foundation"])
    apply_all(applier, stage, plan.discovery, groups["workloads"])
    definitions.result()
    wait_until_served(
        ground.client, groups["definitions"], run=ground.run, deadline=stage.deadline, emit=stage.emit
    )
    apply_all(applier, stage, plan.discovery, groups["webhooks"])
    changes = stage.changes
    if not (changes[Change.CREATED] or changes[Change.CHANGED]):
        stage.outcome = "unchanged"
    stage.summary = f"{manifest.version}: " + ", ".join(f"{n} {change}" for change, n in changes.items() if n)


def grouped(objects: Sequence[Object]) -> dict[str, list[Object]]:
    """Objects by the step in which they are applied, each step in the order of the manifest."""
    groups: dict[str, list[Object]] = {
        "namespaces": [],
        "definitions": [],
        "foundation": [],
        "workloads": [],
        "webhooks": [],
    }
    for obj in objects:
        kind = obj["kind"]
        if kind == "Namespace":
            groups["namespaces"].append(obj)
        elif kind == CRD:
            groups["definitions"].append(obj)
        elif kind == "Deployment":
            groups["workloads"].append(obj)
        elif kind in WEBHOOKS:
            groups["webhooks"].append(obj)
        else:
            groups["foundation"].append(obj)
    groups["workloads"].sort(key=_missed)
    return groups


def _missed(deployment: Object) -> int:
    component = deployment["metadata"].get("labels", {}).get("app.kubernetes.io/component", "")
    return COMPONENT_ORDER.index(component) if component in COMPONENT_ORDER else len(COMPONENT_ORDER)


def apply_all(applier: Applier, stage: Stage, discovery: Discovery, objects: Sequence[Object]) -> None:
    """Apply objects at the same time, a handful at once, and keep what each apply did."""

    def one(obj: Object) -> None:
        stage.applied(applier.apply(obj, discovery.of(ref_of(obj))))

    in_parallel([lambda obj=obj: one(obj) for obj in objects], PARALLEL_APPLIES)  # type: ignore[misc]
