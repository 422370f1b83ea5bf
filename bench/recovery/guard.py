"""A validating webhook in front of PackageRepository objects, as an operator of packages would register one.

Its server is cert-manager's own webhook, so that every fault there is one of `frit repo add` too. The path is
`/mutate`: cert-manager's `/validate` refuses kinds that it does not know, while `/mutate` admits them unchanged (seen
in cert-manager 1.21, `pkg/webhook/admission`). cainjector fills in the bundle, as in cert-manager's own
configurations.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from tests.chaos.hands import VALIDATING, Hands

NAME = "bench-packages"
INJECT = "cert-manager.io/inject-ca-from-secret"
CA = "cert-manager/cert-manager-webhook-ca"


def configuration() -> dict[str, Any]:
    """The ValidatingWebhookConfiguration; its limit of 10 s is the API's default."""
    service = {"namespace": "cert-manager", "name": "cert-manager-webhook", "path": "/mutate", "port": 443}
    rule = {
        "apiGroups": ["packages.glasskube.dev"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["packagerepositories"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": NAME, "annotations": {INJECT: CA}},
        "webhooks": [
            {
                "name": "packages.bench.example.com",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"service": service},
                "failurePolicy": "Fail",
                "matchPolicy": "Equivalent",
                "rules": [rule],
                "sideEffects": "None",
                "timeoutSeconds": 10,
            }
        ],
    }


def register(hands: Hands) -> None:
    """Create the configuration, or put it right. Raises ClusterError."""
    hands.apply(configuration(), f"{VALIDATING}/{NAME}", "bench")


def mistrust(hands: Hands, authority: Path) -> None:
    """Put an authority into the bundle that did not issue the certificate, and tell cainjector to leave it there."""
    bundle = base64.b64encode(authority.read_bytes()).decode()
    annotation = f"/metadata/annotations/{INJECT.replace('/', '~1')}"
    operations = [
        {"op": "add", "path": annotation, "value": ""},  # what is not there cannot be removed
        {"op": "remove", "path": annotation},
        {"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle},
    ]
    hands.ask("PATCH", f"{VALIDATING}/{NAME}", operations, "application/json-patch+json")


def trust_again(hands: Hands) -> None:
    """Have cainjector fill in the right bundle."""
    hands.merge(f"{VALIDATING}/{NAME}", {"metadata": {"annotations": {INJECT: CA}}})
