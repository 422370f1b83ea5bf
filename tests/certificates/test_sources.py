"""Manifests from files, pipes and standard input."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from base.errors import Cancelled, WrongUsage
from tests.certificates.downloads import Downloads

BODY = b"apiVersion: v1\n"


def test_a_file_is_read_as_it_is(downloads: Downloads, tmp_path: Path) -> None:
    """The origin of a file is its path as it was given; nothing is cached."""
    file = tmp_path / "cert-manager.yaml"
    file.write_bytes(BODY)
    fetched = downloads.fetch(str(file))
    assert (fetched.content, fetched.origin, fetched.cache_key) == (BODY, str(file), "")


def test_a_missing_file_and_a_folder_are_named(downloads: Downloads, tmp_path: Path) -> None:
    """What cannot be read ends in a message with the path and the reason."""
    assert (
        downloads.failure(f"{tmp_path}/no.yaml").message
        == f"{tmp_path}/no.yaml cannot be read: No such file or directory"
    )
    assert "Is a directory" in downloads.failure(str(tmp_path)).message
    assert "cannot be read" in downloads.failure("a\0b").message


def test_a_file_beyond_the_limit_is_refused(downloads: Downloads, tmp_path: Path) -> None:
    """No manifest is as large as this one."""
    file = tmp_path / "large"
    with file.open("wb") as large:
        large.truncate(1 << 30)
    assert "larger than 16 MiB" in downloads.failure(str(file)).message


def test_a_pipe_with_a_name_is_read_to_its_end(downloads: Downloads, tmp_path: Path) -> None:
    """The output of another program, as a shell hands it over, is a file like any other."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(BODY * 10_000))
    writer.start()
    assert downloads.fetch(str(pipe)).content == BODY * 10_000
    writer.join()


def test_standard_input_is_read_to_its_end(downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash means what is piped in."""
    reader, writer = os.pipe()
    os.write(writer, BODY)
    os.close(writer)
    with os.fdopen(reader) as piped:
        monkeypatch.setattr(sys, "stdin", piped)
        fetched = downloads.fetch("-")
    assert (fetched.content, fetched.origin) == (BODY, "standard input")


def test_standard_input_from_a_terminal_is_wrong_usage(downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody types a manifest; frit does not sit there and wait for one."""
    master, slave = pty.openpty()
    with os.fdopen(slave) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        with pytest.raises(WrongUsage):
            downloads.fetch("-")
    os.close(master)


def test_an_open_pipe_ends_with_the_run_or_the_deadline(downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that never finishes its output cannot hold frit."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as piped, os.fdopen(writer, "wb"):
        monkeypatch.setattr(sys, "stdin", piped)
        began = time.monotonic()
        assert "did not end in time" in downloads.failure("-", seconds=0.2).message
        timer = threading.Timer(0.2, downloads.run.cancel)
        timer.start()
        with pytest.raises(Cancelled):
            downloads.fetch("-")
        assert time.monotonic() - began < 2
        timer.join()


def test_a_file_needs_no_http_library(tmp_path: Path) -> None:
    """Reading, parsing and checking a file imports neither httpx nor what belongs to it."""
    file = tmp_path / "a.yaml"
    file.write_bytes(BODY)
    code = (
        "import sys\n"
        "from base.clock import Deadline, Run\n"
        "from certificates import download, images, manifest, overlay\n"
        "options = download.DownloadOptions()\n"
        "download.fetch(sys.argv[1], options=options, run=Run(), deadline=Deadline.after(5), emit=print)\n"
        "print([m for m in ('httpx', 'truststore', 'ssl', 'platformdirs', 'kubernetes', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
