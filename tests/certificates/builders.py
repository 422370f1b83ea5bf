"""A small manifest in the shape of cert-manager's, and ways to break it. Written for these tests."""

from __future__ import annotations

import json
from typing import Any

import yaml

Object = dict[str, Any]

CRDS = {
    "certificaterequests": "cert-manager.io",
    "certificates": "cert-manager.io",
    "challenges": "acme.cert-manager.io",
    "clusterissuers": "cert-manager.io",
    "issuers": "cert-manager.io",
    "orders": "acme.cert-manager.io",
}
COMPONENTS = {"cainjector": "cert-manager-cainjector", "controller": "cert-manager", "webhook": "cert-manager-webhook"}


def release(version: str = "1.21.2", namespace: str = "cert-manager") -> list[Object]:
    """The objects of a release, in the order of its file: namespace, CRDs, RBAC, services, workloads, webhooks."""
    objects = [made("v1", "Namespace", namespace)]
    objects += [crd(plural, group, version) for plural, group in CRDS.items()]
    for name in COMPONENTS.values():
        objects.append(made("v1", "ServiceAccount", name, version, namespace))
        objects.append(made("rbac.authorization.k8s.io/v1", "ClusterRole", name, version, rules=[]))
        objects.append(binding("ClusterRole", name, version, "", namespace))
    for name in ("cert-manager", "cert-manager-cainjector"):
        election = f"{name}:leaderelection"
        objects.append(made("rbac.authorization.k8s.io/v1", "Role", election, version, "kube-system", rules=[]))
        objects.append(binding("Role", election, version, "kube-system", namespace))
    objects.append(made("v1", "Service", "cert-manager-webhook", version, namespace, spec={"ports": [{"port": 443}]}))
    objects += [deployment(component, version, namespace) for component in COMPONENTS]
    for kind, path in (("Mutating", "/mutate"), ("Validating", "/validate")):
        objects.append(webhook_configuration(f"{kind}WebhookConfiguration", path, version, namespace))
    return objects


def made(
    api_version: str, kind: str, name: str, version: str | None = None, namespace: str = "", **more: Any
) -> Object:
    """An object with cert-manager's labels, unless there is no version."""
    metadata: Object = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if version is not None:
        metadata["labels"] = {
            "app.kubernetes.io/instance": "cert-manager",
            "app.kubernetes.io/version": f"v{version}",
        }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def crd(plural: str, group: str, version: str) -> Object:
    """A CustomResourceDefinition without a schema worth the name."""
    served = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    spec = {"group": group, "names": {"plural": plural}, "scope": "Namespaced", "versions": [served]}
    return made("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}", version, spec=spec)


def binding(role_kind: str, name: str, version: str, namespace: str, subject_namespace: str) -> Object:
    """A binding of one role to a service account of cert-manager."""
    account = name.partition(":")[0]
    return made(
        "rbac.authorization.k8s.io/v1",
        f"{role_kind}Binding",
        name,
        version,
        namespace,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": name},
        subjects=[{"kind": "ServiceAccount", "name": account, "namespace": subject_namespace}],
    )


def deployment(component: str, version: str, namespace: str) -> Object:
    """The Deployment of one component; the webhook has a readiness probe, the controller names the solver's image."""
    name = COMPONENTS[component]
    container: Object = {
        "name": f"cert-manager-{component}",
        "image": f"quay.io/jetstack/cert-manager-{component}:v{version}",
        "args": ["--v=2", "--leader-election-namespace=kube-system"],
    }
    if component == "controller":
        solver = f"quay.io/jetstack/cert-manager-acmesolver:v{version}"
        container["args"].append(f"--acme-http01-solver-image={solver}")
    if component == "webhook":
        container["readinessProbe"] = {
            "httpGet": {"path": "/healthz", "port": "healthcheck"},
            "initialDelaySeconds": 5,
            "periodSeconds": 5,
            "failureThreshold": 3,
        }
    labels = {"app.kubernetes.io/component": component, "app.kubernetes.io/version": f"v{version}"}
    template = {"metadata": {"labels": dict(labels)}, "spec": {"containers": [container]}}
    obj = made("apps/v1", "Deployment", name, version, namespace, spec={"replicas": 1, "template": template})
    obj["metadata"]["labels"]["app.kubernetes.io/component"] = component
    return obj


def webhook_configuration(kind: str, path: str, version: str, namespace: str) -> Object:
    """A webhook configuration of one webhook, without a CA bundle, as releases have it."""
    service = {"name": "cert-manager-webhook", "namespace": namespace, "path": path}
    # As in the release's file, the part that matters most comes last.
    webhook = {"name": "webhook.cert-manager.io", "sideEffects": "None", "clientConfig": {"service": service}}
    name = "cert-manager-webhook"
    return made("admissionregistration.k8s.io/v1", kind, name, version, webhooks=[webhook])


def find(objects: list[Object], kind: str, name: str) -> Object:
    """The object of a kind and a name; fails the test if it is not there."""
    return next(obj for obj in objects if obj["kind"] == kind and obj["metadata"]["name"] == name)


def container(objects: list[Object], deployment_name: str) -> Object:
    """The first container of a Deployment."""
    pod = find(objects, "Deployment", deployment_name)["spec"]["template"]["spec"]
    first: Object = pod["containers"][0]
    return first


def as_yaml(objects: list[Object]) -> bytes:
    """The bytes of a manifest in YAML, one document for each object."""
    return "".join(f"---\n{yaml.safe_dump(obj, sort_keys=False)}" for obj in objects).encode()


def as_json(objects: list[Object]) -> bytes:
    """The bytes of a manifest in JSON: a List."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
