"""The two ends of the fault proxy: the API server behind it, and the kubeconfig that leads to it."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from pathlib import Path
from urllib.parse import urlsplit

SECONDS = 400.0  # longer than any watch that frit opens


class Upstream:
    """The API server behind the proxy: where it is, and how the proxy authenticates to it."""

    def __init__(self, kubeconfig: Path) -> None:
        from kubernetes.client.configuration import Configuration
        from kubernetes.config import load_kube_config

        loaded = Configuration()
        load_kube_config(config_file=str(kubeconfig), client_configuration=loaded, persist_config=False)
        parts = urlsplit(str(loaded.host))
        self._address = (parts.hostname or "", parts.port or 443)
        self._tls = ssl.create_default_context(cafile=loaded.ssl_ca_cert)
        if loaded.cert_file:
            self._tls.load_cert_chain(loaded.cert_file, loaded.key_file)
        token = loaded.auth_settings().get("BearerToken", {}).get("value")
        self.headers: dict[str, str] = {"Authorization": token} if token else {}

    def connection(self) -> http.client.HTTPSConnection:
        """A new connection."""
        return http.client.HTTPSConnection(*self._address, timeout=SECONDS, context=self._tls)


def write_kubeconfig(path: Path, server: str, authority: Path, token: str) -> Path:
    """Writes an ordinary kubeconfig with a bearer token (JSON, which is YAML too)."""
    trusted = base64.b64encode(authority.read_bytes()).decode()
    data = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "faults", "cluster": {"server": server, "certificate-authority-data": trusted}}],
        "users": [{"name": "faults", "user": {"token": token}}],
        "contexts": [{"name": "faults", "context": {"cluster": "faults", "user": "faults"}}],
        "current-context": "faults",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(data))
    return path
