"""Rotation windows on a real cluster, with nothing faked: a webhook serves a certificate that its callers don't trust.

`window` opens one, and closes it by itself after so many seconds::

    with window(cluster.kubeconfig, seconds=5) as opened:
        ...                       # the API server says `x509: certificate signed by unknown authority`
    # here the webhook works again

The recipe: cainjector goes, the CA is made anew, the webhook's pod is replaced; so the pod serves a certificate of the
new CA, and nobody tells the API server. When cainjector comes back, it does.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.chaos.hands import CORE, LEASES, Hands
from tests.chaos.targets import CA_SECRET, CERT_MANAGER, INJECTOR, INJECTOR_LABELS, INJECTOR_LEASE, OPERATOR, Webhook

MEND_SECONDS = 120.0


class Opened:
    """A fault that is open: since when, and how it ends. Times are those of `time.monotonic`."""

    def __init__(self, close: Callable[[], None], seconds: float | None = None) -> None:
        self._close = close
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self.opened_at = time.monotonic()
        self.closed_at: float | None = None
        """When closing was begun; None while it is open."""
        self._timer = None if seconds is None else threading.Timer(seconds, self._by_itself)
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """Ends the fault, if it has not ended. Raises what closing it raised, in the background too."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            if self.closed_at is None:
                self.closed_at = time.monotonic()
                self._close()
        if self._error is not None:
            raise self._error

    def _by_itself(self) -> None:
        with self._lock:
            if self.closed_at is not None:
                return
            self.closed_at = time.monotonic()
            try:
                self._close()
            except BaseException as error:  # noqa: BLE001 -- a thread has nobody to raise to; close() raises it
                self._error = error


@contextmanager
def window(
    kubeconfig: Path, seconds: float | None = None, *, of: Webhook = CERT_MANAGER, held: bool = False
) -> Iterator[Opened]:
    """A window at a webhook; it is open when the block begins, and the webhook works again when it has ended.

    With `seconds` it closes by itself so long after the API server first said that it does not trust the certificate.
    cainjector is scaled to 0, or with `held` only kept from leading: its lease belongs to somebody who is gone, so
    that all Deployments look healthy and none of their fields is touched. Raises ClusterError.
    """
    hands = Hands(kubeconfig)
    gate = _Held(hands) if held else _Scaled(hands)
    gate.shut()
    opened: Opened | None = None
    try:
        rotate(hands, of)
        hands.until(f"the certificate of {of.name}'s webhook is not trusted", lambda: of.untrusted(hands))
        opened = Opened(gate.open, seconds)
        yield opened
    finally:
        if opened is None:
            gate.open()
        else:
            opened.close()
        mended(hands, of)


def mended(hands: Hands, of: Webhook) -> None:
    """Waits until a webhook works and everybody who keeps it so is there. Raises ClusterError."""
    for name in (INJECTOR, CERT_MANAGER.deployment):
        hands.until(f"{name} is available", partial(hands.available, "cert-manager", name), MEND_SECONDS)
    hands.until(f"{of.name}'s webhook works", lambda: of.works(hands), MEND_SECONDS)


def rotate(hands: Hands, of: Webhook) -> None:
    """Makes a webhook's CA anew and has its pod serve a certificate of it."""
    if of is CERT_MANAGER:
        hands.delete(CA_SECRET)
    else:
        reissue(hands)
    hands.delete_pods(of.namespace, of.labels)


def reissue(hands: Hands) -> None:
    """Has cert-manager make the operator's CA anew, and a serving certificate of it."""
    secrets = f"{CORE}/namespaces/{OPERATOR.namespace}/secrets"
    ca, serving = f"{secrets}/operator-ca", f"{secrets}/operator-webhook-tls"
    old = _value(hands, ca, "tls.crt")
    hands.delete(ca)
    hands.until("cert-manager has made the CA anew", lambda: _value(hands, ca, "tls.crt") not in (b"", old))
    new = _value(hands, ca, "tls.crt")
    hands.delete(serving)

    def follows() -> bool:
        authority = _value(hands, serving, "ca.crt")
        if authority and authority != new:  # made by an issuer that had not seen the new CA yet
            hands.delete(serving)
        return authority == new

    hands.until("cert-manager has issued a certificate of the new CA", follows)


def _value(hands: Hands, path: str, key: str) -> bytes:
    secret = hands.get(path)
    return b"" if secret is None else base64.b64decode((secret.get("data") or {}).get(key) or "")


class _Scaled:
    """cainjector kept away by its Deployment."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    def shut(self) -> None:
        self._hands.scale("cert-manager", INJECTOR, 0)
        self._hands.until("cainjector is gone", lambda: not self._hands.pods("cert-manager", INJECTOR_LABELS))

    def open(self) -> None:
        self._hands.scale("cert-manager", INJECTOR, 1)


class _Held:
    """cainjector running, but kept from leading by a lease that somebody else holds."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    def shut(self) -> None:
        self._hands.until("the lease of cainjector is taken", lambda: self._write("gone", 3600))
        # The leader of before learns only at its next look; its successor waits from the beginning.
        self._replace()

    def open(self) -> None:
        self._hands.until("the lease of cainjector is free", lambda: self._write("", 1))
        # Whoever waits looks every 15 s; a pod that starts looks at once.
        self._hands.delete_pods("cert-manager", INJECTOR_LABELS, 0)

    def _replace(self) -> None:
        names = self._hands.delete_pods("cert-manager", INJECTOR_LABELS, 0)

        def replaced() -> bool:
            pods = self._hands.pods("cert-manager", INJECTOR_LABELS)
            return not any(pod["metadata"]["name"] in names for pod in pods)

        self._hands.until("cainjector's pod is replaced", replaced)
        self._hands.until("cainjector is available", lambda: self._hands.available("cert-manager", INJECTOR))

    def _write(self, holder: str, seconds: int) -> bool:
        path = f"{LEASES}/{INJECTOR_LEASE}"
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
        spec = {"holderIdentity": holder, "leaseDurationSeconds": seconds, "acquireTime": now, "renewTime": now}
        lease = self._hands.get(path)
        if lease is None:
            return False
        lease["spec"].update(spec)
        return self._hands.ask("PUT", path, lease).ok
