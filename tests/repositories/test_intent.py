"""What becomes of a repository's credentials, decided over data."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from base.errors import PreflightFailed, WrongUsage
from repositories.credentials import (
    CA_BUNDLE,
    CLIENT_CERTIFICATE,
    LAST_APPLIED,
    Credentials,
    MissingCredentials,
    Place,
    has_copy,
    places,
)
from repositories.intent import Given, Intent, achieved, intended, origin
from repositories.secrets import Kept, names_for

URL = "https://packages.example.com/team"
ONE, TWO = names_for("team")


def team(auth: Any = None, url: str = URL, **annotations: str) -> dict[str, Any]:
    spec = {"url": url, **({"auth": auth} if auth else {})}
    return {"metadata": {"name": "team", "uid": "1", "annotations": dict(annotations)}, "spec": spec}


def ref(name: str, key: str) -> dict[str, str]:
    return {"name": name, "key": key}


def basic(secret: str) -> dict[str, Any]:
    return {"basic": {"usernameSecretRef": ref(secret, "username"), "passwordSecretRef": ref(secret, "password")}}


def kept(name: str = ONE, **entries: str) -> dict[str, Kept]:
    return {name: Kept(name, {key.replace("_", "."): value for key, value in entries.items()}, "2", "1")}


LOGIN = {"username": "ci", "password": "old-secret"}


def test_a_new_repository_gets_the_first_name() -> None:
    """Values go to a Secret of its own, and the object refers to their keys."""
    intent = intended(None, "team", URL, Given(Credentials("ci", "new-secret")), {})
    assert (intent.secret, intent.values) == (ONE, {"username": "ci", "password": "new-secret"})
    assert achieved(team(), intent, default=False)["spec"] == {"url": URL, "auth": basic(ONE)}
    assert "new-secret" not in repr(intent)


def test_a_password_changes_in_place() -> None:
    """Where URL and kind of authentication stay, one write of the Secret is all."""
    intent = intended(team(basic(ONE)), "team", URL, Given(Credentials("ci", "new")), kept(**LOGIN))
    assert (intent.secret, intent.old) == (ONE, ())
    assert achieved(team(basic(ONE)), intent, default=False) == team(basic(ONE))


@pytest.mark.parametrize(
    ("given", "url"),
    [(Given(Credentials(token="t0ken")), URL), (Given(Credentials("ci", "new")), "https://other.example.com/x")],
)
def test_what_changes_together_is_switched_in_one_write(given: Given, url: str) -> None:
    """Another kind of login, or another URL, goes to the Secret that is not in use, and the old one goes."""
    before = kept(**LOGIN)
    intent = intended(team(basic(ONE)), "team", url, given, before)
    assert (intent.secret, intent.old) == (TWO, (before[ONE],))
    assert {one.secret for one in intent.places} == {TWO}
    back = intended(team(basic(TWO)), "team", url, given, kept(TWO, **LOGIN))
    assert back.secret == ONE


def test_what_is_not_given_stays() -> None:
    """A CA bundle comes to a login that stays, whoever keeps it."""
    own = intended(team(basic(ONE)), "team", URL, Given(Credentials(ca_bundle="CA")), kept(**LOGIN))
    assert own.values == {**LOGIN, "ca.crt": "CA"}
    foreign = team(basic("somebodys"))
    other = intended(foreign, "team", URL, Given(Credentials(ca_bundle="CA")), {})
    assert other.values == {"ca.crt": "CA"}
    whole = achieved(foreign, other, default=False)
    assert whole["spec"]["auth"] == basic("somebodys")
    assert whole["metadata"]["annotations"] == {CA_BUNDLE: ONE}
    inline = team({"basic": {"username": "me", "password": "here-it-is"}})
    assert intended(inline, "team", URL, Given(), {}) == Intent(URL, tuple(places(inline)))


def test_a_new_login_takes_the_place_of_the_old_one() -> None:
    """A token replaces name and password, also inline ones, and leaves the certificate alone."""
    before = team({"basic": {"username": "me", "password": "here-it-is"}}, **{CLIENT_CERTIFICATE: "somebodys"})
    intent = intended(before, "team", URL, Given(Credentials(token="t0ken")), {})
    whole = achieved(before, intent, default=False)
    assert whole["spec"]["auth"] == {"bearer": {"tokenSecretRef": ref(ONE, "token")}}
    assert whole["metadata"]["annotations"] == {CLIENT_CERTIFICATE: "somebodys"}


def test_inline_credentials_move() -> None:
    """Only what stands in the object moves; what a Secret has already stays there."""
    mixed = team({"basic": {"username": "me", "passwordSecretRef": ref("somebodys", "pw")}})
    intent = intended(mixed, "team", URL, Given(move=True), {})
    assert intent.values == {"username": "me"}
    assert achieved(mixed, intent, default=False)["spec"]["auth"] == {
        "basic": {"usernameSecretRef": ref(ONE, "username"), "passwordSecretRef": ref("somebodys", "pw")}
    }
    both = team({"basic": {"username": "me", "password": "p4ss"}, "bearer": {"token": "t0ken"}})
    with pytest.raises(WrongUsage, match="only one can be used"):
        intended(both, "team", URL, Given(move=True), {})


def test_copies_of_a_moved_login_go_too() -> None:
    """The annotation of `kubectl apply` holds the whole object; so does a value beside the Secret that is used."""
    auth = {"basic": {"username": "me", "password": "p4ss"}}
    applied = json.dumps({"metadata": {"name": "team"}, "spec": {"url": URL, "auth": auth}})
    before = team(auth, **{LAST_APPLIED: applied, "mine": "stays"})
    assert has_copy(before)
    whole = achieved(before, intended(before, "team", URL, Given(move=True), {}), default=False)
    assert not has_copy(whole)
    assert "p4ss" not in str(whole)
    assert json.loads(whole["metadata"]["annotations"][LAST_APPLIED])["spec"] == {"url": URL, "auth": {"basic": {}}}
    assert whole["metadata"]["annotations"]["mine"] == "stays"
    shadowed = team({"basic": {**basic(ONE)["basic"], "password": "p4ss"}})
    assert achieved(shadowed, Intent(URL, tuple(places(shadowed))), default=False) == team(basic(ONE))


@pytest.mark.parametrize("text", ["", "no JSON", "null", "[1]", '{"spec": 3}', '{"spec": {"auth": {"basic": "x"}}}'])
def test_an_annotation_without_a_copy_stays(text: str) -> None:
    """Whatever else somebody wrote there is left alone, and an object that keeps its login inline keeps it there."""
    assert not has_copy(team(**{LAST_APPLIED: text}))
    assert achieved(team(**{LAST_APPLIED: text}), Intent(URL, ()), default=False) == team(**{LAST_APPLIED: text})
    inline = team({"bearer": {"token": "t0ken"}}, **{LAST_APPLIED: '{"spec": {"auth": {"bearer": {"token": "t"}}}}'})
    assert achieved(copy.deepcopy(inline), Intent(URL, tuple(places(inline))), default=False) == inline


def test_credentials_go_on_request() -> None:
    """Dropping takes everything away; what is given besides takes its place."""
    before = kept(**LOGIN)
    tls = {CA_BUNDLE: "somebodys"}
    none = intended(team(basic(ONE), **tls), "team", URL, Given(drop=True), before)
    assert (none.secret, none.places, none.old) == ("", (), (before[ONE],))
    assert achieved(team(basic(ONE), **tls), none, default=False) == {
        "metadata": {"name": "team", "uid": "1", "annotations": {}},
        "spec": {"url": URL},
    }
    new = intended(team(basic(ONE), **tls), "team", URL, Given(Credentials(token="t"), drop=True), before)
    assert [one.what for one in new.places] == ["token"]


def test_an_existing_secret_is_referred_to() -> None:
    """A Secret of somebody else takes the place of frit's own, which then goes."""
    before = kept(**LOGIN)
    offered = (Place("token", "somebodys", "token"),)
    intent = intended(team(basic(ONE)), "team", URL, Given(existing="somebodys", offered=offered), before)
    assert (intent.secret, intent.places, intent.old) == ("", offered, (before[ONE],))


