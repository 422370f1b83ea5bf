"""The generated repositories on loopback, in a process of its own that holds them all: it must slow nobody who reads.

Run as ``python -m bench.repositories.server SEED LARGE HUGE SMALL``; the last three are packages in a repository. It
prints its addresses as one line of JSON, and serves until its standard input ends. What is below ``/far-`` is answered
after a while, as over a network. Only an index is kept; other files are made when somebody asks for them.
"""

from __future__ import annotations

import http.server
import json
import socket
import sys
import threading
import time
import zlib

from bench.repositories.generated import Repository

FAR_SECONDS = 0.05
_MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT"


class Shelves:
    """The repositories by their paths: `large`, `huge`, and any number of small ones, `NAME-1`, `NAME-2` and so on."""

    def __init__(self, seed: int, large: int, huge: int, small: int) -> None:
        self._seed, self._small = seed, small
        self._known = {"large": Repository(seed, large), "huge": Repository(seed, huge)}
        self._making = threading.Lock()

    def file(self, path: str) -> bytes | None:
        """The content of a file, None where there is none."""
        where, *below = path.strip("/").split("/")
        with self._making:
            if where not in self._known:
                self._known[where] = Repository(self._seed + zlib.crc32(where.encode()), self._small)
            repository = self._known[where]
            match below:
                case ["index.yaml"]:
                    return repository.index
                case [package, "versions.yaml"]:
                    return repository.versions_file(package) if package in repository.names else None
                case [package, version, "package.yaml"] if package in repository.names:
                    return repository.manifest(package, version) if version in repository.versions(package) else None
        return None


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shelves: Shelves

    def do_GET(self) -> None:
        """A file with its validators, or that it has not changed."""
        if self.path.startswith("/far-"):
            time.sleep(FAR_SECONDS)  # the way to a server that is not on this machine
        content = self.shelves.file(self.path)
        etag = f'"{zlib.crc32(content):x}"' if content is not None else ""
        if content is None:
            self.send_response(404)
        elif self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            content = None
        else:
            self.send_response(200)
        if etag:
            self.send_header("ETag", etag)
            self.send_header("Last-Modified", _MODIFIED)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        if content and self.command == "GET":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        """The same without the content."""
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing: there is nobody to read it."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main() -> int:
    """Serve until the standard input ends."""
    seed, large, huge, small = map(int, sys.argv[1:])
    handler = type("Handler", (_Handler,), {"shelves": Shelves(seed, large, huge, small)})
    with _Server(("127.0.0.1", 0), handler) as server, socket.socket() as refusing, socket.socket() as silent:
        refusing.bind(("127.0.0.1", 0))  # taken, and nobody listens
        silent.bind(("127.0.0.1", 0))
        silent.listen(1024)  # the kernel accepts, and nobody answers
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ports = {
            "serving": server.server_port,
            "refusing": refusing.getsockname()[1],
            "silent": silent.getsockname()[1],
        }
        print(json.dumps({name: f"http://127.0.0.1:{port}" for name, port in ports.items()}), flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
