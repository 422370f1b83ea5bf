"""Credentials of repositories on the wire: given where they belong, and to nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from base.errors import RepositoryUnusable, WrongUsage
from repositories.carriers import Ways
from repositories.credentials import Credentials
from repositories.linting import Linter
from repositories.origins import carrier_for
from repositories.reader import Unread
from repositories.remote import Remote
from tests.certificates.servers import Authority, forward, serving
from tests.repositories.people import Person
from tests.repositories.sites import Desk, Handler, Site, basic, site, status

SECRET = "s3cr3t-Pässwort"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A certificate authority that no system trusts."""
    return Authority(tmp_path)


def everything(folder: Path) -> bytes:
    """All bytes and names of a folder's files."""
    return b"".join(bytes(path) + (path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        (Credentials(username="me", password=SECRET), basic("me", SECRET)),
        (Credentials(token="t0ken-t0ken"), "Bearer t0ken-t0ken"),
    ],
)
def test_a_login_is_sent_and_kept_nowhere(desk: Desk, shop: Site, credentials: Credentials, header: str) -> None:
    """Basic and bearer authentication are sent with every request; no secret is in the cache, a text or an event."""
    shop.login = header
    reader = desk.reader(shop.url, credentials)
    assert len(reader.index().value.packages) == 2
    reader.manifest("alpha", "v1.0.0+1")
    assert {one["authorization"] for one in shop.heard} == {header}
    shop.faults[""] = [status(500)] * 9
    with pytest.raises(Unread) as caught:
        reader.versions("alpha")
    secrets = [header.split()[1], *credentials.secrets()]
    said = repr([caught.value, caught.value.details, desk.events, reader.__dict__, credentials]) + caught.value.hint
    for secret in secrets:
        assert secret not in said
        assert secret.encode() not in everything(desk.cache)


def quoting(request: Handler) -> None:
    """A fault: an answer whose status line quotes the login."""
    request.send_response(500, f"what is {'x' * 120}{request.headers['Authorization']}?")
    request.send_header("Content-Length", "0")
    request.end_headers()


@pytest.mark.parametrize(
    "credentials",
    [Credentials(username="me", password=SECRET), Credentials(token="t0ken-" * 30)],
)
def test_a_server_that_quotes_a_login_tells_nobody(desk: Desk, shop: Site, credentials: Credentials) -> None:
    """Errors, what is kept instead, attempts and remarks are told without it, also where a long one is cut off."""
    reader = desk.reader(shop.url, credentials)
    reader.index()
    shop.faults[""] = [quoting] * 20
    with pytest.raises(Unread) as caught:
        reader.manifest("alpha", "v1.0.0+1")
    stale = reader.index(fresh=True)
    assert stale.stale
    shop.faults = {"alpha/v1.0.0+1/package.yaml": [quoting] * 9}
    remarks = Linter(Remote(desk.reader(shop.url, credentials, use_cache=False), workers=1), desk.run).lint().remarks
    said = [caught.value.message, repr(caught.value.details), stale.note, repr(desk.events), repr(remarks)]
    for text in said:
        assert "what is xxx" in text
        assert "***" in text
        for secret in (shop.heard[-1]["authorization"].split()[1], SECRET, "t0ken-t0ken"):
            assert secret[:20] not in text


def test_who_has_no_login_gets_a_hint(desk: Desk, shop: Site) -> None:
    """401 says what to do."""
    shop.login = basic("me", SECRET)
    with pytest.raises(Unread) as caught:
        desk.reader(shop.url).index()
    assert "frit repo update" in caught.value.hint


def test_the_cache_of_one_login_is_not_that_of_another(desk: Desk, shop: Site) -> None:
    """What was read with a login is not shown to who has none, or another one."""
    shop.login = basic("me", SECRET)
    desk.reader(shop.url, Credentials(username="me", password=SECRET)).index()
    for other in (Credentials(), Credentials(username="me", password="guess"), Credentials(token="x")):
        with pytest.raises(Unread):
            desk.reader(shop.url, other).index()


