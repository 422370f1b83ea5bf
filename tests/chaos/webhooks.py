"""What can go wrong at a webhook, besides a rotation window: each opens when its block begins, and is mended after it.

With `seconds` a fault ends by itself so long after it began; without, it lasts as long as the block.
"""

from __future__ import annotations

import base64
import datetime
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from tests.chaos import containers, operator_webhook, windows
from tests.chaos.gates import Held
from tests.chaos.hands import APPS, CORE, Hands
from tests.chaos.targets import CA_SECRET, CERT_MANAGER, CONTROLLER, INJECTOR, OPERATOR, Webhook
from tests.chaos.windows import Opened
from tests.cluster import Cluster, ClusterError

JSON_PATCH = "application/json-patch+json"
LEASE_SECONDS = 60.0
_SECRETS = f"{CORE}/namespaces/{OPERATOR.namespace}/secrets"
_CERTIFICATES = f"/apis/cert-manager.io/v1/namespaces/{OPERATOR.namespace}/certificates"
_SERVING = f"{_SECRETS}/{operator_webhook.SERVING}"


@contextmanager
def _lasting(hands: Hands, of: Webhook, close: Callable[[], None], seconds: float | None) -> Iterator[Opened]:
    opened = Opened(close, seconds)
    try:
        yield opened
    finally:
        opened.close()
        windows.mended(hands, of)


@contextmanager
def ca_deleted(cluster: Cluster, of: Webhook, seconds: float | None = None) -> Iterator[Opened]:
    """The CA's Secret is deleted, and everybody does what they do then."""
    hands = Hands(cluster.kubeconfig)
    hands.delete(CA_SECRET if of is CERT_MANAGER else f"{_SECRETS}/{operator_webhook.CA}")
    with _lasting(hands, of, lambda: None, seconds) as opened:
        yield opened


@contextmanager
def ca_renewed(cluster: Cluster, of: Webhook, seconds: float | None = None) -> Iterator[Opened]:
    """cert-manager makes the operator's CA anew before its time, as its command line asks for it: by a condition.

    The serving certificate is renewed after it, and the pod is told by the kubelet, when its turn comes.
    """
    hands = Hands(cluster.kubeconfig)
    for name in (operator_webhook.CA, operator_webhook.SERVING):
        found = hands.get(f"{_CERTIFICATES}/{name}")
        if found is None:
            raise ClusterError(f"there is no Certificate {name}")
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        kept = [one for one in found["status"]["conditions"] if one["type"] != "Issuing"]
        issuing = {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "chaos"}
        before = windows.value(hands, f"{_SECRETS}/{name}", "tls.crt")
        hands.merge(
            f"{_CERTIFICATES}/{name}/status",
            {"status": {"conditions": [*kept, {**issuing, "lastTransitionTime": now}]}},
        )
        hands.until(f"{name} is renewed", partial(_changed, hands, f"{_SECRETS}/{name}", before))
    with _lasting(hands, of, lambda: None, seconds) as opened:
        yield opened


def _changed(hands: Hands, secret: str, before: bytes) -> bool:
    return windows.value(hands, secret, "tls.crt") not in (b"", before)


@contextmanager
def restarted(cluster: Cluster, of: Webhook, seconds: float | None = None) -> Iterator[Opened]:
    """The webhook's pod is deleted, and its Deployment makes another."""
    hands = Hands(cluster.kubeconfig)
    hands.delete_pods(of.namespace, of.labels)
    with _lasting(hands, of, lambda: None, seconds) as opened:
        yield opened


@contextmanager
def scaled_to_0(cluster: Cluster, of: Webhook, seconds: float | None = None) -> Iterator[Opened]:
    """The webhook's Deployment is scaled to 0, and back to 1 when the fault ends."""
    hands = Hands(cluster.kubeconfig)
    hands.scale(of.namespace, of.deployment, 0)
    with _lasting(hands, of, lambda: hands.scale(of.namespace, of.deployment, 1), seconds) as opened:
        hands.until("the webhook is gone", lambda: bool(of.answer(hands)))
        yield opened


