"""The cert-manager releases that tests install: their programs, and images of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from . import archives, build, progress
from .paths import ClusterError

DEFAULT = "1.21.2"
COMPONENTS = ("controller", "webhook", "cainjector")

_UPSTREAM = "github.com/cert-manager/cert-manager"


def _version_flag(version: str) -> str:
    return f"-X {_UPSTREAM}/pkg/util.AppVersion=v{version}"


_OURS = build.Target(
    what="cert-manager",
    version="1.21.2",
    module="certmanager",
    packages=tuple(f"./{component}" for component in COMPONENTS),
    ldflags=_version_flag("1.21.2"),
)

TARGETS = {
    "1.21.2": _OURS,
    "1.20.3": replace(
        _OURS,
        version="1.20.3",
        ldflags=_version_flag("1.20.3"),
        tags="cert_manager_1_20",
        modfile="go-1.20.mod",
    ),
    # Until 1.11 the programs lay in upstream's root module, and so did `ctl`.
    "1.11.5": build.Target(
        what="cert-manager",
        version="1.11.5",
        module="certmanager-1.11",
        packages=tuple(f"{_UPSTREAM}/cmd/{component}" for component in COMPONENTS),
        ldflags=_version_flag("1.11.5"),
    ),
}

CTL = replace(TARGETS["1.11.5"], what="cert-manager-ctl", packages=(f"{_UPSTREAM}/cmd/ctl",))


def target(version: str) -> build.Target:
    """The build of a release. Raises ClusterError for one that isn't known."""
    try:
        return TARGETS[version]
    except KeyError:
        raise ClusterError(f"cert-manager {version} isn't known here; known are {', '.join(TARGETS)}") from None


def image_tag(component: str, version: str) -> str:
    return f"quay.io/jetstack/cert-manager-{component}:v{version}"


def archive(version: str, say: progress.Say) -> Path:
    """A docker archive with the images of a release, built where it isn't there yet."""
    wanted = target(version)

    name = f"images-{build.key(wanted)}"
    found = build.find(name)
    if found is not None:
        return found / "images.tar"
    programs = build.programs(wanted, say)

    def write(folder: Path) -> None:
        archives.write(
            folder / "images.tar",
            [
                archives.Image(image_tag(component, version), programs / component, f"/app/cmd/{component}")
                for component in COMPONENTS
            ],
        )

    return build.cached(name, f"writing images of cert-manager {version}", say, write) / "images.tar"


def ctl(say: progress.Say) -> Path:
    """cert-manager's command line of 1.11.5, whose ``check api`` people still script with: a peer in benchmarks."""
    return build.programs(CTL, say) / "ctl"
