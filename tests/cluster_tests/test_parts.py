"""Small parts of the cluster: certificates, names, packages, progress, the release host."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from tests.cluster import certmanager, network, node, packages, pki, progress, releases, toolchain
from tests.cluster.paths import ClusterError


def test_certificates_are_signed_for_their_use(tmp_path: Path) -> None:
    """A client's certificate carries user and group, a server's its names and addresses, both from the authority."""
    authority = pki.Authority(tmp_path)
    root = x509.load_pem_x509_certificate(authority.pair.certificate.read_bytes())
    client = x509.load_pem_x509_certificate(authority.issue("c", "me", "system:masters").certificate.read_bytes())
    client.verify_directly_issued_by(root)
    assert client.subject.rfc4514_string() == "CN=me,O=system:masters"
    server = x509.load_pem_x509_certificate(
        authority.issue("s", "s", hosts=("10.0.0.1", "a.b")).certificate.read_bytes()
    )
    server.verify_directly_issued_by(root)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.b"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1"]
    assert oct((tmp_path / "s.key").stat().st_mode)[-3:] == "600"


def test_kubeconfig_holds_everything_and_only_for_its_owner(tmp_path: Path) -> None:
    """A kubeconfig works wherever it is copied to, and nobody else may read it."""
    authority = pki.Authority(tmp_path)
    client = authority.issue("c", "me")
    path = pki.kubeconfig(tmp_path / "kubeconfig", "https://x:1", authority.pair.certificate, client, "here")
    data = json.loads(path.read_text())
    assert data["current-context"] == "here"
    assert base64.b64decode(data["users"][0]["user"]["client-key-data"]) == client.key.read_bytes()
    assert oct(path.stat().st_mode)[-3:] == "600"
    ssl.create_default_context(
        cadata=base64.b64decode(data["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    )


def test_link_names_fit_and_differ() -> None:
    """The host's interface has a name of at most 15 characters, another one for each cluster."""
    names = {network.link_name(f"{'a' * 28}{number}") for number in range(10)}
    assert len(names) == 10
    assert all(len(name) <= 15 for name in names)


def test_missing_packages_are_named_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every package that lacks one of its programs is named, once; where nothing can install it, programs are."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(packages, "NEEDED", {"ctr": "containerd", "containerd": "containerd", "/no/bridge": "cni"})
    assert packages.missing() == ["containerd", "cni"]
    with pytest.raises(ClusterError, match="no apt-get to install them: ctr, containerd, /no/bridge"):
        packages.ensure(progress.quiet)


def test_failing_installation_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where apt-get can't help, its words and the command are in the message, and no policy file stays."""
    apt = tmp_path / "apt-get"
    apt.write_text(
        "#!/bin/sh\ntest -e POLICY && echo 'E: no such package' >&2\nexit 100\n".replace(
            "POLICY", str(tmp_path / "policy")
        )
    )
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(packages, "NEEDED", {"no-such-program": "no-such-package"})
    monkeypatch.setattr(packages, "_POLICY", tmp_path / "policy")
    with pytest.raises(
        ClusterError, match=r"E: no such package.*apt-get install --no-install-recommends no-such-package"
    ):
        packages.ensure(progress.quiet)
    assert not (tmp_path / "policy").exists()


def test_policy_of_the_host_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A policy about daemons that the host has is neither changed nor removed."""
    policy = tmp_path / "policy"
    policy.write_text("#!/bin/sh\nexit 0\n")
    monkeypatch.setattr(packages, "_POLICY", policy)
    with packages._no_daemons():
        assert policy.read_text() == "#!/bin/sh\nexit 0\n"
    assert policy.exists()


def test_too_few_watches_are_said_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on inotify instances that leaves no room for a cluster is named, with the command that raises it."""
    node.check_watches()
    monkeypatch.setattr(node, "_WATCHES", 1_000_000)
    with pytest.raises(ClusterError, match=r"Too many open files.*sysctl -w fs.inotify.max_user_instances"):
        node.check_watches()


def test_steps_are_said_with_seconds_and_failures_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is one line when it ends, speaks up while it lasts, and says when it failed."""
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.01)
    said: list[str] = []
    heard = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        heard.set()

    with progress.step(say, "building"):
        heard.wait(5)
    assert said[0].startswith("  ... building: ")
    assert said[-1].endswith(" s  building")
    with pytest.raises(ValueError, match="x"), progress.step(say, "building"):
        raise ValueError("x")
    assert said[-1].endswith(" s  building: FAILED")


def test_go_version_is_read(tmp_path: Path) -> None:
    """An old or a broken go program isn't taken for one that is new enough."""
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho go1.19.8\n")
    go.chmod(0o755)
    assert toolchain.version_of(str(go)) == (1, 19)
    assert toolchain.version_of(str(tmp_path / "none")) is None
    go.write_text("#!/bin/sh\nexit 1\n")
    assert toolchain.version_of(str(go)) is None


def test_release_server_answers_like_the_release_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download is a redirect and then the file with its length; what isn't there is 404."""
    (tmp_path / "cert-manager.yaml").write_text("kind: Namespace\n")
    monkeypatch.setattr(releases, "manifest", lambda _version: tmp_path / "cert-manager.yaml")

    def ask(url: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        try:
            connection.request(method, parts.path)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    with releases.ReleaseServer() as server:
        status, headers, _ = ask(server.url(certmanager.DEFAULT))
        assert status == 302
        status, headers, content = ask(server.base + headers["Location"])
        assert (status, content) == (200, b"kind: Namespace\n")
        assert ask(server.base + "/assets/v1.21.2/cert-manager.yaml", "HEAD")[1]["Content-Length"] == str(len(content))
        assert ask(server.base + "/assets/v9.9.9/cert-manager.yaml")[0] == 404
        assert ask(server.base + "/elsewhere")[0] == 404
