"""A package repository on loopback: serves a folder over HTTP, for tests and the demo.

On the command line: ``python -m tests.packages_server [--port N] [FOLDER]`` prints the URL and serves until it is
interrupted.
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PACKAGES = Path(__file__).parent / "packages"
"""Packages of our own, in the wire format."""


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = {".yaml": "application/yaml", ".json": "application/json", "": "application/octet-stream"}  # noqa: RUF012

    def list_directory(self, path: object) -> None:
        self.send_error(404)  # a package repository has no listings

    def log_message(self, format: str, *args: object) -> None:
        pass  # requests are no news on stderr


@contextmanager
def serve(directory: Path = PACKAGES, port: int = 0) -> Iterator[str]:
    """The URL of a server on 127.0.0.1 that serves ``directory`` while the block runs; port 0 takes a free one."""
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.packages_server", description="A local package repository.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("directory", nargs="?", type=Path, default=PACKAGES, help="folder that holds index.yaml")
    arguments = parser.parse_args()
    with serve(arguments.directory, arguments.port) as url:
        print(url, flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
