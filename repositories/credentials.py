"""Credentials for a package repository: what there is, where an object keeps it, and how it stays out of sight.

Glasskube's API knows `spec.auth.basic` and `spec.auth.bearer`, each value inline or as a key of a Secret in the
namespace glasskube-system. It has no field for a client certificate or a CA bundle, and an API server drops fields
that a definition does not know; so those two are named by annotations, which a client that does not know them passes
over. The keys in their Secrets are those of a Secret that cert-manager writes: `tls.crt`, `tls.key`, `ca.crt`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as declared
from typing import Any, Final
from urllib.parse import quote

from base.errors import FritError, RepositoryUnusable
from base.events import Event, GaveUp, Listener, Retried, Said, Waiting
from kube.objects import field
from repositories.objects import GROUP

NAMESPACE: Final = "glasskube-system"
"""Where Glasskube, and so frit, looks for the Secrets that repositories refer to."""

CLIENT_CERTIFICATE: Final = f"{GROUP}/client-certificate-secret"
"""Annotation: the Secret whose `tls.crt` and `tls.key` frit shows to the repository's server."""

CA_BUNDLE: Final = f"{GROUP}/ca-bundle-secret"
"""Annotation: the Secret whose `ca.crt` frit trusts for this repository, besides the system's authorities."""

KEYS: Final = {
    "username": "username",
    "password": "password",
    "token": "token",
    "client_certificate": "tls.crt",
    "client_key": "tls.key",
    "ca_bundle": "ca.crt",
}
"""Field of `Credentials` -> key in a Secret."""

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""Annotation: the whole object as `kubectl apply` was given it, credentials included."""

_LOGIN: Final = {"username": "basic", "password": "basic", "token": "bearer"}
_TLS: Final = {"client_certificate": CLIENT_CERTIFICATE, "client_key": CLIENT_CERTIFICATE, "ca_bundle": CA_BUNDLE}
_SHORTEST = 4  # a shorter value would blank out letters all over a message
_BEGIN = 12  # so much of a longer one is hidden too: where a long text is cut off, nothing but the begin is left


@dataclass(frozen=True)
class Credentials:
    """What a repository asks for. Certificates and keys are PEM text; empty means not used. Never shown by `repr`."""

    username: str = declared(default="", repr=False)
    password: str = declared(default="", repr=False)
    token: str = declared(default="", repr=False)
    client_certificate: str = declared(default="", repr=False)
    client_key: str = declared(default="", repr=False)
    ca_bundle: str = declared(default="", repr=False)

    @property
    def login(self) -> str:
        """`basic`, `bearer` or `none`."""
        return "bearer" if self.token else "basic" if self.username or self.password else "none"

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in KEYS)

    def secrets(self) -> list[str]:
        """What must never be shown. Certificates and user names are not secret."""
        pair = f"{self.username}:{self.password}" if self.password else ""  # in base64, as a header has it
        return [one for one in (self.password, pair, self.token, self.client_key) if one]


@dataclass(frozen=True)
class Place:
    """Where an object keeps one value: in itself, or under a key of a Secret. `what` is a field of `Credentials`."""

    what: str
    secret: str = ""
    key: str = ""
    optional: bool = False
    value: str = declared(default="", repr=False)

    @property
    def inline(self) -> bool:
        """Whether the value stands in the object, where everybody who may read the object can read it."""
        return not self.secret

    def data(self) -> dict[str, Any]:
        """As JSON types, without the value."""
        return {"what": self.what.replace("_", "-"), "inline": self.inline, "secret": self.secret, "key": self.key}


def places(obj: Mapping[str, Any]) -> list[Place]:
    """Where a PackageRepository keeps its credentials, in the order of `KEYS`."""
    found = []
    for what, method in _LOGIN.items():
        given = field(obj, "spec", "auth", method)
        named = field(given, f"{what}SecretRef")
        if isinstance(named, Mapping):
            optional = bool(named.get("optional"))
            found.append(Place(what, str(named.get("name") or ""), str(named.get("key") or ""), optional))
        elif value := field(given, what):
            found.append(Place(what, value=str(value)))
    for what, annotation in _TLS.items():
        if name := field(obj, "metadata", "annotations", annotation):
            found.append(Place(what, str(name), KEYS[what]))
    return found


def inline_values(obj: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The values of a login that stand in an object, each as its mapping and key, whether they are used or not."""
    found = [(field(obj, "spec", "auth", method), what) for what, method in _LOGIN.items()]
    return [(method, what) for method, what in found if isinstance(method, dict) and method.get(what)]


def without_copy(annotations: Mapping[str, str]) -> dict[str, str]:
    """The annotations without the login that `kubectl apply` copied into one of them; the same where there is none."""
    kept = dict(annotations)
    try:
        applied = json.loads(kept.get(LAST_APPLIED, "null"))
    except (ValueError, RecursionError):
        return kept
    found = inline_values(applied)
    for method, what in found:
        del method[what]
    if found:
        kept[LAST_APPLIED] = json.dumps(applied, separators=(",", ":"), ensure_ascii=False) + "\n"
    return kept


