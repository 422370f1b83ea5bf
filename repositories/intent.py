"""What shall become of a repository's credentials, decided before anything is written; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from base.errors import PreflightFailed, WrongUsage
from kube.objects import Object
from kube.objects import field as field_of
from repositories.credentials import (
    CA_BUNDLE,
    CLIENT_CERTIFICATE,
    KEYS,
    Credentials,
    MissingCredentials,
    Place,
    annotations_of,
    auth_of,
    inline_values,
    places,
    without_copy,
)
from repositories.objects import DEFAULT_ANNOTATION, hide_credentials, one_line
from repositories.secrets import Kept, in_use, names_for

_GROUPS: Final = (("username", "password", "token"), ("client_certificate", "client_key"), ("ca_bundle",))
"""What is replaced together: a new token takes the place of a user name and a password."""

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Given:
    """What was said about credentials. Nothing at all means: they stay as they are.

    `new` are values to store; `existing` names a Secret of somebody else, which offers the places `offered`; `drop`
    takes all of them away; `move` takes those that stand in the object out of it; `keep` lets them go along to a new
    server.
    """

    new: Credentials = field(default_factory=Credentials)
    existing: str = ""
    offered: tuple[Place, ...] = ()
    drop: bool = False
    move: bool = False
    keep: bool = False

    def __bool__(self) -> bool:
        return bool(self.new or self.existing or self.drop or self.move)


@dataclass(frozen=True)
class Intent:
    """The repository that shall be there, and the Secret of frit that it then refers to.

    `secret` is empty where it needs none; else the Secret shall hold exactly `values`. `old` are Secrets of frit that
    are not referred to any more.
    """

    url: str
    places: tuple[Place, ...]
    secret: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    old: tuple[Kept, ...] = ()


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: to whom credentials for this URL are shown."""
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme.lower(), 0)


def intended(obj: Object | None, name: str, url: str, given: Given, kept: Mapping[str, Kept]) -> Intent:
    """What the repository `name` shall be, whose object is `obj` (None: there is none), with this URL.

    `kept` are the Secrets of frit for it, needed only where something is `given`. Raises `PreflightFailed` where
    credentials would go to a server that they were not meant for, and `MissingCredentials`.
    """
    before = places(obj or {})
    if not given:
        _stay_home(obj, name, url, before, given)
        return Intent(url, tuple(before))
    stay = {one.what: one for one in before if not given.drop}
    values: dict[str, str] = {what: value for what in KEYS if (value := getattr(given.new, what))}
    offered = {one.what: one for one in given.offered}
    for group in _GROUPS:
        if any(what in values or what in offered for what in group):
            for what in group:
                stay.pop(what, None)
    stay.update(offered)
    if given.move:
        values.update({what: stay.pop(what).value for what in list(stay) if stay[what].inline})
        if {"token", "password"} <= {*values, *stay}:
            raise WrongUsage(
                f"could not move the credentials of {name}: it has a password and a token, and only one can be used",
                hint="give the one to keep, for example with --token-file or with --username and --password-file",
            )
    _stay_home(obj, name, url, [one for one in stay.values() if one.what not in offered], given)
    for what, place in list(stay.items()):
        if place.secret in names_for(name):
            if place.secret not in kept or place.key not in kept[place.secret].entries:
                raise MissingCredentials(place, there=place.secret in kept)
            values.setdefault(what, kept[place.secret].entries[place.key])
            del stay[what]
    return _placed(obj, name, url, stay, values, kept)


def _placed(
    obj: Object | None,
    name: str,
    url: str,
    stay: Mapping[str, Place],
    values: Mapping[str, str],
    kept: Mapping[str, Kept],
) -> Intent:
    """Decide which of its two Secrets holds the values."""
    stored = {KEYS[what]: values[what] for what in KEYS if what in values}

    def with_secret(secret: str) -> tuple[Place, ...]:
        own = {what: Place(what, secret, KEYS[what]) for what in values}
        whole = {**stay, **own}
        return tuple(whole[what] for what in KEYS if what in whole)

    used, (first, second) = in_use(obj, name), names_for(name)
    secret = ""
    if stored:
        in_place = used and with_secret(used) == tuple(places(obj or {})) and same_url(obj, url)
        secret = used if in_place else second if used == first else first
    old = tuple(one for one in kept.values() if one.name != secret)
    return Intent(url, with_secret(secret), secret, stored, old)


def same_url(obj: Mapping[str, Any] | None, url: str) -> bool:
    """Whether an object has this URL; slashes at the end do not matter."""
    return obj is not None and str(field_of(obj, "spec", "url", default="")).rstrip("/") == url.rstrip("/")


def _stay_home(obj: Object | None, name: str, url: str, going: Sequence[Place], given: Given) -> None:
    """Refuse to send credentials to another server than the one that they were stored for."""
    there = str(field_of(obj or {}, "spec", "url", default=""))
    secret = [one for one in going if one.what != "ca_bundle"]
    if obj is None or not secret or given.keep or origin(there) == origin(url):
        return
    raise PreflightFailed(
        f"could not change the URL of repository {name}: its credentials, which are meant for"
        f" {one_line(hide_credentials(there))}, would be sent to {url}",
        hint="if they are meant for the new server too: frit repo update NAME --url URL --keep-credentials\n"
        "else give new ones together with the URL, or take the old ones away: --no-credentials",
    )


def achieved(obj: Object, wanted: Intent, *, default: bool) -> Object:
    """The object `obj` (which is changed) as it shall be; everything else about it stays."""
    metadata, spec = obj.setdefault("metadata", {}), obj.setdefault("spec", {})
    if not same_url(obj, wanted.url):
        spec["url"] = wanted.url
    auth = auth_of(wanted.places)
    if auth != auth_of(places(obj)):
        spec.pop("auth", None)
        if auth is not None:
            spec["auth"] = auth
    annotations = dict(metadata.get("annotations") or {})
    for key in (CLIENT_CERTIFICATE, CA_BUNDLE):
        annotations.pop(key, None)
    annotations.update(annotations_of(wanted.places))
    if not any(one.inline for one in wanted.places):
        annotations = without_copy(annotations)
        for method, what in inline_values(obj):  # one that nobody uses, because a Secret is named beside it
            del method[what]
    if default:
        annotations[DEFAULT_ANNOTATION] = "true"
    if annotations or metadata.get("annotations"):
        metadata["annotations"] = annotations
    return obj
