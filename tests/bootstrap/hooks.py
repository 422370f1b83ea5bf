"""A real webhook on package repositories, as an old operator leaves it: any certificate, any bundle, a real pod.

Its program is cert-manager's webhook with a certificate from files, which it serves whatever its dates are; it is never
asked for a verdict that counts.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.conftest import Kubectl
from tests.kube.pki import Pair

SPACE, SERVICE = "glasskube-system", "glasskube-webhook-service"
HOST = f"{SERVICE}.{SPACE}.svc"
NAME = "glasskube-validating-webhook-configuration"
WEBHOOK = "vpackagerepository.kb.io"
LABELS = {"frit.test/throw-away": "true"}
IMAGE = "quay.io/jetstack/cert-manager-webhook:v1.21.2"
RULE = {
    "apiGroups": ["packages.glasskube.dev"],
    "apiVersions": ["*"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["packagerepositories"],
}


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def meta(name: str, space: str = "") -> dict[str, Any]:
    return {"name": name, "labels": LABELS, **({"namespace": space} if space else {})}


def configuration(bundle: bytes, *more: dict[str, Any], name: str = NAME) -> dict[str, Any]:
    """The operator's configuration with this CA bundle, and perhaps more webhooks."""
    own = {
        "name": WEBHOOK,
        "clientConfig": {
            "service": {"namespace": SPACE, "name": SERVICE, "path": "/validate"},
            "caBundle": encoded(bundle),
        },
        "rules": [RULE],
        "sideEffects": "None",
        "timeoutSeconds": 3,
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": meta(name),
        "webhooks": [own, *more],
    }


def apply(kubectl: Kubectl, *objects: dict[str, Any]) -> None:
    text = "\n---\n".join(json.dumps(one) for one in objects)
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)


def deploy(kubectl: Kubectl, pair: Pair) -> None:
    """Put the webhook's pod and Service on the cluster, and wait until the Service has an endpoint."""
    files = ["--tls-cert-file=/tls/tls.crt", "--tls-private-key-file=/tls/tls.key"]
    container = {
        "name": "webhook",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "args": ["--secure-port=9443", *files],
        "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
        "readinessProbe": {"tcpSocket": {"port": 9443}, "periodSeconds": 1},
    }
    app = {"app": "glasskube-operator"}
    pod = {
        "metadata": {"labels": {**app, **LABELS}},
        "spec": {
            "containers": [container],
            "volumes": [{"name": "tls", "secret": {"secretName": "glasskube-webhook-tls"}}],
            "terminationGracePeriodSeconds": 1,
        },
    }
    apply(
        kubectl,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": meta(SPACE)},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": meta("glasskube-webhook-tls", SPACE),
            "data": {"tls.crt": encoded(pair.pem), "tls.key": encoded(pair.key)},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta(SERVICE, SPACE),
            "spec": {"selector": app, "ports": [{"port": 443, "targetPort": 9443}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta("glasskube-operator", SPACE),
            "spec": {"selector": {"matchLabels": app}, "template": pod},
        },
    )
    kubectl("-n", SPACE, "rollout", "restart", "deployment", "glasskube-operator")
    kubectl("-n", SPACE, "rollout", "status", "deployment", "glasskube-operator", "--timeout=60s")
