"""Repositories in a container registry, by the protocol that registries speak, against a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from repositories.credentials import Credentials
from repositories.oci import MANIFEST_TYPE, TITLE, OciCarrier
from repositories.origins import carrier_for
from repositories.problems import Malformed
from repositories.reader import Unread
from tests.certificates.servers import Authority
from tests.repositories.people import Person
from tests.repositories.registries import NAME, Registry, digest, registry_server, url
from tests.repositories.sites import FILES, Desk, basic, desk_in, site, status


def layers(name: str, size: int, times: int = 1) -> bytes:
    """The manifest of an artifact that has an index, so many times."""
    layer = {"digest": name, "size": size, "annotations": {TITLE: "index.yaml"}}
    return json.dumps({"layers": [layer] * times}).encode()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Readers with a cache of their own."""
    with desk_in(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry on loopback."""
    with registry_server() as server:
        yield server


def test_an_artifact_is_read_like_a_web_server(desk: Desk, registry: Registry) -> None:
    """Every file is a layer with its path as title; the manifest of the artifact is read once."""
    reader = desk.reader(url(registry))
    assert [one.name for one in reader.index().value.packages] == ["alpha", "beta"]
    assert reader.versions("alpha").value.ahead == "v1.1.0+1"
    assert reader.manifest("alpha", "v1.0.0+1").value.name == "alpha"
    assert reader.file("alpha", "v1.0.0+1", "./all.yaml").value == FILES["alpha/v1.0.0+1/all.yaml"]
    assert [one.split("/")[3] for one in registry.asked] == ["manifests", "blobs", "blobs", "blobs", "blobs"]
    assert registry.heard[0]["accept"] == MANIFEST_TYPE
    with pytest.raises(Unread) as caught:
        reader.versions("beta")
    assert (caught.value.kind, "oras push" in caught.value.hint) == ("not-found", True)


def test_a_layer_that_did_not_change_is_not_fetched_again(desk: Desk, registry: Registry) -> None:
    """A new artifact under the same tag costs its manifest and what is new in it."""
    reader = desk.reader(url(registry), fresh=0)
    reader.index()
    reader.versions("alpha")
    registry.push("latest", {**FILES, "index.yaml": b"packages: []\n"})
    registry.asked.clear()
    again = desk.reader(url(registry), fresh=0)
    assert again.index().value.packages == ()
    assert again.versions("alpha").value.latest_version == "v1.0.0+1"
    assert [one.split("/")[3] for one in registry.asked] == ["manifests", "blobs"]


def test_tags_and_digests_name_an_artifact(desk: Desk, registry: Registry) -> None:
    """A digest is compared with what the registry gives for it."""
    pinned = registry.push("v2", {"index.yaml": b"packages: [{name: only}]\n"})
    for reference in (":v2", f"@{pinned}", f":latest@{pinned}"):
        assert len(desk.reader(url(registry, reference)).index().value.packages) == 1
    registry.files[f"v2/{NAME}/manifests/{pinned}"] = registry.files[f"v2/{NAME}/manifests/latest"]
    with pytest.raises(Unread, match="does not have the digest"):
        desk.reader(url(registry, f"@{pinned}"), use_cache=False).index()
    with pytest.raises(Unread, match="there is no such artifact"):
        desk.reader(url(registry, ":v3")).index()


@pytest.mark.parametrize("login", [False, True])
def test_a_token_is_fetched_where_the_registry_says(desk: Desk, registry: Registry, login: bool) -> None:
    """The registry's challenge is answered, with our login where we have one; the token is kept for the next file."""
    registry.issue = "t0ken"
    known = Credentials(username="me", password="secret") if login else Credentials()
    registry.login = basic("me", "secret") if login else ""
    reader = desk.reader(url(registry), known)
    reader.index()
    reader.versions("alpha")
    asked = [urlsplit(one) for one in registry.asked]
    assert [one.path.split("/")[-2] for one in asked] == ["", "manifests", "blobs", "blobs"]
    assert parse_qs(asked[0].query) == {"service": ["registry"], "scope": [f"repository:{NAME}:pull"]}
    assert registry.heard[0].get("authorization") == (basic("me", "secret") if login else None)
    assert {one["authorization"] for one in registry.heard[1:]} == {"Bearer t0ken"}


def test_a_token_that_ran_out_is_fetched_anew(desk: Desk, registry: Registry) -> None:
    """A mirror of many files takes longer than a token lives."""
    registry.issue = "one"
    reader = desk.reader(url(registry))
    reader.index()
    registry.issue = "two"
    assert reader.versions("alpha").value.latest_version


def test_a_wrong_login_is_told(desk: Desk, registry: Registry) -> None:
    """Refused by the registry, or by who hands out tokens."""
    registry.login = basic("me", "secret")
    for issue in ("", "t0ken"):
        registry.issue = issue
        with pytest.raises(Unread) as caught:
            desk.reader(url(registry), Credentials(username="me", password="guess")).index()
        assert caught.value.kind == "forbidden"
        assert "guess" not in str(caught.value)


def test_a_registry_without_tokens_gets_the_login_itself(desk: Desk, registry: Registry) -> None:
    """A challenge for basic authentication is answered with it, and only after the challenge."""
    registry.login = basic("me", "secret")
    desk.reader(url(registry), Credentials(username="me", password="secret")).index()
    assert ["authorization" in one for one in registry.heard] == [False, True, True]


def test_blobs_elsewhere_get_no_token(desk: Desk, registry: Registry) -> None:
    """Registries redirect to the stores of their blobs, which have no business with our token."""
    with site() as store:
        store.files = registry.files
        registry.issue, registry.elsewhere = "t0ken", store.url
        assert len(desk.reader(url(registry)).index().value.packages) == 2
        assert ["authorization" in one for one in store.heard] == [False]


def test_who_is_redirected_to_has_no_say_in_where_a_login_goes(desk: Desk, registry: Registry) -> None:
    """A store of blobs that asks for a login gets none, and the registry's is taken nowhere for it."""
    with site() as store:
        challenge = f'Bearer realm="{registry.url}/token",service="registry"'
        store.faults[""] = [status(401, WWW_Authenticate=challenge)] * 9
        registry.elsewhere = store.url
        with pytest.raises(Unread) as caught:
            desk.reader(url(registry), Credentials(username="me", password="secret")).index()
        assert caught.value.kind == "forbidden"
        assert not [path for path in registry.asked if "token" in path]


def test_who_hands_out_tokens_elsewhere_sees_no_client_certificate(
    desk: Desk, registry: Registry, tmp_path: Path
) -> None:
    """It is for the registry alone, whatever the registry says."""
    person = Person(Authority(tmp_path))
    known = Credentials(client_certificate=person.certificate, client_key=person.key, ca_bundle=person.ca)
    with site(person.demanded_by("127.0.0.1")) as other:
        challenge = f'Bearer realm="{other.url}/token"'
        registry.faults[""] = [status(401, WWW_Authenticate=challenge)] * 9
        with pytest.raises(Unread):
            desk.reader(url(registry), known).index()
        assert other.asked == []


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b"not json", "something that is no JSON"),
        (b"\xff", "something that is no JSON"),
        (b"[" * 1000, "something that is no JSON"),
        (b"[]", "no artifact of files"),
        (b'{"manifests": []}', "no artifact of files"),
        (b'{"layers": {}}', "no artifact of files"),
        (b'{"layers": [1, {}, {"annotations": 3}]}', "the artifact has no index.yaml"),
        (b'{"layers": [{"annotations": {"%s": "index.yaml"}}]}' % TITLE.encode(), "has no digest or size"),
        (
            b'{"layers": [{"digest": "sha256:../../x", "size": 1, "annotations": {"%s": "index.yaml"}}]}'
            % TITLE.encode(),
            "has no digest or size",
        ),
        (
            json.dumps(
                {"layers": [{"digest": digest(b""), "size": 1 << 40, "annotations": {TITLE: "index.yaml"}}]}
            ).encode(),
            "larger than 28 MiB",
        ),
        (
            json.dumps({"layers": [{"digest": digest(b""), "size": 0, "annotations": {TITLE: "a"}}] * 2}).encode(),
            "has 'a' twice",
        ),
        (
            json.dumps(
                {"layers": [{"digest": digest(b"?"), "size": 0, "annotations": {TITLE: "index.yaml"}}]}
            ).encode(),
            "the registry lost index.yaml",
        ),
    ],
)
def test_hostile_manifests_end_in_a_clear_error(desk: Desk, registry: Registry, manifest: bytes, words: str) -> None:
    """Whatever a registry answers, it is refused with a reason."""
    registry.files[f"v2/{NAME}/manifests/latest"] = manifest
    with pytest.raises(Unread) as caught:
        desk.reader(url(registry)).index()
    assert words in caught.value.message
    assert caught.value.message.isprintable()


