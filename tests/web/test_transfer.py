"""One transfer from servers that mean no good, on loopback."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import pytest

from base.clock import Deadline
from tests.certificates.servers import answer, serving
from tests.repositories.sites import Handler, pieces, site
from web import transfer
from web.transfer import Connections, Line, Question, get
from web.troubles import TransferError


@pytest.fixture
def connections() -> Iterator[Connections]:
    """Connections with short limits."""
    with Connections(Line(2.0, 2.0, ssl.create_default_context())) as made:
        yield made


def ask(url: str, connections: Connections) -> bytes:
    """What a URL gives."""
    return get(Question(url), connections, Deadline.after(20.0), lambda: False).content


@pytest.mark.parametrize(
    "location",
    ["http://xn--a/", f"http://{'a' * 64}.example/", f"http://{'a.' * 200}/", "http://a..b/"],
)
def test_what_no_host_can_be_called_is_no_address(connections: Connections, location: str) -> None:
    """Neither a redirect nor a URL leads there, and the message does not repeat it."""
    with serving(answer(b"", 302, Location=location)) as server, pytest.raises(TransferError) as caught:
        ask(server.url(), connections)
    assert (caught.value.kind, "that is no" in caught.value.message) == ("redirect", True)
    with pytest.raises(TransferError) as caught:
        ask(location, connections)
    assert caught.value.kind == "bad-url"


def test_an_answer_in_tiny_pieces_costs_little(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends single bytes as fast as it can is given up after a bounded time of the processor."""
    monkeypatch.setattr(transfer, "MOST_SECONDS", 0.2)
    chunked = pieces(lambda: iter(lambda: b"1\r\n#\r\n" * 1000, b""), Transfer_Encoding="chunked")
    with site() as server:
        server.faults[""] = [chunked]
        began = time.thread_time()
        with pytest.raises(TransferError, match="processor time"):
            ask(server.url, connections)
        assert time.thread_time() - began < 1.0


def test_no_cookie_comes_back(connections: Connections) -> None:
    """Nobody logs in by cookies, and a server that sets them without end fills no memory."""

    def sweet(request: Handler) -> None:
        request.close_connection = False
        server.give(request, b"a: 1", 200, {"Set-Cookie": "a=b; Path=/"})

    with site() as server:
        server.faults[""] = [sweet, sweet]
        assert [ask(server.url, connections) for _ in range(2)] == [b"a: 1", b"a: 1"]
        assert ["cookie" in one for one in server.heard] == [False, False]
