"""Rules for the manifest of one version: what it installs, where that comes from, and what people see."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final
from urllib.parse import urlsplit

from repositories.names import is_relative, shown
from repositories.problems import Field
from repositories.wire import Helm, PackageManifest

Found = Callable[[str, Field, str], None]
"""Takes a rule's name, a field and a message."""

_EXACT: Final = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]*)?")
_BRANCH: Final = re.compile(r"/(?:main|master|HEAD|develop|latest/download)/")


def look(
    manifest: PackageManifest, package: str, known: Collection[str] | None, found: Found, *, described: bool = True
) -> None:
    """Remark on everything that the manifest says about itself.

    `known` are the names of the repository's packages, None where they could not be read. Icon and description are
    asked for if it is to be `described`: of the version that people see.
    """
    if manifest.name and manifest.name != package:
        found("name-differs", ("name",), f"it is {shown(manifest.name)}, and the folder is {shown(package)}")
    if described and not manifest.icon_url:
        found("missing-icon", (), "there is no iconUrl")
    if described and not manifest.short_description:
        found("missing-description", (), "there is no shortDescription")
    if manifest.kustomize is not None:
        found("unsupported", ("kustomize",), "no client installs kustomizations")
    if not (manifest.helm or manifest.manifests or manifest.components or manifest.dependencies):
        found("installs-nothing", (), "there are no manifests, no chart, no components and no dependencies")
    if manifest.helm is not None:
        _charts(manifest.helm, found)
    _urls(manifest, found)
    _relations(manifest, package, known, found)
    for number, entry in enumerate(manifest.entrypoints):
        for key, port in (("port", entry.port), ("localPort", entry.local_port)):
            if port is not None and not 0 < port < 65536:
                found("invalid-value", ("entrypoints", number, key), f"{port} is not a port (1 to 65535)")


def links(manifest: PackageManifest) -> Iterator[tuple[Field, str, bool]]:
    """Every absolute URL with its field, and whether the package cannot be installed without it."""
    for number, ref in enumerate(manifest.manifests):
        if ref.url and not is_relative(ref.url):
            yield ("manifests", number, "url"), ref.url, True
    if manifest.helm is not None and _scheme(manifest.helm.repository_url) in ("http", "https"):
        yield ("helm", "repositoryUrl"), f"{manifest.helm.repository_url.rstrip('/')}/index.yaml", True
    if manifest.icon_url:
        yield ("iconUrl",), manifest.icon_url, False
    for number, link in enumerate(manifest.references):
        yield ("references", number, "url"), link.url, False


def _charts(helm: Helm, found: Found) -> None:
    charts = [(("helm", "releases", n), one.chart_name, one.chart_version) for n, one in enumerate(helm.releases)]
    if not charts or helm.chart_name:
        charts.append((("helm",), helm.chart_name, helm.chart_version))  # type: ignore[arg-type]  # a shorter field
    for field, name, version in charts:
        if name and not version:
            found("chart-without-version", field, f"chart {shown(name)} has no chartVersion")
        elif version and not _EXACT.fullmatch(version):
            found("chart-version-range", (*field, "chartVersion"), f"{shown(version)} is not one exact version")


def _urls(manifest: PackageManifest, found: Found) -> None:
    for field, url, needed in links(manifest):
        scheme = _scheme(url)
        if scheme == "data" and field == ("iconUrl",):
            continue
        if scheme not in ("http", "https"):
            found("invalid-value", field, f"{shown(url)} is not a URL with http or https")
        elif needed and scheme == "http":
            found("insecure-url", field, f"{shown(url)} is fetched without encryption")
        if needed and field[0] == "manifests" and _BRANCH.search(url):
            found("moving-reference", field, f"{shown(url)} names a branch, not a version")
    if manifest.helm is not None:
        url = manifest.helm.repository_url
        if url and _scheme(url) not in ("http", "https", "oci"):
            found("invalid-value", ("helm", "repositoryUrl"), f"{shown(url)} is not a URL with https or oci")


def _scheme(url: str) -> str:
    """The scheme of a URL, empty for a text that is none."""
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def _relations(manifest: PackageManifest, package: str, known: Collection[str] | None, found: Found) -> None:
    relations = [(("dependencies", n), one.name, one.version) for n, one in enumerate(manifest.dependencies)]
    relations += [(("components", n), one.name, one.version) for n, one in enumerate(manifest.components)]
    for field, name, version in relations:
        if name == package:
            found("dependency-on-itself", field, f"{shown(name)} is the package itself")
        elif name and known is not None and name not in known:
            found("unknown-dependency", field, f"there is no package {shown(name)} in this repository")
        if "+" in version:
            found("revision-in-range", (*field, "version"), f"{shown(version)} names a revision, which ranges ignore")
