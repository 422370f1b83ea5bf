"""One package as people see it, and as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from repositories import versions, wire
from repositories.objects import one_line
from repositories.searching import Found

_SHOWN_VERSIONS: Final = 8
_INDENT: Final = "  "


@dataclass(frozen=True)
class Package:
    """A package of one repository in one version.

    `known` is None where `versions.yaml` could not be read; `also_in` names further repositories that have it.
    """

    found: Found
    version: str
    manifest: wire.PackageManifest
    known: wire.PackageVersions | None
    also_in: Sequence[str] = ()

    @property
    def latest(self) -> str:
        """The version that the maintainers point to."""
        return self.known.latest_version if self.known is not None else self.found.entry.latest_version

    @property
    def newest(self) -> str:
        """The true maximum where it is newer than `latest`, else empty."""
        return self.known.ahead if self.known is not None else ""

    @property
    def versions(self) -> list[str]:
        """All versions, the newest first."""
        return versions.ordered(self.known.texts, newest_first=True) if self.known is not None else []

    def data(self) -> dict[str, Any]:
        """As JSON types; texts as they are in the repository."""
        return {
            "name": self.found.entry.name,
            "repository": self.found.target.name,
            "alsoIn": list(self.also_in),
            "version": self.version,
            "latestVersion": self.latest,
            "newestVersion": self.newest or self.latest,
            "versions": self.versions,
            "manifest": wire.as_data(self.manifest),
        }


def text(package: Package, url: str) -> str:
    """A package for a terminal: a line for each thing that matters, then its values, links and long description."""
    manifest, entry = package.manifest, package.found.entry
    pointer = "  (the one that its maintainers point to)" if package.version == package.latest else ""
    lines = [
        ("Name", entry.name),
        ("Description", one_line(manifest.short_description or entry.short_description)),
        ("Repository", url if package.found.target.name == url else f"{package.found.target.name} ({url})"),
        ("Also in", ", ".join(package.also_in)),
        ("Version", f"{package.version}{pointer}"),
        (
            "Latest",
            "" if package.latest in ("", package.version) else f"{package.latest}  (what its maintainers point to)",
        ),
        ("Newest", f"{package.newest}  (newer than the one they point to)" if package.newest else ""),
        ("Versions", _versions(package.versions)),
        ("Scope", manifest.scope or wire.CLUSTER),
        ("Namespace", manifest.default_namespace),
        *[("Installs" if n == 0 else "", line) for n, line in enumerate(_parts(manifest))],
        ("Needs", ", ".join(f"{one.name} {one.version}".strip() for one in manifest.dependencies)),
        ("Brings", ", ".join(f"{one.name} {one.version}".strip() for one in manifest.components)),
        ("Opens", ", ".join(_entrypoint(one) for one in manifest.entrypoints)),
    ]
    shown = [(f"{title}:" if title else "", said) for title, said in lines if said]
    width = max(len(title) for title, _ in shown)
    written = [f"{title:{width}}  {one_line_kept(said)}" for title, said in shown]
    for title, block in (
        ("Values", _values(manifest)),
        ("References", [f"{one_line(one.label)}: {one_line(one.url)}" for one in manifest.references]),
        ("About", [one_line_kept(line) for line in manifest.long_description.strip().splitlines()]),
    ):
        if block:
            written += ["", f"{title}:", *[f"{_INDENT}{line}".rstrip() for line in block]]
    return "\n".join(written)


def one_line_kept(line: str) -> str:
    """A line without what could control a terminal; its blanks stay as they are."""
    return "".join(one if one.isprintable() else " " if one == "\t" else "?" for one in line)


def _versions(known: Sequence[str]) -> str:
    more = len(known) - _SHOWN_VERSIONS
    return ", ".join(known[:_SHOWN_VERSIONS]) + (f" and {more} more" if more > 0 else "")


def _parts(manifest: wire.PackageManifest) -> Iterable[str]:
    """What an installation applies."""
    helm = manifest.helm
    if helm is not None:
        charts = helm.releases or (helm,)
        for chart in charts:
            chart_text = f"chart {one_line(chart.chart_name)} {one_line(chart.chart_version)}"
            yield f"{chart_text} of {one_line(helm.repository_url)}"
    for one in manifest.manifests:
        yield f"manifest {one_line(one.url)}"
    if manifest.kustomize is not None:
        yield "a kustomization"


def _entrypoint(one: wire.Entrypoint) -> str:
    name = f"{one_line(one.name)}: " if one.name else ""
    return f"{name}service {one_line(one.service_name)} port {one.port}"


def _values(manifest: wire.PackageManifest) -> list[str]:
    """The values that users can set, in columns."""
    rows = []
    for name, one in (manifest.value_definitions or {}).items():
        needed = "required" if one.constraints is not None and one.constraints.required else ""
        default = f"default {one_line(one.default_value)}" if one.default_value else ""
        kind = f"one of {', '.join(map(one_line, one.options))}" if one.options else one.type
        meta = one.metadata
        about = one_line((meta.description or meta.label) if meta is not None else "")
        rows.append((one_line(name), kind, ", ".join(filter(None, (needed, default))), about))
    widths = [max((len(row[n]) for row in rows), default=0) for n in range(3)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows]
