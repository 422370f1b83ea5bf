"""Downloads over TLS and through proxies: whom frit trusts, and which way it takes."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from base.errors import WrongUsage
from tests.certificates.downloads import Downloads
from tests.certificates.servers import Authority, answer, forward, serving
from web.proxies import proxy_for

BODY = b"apiVersion: v1\n"
FAR = "releases.example.test"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A private CA that nobody trusts yet."""
    return Authority(tmp_path)


def test_a_private_ca_is_refused_without_a_bundle(downloads: Downloads, authority: Authority) -> None:
    """An unknown CA ends the download after one attempt, with the way to trust it."""
    with serving(answer(BODY), tls=authority.server("127.0.0.1")) as server:
        error = downloads.failure(server.url())
    assert "the certificate of 127.0.0.1 is not trusted: unable to get local issuer certificate" in error.message
    assert "attempts" not in error.message
    assert "--ca-bundle FILE" in error.hint
    assert server.asked == []


def test_a_private_ca_is_trusted_with_a_bundle(downloads: Downloads, authority: Authority) -> None:
    """With --ca-bundle the same server is fine."""
    with serving(answer(BODY), tls=authority.server("127.0.0.1")) as server:
        assert downloads.fetch(server.url(), ca_bundle=authority.bundle).content == BODY


