"""Everything that is asked before the first write, and the decision what to do about cert-manager."""

from __future__ import annotations

from collections.abc import Sequence

from base.clock import seconds_text
from base.errors import CannotTell, PreflightFailed
from base.events import Held, Said
from base.parallel import Background
from bootstrap import stale
from bootstrap.existing import require_healthy
from bootstrap.ground import Ground
from bootstrap.permissions import require_permissions
from bootstrap.plan import Plan
from bootstrap.registration import existing_repositories, plan_package_api, wanted_repositories
from bootstrap.release import Chosen
from bootstrap.report import Stage
from certificates.installation import Installation, find_installation, problems
from certificates.manifest import Manifest
from certificates.probe import excluded
from certificates.releases import supports
from kube.client import Client
from kube.discovery import CORE_V1, Discovery, discover
from kube.failures import ApiError, Kind
from kube.objects import Object, condition, field, ref_of

SKEW = 30.0
"""Seconds between the API server's clock and ours from which a warning is worth it."""


def preflight(ground: Ground, stage: Stage, kubernetes: str, chosen: Background[Chosen], telling: Held) -> Plan:
    """Look at the cluster and decide. Writes nothing.

    Raises `PreflightFailed` for whatever forbids going on, `ApiError` where the server does not answer.
    """
    client = ground.client
    asked = ground.settings.probe_namespace
    discovering = Background(lambda: discover(client), "discover")
    finding = Background(lambda: find_installation(client), "find installation")
    reading = Background(lambda: _namespace(client, asked), "read namespace")
    nodes = _nodes(client)
    discovery, installation, namespace = discovering.result(), finding.result(), reading.result()
    _warn_about_nodes(stage, nodes)
    if client.skew is not None and abs(client.skew) > SKEW:
        side = "ahead of" if client.skew > 0 else "behind"
        stage.emit(
            Said(f"the API server's clock is {seconds_text(abs(client.skew))} {side} this machine's", level="warning")
        )
    _require_covered(installation.validating, namespace)
    manifest = _decide(ground, stage, kubernetes, installation, chosen, telling)
    if manifest is not None:
        _require_covered(_validating_of(manifest), namespace)
        discovery.learn(one for one in manifest.objects if one["kind"] == "CustomResourceDefinition")
        require_permissions(ground.applier(stage, compare=False), manifest, discovery)
    _warn_about_leftovers(stage, client, installation, manifest, discovery)
    stage.summary = _found(installation, manifest)
    steps = plan_package_api(client, discovery)
    repositories = existing_repositories(client, discovery)
    wanted_repositories(ground.settings, repositories)  # raises what forbids them, while nothing is changed
    return Plan(manifest, installation, discovery, installation.absent, steps, repositories)


def _decide(
    ground: Ground,
    stage: Stage,
    kubernetes: str,
    installation: Installation,
    chosen: Background[Chosen],
    telling: Held,
) -> Manifest | None:
    """The manifest to apply, or None to keep what is there."""
    ours = installation.absent or (installation.owner is not None and installation.owner.kind == "frit")
    if ours:
        telling.let_go()
        release, manifest = chosen.result().release, chosen.result().manifest
        if not installation.version or installation.version == manifest.version:
            if release is not None and supports(release, kubernetes) is False:
                first, last = release.kubernetes or ("?", "?")
                stage.emit(
                    Said(
                        f"cert-manager {manifest.version} is supported on Kubernetes {first} to {last}, "
                        f"this is {kubernetes}",
                        level="warning",
                    )
                )
            return manifest
        if problems(installation):
            raise PreflightFailed(
                f"cert-manager {installation.version} of an earlier frit is there and not healthy: "
                + "; ".join(one.text for one in problems(installation)),
                hint=f"complete it first: frit bootstrap --cert-manager-version {installation.version}",
            )
    require_healthy(ground, stage, installation)
    return None


def _found(installation: Installation, manifest: Manifest | None) -> str:
    if installation.absent:
        return "no cert-manager yet"
    version = installation.version or "of an unknown version"
    if manifest is None:
        return f"cert-manager {version}, installed by {installation.owner}: will be kept"
    return f"cert-manager {version}, installed by frit: will be completed where it lacks something"


def _nodes(client: Client) -> list[Object]:
    try:
        listed = client.get(
            CORE_V1["Node"].path(),
            doing="list nodes",
            query={"limit": "100", "fieldSelector": "spec.unschedulable=false"},
        )
    except ApiError as error:
        if error.failure.kind is Kind.FORBIDDEN:  # worth a look, not worth a permission
            return [{}]
        raise
    return list(listed.get("items") or [])


def _warn_about_nodes(stage: Stage, nodes: Sequence[Object]) -> None:
    """Tell that no node takes pods now. A warning only: autoscalers and Fargate add nodes when pods wait."""
    if not any(node == {} or _takes_pods(node) for node in nodes):
        stage.emit(
            Said(
                "no node takes pods at the moment (none is ready, or all have taints): kubectl get nodes",
                level="warning",
            )
        )


def _warn_about_leftovers(
    stage: Stage, client: Client, installation: Installation, manifest: Manifest | None, discovery: Discovery
) -> None:
    """Tell of webhooks without a Service that will stop what is going to be written, and how to take them out."""
    found = stale.blocking(client, installation.others, manifest.objects if manifest else [], discovery)
    if found:
        told = "; ".join(stale.told(one) for one in found[:3])
        stage.emit(Said(f"{told}. To take out what is left: {'; '.join(stale.steps(found))}", level="warning"))


def _takes_pods(node: Object) -> bool:
    hindering = [one for one in field(node, "spec", "taints", default=[]) if one.get("effect") != "PreferNoSchedule"]
    return condition(node, "Ready").get("status") == "True" and not hindering


def _namespace(client: Client, name: str) -> Object:
    try:
        found: Object = client.get(CORE_V1["Namespace"].path(name=name), doing=f"read namespace {name}")
    except ApiError as error:
        if error.failure.kind is Kind.NOT_FOUND:
            raise PreflightFailed(
                f"could not find namespace {name}, in which the webhook would be proven",
                hint="name one that exists with --probe-namespace",
            ) from None
        if error.failure.kind is Kind.FORBIDDEN:
            raise CannotTell(error.message, hint=error.hint) from None
        raise
    return found


def _require_covered(validating: Object | None, namespace: Object) -> None:
    """Raise `PreflightFailed` where the validating configuration leaves the probe namespace out."""
    if reason := excluded(validating, namespace):
        raise PreflightFailed(
            f"namespace {ref_of(namespace).name} is excluded from cert-manager's validation: {reason}. "
            "A proof in it would prove nothing",
            hint="name another one with --probe-namespace",
        )


def _validating_of(manifest: Manifest) -> Object | None:
    return next((one for one in manifest.objects if one["kind"] == "ValidatingWebhookConfiguration"), None)
