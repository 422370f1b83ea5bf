"""Builds Go programs once, and finds them again: a folder per program, version and hash of the inputs."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from . import locks, paths, progress
from .paths import ClusterError


@dataclass(frozen=True)
class Target:
    """Programs that are built together from one Go module of ours.

    ``packages`` are import paths, or paths relative to the module; each program has the name of its last part.
    ``ldflags`` sets the versions that the programs report, and ``modfile`` names another go.mod of that folder.
    """

    what: str
    version: str
    module: str
    packages: tuple[str, ...]
    ldflags: str = ""
    tags: str = ""
    modfile: str = "go.mod"

    @property
    def source(self) -> Path:
        return paths.SOURCES / "go" / self.module


KUBERNETES_VERSION = "1.34.4"
HELM_VERSION = "3.22.0"

_K8S_VERSION = "k8s.io/component-base/version"

KUBERNETES = Target(
    what="kubernetes",
    version=KUBERNETES_VERSION,
    module="kubernetes",
    packages=tuple(
        f"k8s.io/kubernetes/cmd/{program}"
        for program in (
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubelet",
            "kube-proxy",
            "kubectl",
        )
    ),
    ldflags=f"-X {_K8S_VERSION}.gitVersion=v{KUBERNETES_VERSION} -X {_K8S_VERSION}.gitMajor=1"
    f" -X {_K8S_VERSION}.gitMinor=34",
)
KUBECTL = replace(KUBERNETES, what="kubectl", packages=("k8s.io/kubernetes/cmd/kubectl",))
PAUSE = Target(what="pause", version="1", module="pause", packages=(".",))
HELM = Target(
    what="helm",
    version=HELM_VERSION,
    module="helm",
    packages=("helm.sh/helm/v3/cmd/helm",),
    ldflags=f"-X helm.sh/helm/v3/internal/version.version=v{HELM_VERSION}",
)


def key(target: Target) -> str:
    """The name of the target's folder: what, version, and a hash of everything that its build reads of ours."""
    digest = hashlib.sha256()
    for part in (*target.packages, target.ldflags, target.tags, target.modfile, platform.machine()):
        digest.update(part.encode() + b"\0")
    for file in sorted(target.source.rglob("*")):
        # The go.mod of another release beside the one that is used changes nothing.
        other_module = file.parent == target.source and file.suffix in (".mod", ".sum")
        if file.is_file() and (not other_module or file.stem == Path(target.modfile).stem):
            digest.update(str(file.relative_to(target.source)).encode() + b"\0" + file.read_bytes() + b"\0")
    return f"{target.what}-{target.version}-{digest.hexdigest()[:12]}"


def programs(target: Target, say: progress.Say) -> Path:
    """The folder with the target's programs, built now where it isn't there yet."""
    return cached(key(target), f"building {target.what} {target.version}", say, lambda out: compile_(target, out))


def kubectl(say: progress.Say) -> Path:
    """A kubectl: the one that is installed, else one of our own."""
    installed = shutil.which("kubectl")
    return Path(installed) if installed else programs(KUBECTL, say) / "kubectl"


def find(folder_name: str) -> Path | None:
    """A complete folder of the cache; None where it isn't there."""
    final = paths.binaries() / folder_name
    return final if final.is_dir() else None


def cached(folder_name: str, what: str, say: progress.Say, make: Callable[[Path], None]) -> Path:
    """The cache folder ``folder_name``; ``make`` fills a new one, which gets its name only when it is complete.

    A lock lets one process do the work while others wait for it, and what a killed run left is removed.
    """
    final = paths.binaries() / folder_name
    if find(folder_name) is not None:
        return final

    def waiting() -> None:
        say(f"  waiting for another run: {what}")

    with locks.exclusive(paths.binaries() / f".{folder_name}.lock", waiting):
        if find(folder_name) is not None:
            return final
        building = paths.binaries() / f".{folder_name}.building"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        try:
            with progress.step(say, what):
                make(building)
            building.rename(final)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return final


def compile_(target: Target, out: Path) -> None:
    """Builds the target's programs into ``out``. Raises ClusterError with the compiler's last lines."""
    from . import toolchain

    command = [str(toolchain.go()), "build", "-trimpath", "-buildvcs=false", "-mod=readonly"]
    command += [f"-modfile={target.modfile}", f"-ldflags=-s -w {target.ldflags}".rstrip()]
    if target.tags:
        command.append(f"-tags={target.tags}")
    command += ["-o", f"{out}/", *target.packages]
    # GOFLAGS and GOWORK of the user's shell would change what is built; the toolchain is the one that was found.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    done = subprocess.run(command, cwd=target.source, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-15:])
        raise ClusterError(f"{target.what} {target.version} could not be built in {target.source}:\n{tail}")
