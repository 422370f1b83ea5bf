"""nginx as Debian packages it, on loopback, for tests that want a server as people run it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import paths

HEAD = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log; default_type application/octet-stream; gzip on; gzip_min_length 1; gzip_types *;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
"""


def program() -> str:
    """The path of nginx: the one that is installed, else that of Debian's package, unpacked and not installed."""
    if found := shutil.which("nginx"):
        return found
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip("there is no nginx, and no apt-get to get it with")
    folder = paths.cache() / "nginx"
    binary = folder / "usr" / "sbin" / "nginx"
    if not binary.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for command in (["apt-get", "download", "nginx"], ["apt-get", "update"], ["apt-get", "download", "nginx"]):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
            packages = sorted(folder.glob("nginx_*.deb"))
            if packages:
                break
        assert packages, done.stderr
        subprocess.run(["dpkg-deb", "-x", packages[-1], folder], check=True, timeout=120)
    return str(binary)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def running(folder: Path, servers: str) -> Iterator[Path]:
    """nginx with these `server` blocks while the block runs; gives its access log."""
    folder.mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(HEAD.format(folder=folder) + servers + "}\n")
    process = subprocess.Popen(
        [program(), "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"], stderr=subprocess.PIPE
    )
    try:
        ends = time.monotonic() + 10
        while not (folder / "pid").exists() or not (folder / "pid").read_text().strip():
            assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
            assert time.monotonic() < ends, "nginx did not start in time"
            time.sleep(0.02)  # it says by a file that it listens
        yield folder / "access.log"
    finally:
        process.terminate()
        process.communicate(timeout=10)
