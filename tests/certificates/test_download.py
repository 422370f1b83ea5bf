"""Downloads from a real server on loopback: what is had, what is tried again, what is refused and why."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from base.errors import WrongUsage
from base.events import Retried
from tests.certificates.downloads import Downloads
from tests.certificates.servers import Answer, answer, serving, stream

BODY = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: cert-manager}\n"


def test_bytes_come_with_their_digest_and_origin(downloads: Downloads) -> None:
    """An ordinary download gives the bytes, their digest, and where they came from; one request is enough."""
    with serving(answer(BODY)) as server:
        fetched = downloads.fetch(server.url())
        assert fetched.content == BODY
        assert fetched.sha256 == hashlib.sha256(BODY).hexdigest()
        assert fetched.origin == f"127.0.0.1:{server.server_port}/v1.21.2/cert-manager.yaml"
        assert not fetched.from_cache
        assert fetched.attempts == ()
    assert len(server.asked) == 1
    assert server.asked[0].headers["User-Agent"] == "frit"
    assert server.asked[0].headers["Accept-Encoding"] == "gzip"
    assert downloads.events == []


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
def test_gzip_is_unpacked(downloads: Downloads, coding: str) -> None:
    """A compressed answer is unpacked, whatever its coding is called."""
    with serving(answer(gzip.compress(BODY * 1000), Content_Encoding=coding)) as server:
        assert downloads.fetch(server.url()).content == BODY * 1000


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip"])
def test_other_codings_are_refused(downloads: Downloads, coding: str) -> None:
    """What nobody asked for is not unpacked."""
    with serving(answer(b"data", Content_Encoding=coding)) as server:
        assert f"coding {coding!r}" in downloads.failure(server.url()).message
    assert len(server.asked) == 1


def _cost(downloads: Downloads, url: str) -> int:
    """The peak of memory, in bytes, while a download is refused for its size."""
    tracemalloc.start()
    try:
        error = downloads.failure(url)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "larger than 16 MiB" in error.message
    return peak


def test_a_gzip_bomb_ends_at_the_limit(downloads: Downloads) -> None:
    """A gigabyte of zeros in a megabyte of gzip is refused with little memory, and not tried again."""
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1000)) + packer.flush()
    with serving(answer(bomb, Content_Encoding="gzip")) as server:
        assert _cost(downloads, server.url()) < 60e6
    assert len(server.asked) == 1


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_an_endless_answer_ends_at_the_limit(downloads: Downloads, coding: str) -> None:
    """An answer that never ends is given up when it is too large, also where it unpacks to nothing."""

    def pieces() -> Iterator[bytes]:
        if coding == "gzip":
            yield b"\x1f\x8b\x08\x08" + bytes(6)  # then follows the name of a file, which has no end
        yield from itertools.repeat(b"x" * (1 << 16), 100_000)

    with serving(stream(pieces, Content_Encoding=coding)) as server:
        assert _cost(downloads, server.url()) < 60e6
    assert len(server.asked) == 1


def test_a_length_beyond_the_limit_is_refused_at_once(downloads: Downloads) -> None:
    """Where the server tells the size beforehand, nothing is read."""
    with serving(answer(b"x", length=1 << 30)) as server:
        assert _cost(downloads, server.url()) < 10e6


GOOD = answer(BODY)
CUT_OFF = answer(BODY[:20], length=len(BODY))
CUT_OFF_GZIP = stream(lambda: iter([gzip.compress(BODY)[:-12]]), Content_Encoding="gzip")
DAMAGED_GZIP = answer(gzip.compress(BODY)[:-8] + bytes(8), Content_Encoding="gzip")


@pytest.mark.parametrize(
    ("bad", "kind", "words"),
    [
        (CUT_OFF, "connection", "broke before the answer was complete"),
        (CUT_OFF_GZIP, "damaged", "cut off"),
        (DAMAGED_GZIP, "damaged", "damaged"),
        (answer(gzip.compress(BODY) + b"more", Content_Encoding="gzip"), "damaged", "no proper end"),
        (answer(b"", 503), "server", "the server answered 503 (Service Unavailable)"),
        (answer(b"<html>oops</html>", 500), "server", "the server answered 500"),
        (answer(b"", 408), "server", "the server answered 408"),
        (answer(b"", 429), "rate-limited", "the server answered 429 (Too Many Requests)"),
        (lambda request: request.connection.close(), "connection", "broke before the answer was complete"),
        (lambda request: request.wfile.write(b"no HTTP\r\n\r\n") and None, "connection", "broke before"),
    ],
)
def test_what_may_pass_is_tried_again(downloads: Downloads, bad: Answer, kind: str, words: str) -> None:
    """A failure that may pass costs a pause, is told, and is kept for the report; the good answer counts."""
    with serving(bad, GOOD) as server:
        fetched = downloads.fetch(server.url())
    assert fetched.content == BODY
    (attempt,) = fetched.attempts
    assert (attempt.number, attempt.kind) == (1, kind)
    assert words in attempt.message
    (event,) = downloads.events
    assert isinstance(event, Retried)
    assert event.what == "download of the manifest of cert-manager"


def test_giving_up_tells_how_often_and_what_else(downloads: Downloads) -> None:
    """When all attempts are used up, the message says where from, what happened, how often, and what before."""
    with serving(answer(b"", 503), CUT_OFF) as server:
        error = downloads.failure(server.url())
    assert len(server.asked) == 3
    assert f"from 127.0.0.1:{server.server_port}/v1.21.2/cert-manager.yaml" in error.message
    assert "(3 attempts in 0." in error.message
    assert "before that: server: the server answered 503 (Service Unavailable) (1 times)" in error.message
    assert "--cert-manager-manifest FILE" in error.hint
    assert "HTTPS_PROXY" in error.hint
    assert [attempt["kind"] for attempt in error.details["attempts"]] == ["server", "connection", "connection"]


@pytest.mark.parametrize(
    ("bad", "words", "hint"),
    [
        (answer(b"", 404), "404 (Not Found): this release does not exist at that URL", "--cert-manager-version"),
        (answer(b"", 410), "does not exist at that URL", "--cert-manager-version"),
        (answer(b"", 401), "it wants a login", "--cert-manager-manifest"),
        (answer(b"", 403), "it wants a login, or a proxy forbids", "--cert-manager-manifest"),
        (answer(b"", 407), "the proxy wants a login", "HTTPS_PROXY"),
        (answer(b"", 204), "the server answered 204 (No Content), which is no manifest", "look at the URL"),
        (answer(b"", 304), "the server answered 304", "look at the URL"),
        (answer(b" \n<!DOCTYPE html><form>", Content_Type="text/html"), "a web page, not a manifest", "URL"),
        (answer(b"<html>"), "a login page or a proxy?", "URL"),
        (answer(gzip.compress(b"\xef\xbb\xbf<?xml?>"), Content_Encoding="gzip"), "a web page", "URL"),
    ],
)
def test_what_will_not_pass_is_told_at_once(downloads: Downloads, bad: Answer, words: str, hint: str) -> None:
    """A refusal is not asked for twice, and says what it means."""
    with serving(bad) as server:
        error = downloads.failure(server.url())
    assert words in error.message
    assert hint in error.hint
    assert "attempts" not in error.message
    assert len(server.asked) == 1


def test_redirects_are_followed(downloads: Downloads) -> None:
    """Relative and absolute redirects lead on, and what the first server was told as a login stays there."""
    with serving(GOOD) as end:
        moved = answer(b"", 302, Location=end.url("/b.yaml", host="localhost"))
        with serving(answer(b"", 301, Location="/other?x=1"), moved) as start:
            url = start.url().replace("http://", "http://user:secret@")
            assert downloads.fetch(url).content == BODY
    assert [request.path for request in (*start.asked, *end.asked)] == [
        "/v1.21.2/cert-manager.yaml",
        "/other?x=1",
        "/b.yaml",
    ]
    assert start.asked[0].headers["Authorization"].startswith("Basic ")
    assert end.asked[0].headers["Authorization"] is None


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("/again", "redirects more than 5 times"),
        ("ftp://files.example/x", "that is no web address"),
        ("file:///etc/passwd", "that is no web address"),
        ("http://[::1", "that is no address"),
    ],
)
def test_redirects_that_lead_nowhere_are_refused(downloads: Downloads, location: str, words: str) -> None:
    """A loop, and what is no web address, end the download at once."""
    with serving(answer(b"", 302, Location=location)) as server:
        assert words in downloads.failure(server.url()).message
    assert len(server.asked) == (6 if location == "/again" else 1)


@pytest.mark.parametrize(
    "source",
    [
        "ftp://a.example/x",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "http://a.example:0/",
        "http://a:port/x",
        "http://[x/",
    ],
)
def test_what_is_no_web_address_is_wrong_usage(downloads: Downloads, source: str) -> None:
    """Only https and http URLs are downloaded; the message shows no login."""
    with pytest.raises(WrongUsage) as caught:
        downloads.fetch(source)
    assert "only https and http" in caught.value.message


def test_secrets_of_a_url_are_never_shown(downloads: Downloads, caplog: pytest.LogCaptureFixture) -> None:
    """User, password and query reach the server, but no message, report, event, log or representation."""
    caplog.set_level(0)
    with serving(GOOD, answer(b"", 503)) as server:
        url = server.url("/v1.21.2/x?token=geheim").replace("http://", "http://anna:geheim@")
        fetched = downloads.fetch(url, use_cache=False)
        error = downloads.failure(url, use_cache=False)
    assert server.asked[0].path.endswith("?token=geheim")
    shown = [repr(fetched), fetched.origin, repr(error), error.message, error.hint, str(error.details), caplog.text]
    assert all("geheim" not in text and "anna" not in text for text in (*shown, repr(downloads.events)))
    with pytest.raises(WrongUsage) as caught:
        downloads.fetch("ftp://anna:geheim@files.example/x?token=geheim")
    assert "files.example/x" in caught.value.message
    assert "geheim" not in caught.value.message
