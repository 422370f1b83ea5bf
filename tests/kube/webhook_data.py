"""Webhook configurations, CRDs and what stands behind them, as data."""

from __future__ import annotations

import base64
from typing import Any

from kube.bounded import Told
from kube.objects import Object
from kube.webhook_registrations import Registration, registrations_of

HOST = "hook.space.svc"
EVERYTHING = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}
POLICIES: Object = {"apiGroups": ["example.com"], "operations": ["CREATE"], "resources": ["widgets"]}


def webhook(name: str = "a.example.com", bundle: bytes = b"", **changes: Any) -> Object:
    """One entry of a configuration that calls Service space/hook."""
    service = {"namespace": "space", "name": "hook", "path": "/validate"}
    whole = {
        "name": name,
        "clientConfig": {"service": service, "caBundle": base64.b64encode(bundle).decode()},
        "rules": [POLICIES],
    }
    return {**whole, **changes}


def configuration(*webhooks: Object, name: str = "hooks", kind: str = "Validating", **metadata: Any) -> Object:
    """A webhook configuration with these entries."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name, **metadata},
        "webhooks": list(webhooks or [webhook()]),
    }


def definition(**metadata: Any) -> Object:
    """A CRD whose objects are converted by Service space/hook."""
    service = {"namespace": "space", "name": "hook", "path": "/convert"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com", **metadata},
        "spec": {
            "group": "example.com",
            "names": {"plural": "widgets", "kind": "Widget"},
            "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"service": service}}},
        },
    }


def registration(bundle: bytes = b"", **metadata: Any) -> Registration:
    """The only webhook of a configuration."""
    return registrations_of(configuration(webhook(bundle=bundle), **metadata))[0]


def listed(*objects: Object) -> Told:
    """A list as it was read."""
    return Told(True, {"items": list(objects)})


def injector(replicas: int = 1, available: int = 1) -> Object:
    """A Deployment of cainjector."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "injector", "namespace": "certs", "generation": 1},
        "spec": {"replicas": replicas},
        "status": {
            "observedGeneration": 1,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": available,
            "availableReplicas": available,
            "conditions": [{"type": "Available", "status": "True" if available else "False"}],
        },
    }
