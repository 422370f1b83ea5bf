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

from tests.chaos.gates import Gate, Scaled
from tests.chaos.hands import CORE, Hands
from tests.chaos.targets import CA_SECRET, CERT_MANAGER, INJECTOR, OPERATOR, Webhook

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
    kubeconfig: Path, seconds: float | None = None, *, of: Webhook = CERT_MANAGER, gate: Gate | None = None
) -> Iterator[Opened]:
    """A window at a webhook; it is open when the block begins, and the webhook works again when it has ended.

    With `seconds` it closes by itself so long after the API server first said that it does not trust the certificate.
    `gate` keeps cainjector from its work: unless another one is given, it is scaled to 0. Raises ClusterError.
    """
    hands = Hands(kubeconfig)
    gate = gate or Scaled(hands, INJECTOR)
    opened: Opened | None = None
    try:
        gate.shut()
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
    for name in (INJECTOR.deployment, CERT_MANAGER.deployment):
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
    old = value(hands, ca, "tls.crt")
    hands.delete(ca)
    hands.until("cert-manager has made the CA anew", lambda: value(hands, ca, "tls.crt") not in (b"", old))
    new = value(hands, ca, "tls.crt")
    hands.delete(serving)

    def follows() -> bool:
        authority = value(hands, serving, "ca.crt")
        if authority and authority != new:  # made by an issuer that had not seen the new CA yet
            hands.delete(serving)
        return authority == new

    hands.until("cert-manager has issued a certificate of the new CA", follows)


def value(hands: Hands, path: str, key: str) -> bytes:
    """What stands in a Secret under a key; nothing where one of them is not there."""
    secret = hands.get(path)
    return b"" if secret is None else base64.b64decode((secret.get("data") or {}).get(key) or "")