def test_a_redirect_takes_no_login_along(desk: Desk, shop: Site) -> None:
    """Another origin, also one that is only another port, gets none; the way back gets it again."""
    with site() as other:
        shop.faults["index.yaml"] = [status(302, Location=f"{other.url}/index.yaml")]
        shop.faults["alpha/versions.yaml"] = [status(302, Location="/alpha/again.yaml")]
        shop.files["alpha/again.yaml"] = shop.files["alpha/versions.yaml"]
        reader = desk.reader(shop.url, Credentials(username="me", password=SECRET))
        assert len(reader.index().value.packages) == 2
        reader.versions("alpha")
        assert ["authorization" in one for one in other.heard] == [False]
    assert ["authorization" in one for one in shop.heard] == [True, True, True]


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        (Credentials(token="two words"), "the token holds blanks"),
        (Credentials(token="line\r\nX-Evil: 1"), "the token holds blanks"),
        (Credentials(username="a:b", password="c0lon"), "holds a colon"),
        (Credentials(ca_bundle="no pem"), "the CA bundle holds no certificate"),
        (
            Credentials(client_certificate="no pem", client_key="none"),
            "the client certificate and its key cannot be used",
        ),
    ],
)
def test_credentials_that_cannot_be_used_ask_nobody(
    desk: Desk, shop: Site, credentials: Credentials, words: str
) -> None:
    """They end in a clear error that does not repeat them."""
    with pytest.raises(RepositoryUnusable, match=words) as caught:
        desk.reader(shop.url, credentials).index()
    assert caught.value.hint
    for secret in credentials.secrets():
        assert secret not in str(caught.value)
    assert shop.asked == []


def test_a_ca_bundle_of_the_repository_is_trusted_for_it(desk: Desk, authority: Authority) -> None:
    """Without it the server's certificate is refused; with it, given in the credentials or by option, it is not."""
    with site(authority.server("127.0.0.1")) as shop:
        with pytest.raises(Unread) as caught:
            desk.reader(shop.url).index()
        assert (caught.value.kind, "--ca-bundle" in caught.value.hint) == ("tls-trust", True)
        pem = Credentials(ca_bundle=authority.bundle.read_text())
        assert len(desk.reader(shop.url, pem).index().value.packages) == 2
        ways = Ways(2.0, 2.0, authority.bundle)
        assert len(desk.reader(shop.url, ways=ways, use_cache=False).index().value.packages) == 2


def test_a_client_certificate_is_shown_to_its_own_origin_only(
    desk: Desk, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers that ask for one get it; a redirect to another origin shows none; the key is left on no disk."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    person = Person(authority)
    known = Credentials(client_certificate=person.certificate, client_key=person.key, ca_bundle=person.ca)
    with site(person.demanded_by("127.0.0.1")) as shop, site(person.demanded_by("127.0.0.1")) as other:
        with pytest.raises(Unread):
            desk.reader(shop.url, Credentials(ca_bundle=person.ca)).index()
        reader = desk.reader(shop.url, known)
        assert len(reader.index().value.packages) == 2
        shop.faults[""] = [status(302, Location=f"{other.url}/alpha/versions.yaml")] * 9
        with pytest.raises(Unread):
            reader.versions("alpha")
        assert other.asked == []
    assert list(temporary.iterdir()) == []
    assert person.key.encode() not in everything(desk.cache)


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_a_password(desk: Desk, authority: Authority) -> None:
    """frit cannot know it; OpenSSL would ask on the terminal."""
    person = Person(authority, password=b"x")
    known = Credentials(client_certificate=person.certificate, client_key=person.key)
    with pytest.raises(RepositoryUnusable, match="the key is encrypted"):
        desk.reader("https://127.0.0.1:1", known).index()


def test_a_proxy_in_between_is_used_and_gets_no_login(
    desk: Desk, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS goes through a tunnel, so that the proxy sees neither the login nor the path."""
    with site(authority.server("packages.example")) as shop, serving(forward(shop.server_port)) as proxy:
        shop.login = basic("me", SECRET)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        known = Credentials(username="me", password=SECRET, ca_bundle=authority.bundle.read_text())
        assert len(desk.reader("https://packages.example/", known).index().value.packages) == 2
        assert [(one.command, one.path) for one in proxy.asked] == [("CONNECT", "packages.example:443")]
        assert all("authorization" not in {name.lower() for name in one.headers} for one in proxy.asked)


@pytest.mark.parametrize(
    "url",
    [
        "https://me:secret@example.org/x",
        "oci://me:secret@example.org/x",
        "https://example.org/x?token=secret",
        "https://example.org/x#secret",
        "ftp://example.org",
        "https://",
        "http://[::1",
        "https://example.org:99999",
        "file://other.example/srv",
        "file:relative",
        "file:///a%00b",
        "oci://example.org",
        "oci://example.org/UPPER",
        "oci://example.org/a/../b",
        "",
        "packages",
    ],
)
def test_urls_that_make_no_sense_are_refused_without_their_secrets(url: str) -> None:
    """Only http, https, file and oci are read, and credentials are never part of a URL."""
    with pytest.raises(WrongUsage) as caught:
        carrier_for(url)
    assert "secret" not in caught.value.message + caught.value.hint


def test_a_person_needs_no_home(desk: Desk, shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache folder can be chosen by the environment, as for all downloads."""
    monkeypatch.setenv("FRIT_CACHE_DIR", str(desk.cache / "chosen"))
    desk.reader(shop.url, cache_dir=None).index()
    assert [one.name for one in (desk.cache / "chosen").iterdir()] == ["repositories"]
