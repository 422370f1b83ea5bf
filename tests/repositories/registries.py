"""A container registry on loopback with one artifact, which holds a package repository."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from repositories.oci import MANIFEST_TYPE, TITLE
from tests.repositories.sites import FILES, Handler, Site

NAME = "team/packages"


def digest(content: bytes) -> str:
    """The name of a blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Registry(Site):
    """A registry with one artifact; with `issue` it hands out that token, to who has `login` if that is set."""

    def __init__(self) -> None:
        super().__init__()
        self.validators = set()
        self.issue = ""
        self.elsewhere = ""
        self.tags: dict[str, bytes] = {}
        self.push("latest", FILES)

    def push(self, tag: str, files: dict[str, bytes], **changes: Any) -> str:
        """Store an artifact as `oras push` does; its digest."""
        for content in files.values():
            self.files[f"v2/{NAME}/blobs/{digest(content)}"] = content
        layers = [
            {"mediaType": "text/yaml", "digest": digest(one), "size": len(one), "annotations": {TITLE: path}}
            for path, one in files.items()
        ]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "layers": layers, **changes}
        content = json.dumps(manifest).encode()
        self.files[f"v2/{NAME}/manifests/{tag}"] = self.files[f"v2/{NAME}/manifests/{digest(content)}"] = content
        return digest(content)

    def answer(self, request: Handler) -> None:
        """Answer one request."""
        path = urlsplit(request.path)
        said = request.headers.get("Authorization", "")
        if path.path == "/token":
            self.asked.append(request.path)
            self.heard.append({name.lower(): value for name, value in request.headers.items()})
            if self.login and said != self.login:
                return self.give(request, b"", 401)
            return self.give(request, json.dumps({"token": self.issue}).encode())
        if self.issue and said != f"Bearer {self.issue}":
            challenge = f'Bearer realm="{self.url}/token",service="registry",scope="repository:{NAME}:pull"'
            return self.give(request, b"{}", 401, {"WWW-Authenticate": challenge})
        if self.elsewhere and "/blobs/" in path.path:
            return self.give(request, b"", 307, {"Location": f"{self.elsewhere}{path.path}"})
        login, self.login = self.login, "" if self.issue else self.login
        super().answer(request)
        self.login = login
        return None


@contextlib.contextmanager
def registry_server() -> Iterator[Registry]:
    """A registry that is there until the block ends."""
    with Registry() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def url(registry: Registry, reference: str = "") -> str:
    """The address of the artifact."""
    return f"oci://127.0.0.1:{registry.server_port}/{NAME}{reference}"
