"""A webhook on package repositories as an old operator would bring it: its certificate comes from cert-manager, and
cainjector fills in the CA. `deploy` puts it on a cluster that has cert-manager."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tests.cluster
from tests.chaos.hands import APPS, CORE, REPOSITORIES, VALIDATING, Hands
from tests.chaos.targets import OPERATOR
from tests.cluster import Cluster, archives, build, progress, provider_builtin

NAMESPACE = OPERATOR.namespace
NAME = OPERATOR.deployment
DENIES = "vpackagerepository.operator.frit.test"
"""The name by which it denies."""

IMAGE = "frit.test/operator-webhook:1"
PROGRAM = build.Target(what="operator-webhook", version="1", module="operator", packages=(".",))
CA, SERVING = "operator-ca", "operator-webhook-tls"

_CERT_MANAGER = f"/apis/cert-manager.io/v1/namespaces/{NAMESPACE}"
_LABELS = {"app": NAME}
_PORT = 9443


def archive(say: progress.Say) -> Path:
    """A docker archive with the webhook's image, built where it isn't there yet."""
    name = f"images-{build.key(PROGRAM)}"
    found = build.find(name)
    if found is not None:
        return found / "images.tar"
    program = build.programs(PROGRAM, say) / "operator-webhook"

    def write(folder: Path) -> None:
        archives.write(folder / "images.tar", [archives.Image(IMAGE, program, OPERATOR.program)])

    return build.cached(name, "writing the image of the operator's webhook", say, write) / "images.tar"


def deploy(cluster: Cluster, say: progress.Say = progress.to_stderr) -> None:
    """Puts the webhook on a cluster that has cert-manager and the package API, and waits until it admits and denies.

    Raises ClusterError where it does not.
    """
    if cluster.provider != provider_builtin.NAME or IMAGE not in provider_builtin.images(cluster):
        tests.cluster.load(cluster.name, archive(say))
    hands = Hands(cluster.kubeconfig)
    for path, obj in objects():
        hands.apply(obj, f"{path}/{obj['metadata']['name']}", "operator")
    hands.until("the operator's webhook is available", lambda: hands.available(NAMESPACE, NAME), 120)
    hands.until("the operator's webhook admits", lambda: OPERATOR.works(hands))
    hands.until("the operator's webhook denies", lambda: denies(hands))


def denies(hands: Hands) -> bool:
    """Whether an object that nobody should have is denied by the webhook's name."""
    body = {**OPERATOR.body, "spec": {"url": "https://packages.invalid"}}
    answer = hands.once("POST", f"{REPOSITORIES}?dryRun=All", body)
    return answer is not None and not answer.ok and f'webhook "{DENIES}" denied the request' in answer.json()["message"]


def remove(kubeconfig: Path) -> None:
    """Takes the webhook away, its configuration first."""
    hands = Hands(kubeconfig)
    hands.delete(f"{VALIDATING}/{NAME}")
    hands.delete(f"{CORE}/namespaces/{NAMESPACE}")


def objects() -> list[tuple[str, dict[str, Any]]]:
    """What it consists of, in the order in which it is applied: the path of the kind, and the object."""
    core, service = f"{CORE}/namespaces/{NAMESPACE}", f"{NAME}.{NAMESPACE}.svc"
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"frit.test/throw-away": "true"}},
    }
    return [
        (f"{CORE}/namespaces", namespace),
        (f"{_CERT_MANAGER}/issuers", _made("Issuer", "operator-selfsigned", {"selfSigned": {}})),
        (f"{_CERT_MANAGER}/certificates", _certificate(CA, "operator-selfsigned", isCA=True, commonName=CA)),
        (f"{_CERT_MANAGER}/issuers", _made("Issuer", CA, {"ca": {"secretName": CA}})),
        (f"{_CERT_MANAGER}/certificates", _certificate(SERVING, CA, dnsNames=[service])),
        (f"{core}/services", _service()),
        (f"{APPS}/namespaces/{NAMESPACE}/deployments", _deployment()),
        (VALIDATING, _configuration()),
    ]


def _made(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "cert-manager.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _certificate(name: str, issuer: str, **spec: object) -> dict[str, Any]:
    common = {"secretName": name, "issuerRef": {"name": issuer, "kind": "Issuer"}, "privateKey": {"algorithm": "ECDSA"}}
    return _made("Certificate", name, {**common, **spec})


def _service() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"selector": _LABELS, "ports": [{"port": 443, "targetPort": _PORT}]},
    }


def _deployment() -> dict[str, Any]:
    container = {
        "name": "webhook",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": [f"--listen=:{_PORT}"],
        "ports": [{"containerPort": _PORT}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": _PORT, "scheme": "HTTPS"}, "periodSeconds": 1},
        "volumeMounts": [{"name": "certificates", "mountPath": "/certificates", "readOnly": True}],
    }
    pod = {"containers": [container], "volumes": [{"name": "certificates", "secret": {"secretName": SERVING}}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": _LABELS},
            # A new pod beside the old one would answer in its place.
            "strategy": {"type": "Recreate"},
            "template": {"metadata": {"labels": _LABELS}, "spec": pod},
        },
    }


def _configuration() -> dict[str, Any]:
    rule = {
        "apiGroups": ["packages.glasskube.dev"],
        "apiVersions": ["v1alpha1"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": ["packagerepositories"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": NAME, "annotations": {"cert-manager.io/inject-ca-from": f"{NAMESPACE}/{SERVING}"}},
        "webhooks": [
            {
                "name": DENIES,
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "clientConfig": {"service": {"name": NAME, "namespace": NAMESPACE, "path": "/validate"}},
                "rules": [rule],
            }
        ],
    }
