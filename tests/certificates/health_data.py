"""Facts of a healthy installation as data, and a CA, for tests that break one thing at a time."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certificates.facts import Election, Facts
from certificates.installation import COMPONENTS, CRD_NAMES, WEBHOOK_NAME, Installation, Owner
from certificates.probe import Outcome, Probed
from kube.objects import Object

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
NAMES = {"controller": "cert-manager", "webhook": "cert-manager-webhook", "cainjector": "cert-manager-cainjector"}


@cache
def certificate(
    name: str = "cert-manager-webhook-ca",
    *,
    born: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=364),
    ca: bool = True,
    dns: str = "",
) -> tuple[bytes, bytes]:
    """A new self-signed certificate and its key as PEM; its dates are relative to NOW."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + born)
        .not_valid_after(NOW + ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if dns:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(dns)]), critical=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), private


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def deployment(component: str, *, replicas: int = 1, available: int = 1, args: tuple[str, ...] = ()) -> Object:
    """A Deployment whose controller has seen its last change."""
    name = NAMES[component]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "cert-manager", "generation": 1},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": name, "args": list(args)}]}}},
        "status": {
            "observedGeneration": 1,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "availableReplicas": available,
            "readyReplicas": available,
            "conditions": [{"type": "Available", "status": "True" if available >= replicas else "False"}],
        },
    }


def configuration(kind: str, bundle: bytes, *, policy: str = "Fail", annotated: bool = True) -> Object:
    """One of the two webhook configurations."""
    source = {"cert-manager.io/inject-ca-from-secret": "cert-manager/cert-manager-webhook-ca"}
    selector = {
        "matchExpressions": [{"key": "cert-manager.io/disable-validation", "operator": "NotIn", "values": ["true"]}]
    }
    webhook = {
        "name": WEBHOOK_NAME,
        "failurePolicy": policy,
        "namespaceSelector": selector if kind == "Validating" else {},
        "clientConfig": {
            "caBundle": encoded(bundle),
            "service": {"namespace": "cert-manager", "name": "cert-manager-webhook"},
        },
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": "cert-manager-webhook", "annotations": source if annotated else {}},
        "webhooks": [webhook],
    }


def lease(holder: str, *, age: float = 5.0, lasts: int = 60) -> Object:
    """A Lease that was renewed `age` seconds ago."""
    at = (NOW - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"spec": {"holderIdentity": holder, "leaseDurationSeconds": lasts, "renewTime": at}}


def installation(**changes: Any) -> Installation:
    """cert-manager as it should be, with some parts exchanged."""
    bundle = certificate()[0]
    whole: dict[str, Any] = {
        "namespace": "cert-manager",
        "version": "1.21.2",
        "owner": Owner("kubectl"),
        "deployments": {one: deployment(one) for one in COMPONENTS},
        "crds": {name: {} for name in CRD_NAMES},
        "mutating": configuration("Mutating", bundle),
        "validating": configuration("Validating", bundle),
        "namespaces": ("cert-manager",),
    }
    return Installation(**{**whole, **changes})


def facts(**changes: Any) -> Facts:
    """A healthy cluster as one look shows it, with some parts exchanged."""
    whole: dict[str, Any] = {
        "namespace": "default",
        "now": NOW.timestamp(),
        "served": frozenset(CRD_NAMES),
        "installation": installation(),
        "probe_namespace": {"metadata": {"name": "default"}},
        "service": {"metadata": {"name": "cert-manager-webhook"}},
        "slices": [{"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}]}],
        "secret": {"data": {"ca.crt": encoded(certificate()[0])}},
        "elections": {
            "controller": Election("kube-system", "cert-manager-controller"),
            "cainjector": Election("kube-system", "cert-manager-cainjector-leader-election"),
        },
        "leases": {
            "controller": lease("cert-manager-a1-b2-external-cert-manager-controller"),
            "cainjector": lease("cert-manager-cainjector-a1-b2_0000"),
        },
        "pods": frozenset({"cert-manager-a1-b2", "cert-manager-cainjector-a1-b2"}),
        "probes": (Probed(Outcome.PROVEN),) * 3,
    }
    return Facts(**{**whole, **changes})
