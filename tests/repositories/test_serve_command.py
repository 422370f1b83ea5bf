"""`frit repo serve` as a process: what it prints, and how it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.frit.processes import PLAIN, finished, start
from tests.packages_server import PACKAGES


@contextmanager
def served(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process and the URL that it printed."""
    with start("repo", "serve", *arguments, "--port", "0", program=PLAIN) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().decode().strip()
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_serves_until_a_signal_and_ends_cleanly(number: signal.Signals, code: int) -> None:
    """The URL alone is on stdout; requests and the end are told on stderr; the exit code is the signal's."""
    with served(str(PACKAGES)) as (process, url):
        with urllib.request.urlopen(f"{url}/index.yaml") as answer:  # noqa: S310 -- loopback
            assert answer.read() == (PACKAGES / "index.yaml").read_bytes()
        process.send_signal(number)
        out, err = process.communicate(timeout=5)
        assert (process.returncode, out) == (code, b"")
    said = err.decode()
    assert f"serving {PACKAGES} at {url}; Ctrl-C ends it" in said
    assert "GET /index.yaml 200" in said
    assert f"stopped serving {PACKAGES}; requests answered: 1" in said
    assert "Traceback" not in said
    with socket.socket() as free:
        assert free.connect_ex(("127.0.0.1", urlsplit(url).port or 0)) != 0


def test_it_warns_of_what_is_missing_and_of_who_can_read(tmp_path: Path) -> None:
    """A folder without an index, and an address that others can reach, are said; --quiet leaves out requests only."""
    with served(str(tmp_path), "--host", "0.0.0.0", "--quiet") as (process, url):  # noqa: S104 -- what is tested
        assert url.startswith("http://127.0.0.1:")
        with pytest.raises(urllib.error.HTTPError, match="404") as caught:
            urllib.request.urlopen(f"{url}/index.yaml")  # noqa: S310 -- loopback
        caught.value.close()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=5)[1].decode()
    assert f"{tmp_path} has no index.yaml; frit repo index {tmp_path} writes it" in said
    assert f"everybody who can reach 0.0.0.0 can read {tmp_path}" in said
    assert "GET" not in said


def test_a_port_that_is_taken_is_wrong_usage() -> None:
    """One message, exit code 2, nothing on stdout."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = finished("repo", "serve", str(PACKAGES), "--port", str(port), program=PLAIN)
    assert (code, out) == (2, "")
    assert f"could not listen on 127.0.0.1:{port}: Address already in use" in err
