"""`frit repo serve`'s server: conditional requests, and nothing outside of its folder."""

from __future__ import annotations

import http.client
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from base.errors import WrongUsage
from repositories.serving import Server, serving

INDEX = b"packages: []\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an index, a version, hidden files, links of every kind, and a secret beside it."""
    shelf = tmp_path / "shelf"
    version = shelf / "web" / "v1.0.0+1"
    version.mkdir(parents=True)
    (shelf / "index.yaml").write_bytes(INDEX)
    (version / "package.yaml").write_text("name: web\n")
    (version / "größe.txt").write_text("gross")
    (shelf / ".git").mkdir()
    (shelf / ".git" / "config").write_text("hidden")
    (tmp_path / "secret").write_text("secret")
    (shelf / "out").symlink_to(tmp_path / "secret")
    (shelf / "away").symlink_to(tmp_path)
    (shelf / "looped").symlink_to("looped")
    (shelf / "git").symlink_to(".git")
    (shelf / "latest").symlink_to("web/v1.0.0+1")
    os.mkfifo(shelf / "pipe")
    return shelf


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def server(folder: Path, lines: list[str]) -> Iterator[Server]:
    with serving(folder, tell=lines.append) as running:
        yield running


def ask(
    server: Server, path: str, method: str = "GET", body: bytes | None = None, **fields: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, header fields and body; the path goes out as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_a_file_comes_as_it_is_with_its_type_and_an_etag(server: Server) -> None:
    """GET gives the bytes, HEAD the same fields without them; a `+` may be escaped or not."""
    status, fields, body = ask(server, "/index.yaml")
    assert (status, body, fields["Content-Type"]) == (200, INDEX, "application/yaml")
    assert fields["ETag"].startswith('"')
    assert fields["Cache-Control"] == "no-cache"
    status, head, body = ask(server, "/index.yaml", "HEAD")
    assert (status, body) == (200, b"")
    assert {**head, "Date": ""} == {**fields, "Date": ""}
    for path in ("/web/v1.0.0+1/package.yaml", "/web/v1.0.0%2B1/package.yaml", "/latest/package.yaml?x=y"):
        assert ask(server, path)[2] == b"name: web\n"
    assert ask(server, quote("/latest/größe.txt"))[2] == b"gross"


def test_who_has_it_already_gets_it_not_again(server: Server, folder: Path) -> None:
    """A matching ETag answers 304, weak or in a list or as a star; another content answers 200 with another one."""
    tag = ask(server, "/index.yaml")[1]["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, fields, body = ask(server, "/index.yaml", If_None_Match=known)
        assert (status, body, fields["ETag"]) == (304, b"", tag)
    for other in ('"other"', tag.strip('"'), "", f'"x{tag[1:]}'):
        assert ask(server, "/index.yaml", If_None_Match=other)[0] == 200
    (folder / "index.yaml").write_bytes(INDEX.upper())  # the same size, at nearly the same time
    status, fields, body = ask(server, "/index.yaml", If_None_Match=tag)
    assert (status, body) == (200, INDEX.upper())
    assert fields["ETag"] != tag


def test_a_copy_has_the_same_etag(server: Server, folder: Path) -> None:
    """An ETag says what is in a file, not when or where it was written; a file that rests is not read again."""
    tag = ask(server, "/index.yaml")[1]["ETag"]
    (folder / "copy.yaml").write_bytes(INDEX)
    os.utime(folder / "copy.yaml", (1, 1))
    assert ask(server, "/copy.yaml")[1]["ETag"] == tag


def test_times_count_where_no_etag_is_named(server: Server, folder: Path) -> None:
    """If-Modified-Since answers 304 for a file that is not newer; an unreadable date and a newer file answer 200."""
    os.utime(folder / "index.yaml", (1_700_000_000, 1_700_000_000))
    when = ask(server, "/index.yaml")[1]["Last-Modified"]
    assert when == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert ask(server, "/index.yaml", If_Modified_Since=when)[0] == 304
    assert ask(server, "/index.yaml", If_Modified_Since="Tue, 14 Nov 2023 22:13:19 GMT")[0] == 200
    assert ask(server, "/index.yaml", If_Modified_Since="yesterday")[0] == 200
    assert ask(server, "/index.yaml", If_Modified_Since=when, If_None_Match='"other"')[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/web",
        "/web/",
        "/missing.yaml",
        "/../secret",
        "/web/../../secret",
        "/%2e%2e/secret",
        "/web/..%2f..%2fsecret",
        "/..%5csecret",
        "//etc/passwd",
        "/web//v1.0.0+1/package.yaml",
        "/./index.yaml",
        "/index.yaml/",
        "/index.yaml/x",
        "/index.yaml%00",
        "/index.yaml%0a",
        "/%252e%252e/secret",
        "/.git/config",
        "/git/config",
        "/out",
        "/away/secret",
        "/away/shelf/index.yaml/../../secret",
        "/looped",
        "/pipe",
        "/" + "a" * 5000,
    ],
)
def test_there_is_nothing_but_the_files_of_the_folder(server: Server, path: str) -> None:
    """Dots, links out, hidden files, folders, pipes and control characters are all answered with 404."""
    status, fields, body = ask(server, path)
    assert (status, body) == (404, b"404 no such file\n")
    assert fields["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(("path", "status"), [("/%ff", 400), ("index.yaml", 400), ("/%c3%28.yaml", 400)])
def test_a_path_that_is_none_is_a_bad_request(server: Server, path: str, status: int) -> None:
    """What is not UTF-8 or does not begin with a slash is answered with 400."""
    assert ask(server, path)[0] == status


def test_a_file_that_may_not_be_read_says_so(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing permission is 403 and not 404: whoever publishes has to see the difference."""
    really = os.open

    def deny(name: str, *rest: int, **how: int) -> int:
        if name == "index.yaml":
            raise PermissionError(13, "Permission denied")  # the account of the tests may read everything
        return really(name, *rest, **how)

    monkeypatch.setattr(os, "open", deny)
    assert ask(server, "/index.yaml")[0] == 403


def test_nothing_can_be_written(server: Server, folder: Path) -> None:
    """Methods that would change something do not exist."""
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        assert ask(server, "/index.yaml", method, b"x")[0] == 501
    assert (folder / "index.yaml").read_bytes() == INDEX


def test_the_body_of_a_request_is_not_the_next_request(server: Server) -> None:
    """A GET with a body is answered once, and then the connection ends."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        inner = b"GET /missing HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(b"GET /index.yaml HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(inner), inner))
        received = b""
        with connection.makefile("rb") as stream:
            received = stream.read()
    assert received.count(b"HTTP/1.1") == 1
    assert received.endswith(INDEX)


def test_many_requests_share_a_connection_and_many_connections_a_server(server: Server) -> None:
    """Connections stay open between requests, and clients do not wait for each other."""
    answers: list[int] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        for _ in range(20):
            connection.request("GET", "/index.yaml")
            answer = connection.getresponse()
            answer.read()
            answers.append(answer.status)
        connection.close()

    with socket.create_connection(("127.0.0.1", server.port)):  # one that says nothing holds nobody back
        clients = [threading.Thread(target=client) for _ in range(8)]
        for one in clients:
            one.start()
        for one in clients:
            one.join(timeout=20)
    assert answers == [200] * 160


def test_every_request_is_one_line_that_controls_no_terminal(server: Server, lines: list[str]) -> None:
    """Method, path and status are told; what a client escapes stays escaped, and a query is not shown."""
    ask(server, "/index.yaml?token=hunter2")
    ask(server, "/%1b[2J")
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(b"GET /\x1b]0;x HTTP/1.0\r\n\r\n")
        raw.makefile("rb").read()
    assert lines == ["GET /index.yaml?*** 200", "GET /%1b[2J 404", "GET /?]0;x 404"]


def test_it_listens_on_loopback_only_and_its_port_closes() -> None:
    """Without a host it is 127.0.0.1; after the block nobody answers, and closing twice is nothing."""
    with serving(Path()) as server:
        assert server.server_address[0] == "127.0.0.1"
        assert server.url == f"http://127.0.0.1:{server.port}"
    server.close()
    with socket.socket() as free:
        assert free.connect_ex(("127.0.0.1", server.port)) != 0


def test_an_answer_in_progress_is_finished_at_the_end(folder: Path) -> None:
    """Closing waits for a request that is being answered, and not for connections that are only open."""
    with serving(folder) as server, socket.create_connection(("127.0.0.1", server.port)):
        server.answering = 1
        done = threading.Thread(target=server.close)
        done.start()
        done.join(timeout=0.1)
        assert done.is_alive()
        with server.busy:
            server.answering = 0
            server.busy.notify_all()
        done.join(timeout=5)
        assert not done.is_alive()


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 99999), ("192.0.2.1", 0), ("no.such.host.invalid", 0)])
def test_an_address_that_cannot_be_had_is_wrong_usage(host: str, port: int) -> None:
    """The message names the address and the reason."""
    with pytest.raises(WrongUsage, match=f"could not listen on {host}:{port}: "):
        Server(Path(), host, port, print)


def test_a_port_that_is_taken_is_wrong_usage(server: Server) -> None:
    """Two servers do not share a port, and the hint says how to have a free one."""
    with pytest.raises(WrongUsage, match="in use") as caught:
        Server(Path(), "127.0.0.1", server.port, print)
    assert "--port 0" in caught.value.hint
