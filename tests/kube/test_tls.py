"""Whom the API server's connections trust, who they are, and that no key is left on a disk."""

from __future__ import annotations

import base64
import json
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client.configuration import Configuration

from base.errors import ClusterUnreachable
from kube.client import Client
from kube.connection import ConnectionOptions, connect
from kube.failures import ApiError
from kube.tls import tls_of
from tests.certificates.servers import Authority
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy
from tests.repositories.people import Person

Change = Callable[[dict[str, Any], dict[str, Any]], None]


def data(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of this test alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def person(server: FaultProxy, tmp_path: Path) -> Person:
    """Somebody with a client certificate, without which the server lets nobody in any more."""
    made = Person(Authority(tmp_path, "people"))
    server.tls.load_verify_locations(cadata=made.ca)
    server.tls.verify_mode = ssl.CERT_REQUIRED
    return made


def changed(server: FaultProxy, change: Change) -> Client:
    """A client of the server's kubeconfig, after a change to its cluster and its user."""
    config = json.loads(server.kubeconfig.read_text())
    change(config["clusters"][0]["cluster"], config["users"][0]["user"])
    path = server.folder / "changed"
    path.write_text(json.dumps(config))
    return connect(ConnectionOptions(kubeconfig=str(path)), user_agent="frit/0 (test)").client


def asks(client: Client) -> None:
    """Over the pool, and over a connection of its own."""
    assert client.get("/version", doing="ask") == {"major": "1"}
    assert client.request("GET", "/version", doing="ask", new_connection=True).json() == {"major": "1"}


def test_a_certificate_in_the_kubeconfig_is_shown_and_left_on_no_disk(
    server: FaultProxy, person: Person, temporary: Path
) -> None:
    """The key is in memory before the first request, so that no end of the process can leave a file of it."""
    server.on(ok({"major": "1"}), times=99)
    with pytest.raises(ApiError):
        changed(server, lambda cluster, user: None).get("/version", doing="ask")

    def shown(cluster: dict[str, Any], user: dict[str, Any]) -> None:
        user.update({"client-certificate-data": data(person.certificate), "client-key-data": data(person.key)})

    client = changed(server, shown)
    assert list(temporary.iterdir()) == []
    asks(client)
    assert list(temporary.iterdir()) == []


def test_nobody_else_may_write_where_the_key_is_for_a_moment(
    server: FaultProxy, person: Person, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the umask: the loader opens its files again by their names, which somebody could have taken."""
    modes: list[int] = []

    def looked(configuration: Configuration) -> ssl.SSLContext | None:
        modes.append(Path(str(configuration.key_file)).parent.stat().st_mode & 0o777)
        return tls_of(configuration)

    def shown(cluster: dict[str, Any], user: dict[str, Any]) -> None:
        user.update({"client-certificate-data": data(person.certificate), "client-key-data": data(person.key)})

    monkeypatch.setattr("kube.connection.tls_of", looked)
    before = os.umask(0)
    try:
        changed(server, shown)
    finally:
        os.umask(before)
    assert modes == [0o700]
    assert list(temporary.iterdir()) == []


def test_certificates_in_files_are_shown(server: FaultProxy, person: Person, tmp_path: Path) -> None:
    """Their names may be relative to the kubeconfig; the files stay."""
    server.on(ok({"major": "1"}), times=99)
    (tmp_path / "me.crt").write_text(person.certificate)
    (tmp_path / "me.key").write_text(person.key)
    asks(changed(server, lambda _, user: user.update({"client-certificate": "me.crt", "client-key": "me.key"})))
    assert (tmp_path / "me.key").read_text() == person.key


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        ("own", "encrypted", "the key is encrypted"),
        ("own", "other", "the client certificate and its key cannot be used"),
        ("own", "-----BEGIN PRIVATE KEY-----\nsecret\n", "the client certificate and its key cannot be used"),
        ("no PEM", "own", "the client certificate and its key cannot be used"),
        ("own", "", "the client certificate and its key cannot be used"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_one_message(
    server: FaultProxy, tmp_path: Path, temporary: Path, certificate: str, key: str, words: str
) -> None:
    """It is said before the first request, without a question at the terminal and without a word of the key."""
    authority = Authority(tmp_path)
    own, other, locked = Person(authority), Person(authority), Person(authority, password=b"x")
    keys = {"own": own.key, "other": other.key, "encrypted": locked.key}

    def shown(cluster: dict[str, Any], user: dict[str, Any]) -> None:
        user["client-certificate-data"] = data(own.certificate if certificate == "own" else certificate)
        user["client-key-data"] = data(keys.get(key, key))

    with pytest.raises(ClusterUnreachable) as raised:
        changed(server, shown)
    assert words in raised.value.message
    assert "'faults'" in raised.value.message
    assert "secret" not in raised.value.message
    assert raised.value.hint
    assert list(temporary.iterdir()) == []


def test_who_is_not_trusted_is_not_talked_to(server: FaultProxy, tmp_path: Path) -> None:
    """Another authority is refused, unless the kubeconfig says not to look."""
    server.on(ok({"major": "1"}), times=99)
    other = data(Authority(tmp_path, "other").bundle.read_text())

    def distrusting(cluster: dict[str, Any], user: dict[str, Any]) -> None:
        cluster["certificate-authority-data"] = other

    def careless(cluster: dict[str, Any], user: dict[str, Any]) -> None:
        del cluster["certificate-authority-data"]
        cluster["insecure-skip-tls-verify"] = True

    with pytest.raises(ApiError, match="certificate"):
        changed(server, distrusting).get("/version", doing="ask")
    asks(changed(server, careless))


def test_without_an_authority_the_system_decides(server: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for kubectl; OpenSSL is told by SSL_CERT_FILE where the system keeps its authorities."""
    server.on(ok({"major": "1"}), times=99)
    with pytest.raises(ApiError, match="certificate"):
        changed(server, lambda cluster, _: cluster.pop("certificate-authority-data")).get("/version", doing="ask")
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority.pair.certificate))
    asks(changed(server, lambda cluster, _: cluster.pop("certificate-authority-data")))


def test_the_name_that_the_certificate_must_have_can_be_given(server: FaultProxy) -> None:
    """`tls-server-name` of the kubeconfig."""
    server.on(ok({"major": "1"}), times=99)
    asks(changed(server, lambda cluster, _: cluster.update({"tls-server-name": "localhost"})))
    with pytest.raises(ApiError, match="elsewhere"):
        changed(server, lambda cluster, _: cluster.update({"tls-server-name": "elsewhere"})).get("/", doing="ask")


def test_a_token_that_is_renewed_leaves_the_trust_as_it_is(server: FaultProxy, temporary: Path) -> None:
    """The loader names its files again when a plugin's token has expired; they are long gone then."""
    server.on(ok({"major": "1"}), times=99)
    status = {"token": server.token, "expirationTimestamp": "2020-01-01T00:00:00Z"}
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    script = server.folder / "plugin"
    script.write_text(f"#!/bin/sh\necho x >> {server.folder}/ran\necho '{json.dumps(credential)}'\n")
    script.chmod(0o755)
    plugin = {"apiVersion": credential["apiVersion"], "command": str(script), "interactiveMode": "Never"}

    def renewed(cluster: dict[str, Any], user: dict[str, Any]) -> None:
        user.clear()
        user["exec"] = plugin

    client = changed(server, renewed)
    asks(client)
    asks(client)
    assert len((server.folder / "ran").read_text().split()) > 2
    assert list(temporary.iterdir()) == []
