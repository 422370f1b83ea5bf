"""Does cert-manager issue? A selfSigned certificate in a namespace of its own, which is removed again in any case.

The check `issue` is the only one that writes. What a killed run left behind is removed by the next one: namespaces
with our label and our name's prefix that are older than five minutes.
"""

from __future__ import annotations

import secrets
import ssl
import tempfile
import time
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any

from base import exits
from base.budget import Budget
from base.clock import Deadline, Run, seconds_text
from base.errors import FritError, NotReady
from base.events import Listener
from base.parallel import Background
from base.policy import History, retry_policy
from certificates.bundle import certificates_in, decoded
from certificates.checks import Check, failed, passed, unknown
from certificates.facts import Missed
from certificates.leftovers import LABEL, NAMESPACES, PREFIX, VALUE, delete_namespace, sweep
from kube.access import Permission
from kube.apply import FIELD_MANAGER
from kube.client import Client
from kube.discovery import CORE_V1, Resource
from kube.failures import ApiError, Kind
from kube.objects import Object, condition, field, ref_of
from kube.patience import Patience, repeated
from kube.readiness import readiness_of
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake

NAME = "issue"
DNS_NAME = "frit-check.invalid"
SECRET = "frit-check-tls"  # noqa: S105 -- a name
LIMIT = 60.0
"""Seconds that the issuance may take; a selfSigned certificate takes about two."""

REMOVAL = 15.0
"""Seconds for which the removal of the namespace is tried, whatever time the trial has left."""

NOT_CREATED = (Kind.ALREADY_EXISTS, Kind.DENIED, Kind.FORBIDDEN, Kind.INVALID, Kind.UNAUTHENTICATED)
"""Answers after which it is certain that the server stored nothing of ours."""

ISSUERS = Resource("cert-manager.io", "v1", "issuers", "Issuer", True)
CERTIFICATES = Resource("cert-manager.io", "v1", "certificates", "Certificate", True)
REQUESTS = Resource("cert-manager.io", "v1", "certificaterequests", "CertificateRequest", True)


@dataclass
class Issuance:
    """One trial issuance. The namespace's name is chosen here, so that it can be removed whatever was answered.

    `limit` is in seconds; `hint` is what to do when nothing is issued.
    """

    client: Client
    run: Run
    emit: Listener
    limit: float = LIMIT
    hint: str = ""
    namespace: str = dataclass_field(default_factory=lambda: PREFIX + secrets.token_hex(4))
    _asked: Permission = dataclass_field(default=Permission("create", "", "namespaces"))
    _sent: bool = False

    def check(self) -> Check:
        """Issue, verify and clean up. Raises `Cancelled`; every other failure is the check's verdict."""
        try:
            verdict = self._trial()
        finally:
            left = self.remove()
        if left:
            message = f"{verdict.message}; namespace {self.namespace} is left: {left}"
            return failed(NAME, message, f"kubectl delete namespace {self.namespace}")
        return verdict

    def remove(self) -> str:
        """Delete the namespace, as far as this trial made it; an empty text, or why it is left."""
        if not self._sent:
            return ""
        # a run of its own, because an interrupted one does not wait any more
        patience = Patience(retry_policy(), Run(), Deadline.after(REMOVAL), self.emit)
        try:
            delete_namespace(self.client, self.namespace, patience)
        except FritError as error:
            return error.message
        return ""

    def remove_quickly(self, seconds: float = 0.8) -> str:
        """The same for the last moment of an interrupted run; gives up after `seconds`."""
        removal = Background(self.remove, "remove-namespace")
        until = time.monotonic() + seconds
        pause = Run()  # its own, because the interrupted run does not wait any more
        while not removal.done and time.monotonic() < until:
            pause.sleep(0.02)
        return removal.result() if removal.done else "the API server did not answer in time"

    def _trial(self) -> Check:
        began = time.monotonic()
        patience = Patience(retry_policy(), self.run, Deadline.after(self.limit), self.emit, Budget())
        client = self.client.patient(patience)
        try:
            sweep(client, patience)
            for obj, resource in objects(self.namespace):
                self._create(obj, resource, patience)
            self._await(client, patience.deadline)
            wrong = mismatch(self._read(client, CORE_V1["Secret"], SECRET))
        except ApiError as error:
            return self._refused(error)
        except NotReady as error:
            return failed(NAME, error.message, error.hint)
        took = seconds_text(time.monotonic() - began)
        if wrong:
            return failed(NAME, f"the Certificate is said to be issued, but its Secret is wrong: {wrong}")
        return passed(NAME, f"a selfSigned Certificate was issued in {took}; its namespace is removed again")

    def _create(self, obj: Object, resource: Resource, patience: Patience) -> None:
        """Create one object, never adopting one that is there; an attempt whose answer was lost counts as ours."""
        ref = ref_of(obj)
        doing = f"create {ref}"
        attempts = 0
        self._asked = Permission("create", resource.group, resource.plural, ref.namespace)

        def once() -> None:
            nonlocal attempts
            attempts += 1
            query = {"fieldManager": FIELD_MANAGER}
            self.client.request("POST", resource.path(ref.namespace), doing=doing, query=query, body=obj, timeout=10.0)

        before, self._sent = self._sent, True
        try:
            repeated(once, what=doing, patience=patience, history=History(doing))
        except ApiError as error:
            if error.failure.kind is not Kind.ALREADY_EXISTS or attempts == 1:
                self._sent = before or error.failure.kind not in NOT_CREATED
                raise

    def _await(self, client: Client, deadline: Deadline) -> None:
        def question() -> Yes[None] | NotYet:
            certificate = self._read(client, CERTIFICATES, "frit-check")
            if readiness_of(certificate).ready:
                return Yes(None)
            self._asked = Permission("list", REQUESTS.group, REQUESTS.plural, self.namespace)
            doing = f"list CertificateRequests in namespace {self.namespace}"
            requests = client.get(REQUESTS.path(self.namespace), doing=doing)
            reason, final = progress(certificate, list(requests.get("items") or []))
            if final:
                raise NotReady(f"the Certificate was not issued: {reason}", hint=self.hint)
            return NotYet(reason)

        wait_until(
            question,
            what="a selfSigned Certificate",
            run=self.run,
            deadline=deadline,
            emit=self.emit,
            wake=Wake(),
            pause=0.3,
            out_of_time=lambda reason: NotReady(
                f"no selfSigned Certificate was issued within {seconds_text(self.limit)}: {reason}", hint=self.hint
            ),
        )

    def _read(self, client: Client, resource: Resource, name: str) -> Object:
        self._asked = Permission("get", resource.group, resource.plural, self.namespace)
        doing = f"read {resource.kind} {self.namespace}/{name}"
        found: Object = client.get(resource.path(self.namespace, name), doing=doing)
        return {"apiVersion": resource.api_version, "kind": resource.kind, **found}

    def _refused(self, error: ApiError) -> Check:
        failure = error.failure
        if failure.kind is Kind.FORBIDDEN:
            return unknown(NAME, Missed(self._asked, failure))
        return failed(
            NAME, error.message, error.hint, code=exits.UNREACHABLE if not failure.status else error.exit_code
        )


