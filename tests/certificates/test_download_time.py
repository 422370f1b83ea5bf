"""How long downloads take: pauses between attempts, time limits, deadlines and requests to stop."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from base.errors import Cancelled
from base.events import Waiting
from base.retry import RetryPolicy
from tests.certificates.downloads import QUICK, Downloads
from tests.certificates.servers import answer, serving, silence, stream
from web import troubles

BODY = b"apiVersion: v1\n"
GOOD = answer(BODY)


def test_the_servers_wish_for_a_pause_is_granted(downloads: Downloads) -> None:
    """Retry-After takes the place of the policy's pause."""
    with serving(answer(b"", 429, Retry_After="1"), GOOD) as server:
        began = time.monotonic()
        fetched = downloads.fetch(server.url())
    assert time.monotonic() - began >= 1.0
    assert fetched.attempts[0].pause == 1.0


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Retry_After": "3600"}, "asks for a pause of 60 m 00 s"),
        ({"Retry_After": "Sat, 21 Nov 2026 10:01:30 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}, "of 90 s"),
    ],
)
def test_a_pause_beyond_the_deadline_ends_the_attempts(
    downloads: Downloads, headers: dict[str, str], words: str
) -> None:
    """When the server wants more time than there is, nobody waits for it. A date counts by the server's clock."""

    def bad(request: object) -> None:
        request.send_response_only(503)  # type: ignore[attr-defined]  # without a Date of its own
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)  # type: ignore[attr-defined]
        request.end_headers()  # type: ignore[attr-defined]

    with serving(bad) as server:
        began = time.monotonic()
        error = downloads.failure(server.url(), seconds=10)
    assert time.monotonic() - began < 5
    assert words in error.message
    assert len(server.asked) == 1


@pytest.mark.parametrize("header", ["soon", "-5", "Sat, 99 Nov 2026 10:01:30 GMT"])
def test_a_pause_that_cannot_be_read_is_the_policys(downloads: Downloads, header: str) -> None:
    """Nonsense in Retry-After counts as nothing."""
    with serving(answer(b"", 503, Retry_After=header), GOOD) as server:
        assert downloads.fetch(server.url()).attempts[0].pause == 0.01


def test_a_silent_server_is_given_up_and_tried_again(downloads: Downloads) -> None:
    """The read timeout ends one attempt, not the download."""
    over = threading.Event()
    with serving(silence(over), GOOD) as server:
        fetched = downloads.fetch(server.url(), timeout_read=0.2)
        over.set()
    assert fetched.attempts[0].kind == "timeout"
    assert "127.0.0.1 sent nothing for 0.2 s" in fetched.attempts[0].message


def test_a_trickle_ends_at_the_deadline(downloads: Downloads) -> None:
    """A server that sends a byte now and then never meets the read timeout, but the deadline."""

    def trickle() -> Iterator[bytes]:
        for _ in range(300):
            yield b"x"
            time.sleep(0.05)  # the slowness is what is tested

    with serving(stream(trickle)) as server:
        began = time.monotonic()
        error = downloads.failure(server.url(), seconds=0.5)
        assert time.monotonic() - began < 2
    assert "did not end in time" in error.message


def test_a_long_wait_is_told_about(downloads: Downloads) -> None:
    """About every second, what is waited for is told."""
    over = threading.Event()
    with serving(silence(over)) as server:
        downloads.failure(server.url(), seconds=1.5)
        over.set()
    waiting = [event for event in downloads.events if isinstance(event, Waiting)]
    assert len(waiting) == 1
    assert waiting[0].what == "download of the manifest of cert-manager"


def test_a_request_to_stop_ends_a_download_at_once(downloads: Downloads) -> None:
    """Nobody waits for a silent server after Ctrl-C."""
    over = threading.Event()
    with serving(silence(over)) as server:
        timer = threading.Timer(0.2, downloads.run.cancel)
        timer.start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            downloads.fetch(server.url())
        assert time.monotonic() - began < 1.0
        over.set()
        timer.join()


def test_a_refused_connection_is_tried_again_and_told(downloads: Downloads) -> None:
    """Where nobody listens, the message says so."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        error = downloads.failure(f"http://127.0.0.1:{port}/v1.21.2/x")
    assert "no connection to 127.0.0.1: Connection refused (3 attempts" in error.message


def test_a_connection_that_is_never_accepted_times_out(downloads: Downloads) -> None:
    """A firewall that drops packets looks like this: the connect timeout ends the attempt."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        try:
            url = f"http://127.0.0.1:{full.getsockname()[1]}/v1.21.2/x"
            error = downloads.failure(url, timeout_connect=0.2)
        finally:
            for filler in fillers:
                filler.close()
    assert "no connection to 127.0.0.1 within 0.2 s (3 attempts" in error.message


def test_an_unknown_host_is_tried_briefly(downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without an address is worth a few seconds, whatever patience there is otherwise."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # no real resolver answers reliably where tests run
    monkeypatch.setattr(troubles, "NAME_BUDGET", 0.3)
    patient = RetryPolicy(attempts=1000, first_pause=0.05, growth=1.0, max_pause=0.05, jitter=0.0, timeout=60.0)
    began = time.monotonic()
    error = downloads.failure("https://releases.example.test/v1.21.2/x", policy=patient)
    assert 0.3 <= time.monotonic() - began < 3
    assert "no address is known for releases.example.test: Name or service not known" in error.message


def test_the_policy_is_part_of_the_options(downloads: Downloads) -> None:
    """One attempt means one request."""
    once = RetryPolicy(attempts=1, timeout=QUICK.timeout)
    with serving(answer(b"", 503)) as server:
        assert "attempts" not in downloads.failure(server.url(), policy=once).message
    assert len(server.asked) == 1
