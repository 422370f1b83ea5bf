"""The names of an installation's parts, from the manifest that is applied or from what is already there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from certificates.installation import Installation, installation_of
from kube.objects import Object, ref_of


@dataclass(frozen=True)
class Target:
    """Where the webhook runs, and by which objects it is called and trusted.

    `ca_secret` is namespace and name, or two empty texts where no annotation says which Secret is injected.
    """

    namespace: str
    deployments: tuple[str, ...]
    service: str
    mutating: str
    validating: str
    ca_secret: tuple[str, str]


def target_of_installation(installation: Installation) -> Target:
    """The names in a complete installation."""
    assert installation.mutating is not None
    assert installation.validating is not None
    return Target(
        namespace=installation.service[0] or installation.namespace,
        deployments=tuple(ref_of(one).name for one in installation.deployments.values()),
        service=installation.service[1],
        mutating=ref_of(installation.mutating).name,
        validating=ref_of(installation.validating).name,
        ca_secret=installation.ca_secret,
    )


def target_of_manifest(objects: Sequence[Object]) -> Target:
    """The names in a checked manifest, which holds every part."""
    by_kind: dict[str, list[Object]] = {}
    for obj in objects:
        by_kind.setdefault(obj["kind"], []).append(obj)
    return target_of_installation(
        installation_of(
            by_kind["Deployment"],
            by_kind["CustomResourceDefinition"],
            by_kind["MutatingWebhookConfiguration"],
            by_kind["ValidatingWebhookConfiguration"],
        )
    )
