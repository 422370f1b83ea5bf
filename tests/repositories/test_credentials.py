"""Where credentials are kept, what is read of them, and that nothing of them is ever shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from base.errors import FritError, RepositoryUnusable
from base.events import Event, GaveUp, Retried, Said, Waiting
from repositories.credentials import (
    CA_BUNDLE,
    CLIENT_CERTIFICATE,
    Credentials,
    MissingCredentials,
    Place,
    Veil,
    annotations_of,
    auth_of,
    entries_of,
    methods,
    places,
    stored,
)

SECRET = 'tr0ub4dor "&" 3'
SECRETS: Mapping[str, Mapping[str, str]] = {
    "login": {"username": "ci", "password": SECRET, "token": "tok-12345"},
    "tls": {"tls.crt": "CERT", "tls.key": "KEY-OF-IT", "ca.crt": "CA"},
}


def obj(auth: Any = None, annotations: Any = None) -> dict[str, Any]:
    return {"metadata": {"name": "team", "annotations": annotations or {}}, "spec": {"url": "u", "auth": auth}}


def ref(key: str, name: str = "login", **more: Any) -> dict[str, Any]:
    return {"name": name, "key": key, **more}


BASIC = {"basic": {"usernameSecretRef": ref("username"), "passwordSecretRef": ref("password")}}
TLS = {CLIENT_CERTIFICATE: "tls", CA_BUNDLE: "tls"}


@pytest.mark.parametrize(
    ("auth", "annotations", "found", "kinds"),
    [
        (None, {}, Credentials(), []),
        (BASIC, {}, Credentials("ci", SECRET), ["basic"]),
        ({"basic": {"username": "me", "password": "p"}}, {}, Credentials("me", "p"), ["basic"]),
        (
            {"basic": {"username": "me", "passwordSecretRef": ref("password")}},
            {},
            Credentials("me", SECRET),
            ["basic"],
        ),
        ({"bearer": {"tokenSecretRef": ref("token")}}, {}, Credentials(token="tok-12345"), ["bearer"]),
        (
            {"bearer": {"tokenSecretRef": ref("token")}},
            TLS,
            Credentials(token="tok-12345", client_certificate="CERT", client_key="KEY-OF-IT", ca_bundle="CA"),
            ["bearer", "certificate"],
        ),
        (None, {CA_BUNDLE: "tls"}, Credentials(ca_bundle="CA"), []),
    ],
)
def test_credentials_are_found_where_they_are_kept(
    auth: Any, annotations: Any, found: Credentials, kinds: list[str]
) -> None:
    """Inline values, references to Secrets and the annotations of TLS are read, each from its own place."""
    whole = obj(auth, annotations)
    assert stored(whole, SECRETS.get) == found
    assert methods(places(whole)) == kinds
    assert auth_of(places(whole)) == auth
    assert annotations_of(places(whole)) == annotations


def test_a_missing_secret_is_named() -> None:
    """A Secret or a key that is missing is a failure with its name, unless it may be missing."""
    with pytest.raises(MissingCredentials, match="Secret glasskube-system/gone does not exist"):
        stored(obj({"bearer": {"tokenSecretRef": ref("token", "gone")}}), SECRETS.get)
    with pytest.raises(RepositoryUnusable, match="login has no key other"):
        stored(obj({"bearer": {"tokenSecretRef": ref("other")}}), SECRETS.get)
    optional = ref("other", optional=True)
    assert stored(obj({"bearer": {"tokenSecretRef": optional}}), SECRETS.get) == Credentials()
    assert auth_of(places(obj({"bearer": {"tokenSecretRef": optional}}))) == {"bearer": {"tokenSecretRef": optional}}


def test_no_representation_holds_a_secret() -> None:
    """What a debugger, a log or an exception would print of these objects tells no value."""
    credentials = Credentials("ci", SECRET, "tok-12345", "CERT", "KEY-OF-IT", "CA")
    place = Place("password", value=SECRET)
    for shown in (repr(credentials), str(credentials), repr(place), str(place), json.dumps(place.data())):
        for value in (SECRET, "tok-12345", "KEY-OF-IT"):
            assert value not in shown
    assert entries_of(credentials)["password"] == SECRET
    assert credentials.login == "bearer"


def test_a_veil_covers_errors() -> None:
    """A server's words are told without the secret that they quote, in message, hint and details, also encoded."""
    coded = base64.b64encode(SECRET.encode()).decode()
    quoted = json.dumps(SECRET)
    error = FritError(
        f"invalid value: {quoted}", hint=f"it was {SECRET}", details={"causes": [f"data: {coded}"], "n": 1}
    )
    covered = Veil(SECRET).error(error)
    told = f"{covered} {covered.message} {covered.hint} {covered.details} {covered.args}"
    assert "***" in covered.message
    assert "tr0ub4dor" not in told
    assert coded not in told
    assert covered.details["n"] == 1


def test_a_veil_covers_events() -> None:
    """Nothing that is said while it goes on holds a secret either."""
    heard: list[Event] = []
    veil = Veil()
    hear = veil.listener(heard.append)
    veil.add("tok-12345")
    text = "denied: tok-12345"
    for event in (
        Said(text),
        Waiting("it", 1.0, text),
        Retried("it", 1, "denied", text, 0.1, cause=text),
        GaveUp("it", 1, "denied", text, text),
    ):
        hear(event)
    assert len(heard) == 4
    assert "tok-12345" not in repr(heard)
    assert repr(heard).count("denied: ***") == 6
