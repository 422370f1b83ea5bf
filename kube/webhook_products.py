"""Whose a webhook is, as data: how the webhooks of well-known products are named, marked and kept up to date.

Names, labels and Services are those that each product publishes in its chart or manifest. What no line of the table
knows is named after the marks that installers leave (Helm, the recommended labels of Kubernetes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kube.objects import Object, field


@dataclass(frozen=True)
class Product:
    """How one product is recognised: suffixes of its webhooks' names, names of its Services, keys of its labels.

    `fills` completes the sentence "the CA bundle is filled by ..." where no annotation asks somebody else to.
    """

    name: str
    webhooks: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    fills: str = ""


PRODUCTS: tuple[Product, ...] = (
    Product("cert-manager", ("webhook.cert-manager.io",), ("cert-manager-webhook",), fills="cert-manager's cainjector"),
    Product(
        "Glasskube's operator",
        ("vpackage.kb.io", "vclusterpackage.kb.io", "vpackagerepository.kb.io"),
        ("glasskube-webhook-service",),
        fills="Glasskube's CronJob glasskube-webhook-cert",
    ),
    Product(
        "Kyverno",
        (".kyverno.svc", ".kyverno.svc-fail", ".kyverno.svc-ignore"),
        ("kyverno-svc", "kyverno-cleanup-controller"),
        ("webhook.kyverno.io/managed-by",),
        "Kyverno's admission controller itself",
    ),
    Product(
        "Gatekeeper",
        (".gatekeeper.sh",),
        ("gatekeeper-webhook-service",),
        ("gatekeeper.sh/system",),
        "Gatekeeper's controller itself",
    ),
    Product("Istio", (".istio.io",), ("istiod", "istio-pilot"), ("istio.io/rev",), "istiod itself"),
    Product(
        "Linkerd",
        (".linkerd.io",),
        ("linkerd-proxy-injector", "linkerd-sp-validator", "linkerd-policy-validator"),
        ("linkerd.io/control-plane-ns",),
        "the chart or the linkerd command that installed it",
    ),
    Product(
        "an operator that OLM installed",
        labels=("olm.owner", "olm.webhook-description-generate-name"),
        fills="OLM's olm-operator",
    ),
    Product(
        "ingress-nginx",
        ("validate.nginx.ingress.kubernetes.io",),
        ("ingress-nginx-controller-admission",),
        fills="the Jobs ingress-nginx-admission-create and -patch of its chart",
    ),
    Product(
        "Prometheus Operator",
        (".monitoring.coreos.com",),
        fills="the admission-create and admission-patch Jobs of its chart",
    ),
    Product(
        "AWS Load Balancer Controller",
        (".elbv2.k8s.aws",),
        ("aws-load-balancer-webhook-service",),
        fills="the chart that installed it",
    ),
    Product("Cluster API", (".cluster.x-k8s.io",), fills="cert-manager's cainjector"),
    Product("Knative", (".knative.dev",), fills="Knative's webhook itself"),
    Product("Karpenter", (".karpenter.sh", ".karpenter.k8s.aws"), fills="Karpenter's controller itself"),
    Product("KEDA", (), ("keda-admission-webhooks",), fills="KEDA's operator itself"),
    Product("Vault's agent injector", ("vault.hashicorp.com",), fills="the injector itself"),
    Product("Longhorn", (".longhorn.io",), ("longhorn-admission-webhook", "longhorn-conversion-webhook")),
    Product("Rancher", ("rancher.cattle.io",), ("rancher-webhook",), fills="Rancher's webhook itself"),
    Product("MetalLB", (".metallb.io",), ("metallb-webhook-service",), fills="MetalLB's controller itself"),
    Product("CloudNativePG", (".cnpg.io",), ("cnpg-webhook-service",), fills="CloudNativePG's operator itself"),
    Product(
        "External Secrets",
        (".external-secrets.io",),
        ("external-secrets-webhook",),
        fills="its cert-controller",
    ),
    Product("Vertical Pod Autoscaler", ("vpa.k8s.io",), ("vpa-webhook",), fills="its admission controller itself"),
)
"""The products by how likely their webhooks are met; the first that fits is the answer."""

_PART_OF = ("app.kubernetes.io/part-of", "app.kubernetes.io/name", "app")


def product_of(owner: Object, webhook: str, service: str) -> Product:
    """The product that a webhook belongs to; one with an empty name where nothing tells.

    `owner` is the webhook configuration or CRD, `webhook` the admission webhook's name or "", `service` the name of
    its Service or "".
    """
    labels: Mapping[str, str] = field(owner, "metadata", "labels", default={})
    for one in PRODUCTS:
        if service and service in one.services:
            return one
        if any(webhook == suffix or (suffix[0] == "." and webhook.endswith(suffix)) for suffix in one.webhooks):
            return one
        if any(key in labels for key in one.labels):
            return one
    release = field(owner, "metadata", "annotations", "meta.helm.sh/release-name", default="")
    if release:
        return Product(f"Helm release {release}", fills=f"what Helm release {release} installed")
    part = next((str(labels[key]) for key in _PART_OF if labels.get(key)), "")
    return Product(part)