@pytest.mark.parametrize(
    ("url", "goes"),
    [
        (URL + "/stable", True),
        ("https://PACKAGES.example.com:443/x", True),
        ("https://packages.example.com:8443/team", False),
        ("http://packages.example.com/team", False),
        ("https://elsewhere.example.com/team", False),
    ],
)
def test_credentials_stay_with_their_server(url: str, goes: bool) -> None:
    """Another path on the same server keeps them; another server gets them only where somebody says so."""
    for auth in (basic("somebodys"), {"bearer": {"token": "t0ken"}}):
        if goes:
            assert intended(team(auth), "team", url, Given(), {}).url == url
        else:
            with pytest.raises(PreflightFailed, match="would be sent to"):
                intended(team(auth), "team", url, Given(), {})
            assert intended(team(auth), "team", url, Given(keep=True), {}).url == url
    with pytest.raises(PreflightFailed) if not goes else Nothing():
        intended(team(basic(ONE)), "team", url, Given(Credentials(ca_bundle="CA")), kept(**LOGIN))


def test_a_lost_secret_is_not_overwritten_by_half() -> None:
    """Where a value that shall stay is not there any more, nothing is decided."""
    with pytest.raises(MissingCredentials, match="has no key password"):
        intended(team(basic(ONE)), "team", URL, Given(Credentials(ca_bundle="CA")), kept(username="ci"))


def test_the_mark_of_the_default_and_strangers_annotations_stay() -> None:
    """What frit does not know about an object is left as it is."""
    before = team(None, **{"example.com/owner": "us"})
    whole = achieved(before, Intent(URL, ()), default=True)
    assert whole["metadata"]["annotations"] == {
        "example.com/owner": "us",
        "packages.glasskube.dev/default-repository": "true",
    }


def test_the_two_names_never_meet_those_of_another_repository() -> None:
    """Names are told apart by their beginning, stay within the limit, and differ for long names too."""
    assert set(names_for("team")) & set(names_for("1-team") + names_for("2-team")) == set()
    long = [f"{'a' * 251}{n}" for n in range(2)]
    names = [name for one in long for name in names_for(one)]
    assert len(set(names)) == 4
    assert max(map(len, names)) <= 253


def test_an_origin_is_scheme_host_and_port() -> None:
    """The default port is the same as none, and letters of a host have no case."""
    assert origin("https://A.example/x") == origin("https://a.example:443/") == ("https", "a.example", 443)
    assert origin("http://[::1]:8080/x") == ("http", "::1", 8080)


class Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None
