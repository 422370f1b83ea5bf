"""What stands behind a webhook: its Service, the pods that answer, and the certificate that they show."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from base.errors import FritError, NotReady
from base.parallel import Background
from kube.access import Permission
from kube.bounded import Questions, Told
from kube.discovery import CORE_V1, ENDPOINT_SLICES
from kube.objects import Object, field
from kube.port_forward import forwarded, handshake, trusting
from kube.x509 import Certificate, read, read_all

SIGNATURE_FAILURE = 7
"""X509_V_ERR_CERT_SIGNATURE_FAILURE of OpenSSL: an authority has the right name and another key."""

MOST_ANCHORS = 3


@dataclass(frozen=True)
class Backend:
    """A Service as a webhook needs it. None stands for what could not be known.

    `serves_port`: whether it has the port that is called; `ready`: how many addresses take connections; `pods`: the
    ready ones that are pods; `pod_port`: where they listen, 0 if unknown; `selector` as `a=b,c=d`.
    """

    exists: bool | None = None
    serves_port: bool | None = None
    ready: int | None = None
    pods: tuple[str, ...] = ()
    pod_port: int = 0
    selector: str = ""


@dataclass(frozen=True)
class Served:
    """The certificate that a pod shows. `trusted`: whether the CA bundle holds who signed it, None without a bundle.

    `why` is OpenSSL's reason where it does not, or why no certificate could be had.
    """

    pod: str
    certificate: Certificate | None = None
    trusted: bool | None = None
    why: str = ""


def ask_backend(questions: Questions, service: tuple[str, str], port: int) -> Backend:
    """Look at a Service (namespace, name) and its endpoints: two reads at the same time."""
    namespace, name = service
    query = {"labelSelector": f"kubernetes.io/service-name={name}"}
    slices = Background(lambda: questions.list(ENDPOINT_SLICES, namespace, query), "endpoint slices")
    return backend_of(questions.get(CORE_V1["Service"], namespace, name), slices.result(), port)


def backend_of(service: Told, slices: Told, port: int) -> Backend:
    """Put together what the Service and its EndpointSlices say about one port."""
    if service.missing:
        return Backend(exists=False, ready=0 if slices.known else None)
    ports = field(service.value, "spec", "ports", default=[])
    called = next((one for one in ports if one.get("port") == port), None)
    selector = field(service.value, "spec", "selector", default={})
    exists = True if service.known else None
    serves = called is not None if service.known else None
    marks = ",".join(f"{key}={value}" for key, value in selector.items())
    if not slices.known:
        return Backend(exists, serves, selector=marks)
    ready = [one for part in slices.items for one in _ready(part)]
    pods = [str(field(one, "targetRef", "name")) for one in ready if field(one, "targetRef", "kind") == "Pod"]
    addresses = {str(address) for one in ready for address in field(one, "addresses", default=[])}
    listening = [
        int(one["port"])
        for part in slices.items
        for one in field(part, "ports", default=[])
        if one.get("port") and (called is None or (one.get("name") or "") == (called.get("name") or ""))
    ]
    # without the Service nobody knows which of several ports it is
    sure = listening if called is not None or len(set(listening)) == 1 else []
    return Backend(exists, serves, len(addresses), tuple(dict.fromkeys(pods)), sure[0] if sure else 0, marks)


def _ready(endpoint_slice: Object) -> list[Object]:
    """The endpoints that take connections; a missing `ready` means yes. Source: EndpointSlice v1 API reference."""
    endpoints = field(endpoint_slice, "endpoints", default=[])
    return [one for one in endpoints if field(one, "conditions", "ready", default=True)]


def ask_served(questions: Questions, service: tuple[str, str], backend: Backend, bundle: bytes) -> Served | None:
    """Shake hands with a ready pod as the API server would, and read its certificate; None where it may not be.

    `bundle` is the PEM text to trust. Where it is not enough, another connection that trusts everything shows what it
    was not enough for.
    """
    if not backend.pods or not backend.pod_port:
        return None
    namespace, name = service
    pod, host = backend.pods[0], f"{name}.{namespace}.svc"

    def shown(authorities: list[bytes]) -> bytes:
        context = trusting(authorities)
        limit = questions.limit()
        if limit <= 0:
            raise NotReady("no time was left")
        tunnel = forwarded(questions.client, namespace, pod, backend.pod_port, timeout=limit)
        try:
            return handshake(tunnel, context, host)
        finally:
            tunnel.close()

    trusted, why = None if not bundle else False, ""
    try:
        for anchors in attempts([one.der for one in read_all(bundle)]):
            try:
                return Served(pod, read(shown(anchors)), trusted=True)
            except ssl.SSLCertVerificationError as error:
                why = str(error.verify_message or error.reason)
                if error.verify_code != SIGNATURE_FAILURE:
                    break
        return Served(pod, read(shown([])), trusted, why)
    except FritError as error:
        permission = Permission("get", "", "pods", namespace, "portforward")
        questions.note(f"read the certificate that Pod {namespace}/{pod} serves", error, permission)
        return None
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        return Served(pod, None, None, f"no TLS handshake with port {backend.pod_port}: {reason}")


def attempts(anchors: list[bytes]) -> list[list[bytes]]:
    """Which authorities (DER) to trust together, one attempt after the other; none where there are none.

    OpenSSL tries one authority of each name and gives up where it has not signed; Go tries them all. A bundle with an
    old and a new CA of one name is what cainjector leaves, so each is tried by itself then, the newest first.
    """
    if len(anchors) < 2:
        return [anchors] if anchors else []
    return [anchors, *([one] for one in reversed(anchors[-MOST_ANCHORS:]))]
