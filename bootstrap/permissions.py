"""Which permissions a bootstrap needs, worked out from what it will apply and watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from base.errors import PreflightFailed
from certificates.manifest import Manifest
from certificates.probe import REQUESTS
from kube.access import Permission, is_administrator, missing
from kube.apply import Applier
from kube.discovery import DEPLOYMENTS, ENDPOINT_SLICES, MUTATING, VALIDATING, Discovery
from kube.failures import ApiError, Kind
from kube.objects import Object, ref_of


def require_permissions(applier: Applier, manifest: Manifest, discovery: Discovery) -> None:
    """Raise `PreflightFailed` that names every permission which the bootstrap will need and the account lacks.

    Creating roles needs every right that they grant, which no access review answers: for those who are not
    administrators they are tried as a dry run. Source: Kubernetes documentation, "Using RBAC Authorization",
    privilege escalation prevention.
    """
    if is_administrator(applier.client):
        return
    lacking = missing(applier.client, needed(manifest.objects, discovery))
    if lacking:
        raise PreflightFailed(
            "this account lacks permissions that a bootstrap needs: " + "; ".join(map(str, lacking)),
            hint="use an account that has them (cluster-admin does), and check with:\n"
            + "\n".join(one.command for one in lacking[:5]),
            details={"missingPermissions": [str(one) for one in lacking]},
        )
    trial = replace(applier, dry_run=True, compare=False)
    grants = [one for one in manifest.objects if one["kind"] in ("ClusterRole", "ClusterRoleBinding")]
    try:
        trial.together(lambda obj: trial.apply(obj, discovery.of(ref_of(obj))), grants)
    except ApiError as error:
        if error.failure.kind is not Kind.FORBIDDEN:
            raise
        raise PreflightFailed(
            f"this account may not grant what cert-manager's roles grant: {error.failure.message}",
            hint="use an account that holds these rights itself, or may escalate (cluster-admin does)",
        ) from None


def needed(objects: Sequence[Object], discovery: Discovery) -> list[Permission]:
    """One permission for each verb, resource and namespace that applying and proving these objects takes."""
    wanted: set[Permission] = set()
    for obj in objects:
        ref = ref_of(obj)
        resource = discovery.of(ref)
        for verb in ("get", "create", "patch"):
            wanted.add(Permission(verb, resource.group, resource.plural, ref.namespace))
    namespace = next((ref_of(one).namespace for one in objects if one["kind"] == "Deployment"), "")
    for resource in (DEPLOYMENTS, ENDPOINT_SLICES):
        wanted |= {Permission(verb, resource.group, resource.plural, namespace) for verb in ("list", "watch")}
    for resource in (MUTATING, VALIDATING):
        wanted |= {Permission(verb, resource.group, resource.plural) for verb in ("list", "watch")}
    wanted.add(Permission("get", "", "secrets", namespace))
    wanted.add(Permission("create", REQUESTS.group, REQUESTS.plural, "default"))
    return sorted(wanted)