def has_copy(obj: Mapping[str, Any]) -> bool:
    """Whether an annotation of the object holds a copy of a login, for everybody who may read the object."""
    annotations = field(obj, "metadata", "annotations", default={})
    return LAST_APPLIED in annotations and without_copy(annotations) != annotations


def methods(found: Iterable[Place]) -> list[str]:
    """How the repository is authenticated to: some of `basic`, `bearer`, `certificate`."""
    known = dict.fromkeys(_LOGIN.get(one.what, "certificate") for one in found if one.what != "ca_bundle")
    return list(known)


def stored(obj: Mapping[str, Any], read: Callable[[str], Mapping[str, str] | None]) -> Credentials:
    """The credentials of a PackageRepository; `read` gives a Secret's entries by its name, None where it is missing.

    Raises `FritError` of `read`, and `MissingCredentials` where a Secret or a key that is not optional is missing.
    """
    values: dict[str, str] = {}
    seen: dict[str, Mapping[str, str] | None] = {}
    for place in places(obj):
        if place.inline:
            values[place.what] = place.value
            continue
        if place.secret not in seen:
            seen[place.secret] = read(place.secret)
        entries = seen[place.secret]
        if entries is not None and place.key in entries:
            values[place.what] = entries[place.key]
        elif not place.optional:
            raise MissingCredentials(place, there=entries is not None)
    return Credentials(**values)


class MissingCredentials(RepositoryUnusable):
    """A repository refers to a Secret, or to a key of one, that is not there."""

    def __init__(self, place: Place, *, there: bool) -> None:
        missing = f"has no key {place.key}" if there else "does not exist"
        super().__init__(
            f"the {place.what.replace('_', ' ')} is missing: Secret {NAMESPACE}/{place.secret} {missing}",
            hint=f"kubectl get secret {place.secret} -n {NAMESPACE}   shows what there is; frit repo update NAME with "
            "credentials stores them anew",
        )


def auth_of(found: Iterable[Place]) -> dict[str, Any] | None:
    """The `spec.auth` that says so, None for no login; the opposite of `places`."""
    auth: dict[str, Any] = {}
    for place in found:
        if place.what not in _LOGIN:
            continue
        method = auth.setdefault(_LOGIN[place.what], {})
        if place.inline:
            method[place.what] = place.value
        else:
            method[f"{place.what}SecretRef"] = {
                "name": place.secret,
                "key": place.key,
                **({"optional": True} if place.optional else {}),
            }
    return auth or None


def annotations_of(found: Iterable[Place]) -> dict[str, str]:
    """The annotations that say where client certificate and CA bundle are."""
    return {_TLS[place.what]: place.secret for place in found if place.what in _TLS}


def entries_of(credentials: Credentials) -> dict[str, str]:
    """What a Secret holds for them, by key."""
    return {key: value for what, key in KEYS.items() if (value := getattr(credentials, what))}


class Veil:
    """Keeps secrets out of everything that frit says: errors, hints, details and events, however they came there.

    A server may quote what it refuses. Safe to share between threads; secrets can be added at any time.
    """

    def __init__(self, *secrets: str) -> None:
        self._hidden: list[str] = []
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Hide these too, as they are, in base64, in URLs and as JSON writes them."""
        for one in secrets:
            forms = {one, base64.b64encode(one.encode()).decode(), quote(one, safe=""), json.dumps(one)[1:-1]}
            self._hidden = sorted({*self._hidden, *(form for form in forms if len(form) >= _SHORTEST)}, key=len)[::-1]

    def text(self, text: str) -> str:
        """The text with `***` in the place of secrets."""
        for one in self._hidden:
            text = text.replace(one, "***")
            while len(one) > _BEGIN and (at := text.find(one[:_BEGIN])) >= 0:
                same = next(
                    (n for n, pair in enumerate(zip(text[at:], one, strict=False)) if len({*pair}) > 1), len(one)
                )
                text = f"{text[:at]}***{text[at + same :]}"
        return text

    def error(self, error: FritError) -> FritError:
        """The same error, saying nothing secret."""
        error.message, error.hint = self.text(error.message), self.text(error.hint)
        error.args = tuple(self.text(one) if isinstance(one, str) else one for one in error.args)
        error.details = self._data(error.details)
        return error

    def listener(self, listener: Listener) -> Listener:
        """A listener that hears nothing secret."""

        def hear(event: Event) -> None:
            match event:
                case Said():
                    event = replace(event, text=self.text(event.text))
                case Waiting():
                    event = replace(event, reason=self.text(event.reason))
                case Retried() | GaveUp():
                    event = replace(event, message=self.text(event.message), cause=self.text(event.cause))
                case _:
                    pass
            listener(event)

        return hear

    def _data(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, Mapping):
            return {key: self._data(value) for key, value in data.items()}
        return [self._data(one) for one in data] if isinstance(data, list | tuple) else data
