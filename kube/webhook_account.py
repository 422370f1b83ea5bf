"""An account of a webhook that failed: what was found out, as data and as lines for people."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from kube.webhook_backend import Backend, Served
from kube.webhook_fill import Filler
from kube.webhook_registrations import CONVERSION_NONE, Registration, listed, removals
from kube.x509 import Certificate, read_all

CERT_MANAGER = "cert-manager"


@dataclass(frozen=True)
class Whose:
    """One registration of the webhook that failed, and what stands behind it.

    `backend` is None where it calls a URL; `served` where no certificate was looked at; `denied` says that the
    webhook was reached and refused, `suspected` that it may be the one that hangs. `now` is the server's clock (seconds
    since the epoch). A registration without an owner is what the failure alone tells: the configurations may not be
    read.
    """

    registration: Registration
    now: float
    backend: Backend | None = None
    served: Served | None = None
    filler: Filler = dataclass_field(default_factory=Filler)
    denied: bool = False
    suspected: bool = False

    @property
    def known(self) -> bool:
        """Whether the configuration or CRD itself was read."""
        return bool(self.registration.owner.kind)

    @property
    def authorities(self) -> list[Certificate]:
        """The certificates of the CA bundle that can be read."""
        return read_all(self.registration.bundle)

    @property
    def bundle(self) -> str:
        """In one word, how the bundle stands.

        `unknown`, `empty`, `not-pem`, `expired` (each that could have signed), `trusted`, `not-trusted`, or
        `not-compared` where there is nothing to compare it with.
        """
        served = self.served
        if not self.known:
            return "unknown"
        if not self.registration.bundle:
            return "empty"
        if not self.authorities:
            return "not-pem"
        issuer = served.certificate.issuer if served and served.certificate else None
        signers = [one for one in self.authorities if one.subject == issuer] or self.authorities
        if served and served.trusted is False:
            return "not-trusted"
        if all(self.now > one.not_after for one in signers):
            return "expired"
        return "trusted" if served and served.trusted else "not-compared"

    @property
    def wrong(self) -> bool:
        """Whether the bundle is the reason, or part of it."""
        return self.bundle in ("empty", "not-pem", "expired", "not-trusted") or self.filler.filled is False


@dataclass(frozen=True)
class Account:
    """Whose the webhook of a failure is. `lines` are for people; `notes` say what could not be known, and why."""

    webhook: str
    found: tuple[Whose, ...]
    notes: tuple[str, ...]

    @property
    def foreign(self) -> bool:
        """Whether it is known to be another product's than cert-manager."""
        names = {one.registration.product.name for one in self.found if one.known}
        return bool(names) and CERT_MANAGER not in names

    @property
    def lines(self) -> tuple[str, ...]:
        """What was found, what could not be known, and the next steps, each line complete in itself."""
        lines = [line for one in self.found for line in lines_of(one)]
        if not self.found:
            lines.append(f"nothing registers webhook {self.webhook} any more: what failed may be over")
        lines += [f"  not known: {one}" for one in self.notes]
        return (*lines, *(f"  next: {one}" for one in dict.fromkeys(steps_of(self.found))))

    def data(self) -> dict[str, Any]:
        """The account for scripts; stable keys."""
        return {
            "name": self.webhook,
            "registrations": [_data(one) for one in self.found],
            "unknown": list(self.notes),
            "next": list(dict.fromkeys(steps_of(self.found))),
        }


def lines_of(whose: Whose) -> Iterator[str]:
    """One registration for people: who it is on the first line, what was found below."""
    registration = whose.registration
    product = registration.product.name
    if whose.known:
        belongs = f"belongs to {product}" if product else "does not say to which product it belongs"
        policy = "" if registration.conversion else f"failurePolicy {registration.policy}, "
        yield f"{registration.title} {belongs} ({policy}timeout {registration.timeout} s)"
    else:
        yield f"webhook {registration.name} belongs to {product or 'an unknown product'}, by its name"
    yield f"  it calls {_target(whose)}"
    if whose.denied:
        yield "  it was reached and refused: that is its verdict, not a fault of the call"
        return
    if whose.backend is not None and whose.backend.exists is False:
        return  # with nobody to call, neither certificate nor bundle matters
    if whose.served is not None:
        yield f"  Pod {registration.service[0]}/{whose.served.pod} {_certificate(whose, whose.served)}"
    if whose.known:
        yield f"  {_bundle(whose)}"
        yield f"  {_filler(whose)}"


def _target(whose: Whose) -> str:
    registration, backend = whose.registration, whose.backend
    if backend is None:
        return f"{registration.url}, by its URL" if registration.url else "something that the failure does not name"
    where = f"{registration.target}, port {registration.port}"
    if backend.exists is False:
        return f"{registration.target}, which does not exist"
    if backend.serves_port is False:
        return f"{where}, a port that this Service does not have"
    if backend.ready is None:
        return where
    if not backend.ready:
        return f"{where}, which has no ready endpoint"
    return f"{where}, which has {backend.ready} ready endpoint{'s' * (backend.ready > 1)}"


def _certificate(whose: Whose, served: Served) -> str:
    one = served.certificate
    if one is None:
        return f"shows no certificate: {served.why}"
    names = listed(one.names) or "no name at all"
    if whose.now > one.not_after:
        valid = f"which EXPIRED on {date(one.not_after)}"
    elif whose.now < one.not_before - 1.0:  # the server tells its time in whole seconds
        valid = f"which is NOT VALID before {date(one.not_before)}"
    else:
        valid = f"valid until {date(one.not_after)}"
    signer = "signed by itself" if one.issuer == one.subject else f"signed by {one.issuer or 'somebody without a name'}"
    text = f"serves a certificate for {names}, {signer}, {valid}"
    host = whose.registration.host
    return text if one.covers(host) else f"{text}; it is NOT for {host}, the name that the API server calls"