def objects(namespace: str) -> list[tuple[Object, Resource]]:
    """What a trial creates, in order. The certificate is a CA, because OpenSSL lists only those with their names."""
    labels = {LABEL: VALUE}
    meta = {"name": "frit-check", "namespace": namespace, "labels": labels}
    spec = {
        "secretName": SECRET,
        "commonName": DNS_NAME,
        "dnsNames": [DNS_NAME],
        "isCA": True,
        "duration": "1h",
        "renewBefore": "10m",
        "privateKey": {"algorithm": "ECDSA", "size": 256},
        "issuerRef": {"name": "frit-check", "kind": "Issuer", "group": "cert-manager.io"},
    }
    return [
        ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}, NAMESPACES),
        ({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": meta, "spec": {"selfSigned": {}}}, ISSUERS),
        ({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": meta, "spec": spec}, CERTIFICATES),
    ]


def progress(certificate: Object, requests: list[Object]) -> tuple[str, bool]:
    """Why a Certificate is not issued yet, and whether waiting is useless.

    Source: cert-manager's API reference, CertificateRequest conditions (Approved, Denied, InvalidRequest, Ready).
    """
    for one in requests:
        for kind in ("Denied", "InvalidRequest"):
            if condition(one, kind).get("status") == "True":
                return f"the CertificateRequest is {kind}: {condition(one, kind).get('message', '')}", True
        ready = condition(one, "Ready")
        if ready.get("reason") == "Failed":
            return f"the CertificateRequest failed: {ready.get('message', '')}", True
        if not condition(one, "Approved"):
            return "nobody has approved the CertificateRequest yet", False
        if ready.get("status") != "True":
            return str(ready.get("message") or "the issuer has not answered the CertificateRequest yet"), False
    if not field(certificate, "status", "conditions"):
        return "the controller has not looked at the Certificate yet", False
    return str(condition(certificate, "Ready").get("message") or "no CertificateRequest was made yet"), False


def mismatch(secret: Object) -> str:
    """What is wrong with the Secret of a trial, or an empty text: it must hold the right name and the key to it."""
    certificate, key = (decoded(field(secret, "data", name)) for name in ("tls.crt", "tls.key"))
    if not certificates_in(certificate):
        return "it holds no certificate"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=certificate.decode("ascii"))
        names = {value for one in context.get_ca_certs() for _, value in _names(one)}
    except (ssl.SSLError, UnicodeDecodeError) as error:
        return f"its certificate cannot be parsed: {error}"
    if DNS_NAME not in names:
        return f"its certificate is for {', '.join(sorted(names)) or 'no name'} instead of {DNS_NAME}"
    return "" if _belong_together(certificate, key) else "its key is not the certificate's"


def _names(decoded_certificate: Any) -> list[tuple[str, str]]:
    return list(decoded_certificate.get("subjectAltName", ()))


def _belong_together(certificate: bytes, key: bytes) -> bool:
    """Whether OpenSSL takes key and certificate as a pair.

    Python's ssl reads a key from a file only. This key protects nothing (its namespace is removed in a moment), and
    the file is readable by this user alone and gone at once.
    """
    with tempfile.TemporaryDirectory(prefix="frit-") as folder:
        pair = Path(folder) / "pair.pem"
        pair.touch(mode=0o600)
        pair.write_bytes(certificate + b"\n" + key)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair, password="")
        except ssl.SSLError:
            return False
    return True
