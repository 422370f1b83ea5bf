"""What the cases need: the server of the generated repositories, a folder to lint, and a cluster that knows some."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import tests.cluster
from bench.repositories.cases import Sizes
from bench.repositories.stopwatch import ROOT
from tests.cluster import Cluster, ClusterError, clean

_MANIFEST = ROOT / "manifests" / "package-api.yaml"
_CRD = "customresourcedefinition/packagerepositories.packages.glasskube.dev"
_PATIENCE = 30.0


@contextmanager
def serving(seed: int, sizes: Sizes) -> Iterator[Mapping[str, str]]:
    """The addresses of a server of the generated repositories, while the block runs."""
    numbers = map(str, (seed, sizes.large, sizes.huge, sizes.small))
    command = [sys.executable, "-m", "bench.repositories.server", *numbers]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        if process.stdout is None:
            raise RuntimeError("the server of the repositories has no output")
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.communicate()  # the end of its input ends it


def make(url: str, names: Sequence[str]) -> None:
    """Have the server make the indexes that are going to be read, before anybody measures how long that takes."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    for name in names:
        connection.request("HEAD", f"/{name}/index.yaml")
        connection.getresponse().read()
    connection.close()


@contextmanager
def knowing(name: str, repositories: Mapping[str, str], *, keep: bool) -> Iterator[Cluster]:
    """A cluster with the package API and these repositories by name and URL. Raises ClusterError."""
    cluster = tests.cluster.up(name)
    try:
        clean.clean(cluster.kubeconfig)
        _kubectl(cluster, "apply", "--server-side", "-f", str(_MANIFEST))
        _kubectl(cluster, "wait", "--for=condition=Established", _CRD, f"--timeout={_PATIENCE:.0f}s")
        items = [
            {
                "apiVersion": "packages.glasskube.dev/v1alpha1",
                "kind": "PackageRepository",
                "metadata": {"name": one},
                "spec": {"url": url},
            }
            for one, url in repositories.items()
        ]
        _kubectl(
            cluster,
            "apply",
            "--server-side",
            "-f-",
            stdin=json.dumps({"kind": "List", "apiVersion": "v1", "items": items}),
        )
        yield cluster
    finally:
        if not keep:
            tests.cluster.down(name)


def _kubectl(cluster: Cluster, *words: str, stdin: str = "") -> None:
    command = [str(cluster.kubectl), f"--kubeconfig={cluster.kubeconfig}", *words]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=2 * _PATIENCE, check=False)
    if done.returncode:
        raise ClusterError(f"the cluster could not be prepared: kubectl {words[0]}: {done.stderr.strip()}")


def write_urls(file: Path, repositories: Mapping[str, str]) -> None:
    """A line for each URL."""
    file.write_text("\n".join([*repositories.values(), ""]))