def _bundle(whose: Whose) -> str:
    holds = listed(
        [f"{one.subject or 'a CA without a name'} (until {date(one.not_after)})" for one in whose.authorities]
    )
    served = whose.served.certificate if whose.served else None
    match whose.bundle:
        case "empty":
            return "the CA bundle is EMPTY: the API server trusts only the public CAs of its machine"
        case "not-pem":
            return "the CA bundle is NOT PEM: the API server cannot load it, and calls nobody"
        case "expired":
            return f"the CA bundle holds only EXPIRED certificates: {holds}"
        case "trusted":
            return "the CA bundle holds the CA that signed it"
        case "not-trusted":
            same = served is not None and any(one.subject == served.issuer for one in whose.authorities)
            but = "of the same name, but with another key" if same else "not the one that signed it"
            return f"the CA bundle does NOT MATCH that certificate: it holds {holds}, {but}"
    return f"the CA bundle holds {holds}"


def _filler(whose: Whose) -> str:
    filler = whose.filler
    if not filler.by:
        wrote = f"; {filler.writer} wrote it last" if filler.writer else ""
        return f"nothing says who fills the CA bundle{wrote}"
    text = f"the CA bundle is filled by {filler.by}" + (f" from {filler.source}" if filler.source else "")
    if filler.writer and filler.has_ca is None:
        text += f" ({filler.writer} wrote it last)"
    if filler.filled:
        text += ", whose CA is in it"
    elif filler.filled is False:
        text += ", whose CA is NOT in it"
    return f"{text}: {filler.problem}" if filler.problem else text


def steps_of(found: Sequence[Whose]) -> Iterator[str]:
    """What to do next, one command a line where there is one."""
    gone = [one.registration for one in found if one.known and one.backend and one.backend.exists is False]
    for owner, command in removals(gone).items():
        one_of = next(one for one in gone if one.owner == owner)
        yield f"if {one_of.product.name or 'its product'} was removed, take out what it left: {command}"
        if one_of.conversion:
            yield f"beware of that: {CONVERSION_NONE}"
    for one in found:
        if not one.denied and one.registration not in gone:
            yield from _steps(one)


def _steps(whose: Whose) -> Iterator[str]:
    registration, backend, served = whose.registration, whose.backend, whose.served
    namespace, name = registration.service
    if registration.url and whose.known:
        yield f"from where the API server runs, see who answers there, with which certificate: {registration.url}"
        yield _look(registration)
    marks = f" -l {backend.selector}" if backend is not None and backend.selector else ""
    if backend is not None and backend.ready == 0:
        yield f"kubectl -n {namespace} get pods{marks}"
        yield f"kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name}"
    elif whose.suspected and backend is not None:
        yield f"see whether it answers: kubectl -n {namespace} get pods{marks}"
    certificate = served.certificate if served else None
    if served and certificate and whose.now > certificate.not_after:
        yield f"restart what serves the expired certificate: kubectl -n {namespace} delete pod {served.pod}"
    if whose.wrong:
        if whose.filler.steps:
            yield from whose.filler.steps
        elif whose.filler.by and not whose.filler.source:
            yield f"have {whose.filler.by} fill the bundle again"
        if not whose.filler.by:
            yield _look(registration)
    elif certificate and whose.bundle == "trusted" and _valid(whose, certificate) and not whose.suspected:
        yield "its certificate and the CA bundle match now: run the same command again"


def _look(registration: Registration) -> str:
    kind = "crd" if registration.conversion else registration.owner.kind.lower()
    return f"kubectl get {kind} {registration.owner.name} -o yaml   shows what is registered"


def _valid(whose: Whose, certificate: Certificate) -> bool:
    in_time = certificate.not_before - 1.0 <= whose.now <= certificate.not_after
    return in_time and certificate.covers(whose.registration.host)


def date(seconds: float) -> str:
    """A moment for people, to the minute, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _data(whose: Whose) -> dict[str, Any]:
    registration, backend, served, filler = whose.registration, whose.backend, whose.served, whose.filler
    certificate = served.certificate if served else None
    service = None
    if backend is not None:
        service = {
            "namespace": registration.service[0],
            "name": registration.service[1],
            "port": registration.port,
            "path": registration.path,
            "exists": backend.exists,
            "readyEndpoints": backend.ready,
        }
    shown = None
    if served is not None:
        shown = {
            "pod": served.pod,
            "issuer": certificate.issuer if certificate else None,
            "names": list(certificate.names) if certificate else [],
            "notBefore": _stamp(certificate.not_before) if certificate else None,
            "notAfter": _stamp(certificate.not_after) if certificate else None,
            "coversHost": certificate.covers(registration.host) if certificate else None,
            "why": served.why,
        }
    return {
        "kind": registration.owner.kind,
        "name": registration.owner.name,
        "webhook": registration.name,
        "product": registration.product.name,
        "failurePolicy": registration.policy if whose.known and not registration.conversion else None,
        "timeoutSeconds": registration.timeout if whose.known else None,
        "url": registration.url or None,
        "service": service,
        "served": shown,
        "bundle": {
            "state": whose.bundle,
            "certificates": [
                {"subject": one.subject, "notBefore": _stamp(one.not_before), "notAfter": _stamp(one.not_after)}
                for one in whose.authorities
            ],
        },
        "filler": {
            "by": filler.by,
            "source": filler.source,
            "lastWriter": filler.writer,
            "sourceHasCA": filler.has_ca,
            "sourceIsInBundle": filler.filled,
            "problem": filler.problem,
        },
    }
