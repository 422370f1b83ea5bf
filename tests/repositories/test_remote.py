"""A repository somewhere else, for lint and mirror: against real servers on loopback."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from base.clock import Run
from base.errors import RepositoryUnusable
from base.events import silent
from repositories.credentials import Credentials
from repositories.remote import Elsewhere, Remote, reader_for
from repositories.serving import serving
from tests.frit.processes import PLAIN, finished
from tests.repositories.shelves import change, write
from tests.repositories.sites import closed_port
from tests.serving import running
from web.troubles import TransferError

WEB = "web/v1.1.0+1/package.yaml"
CREDENTIALS = Credentials(username="ci", password="hunter2")
Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def answering(answer: Callable[[str, str], Answer]) -> Iterator[str]:
    """The URL of a server that answers as a function of path and Authorization says."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with running(server):
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def remote_at(url: str) -> Iterator[Remote]:
    """The repository at a URL, with a login."""
    with reader_for(url, CREDENTIALS, Run(), silent) as reader:
        yield Remote(reader)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere(CREDENTIALS, Run(), silent) as made:
        yield made


def test_files_are_read_by_their_paths(tmp_path: Path) -> None:
    """A file is its bytes, what is not there is None, and a + stays one in the URL; each is asked for each time."""
    lines: list[str] = []
    with serving(write(tmp_path), tell=lines.append) as server, remote_at(f"{server.url}/") as remote:
        content = remote.read(("web", "v1.1.0+1", "package.yaml"), 1 << 20)
        assert remote.read(("web", "v1.1.0+1", "package.yaml"), 1 << 20) == content
        assert remote.read(("web", "absent.yaml"), 1 << 20) is None
    assert content == (tmp_path / WEB).read_bytes()
    assert lines == [f"GET /{WEB} 200"] * 2 + ["GET /web/absent.yaml 404"]
    assert (remote.packages(), remote.versions("web")) == ([], [])


def test_a_server_that_fails_for_a_moment_is_asked_again() -> None:
    """503 is tried again; 403 is not, and says why."""
    asked: list[str] = []

    def answer(path: str, _: str) -> Answer:
        asked.append(path)
        if path == "/no":
            return 403, {}, b""
        return (503, {"Retry-After": "0"}, b"") if len(asked) < 3 else (200, {}, b"a: b\n")

    with answering(answer) as url, remote_at(url) as remote:
        assert remote.read(("index.yaml",), 100) == b"a: b\n"
        with pytest.raises(RepositoryUnusable, match=r"could not read 127.*/no: .*403"):
            remote.read(("no",), 100)
    assert asked == ["/index.yaml"] * 3 + ["/no"]


def test_an_endless_file_is_given_up() -> None:
    """No more is read than a file of its kind may have."""
    endless = answering(lambda path, _: (200, {}, b"x" * 101))
    with endless as url, remote_at(url) as remote, pytest.raises(RepositoryUnusable, match="larger"):
        remote.read(("index.yaml",), 100)


def test_credentials_go_to_the_repository_alone(elsewhere: Elsewhere) -> None:
    """Neither a manifest that a package names nor a redirect to another server gets them."""
    seen: dict[str, str] = {}

    def others(path: str, login: str) -> Answer:
        seen[path] = login
        return 200, {}, b"a: b\n"

    with answering(others) as other:

        def own(path: str, login: str) -> Answer:
            seen[path] = login
            return (302, {"Location": f"{other}/moved"}, b"") if path == "/away.yaml" else (200, {}, b"a: b\n")

        with answering(own) as url, remote_at(url) as remote:
            remote.read(("index.yaml",), 100)
            remote.read(("away.yaml",), 100)
            elsewhere.fetch(f"{url}/fetched")
    login = "Basic " + base64.b64encode(b"ci:hunter2").decode()
    assert seen == {"/index.yaml": login, "/away.yaml": login, "/moved": "", "/fetched": ""}


def test_links_that_lead_nowhere_are_told_from_those_that_do(elsewhere: Elsewhere) -> None:
    """404 and nobody answering lead nowhere; large pages and servers that want a login are there."""
    answers: dict[str, Answer] = {
        "/there": (200, {}, b"<!doctype html><title>home</title>"),
        "/large": (200, {"Content-Length": str(1 << 40)}, b""),
        "/login": (401, {}, b""),
        "/gone": (404, {}, b""),
    }
    with answering(lambda path, _: answers[path]) as url:
        gone = elsewhere.unreachable([f"{url}{path}" for path in answers] + ["http://127.0.0.1:1/"])
        assert set(gone) == {f"{url}/gone", "http://127.0.0.1:1/"}
        assert "404" in gone[f"{url}/gone"]
        with pytest.raises(TransferError, match="404"):
            elsewhere.fetch(f"{url}/gone")


def test_certificates_that_cannot_be_used_are_an_error() -> None:
    """A CA bundle without a certificate is named before anything is asked."""
    made = Elsewhere(Credentials(ca_bundle="nothing"), Run(), silent)
    with made, pytest.raises(RepositoryUnusable, match="CA bundle"):
        made.fetch("https://127.0.0.1:1/m.yaml")


def test_a_url_is_linted_like_a_folder(tmp_path: Path) -> None:
    """The same remarks as for the folder, under the URL; nobody answering is exit code 8."""
    folder = write(tmp_path / "shelf")
    change(folder, "store/v1.0.0+1/package.yaml", "  chartVersion: 2.0.1\n", "")
    with serving(folder) as server:
        code, out, _ = finished("repo", "lint", server.url, program=PLAIN)
    assert code == 5
    assert out.splitlines()[0].startswith(f"{server.url}/store/v1.0.0+1/package.yaml:5: error: helm: chart 'store'")
    assert out.splitlines()[-1] == "1 error, 0 warnings, 0 notes in 2 packages, 3 versions"
    port = closed_port()
    code, out, err = finished("repo", "lint", f"http://127.0.0.1:{port}/", program=PLAIN)
    assert (code, out) == (8, "")
    assert f"could not read 127.0.0.1:{port}/index.yaml" in err
    assert finished("repo", "lint", f"file://{folder}", program=PLAIN)[0] == 5


def test_online_asks_for_what_packages_name(tmp_path: Path) -> None:
    """A link that leads nowhere is a warning, a manifest that is not there an error."""
    folder = write(tmp_path / "shelf")
    with answering(lambda path, _: (404 if path == "/gone" else 200, {}, b"ok")) as url:
        for path in ("index.yaml", WEB, "store/v1.0.0+1/package.yaml"):
            text = (folder / path).read_text().replace("https://charts.example.com", url)
            (folder / path).write_text(text.replace("https://example.com", url))
        change(folder, WEB, f"url: {url}/\n", f"url: {url}/gone\n")
        change(folder, WEB, "url: manifest.yaml", f"url: {url}/gone")
        code, out, _ = finished("repo", "lint", str(folder), "--online", "--ignore", "insecure-url", program=PLAIN)
    assert code == 5
    rules = [line.rsplit(" ", 1)[-1] for line in out.splitlines()[:-1]]
    assert rules == ["[unreachable-reference]", "[unreachable-link]"]