@contextmanager
def crashing(cluster: Cluster, of: Webhook, seconds: float | None = None) -> Iterator[Opened]:
    """The webhook ends whenever it has started; when the fault ends, somebody replaces the pod, back-off and all."""
    hands = Hands(cluster.kubeconfig)
    crashes = None
    if of is OPERATOR:
        _told_to_crash(hands, True)
    else:
        crashes = containers.Crashing(cluster, of.program)

    def close() -> None:
        if crashes is None:
            _told_to_crash(hands, False)
        else:
            crashes.stop()
            hands.delete_pods(of.namespace, of.labels, 0)

    with _lasting(hands, of, close, seconds) as opened:
        hands.until("the webhook is gone", lambda: bool(of.answer(hands)))
        yield opened


def _told_to_crash(hands: Hands, crash: bool) -> None:
    path = f"{APPS}/namespaces/{OPERATOR.namespace}/deployments"
    deployment = next(obj for where, obj in operator_webhook.objects() if where == path)
    if crash:
        deployment["spec"]["template"]["spec"]["containers"][0]["args"].append("--crash")
    hands.apply(deployment, f"{path}/{OPERATOR.deployment}", "operator")


@contextmanager
def leader_killed(cluster: Cluster, of: Webhook, seconds: float | None = None) -> Iterator[Opened]:
    """cainjector's leader is killed, and the CA rotated: the next leader waits for the lease of the dead one.

    The fault ends by itself, when the lease of 60 s has run out; `seconds` does not count.
    """
    hands = Hands(cluster.kubeconfig)
    containers.kill(cluster, INJECTOR.program)
    windows.rotate(hands, of)
    with _lasting(hands, of, lambda: None, LEASE_SECONDS) as opened:
        yield opened


@contextmanager
def bundle_not_pem(cluster: Cluster, of: Webhook, seconds: float | None = None) -> Iterator[Opened]:
    """The CA bundle is something else than PEM, and cainjector does not lead until the fault ends."""
    hands = Hands(cluster.kubeconfig)
    gate = Held(cluster, INJECTOR)

    def close() -> None:
        # cainjector only appends: what is not PEM has to go before.
        _set_bundle(hands, of, "")
        gate.open()

    try:
        gate.shut()
        _set_bundle(hands, of, base64.b64encode(b"this is no certificate\n").decode())
        hands.until("the bundle cannot be read", lambda: "parse bytes as PEM" in of.answer(hands))
    except BaseException:
        close()
        raise
    with _lasting(hands, of, close, seconds) as opened:
        yield opened


def _set_bundle(hands: Hands, of: Webhook, text: str) -> None:
    for path in of.configurations:
        patch = [{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": text}]
        hands.ask("PATCH", path, patch, JSON_PATCH)


@contextmanager
def expired(cluster: Cluster, of: Webhook, seconds: float | None = None) -> Iterator[Opened]:
    """The operator's webhook serves a certificate of the right CA that ended an hour ago; nobody renews it."""
    hands = Hands(cluster.kubeconfig)
    gate = Held(cluster, CONTROLLER)

    def close() -> None:
        gate.open()
        before = windows.value(hands, _SERVING, "tls.crt")
        hands.delete(_SERVING)
        hands.until("the certificate is renewed", partial(_changed, hands, _SERVING, before))
        hands.delete_pods(of.namespace, of.labels)

    try:
        gate.shut()
        hands.merge(_SERVING, {"data": {"tls.crt": base64.b64encode(_expired_certificate(hands)).decode()}})
        hands.delete_pods(of.namespace, of.labels)
        hands.until("the certificate has expired", lambda: "certificate has expired" in of.answer(hands))
    except BaseException:
        close()
        raise
    with _lasting(hands, of, close, seconds) as opened:
        yield opened


def _expired_certificate(hands: Hands) -> bytes:
    """The certificate that is served, signed again by the CA, for a time that is over."""
    ca = x509.load_pem_x509_certificate(windows.value(hands, f"{_SECRETS}/{operator_webhook.CA}", "tls.crt"))
    key = serialization.load_pem_private_key(
        windows.value(hands, f"{_SECRETS}/{operator_webhook.CA}", "tls.key"), password=None
    )
    assert isinstance(key, EllipticCurvePrivateKey)
    served = x509.load_pem_x509_certificate(windows.value(hands, _SERVING, "tls.crt"))
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(served.subject)
        .issuer_name(ca.subject)
        .public_key(served.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=2))
        .not_valid_after(now - datetime.timedelta(hours=1))
    )
    for extension in served.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
