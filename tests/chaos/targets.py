"""The two webhooks that chaos is about, as data: cert-manager's own, and the operator's on package repositories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.chaos.hands import REPOSITORIES, Hands


@dataclass(frozen=True)
class Webhook:
    """A webhook: where it runs, which configurations call it, and the request that shows whether it works.

    `labels` is the label selector of its pods, `program` the path of its program in the container.
    """

    name: str
    namespace: str
    deployment: str
    labels: str
    program: str
    configurations: tuple[str, ...]
    path: str
    body: dict[str, Any] = field(hash=False)

    def answer(self, hands: Hands) -> str:
        """What the API server says to a valid object (a dry run): nothing where it is admitted."""
        answer = hands.once("POST", f"{self.path}?dryRun=All&timeout=2s", self.body)
        if answer is None:
            return "no answer from the API server"
        return "" if answer.ok else str(answer)

    def works(self, hands: Hands) -> bool:
        """Whether a valid object is admitted three times in a row."""
        return not any(self.answer(hands) for _ in range(3))

    def untrusted(self, hands: Hands) -> bool:
        """Whether the API server does not trust the webhook's certificate, three times in a row."""
        return all("x509: " in self.answer(hands) for _ in range(3))


_ADMISSION = "/apis/admissionregistration.k8s.io/v1"

CERT_MANAGER = Webhook(
    name="cert-manager",
    namespace="cert-manager",
    deployment="cert-manager-webhook",
    labels="app.kubernetes.io/name=webhook",
    program="/app/cmd/webhook",
    configurations=tuple(
        f"{_ADMISSION}/{kind}/cert-manager-webhook"
        for kind in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
    ),
    path="/apis/cert-manager.io/v1/namespaces/default/issuers",
    body={
        "apiVersion": "cert-manager.io/v1",
        "kind": "Issuer",
        "metadata": {"name": "chaos"},
        "spec": {"selfSigned": {}},
    },
)

OPERATOR = Webhook(
    name="operator",
    namespace="operator-system",
    deployment="operator-webhook",
    labels="app=operator-webhook",
    program="/operator-webhook",
    configurations=(f"{_ADMISSION}/validatingwebhookconfigurations/operator-webhook",),
    path=REPOSITORIES,
    body={
        "apiVersion": "packages.glasskube.dev/v1alpha1",
        "kind": "PackageRepository",
        "metadata": {"name": "chaos-witness"},
        "spec": {"url": "https://packages.example.com/witness"},
    },
)

CA_SECRET = "/api/v1/namespaces/cert-manager/secrets/cert-manager-webhook-ca"


@dataclass(frozen=True)
class Component:
    """A part of cert-manager that has a leader: its Deployment, its pods, its program, and the lease it holds."""

    deployment: str
    labels: str
    program: str
    lease: str

    def gone(self, hands: Hands) -> bool:
        """Whether none of its pods is there."""
        return not hands.pods("cert-manager", self.labels)

    def available(self, hands: Hands) -> bool:
        """Whether its pod is ready."""
        return hands.available("cert-manager", self.deployment)


INJECTOR = Component(
    deployment="cert-manager-cainjector",
    labels="app.kubernetes.io/name=cainjector",
    program="/app/cmd/cainjector",
    lease="cert-manager-cainjector-leader-election",
)
CONTROLLER = Component(
    deployment="cert-manager",
    labels="app.kubernetes.io/name=cert-manager",
    program="/app/cmd/controller",
    lease="cert-manager-controller",
)
