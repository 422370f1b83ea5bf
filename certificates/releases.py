"""Which releases of cert-manager frit knows: where they lie, and on which Kubernetes versions they are supported.

The facts are data, in manifests/cert-manager-releases.json; this file only asks them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import manifests
from base.errors import WrongUsage

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?")
_MINOR = re.compile(r"v?(\d+)\.(\d+)")


@dataclass(frozen=True)
class Release:
    """One release of cert-manager. Versions are written without the `v`.

    `kubernetes` is the first and the last supported minor of Kubernetes; `state` says how its minor is maintained;
    `objects` counts the objects of its manifest by kind, and is empty where they were never counted; `sha256` is
    the digest of its manifest, or None; `known` is False for a patch release that the catalogue does not list;
    `avoid` says why nobody should install it, and is empty for all others.
    """

    version: str
    minor: str
    url: str
    kubernetes: tuple[str, str] | None
    state: str
    objects: Mapping[str, int] = field(default_factory=dict)
    sha256: str | None = None
    known: bool = True
    avoid: str = ""


@dataclass(frozen=True)
class Catalogue:
    """All known releases, newest first; the one that frit installs unless told otherwise; a template per minor."""

    default: Release
    releases: tuple[Release, ...]
    minors: Mapping[str, Release]

    @property
    def installable(self) -> tuple[Release, ...]:
        """The known releases without those to be avoided."""
        return tuple(release for release in self.releases if not release.avoid)


def plain_version(version: str) -> str | None:
    """A full version without its `v` (`v1.21.2` gives `1.21.2`), or None if it is not one."""
    match = _VERSION.fullmatch(version.strip())
    return match.group(0).removeprefix("v") if match else None


@cache
def catalogue() -> Catalogue:
    """The catalogue that came with this frit."""
    data = json.loads(manifests.read("cert-manager-releases.json"))
    minors: dict[str, Release] = {}
    for entry in data["minors"]:
        first, last = entry["kubernetes"]
        minors[entry["minor"]] = Release(
            version="",
            minor=entry["minor"],
            url=data["url"],
            kubernetes=(first, last),
            state=entry["state"],
            objects=entry.get("objects", {}),
            known=False,
        )
    releases = sorted((_release(entry, minors) for entry in data["releases"]), key=_by_version, reverse=True)
    default = next(release for release in releases if release.version == data["default"])
    return Catalogue(default, tuple(releases), minors)


def find(version: str) -> Release:
    """The release of a version such as `1.21.2` or `v1.21.2`.

    A patch release that is not listed gets the facts of its minor and `known=False`. Raises `WrongUsage`, which
    names the known ones, for what is no version and for a minor that frit knows nothing about.
    """
    known = catalogue()
    wanted = plain_version(version)
    if wanted is None:
        raise WrongUsage(
            f"{version!r} is not a version of cert-manager: write it in full, as in {known.default.version}",
            hint=_known_ones(known),
        )
    for release in known.releases:
        if release.version == wanted:
            return release
    minor = ".".join(wanted.split(".")[:2])
    if minor not in known.minors:
        raise WrongUsage(
            f"this frit knows nothing about cert-manager {wanted}",
            hint=f"{_known_ones(known)}\nor give its manifest yourself: --cert-manager-manifest FILE",
        )
    return _named(known.minors[minor], wanted)


def to_install(version: str | None = None) -> Release:
    """The release to install: the default one, or that of `version`.

    Raises `WrongUsage` as `find` does, and for a release that is to be avoided, with the reason.
    """
    release = find(version) if version is not None else catalogue().default
    if release.avoid:
        raise WrongUsage(
            f"cert-manager {release.version} should not be installed: {release.avoid}",
            hint=_known_ones(catalogue()),
        )
    return release


def supports(release: Release, kubernetes_version: str) -> bool | None:
    """Whether a release is supported on a Kubernetes version such as `1.34`, `v1.34.4` or `v1.30.2-gke.15`.

    None if the version cannot be read, or if nothing is known about the release.
    """
    match = _MINOR.match(kubernetes_version.strip())
    if match is None or release.kubernetes is None:
        return None
    first, last = (_numbers(bound) for bound in release.kubernetes)
    return first <= (int(match.group(1)), int(match.group(2))) <= last


def _release(entry: Mapping[str, Any], minors: Mapping[str, Release]) -> Release:
    version: str = entry["version"]
    minor = minors[version.rpartition(".")[0]]
    listed = _named(minor, version)
    return replace(listed, sha256=entry["sha256"], known=True, avoid=entry.get("avoid", ""))


def _named(minor: Release, version: str) -> Release:
    """The release of one version, with what is known about its minor."""
    return replace(minor, version=version, url=minor.url.format(version=version))


def _by_version(release: Release) -> tuple[int, ...]:
    return _numbers(release.version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _known_ones(known: Catalogue) -> str:
    return "known versions: " + ", ".join(release.version for release in known.installable)