def test_a_bundle_adds_to_the_systems_trust_store(
    downloads: Downloads, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system trusts is trusted without a bundle, and still with one."""
    system = Authority(tmp_path, "system")
    monkeypatch.setenv("SSL_CERT_FILE", str(system.bundle))
    with serving(answer(BODY), tls=system.server("127.0.0.1")) as server:
        assert downloads.fetch(server.url()).content == BODY
        assert downloads.fetch(server.url(), ca_bundle=authority.bundle).content == BODY


@pytest.mark.parametrize(
    ("names", "days", "words"),
    [(["elsewhere.example"], 1, "IP address mismatch"), (["127.0.0.1"], -1, "certificate has expired")],
)
def test_trust_needs_the_right_name_and_time(
    downloads: Downloads, authority: Authority, names: list[str], days: int, words: str
) -> None:
    """A certificate for another name, or an old one, is refused although its CA is trusted."""
    with serving(answer(BODY), tls=authority.server(*names, days=days)) as server:
        error = downloads.failure(server.url(), ca_bundle=authority.bundle)
    assert words in error.message
    assert "attempts" not in error.message


def test_https_from_a_server_that_speaks_http_is_told_as_such(downloads: Downloads) -> None:
    """A wrong port or scheme is no reason to wait."""
    with serving(answer(BODY)) as server:
        error = downloads.failure(server.url().replace("http:", "https:"))
    assert "no TLS with 127.0.0.1" in error.message
    assert "does the URL begin with http://?" in error.hint
    assert "attempts" not in error.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        (b"", "holds no certificate"),
        (b"not a certificate", "holds no certificate"),
    ],
)
def test_a_bundle_that_is_none_is_wrong_usage(
    downloads: Downloads, tmp_path: Path, content: bytes | None, words: str
) -> None:
    """A mistyped bundle is told before anything is asked."""
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    with serving(answer(BODY)) as server, pytest.raises(WrongUsage) as caught:
        downloads.fetch(server.url(), ca_bundle=bundle)
    assert words in caught.value.message
    assert server.asked == []


def test_a_redirect_never_leads_from_https_to_http(downloads: Downloads, authority: Authority) -> None:
    """What was asked for over TLS is not taken from a plain connection."""
    with serving(answer(BODY)) as plain:
        moved = answer(b"", 302, Location=plain.url("/x?token=geheim"))
        with serving(moved, tls=authority.server("127.0.0.1")) as server:
            error = downloads.failure(server.url(), ca_bundle=authority.bundle)
    assert f"redirects from https to plain http: 127.0.0.1:{plain.server_port}/x" in error.message
    assert "geheim" not in error.message
    assert plain.asked == []


def test_a_redirect_may_lead_from_http_to_https(downloads: Downloads, authority: Authority) -> None:
    """The other way round is fine."""
    with (
        serving(answer(BODY), tls=authority.server("127.0.0.1")) as server,
        serving(answer(b"", 308, Location=server.url())) as plain,
    ):
        assert downloads.fetch(plain.url(), ca_bundle=authority.bundle).content == BODY


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("variable", ["{}_PROXY", "{}_proxy", "ALL_PROXY"])
def test_the_environments_proxy_is_used(
    downloads: Downloads, authority: Authority, monkeypatch: pytest.MonkeyPatch, scheme: str, variable: str
) -> None:
    """A host that only the proxy can reach is reached through it, over TLS with the far server's own certificate."""
    tls = authority.server(FAR) if scheme == "https" else None
    with serving(answer(BODY), tls=tls) as server, serving(forward(server.server_port)) as proxy:
        name = variable.format(scheme.upper() if variable.isupper() or "PROXY" in variable else scheme)
        monkeypatch.setenv(name, f"127.0.0.1:{proxy.server_port}")
        fetched = downloads.fetch(f"{scheme}://{FAR}/v1.21.2/x", ca_bundle=authority.bundle)
    assert fetched.content == BODY
    assert [request.command for request in proxy.asked] == ["GET" if tls is None else "CONNECT"]
    assert proxy.asked[0].path == (f"http://{FAR}/v1.21.2/x" if tls is None else f"{FAR}:443")


def test_a_proxy_that_breaks_tls_open_is_refused_without_its_ca(
    downloads: Downloads, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names both the host and the proxy in between, and the way to trust its CA."""
    with serving(answer(BODY), tls=authority.server(FAR)) as server, serving(forward(server.server_port)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:geheim@127.0.0.1:{proxy.server_port}")
        error = downloads.failure(f"https://{FAR}/v1.21.2/x")
    place = f"{FAR} through the proxy 127.0.0.1:{proxy.server_port}"
    assert f"the certificate of {place} is not trusted" in error.message
    assert "--ca-bundle" in error.hint
    assert "geheim" not in error.message
    assert proxy.asked[0].headers["Proxy-Authorization"].startswith("Basic ")


def test_no_proxy_is_obeyed(downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    """An excepted host is asked directly, and the proxy never hears of it."""
    resolve = socket.getaddrinfo

    def here(host: Any, *rest: Any, **more: Any) -> Any:
        return resolve("127.0.0.1" if host == FAR else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", here)  # no name but localhost leads to loopback
    monkeypatch.setenv("NO_PROXY", "other.example, .example.test")
    with serving(answer(BODY)) as server, serving(answer(b"", 500)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
        assert downloads.fetch(server.url(host=FAR)).content == BODY
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("status", "words", "attempts"),
    [(407, "the proxy wants a login (407)", 1), (403, f"did not connect to {FAR}: 403", 1), (502, ": 502", 3)],
)
def test_a_proxy_that_says_no_is_named(
    downloads: Downloads, monkeypatch: pytest.MonkeyPatch, status: int, words: str, attempts: int
) -> None:
    """What the proxy refuses is not asked for again; what may pass is."""
    with serving(answer(b"", status)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url(""))
        error = downloads.failure(f"https://{FAR}/v1.21.2/x")
    assert words in error.message
    assert len(proxy.asked) == attempts


def test_a_proxy_that_is_not_there_is_named(downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection that failed is the one to the proxy, and the message says so."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:geheim@{place}")
        error = downloads.failure(f"https://{FAR}/v1.21.2/x")
    assert f"no connection to the proxy {place}: Connection refused" in error.message
    assert "geheim" not in error.message


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "http://", "http://[::1", "http://h:port"])
def test_a_proxy_that_cannot_be_used_is_told(downloads: Downloads, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """SOCKS and nonsense in the environment are named, and nothing goes around the proxy."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    error = downloads.failure(f"https://{FAR}/v1.21.2/x")
    assert "in the environment cannot be used" in error.message
    assert "http://proxy.example:3128" in error.hint


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("", "a.example", False),
        ("*", "a.example", True),
        ("a.example", "a.example", True),
        ("A.Example", "a.example", True),
        ("example", "a.example", True),
        (".example", "a.example", True),
        ("*.example", "a.example", True),
        (".a.example", "a.example", False),
        ("*.a.example", "a.example", False),
        ("ample", "a.example", False),
        ("x, ,a.example ", "a.example", True),
        ("a.example:443", "a.example", True),
        ("a.example:8443", "a.example", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "ten.example", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:443", "10.1.2.3", True),
        ("10.1.2.3:80", "10.1.2.3", False),
        ("fd00::/8", "fd00::1", True),
        ("[fd00::1]:443", "fd00::1", True),
        ("fd00::1", "[fd00::1]", True),
        ("a:b:c", "a.example", False),
        ("", "localhost", True),
        ("", "127.8.8.8", True),
        ("", "::1", True),
    ],
)
def test_no_proxy_means_what_it_means_to_go(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, host: str, direct: bool
) -> None:
    """Domains, addresses, ranges and ports in NO_PROXY are read as kubectl and Helm read them."""
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert proxy_for("https", host, 443) == (None if direct else "http://proxy.example:3128")


def test_without_a_proxy_the_way_is_direct(downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for http says nothing about https."""
    monkeypatch.setenv("HTTP_PROXY", "proxy.example:3128")
    assert proxy_for("https", "a.example", 443) is None
    assert proxy_for("http", "a.example", 80) == "http://proxy.example:3128"
