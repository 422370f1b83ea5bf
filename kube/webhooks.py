"""Whose webhook is it? An account of the webhook that a failure is about, found out within a few seconds.

Often it is not the one that one thinks of: a policy engine, a service mesh, or a configuration that an uninstalled
product has left behind. Only reads, and a few connections to a pod of the webhook.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from base.parallel import Background, each
from kube.bounded import Questions
from kube.client import Client
from kube.discovery import CRDS, MUTATING, VALIDATING
from kube.failures import Failure
from kube.objects import Object, Ref, field
from kube.webhook_account import Account, Whose
from kube.webhook_backend import Backend, Served, ask_backend, ask_served
from kube.webhook_fill import Filler, ask_filler
from kube.webhook_products import product_of
from kube.webhook_registrations import CONVERSION, Registration, registrations_of

__all__ = ["Account", "account", "suspects"]

SECONDS = 5.0
"""Seconds that an account may take in all; each read is bounded by itself (kube/bounded.py)."""

MOST = 4
"""Registrations that one account looks at: more hold the same name only where somebody generates them."""

_URL = re.compile(r"\b(?:post|get|put) [\\\"'`]*(https?://[^\s\"'`\\]{1,500})", re.IGNORECASE)
_SERVICE_HOST = re.compile(r"([a-z0-9-]+)\.([a-z0-9-]+)\.svc\Z")
_CONVERSION = re.compile(r"conversion webhook for ([^\s/,]{0,253})/([^\s/,]{1,63}), Kind=([A-Za-z0-9]{1,63})")
_DENIED = "denied the request"


@dataclass(frozen=True)
class Subject:
    """What a failure says about the webhook: its name, the kind to convert, what was called; empty texts: nothing."""

    webhook: str = ""
    group: str = ""
    version: str = ""
    kind: str = ""
    url: str = ""
    denied: bool = False

    @property
    def name(self) -> str:
        """The webhook's name; a conversion webhook, which has none, is named after what it converts."""
        return self.webhook or f"conversion of {self.kind}.{self.group}"

    @property
    def called(self) -> tuple[tuple[str, str], int, str]:
        """Namespace and name of the Service in the URL (empty: none), port and path."""
        try:
            parts = urlsplit(self.url)
            port = parts.port or 443
        except ValueError:  # brackets or a port that are none
            return ("", ""), 443, "/"
        host = _SERVICE_HOST.match((parts.hostname or "").lower())
        return ((host[2], host[1]) if host else ("", "")), port, parts.path or "/"


def subject_of(failure: Failure) -> Subject | None:
    """What a failure says about a webhook, or None where it is about none."""
    text = failure.message
    conversion = _CONVERSION.search(text)
    if not failure.webhook and not conversion:
        return None
    url = _URL.search(text)
    address = url[1].rstrip(":,;") if url else ""
    if failure.webhook:
        return Subject(failure.webhook, url=address, denied=_DENIED in text and not url)
    assert conversion is not None
    return Subject("", conversion[1], conversion[2], conversion[3], address)


def account(client: Client, failure: Failure) -> Account | None:
    """Find out whose webhook a failure is about; None where it is about none.

    Raises nothing: what may not be read, or is not answered within a few seconds, is left out and said.
    """
    subject = subject_of(failure)
    if subject is None:
        return None
    questions = Questions(client, SECONDS)
    known = _converting(questions, subject) if subject.kind else _admitting(questions, subject)
    chosen = [_told(subject)] if known is None else select(known, subject)[:MOST]
    found = each(lambda one: _whose(questions, one, subject.denied), chosen, workers=MOST)
    return Account(subject.name, tuple(found), tuple(questions.notes))


def suspects(client: Client, resource: str) -> Account | None:
    """The webhooks that are asked about writes of a resource (`plural.group`); None where there are none.

    A request that hung is answered without a word about whom the API server waited for. Those that it waits for
    longest come first. Raises nothing, as `account`.
    """
    plural, _, group = resource.partition(".")
    questions = Questions(client, SECONDS)
    known = [one for one in _registered(questions)[0] if one.catches(group, plural)]
    known.sort(key=lambda one: -one.timeout)
    found = each(lambda one: replace(_whose(questions, one, False), suspected=True), known[:MOST], workers=MOST)
    return Account("", tuple(found), tuple(questions.notes)) if found else None


def select(registrations: Sequence[Registration], subject: Subject) -> list[Registration]:
    """Those that the failure means: where several hold the name, the one that calls what the URL says."""
    named = [one for one in registrations if one.name.lower() == subject.webhook.lower() or one.conversion]
    service, _, path = subject.called
    for fits in (
        [one for one in named if one.service == service and one.path == path],
        [one for one in named if one.service == service],
    ):
        if fits and service[1]:
            return fits
    return named


def _admitting(questions: Questions, subject: Subject) -> list[Registration] | None:
    """The registrations of all webhook configurations; None where none may be read."""
    found, complete = _registered(questions)
    named = any(one.name.lower() == subject.webhook.lower() for one in found)
    return found if named or complete else None


def _registered(questions: Questions) -> tuple[list[Registration], bool]:
    """What all webhook configurations register, and whether both lists could be read."""
    mutating = Background(lambda: questions.list(MUTATING), "mutating configurations")
    validating = questions.list(VALIDATING)
    lists = [mutating.result(), validating]
    found = [one for told in lists for obj in told.items for one in registrations_of(obj)]
    return found, all(told.known for told in lists)


def _converting(questions: Questions, subject: Subject) -> list[Registration] | None:
    """The conversion webhook of the CRD that defines the subject's kind; None where it may not be read."""
    served = questions.path(f"/apis/{subject.group}/{subject.version}", f"discover {subject.group}/{subject.version}")
    resources = field(served.value, "resources", default=[])
    plural = next((str(one.get("name")) for one in resources if one.get("kind") == subject.kind), "")
    # a version that is not served any more: most plurals are made like this
    plural = plural.partition("/")[0] or f"{subject.kind.lower()}s"
    told = questions.get(CRDS, "", f"{plural}.{subject.group}")
    if not told.known:
        return None
    return registrations_of(told.value) if told.value else []


def _told(subject: Subject) -> Registration:
    """What the failure alone tells about a registration that may not be read."""
    service, port, path = subject.called
    nobody = Ref("", "", "", "")
    obj: Object = {}
    product = product_of(obj, subject.webhook, service[1])
    url = "" if service[1] else subject.url
    index = CONVERSION if subject.kind else 0
    return Registration(nobody, obj, subject.name, index, 1, service, port, path, url, "", 0, b"", (), product)


def _whose(questions: Questions, registration: Registration, denied: bool) -> Whose:
    """Look behind one registration: Service and CA source at the same time, then the certificate of a pod."""
    filling = None
    if registration.owner.kind and not denied:
        filling = Background(lambda: ask_filler(questions, registration), "who fills the bundle")
    backend: Backend | None = None
    served: Served | None = None
    if registration.service[1]:
        backend = ask_backend(questions, registration.service, registration.port)
        if not denied:
            served = ask_served(questions, registration.service, backend, registration.bundle)
    filler = filling.result() if filling else Filler()
    now = time.time() + (questions.client.skew or 0.0)
    return Whose(registration, now, backend, served, filler, denied)
