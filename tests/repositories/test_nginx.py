"""Repositories on a static server as people run it: nginx from Debian's packages, with and without TLS and logins."""

from __future__ import annotations

from pathlib import Path

import pytest

from base.clock import Run
from repositories.credentials import Credentials
from repositories.reader import Unread
from repositories.reading import read_indexes
from repositories.targets import Target
from tests.certificates.servers import Authority
from tests.repositories import nginx
from tests.repositories.people import Person
from tests.repositories.sites import FILES, Desk

LOCATION = "root {root}; location / {{ try_files $uri =404; }}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a repository."""
    for path, content in FILES.items():
        (tmp_path / "root" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / path).write_bytes(content)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)  # its worker may be another user
    return tmp_path / "root"


def statuses(log: Path) -> list[str]:
    """The statuses of the answers so far."""
    return [line.split('" ')[1].split()[0] for line in log.read_text().splitlines()]


def test_plain_files_with_etags_and_compression(desk: Desk, root: Path, tmp_path: Path) -> None:
    """All files are read; what did not change is answered with 304, also where compression made the ETag weak."""
    port = nginx.free_port()
    server = f"server {{ listen 127.0.0.1:{port}; {LOCATION.format(root=root)} }}"
    with nginx.running(tmp_path / "nginx", server) as log:
        for _ in range(2):
            with desk.reader(f"http://127.0.0.1:{port}/", fresh=0) as reader:
                read = reader.index()
                assert [one.name for one in read.value.packages] == ["alpha", "beta"]
                assert read.updated.endswith("Z")
                assert reader.versions("alpha").value.ahead == "v1.1.0+1"
                assert reader.manifest("alpha", "v1.0.0+1").value.name == "alpha"
                reader.file("alpha", "v1.0.0+1", "./all.yaml")
        with pytest.raises(Unread) as caught:
            desk.reader(f"http://127.0.0.1:{port}").versions("beta")
        assert caught.value.kind == "not-found"
    assert statuses(log) == ["200"] * 4 + ["304"] * 2 + ["404"]
    assert desk.reader(f"http://127.0.0.1:{port}", fresh=0).index().stale


def test_tls_with_a_login_and_with_a_client_certificate(desk: Desk, root: Path, tmp_path: Path) -> None:
    """Over TLS with a CA of its own: basic authentication, and a certificate that nginx demands."""
    authority = Authority(tmp_path)
    authority.server("127.0.0.1")
    certificate = next(path for path in tmp_path.glob("*.pem") if path != authority.bundle)
    (tmp_path / "users").write_text("me:{PLAIN}s3cret\n")
    login, certified = nginx.free_port(), nginx.free_port()
    tls = f"ssl_certificate {certificate}; ssl_certificate_key {certificate}; {LOCATION.format(root=root)}"
    servers = (
        f"server {{ listen 127.0.0.1:{login} ssl; auth_basic p; auth_basic_user_file {tmp_path}/users; {tls} }}"
        f"server {{ listen 127.0.0.1:{certified} ssl; ssl_verify_client on; "
        f"ssl_client_certificate {authority.bundle}; {tls} }}"
    )
    person = Person(authority)
    ca = Credentials(ca_bundle=person.ca)
    me = Credentials(username="me", password="s3cret", ca_bundle=person.ca)
    cert = Credentials(client_certificate=person.certificate, client_key=person.key, ca_bundle=person.ca)
    with nginx.running(tmp_path / "nginx", servers):
        targets = [
            Target("login", f"https://127.0.0.1:{login}", lambda: me),
            Target("certificate", f"https://127.0.0.1:{certified}", lambda: cert),
            Target("no login", f"https://127.0.0.1:{login}", lambda: ca),
            Target("no certificate", f"https://127.0.0.1:{certified}", lambda: ca),
            Target("no trust", f"https://127.0.0.1:{certified}"),
            Target("no https", f"http://127.0.0.1:{login}"),
        ]
        outcomes = read_indexes(targets, desk.options(), Run())
    assert [one.read is not None for one in outcomes] == [True, True, False, False, False, False]
    words = ["answered 401", "answered 400", "not trusted", "answered 400"]
    for one, word in zip(outcomes[2:], words, strict=True):
        assert one.error is not None
        assert word in one.error.message
    assert outcomes[-1].error is not None
    assert "https://?" in outcomes[-1].error.hint


def test_a_gateway_in_between(desk: Desk, root: Path, tmp_path: Path) -> None:
    """Behind a gateway that is up while its server is not, the kept copy is used, with a note."""
    port, behind, nobody = nginx.free_port(), nginx.free_port(), nginx.free_port()
    servers = (
        f"server {{ listen 127.0.0.1:{behind}; {LOCATION.format(root=root)} }}"
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:%s; }} }}"
    )
    with nginx.running(tmp_path / "nginx", servers % behind):
        desk.reader(f"http://127.0.0.1:{port}").index()
    (tmp_path / "nginx" / "pid").unlink(missing_ok=True)
    with nginx.running(tmp_path / "nginx", servers % nobody):
        read = desk.reader(f"http://127.0.0.1:{port}", fresh=0).index()
    assert read.stale
    assert "the server answered 502 (Bad Gateway)" in read.note