def test_a_blob_with_another_digest_is_refused(desk: Desk, registry: Registry) -> None:
    """Nothing is read, or kept, that is not what the artifact names."""
    registry.files[f"v2/{NAME}/blobs/{digest(FILES['index.yaml'])}"] = b"packages: []\n"
    with pytest.raises(Unread, match=r"index\.yaml is damaged"):
        desk.reader(url(registry)).index()
    assert list(desk.cache.rglob("*.1")) == []


def test_a_registry_that_fails_is_asked_again_and_covered_by_the_cache(desk: Desk, registry: Registry) -> None:
    """The same rules hold as for web servers."""
    registry.faults[""] = [status(503)]
    assert len(desk.reader(url(registry)).index().value.packages) == 2
    registry.faults[""] = [status(503)] * 9
    assert desk.reader(url(registry), fresh=0).index().stale
    registry.faults.clear()
    registry.push("broken", {"index.yaml": b"packages: ["})
    with pytest.raises(Malformed, match=r":broken/index\.yaml, line \d: its YAML is broken"):
        desk.reader(url(registry, ":broken")).index()


@pytest.mark.parametrize(
    "realm", ["http://127.0.0.1:1/token", "file:///etc/passwd", "https://me@x", "", "//x", "http://[::1"]
)
def test_a_login_goes_only_where_it_is_safe(desk: Desk, registry: Registry, realm: str) -> None:
    """A challenge that names a place without TLS, or none at all, is not answered."""
    challenge = f'Bearer realm="{realm}",service="x"'
    registry.faults[""] = [status(401, WWW_Authenticate=challenge)] * 3
    with pytest.raises(Unread) as caught:
        desk.reader(url(registry), Credentials(username="me", password="secret")).index()
    assert caught.value.kind == "forbidden"
    assert len(registry.asked) == 1


def test_addresses_are_those_of_container_engines() -> None:
    """A tag is `latest` unless it is named; Docker Hub has another host; only loopback is asked without TLS."""
    carriers = {
        "oci://ghcr.io/team/packages": ("ghcr.io/team/packages:latest", "https://ghcr.io/v2/team/packages"),
        "oci://docker.io/team/x:v1": ("docker.io/team/x:v1", "https://registry-1.docker.io/v2/team/x"),
        "oci://localhost:5000/x": ("localhost:5000/x:latest", "http://localhost:5000/v2/x"),
        "oci://[::1]:5000/x": ("[::1]:5000/x:latest", "http://[::1]:5000/v2/x"),
        "oci://10.0.0.1:5000/x": ("10.0.0.1:5000/x:latest", "https://10.0.0.1:5000/v2/x"),
    }
    for address, expected in carriers.items():
        carrier = carrier_for(address)
        assert isinstance(carrier, OciCarrier)
        assert (carrier.shown, carrier._base) == expected
