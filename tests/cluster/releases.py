"""cert-manager's release manifests and charts, made from its module as upstream makes them, and served on loopback."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path
from types import TracebackType

from . import build, certmanager, progress, toolchain
from .paths import ClusterError

# Upstream renders its static manifest for this version; a helm built from the module believes in 1.20.
_KUBE_VERSION = "v1.29.0"
# Raise it when the way of rendering changes: it is part of the cache's name.
_RECIPE = 1

_NAMESPACE = """\
---
apiVersion: v1
kind: Namespace
metadata:
  name: cert-manager
"""


def chart(version: str, say: progress.Say = progress.to_stderr) -> Path:
    """The chart of a release as a folder that ``helm install`` takes, with its versions set."""
    return _prepared(version, say) / "chart"


def manifest(version: str, say: progress.Say = progress.to_stderr) -> Path:
    """The ``cert-manager.yaml`` of a release; the same bytes every time. Raises ClusterError."""
    return _prepared(version, say) / "cert-manager.yaml"


def _prepared(version: str, say: progress.Say) -> Path:
    target = certmanager.target(version)
    name = f"release-{build.key(target)}-{_RECIPE}"
    found = build.find(name)
    if found is not None:
        return found
    helm = build.programs(build.HELM, say) / "helm"

    def make(folder: Path) -> None:
        _write_chart(_module_folder(target), folder / "chart", version)
        (folder / "cert-manager.yaml").write_text(render(helm, folder / "chart", version))

    return build.cached(name, f"rendering the release manifest of cert-manager {version}", say, make)


def _module_folder(target: build.Target) -> Path:
    """Where the module of a release lies, downloaded (and checked against go.sum) where it isn't there yet."""
    command = [str(toolchain.go()), "mod", "download", f"-modfile={target.modfile}", "-json"]
    environment = {**os.environ, "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    done = subprocess.run(
        [*command, "github.com/cert-manager/cert-manager"],
        cwd=target.source,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise ClusterError(f"cert-manager's module can't be downloaded: {done.stderr.strip() or done.stdout.strip()}")
    return Path(json.loads(done.stdout)["Dir"])


def _write_chart(module: Path, folder: Path, version: str) -> None:
    shutil.copytree(module / "deploy" / "charts" / "cert-manager", folder, copy_function=shutil.copyfile)
    for part in [folder, *folder.rglob("*/")]:
        part.chmod(0o755)  # the module cache is read-only, its folders too
    description = folder / "Chart.yaml"
    if not description.exists():
        (folder / "Chart.template.yaml").rename(description)
    text = description.read_text().replace("{{IS_PRERELEASE}}", "false")
    text = re.sub(r"(?m)^version: .*", f"version: v{version}", text)
    text = re.sub(r"(?m)^appVersion: .*", f"appVersion: v{version}", text)
    description.write_text(text)
    if not list((folder / "templates").glob("crd*.yaml")):
        # Old releases keep the CRDs elsewhere, with template lines in them, and join them at release time.
        crds = sorted((module / "deploy" / "crds").glob("crd-*.yaml"))
        joined = "\n---\n".join(crd.read_text().strip() for crd in crds)
        (folder / "templates" / "crds.yaml").write_text(
            f"{{{{- if .Values.installCRDs }}}}\n{joined}\n{{{{- end }}}}\n"
        )


def render(helm: Path, folder: Path, version: str) -> str:
    """The static manifest of a release from its chart's folder. Raises ClusterError with helm's words."""
    crds_switch = "installCRDs=true" if (folder / "templates" / "crds.yaml").exists() else "crds.enabled=true"
    command = [str(helm), "template", "cert-manager", str(folder), "--namespace=cert-manager"]
    command += [f"--kube-version={_KUBE_VERSION}", "--set=creator=static", f"--set={crds_switch}"]
    command += ["--set=startupapicheck.enabled=false"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise ClusterError(f"helm can't render cert-manager {version}: {done.stderr.strip()}")
    documents = [part.strip() for part in re.split(r"(?m)^---\s*$", done.stdout) if part.strip()]
    definitions = [part for part in documents if re.search(r"(?m)^kind: CustomResourceDefinition$", part)]
    others = [part for part in documents if part not in definitions]
    return _NAMESPACE + "".join(f"---\n{part}\n" for part in (*definitions, *others))


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the release host does: a redirect to where the file lies, then the file."""

    protocol_version = "HTTP/1.1"
    _download = re.compile(r"/cert-manager/cert-manager/releases/download/v([0-9.]+)/cert-manager\.yaml")
    _asset = re.compile(r"/assets/v([0-9.]+)/cert-manager\.yaml")

    def do_GET(self) -> None:
        if found := self._download.fullmatch(self.path):
            self._answer(302, b"", Location=f"/assets/v{found[1]}/cert-manager.yaml")
        elif (found := self._asset.fullmatch(self.path)) and found[1] in certmanager.TARGETS:
            self._answer(200, manifest(found[1]).read_bytes(), **{"Content-Type": "application/octet-stream"})
        else:
            self._answer(404, b"Not Found")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: tests look at what frit says."""


class ReleaseServer:
    """Serves release manifests on loopback under the release host's paths; a context manager."""

    def __init__(self) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def base(self) -> str:
        """What stands in place of the release host's scheme and name."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def url(self, version: str) -> str:
        """The address of a release's manifest."""
        return f"{self.base}/cert-manager/cert-manager/releases/download/v{version}/cert-manager.yaml"

    def __enter__(self) -> ReleaseServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
