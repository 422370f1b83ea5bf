"""Rules for the lists of a repository: index.yaml and versions.yaml, and whether they agree with what lies there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from repositories.lint_manifest import Found
from repositories.names import shown
from repositories.versions import ordered, version
from repositories.wire import CLUSTER, Index, IndexEntry, PackageManifest, PackageVersions


def look_index(index: Index, there: Collection[str], found: Found) -> None:
    """Remark on the index; `there` are the packages that lie in the repository, as far as that can be seen."""
    listed = [entry.name for entry in index.packages]
    _twice(listed, ("packages", "name"), found)
    _in_order(listed, sorted(set(listed)), "packages", "by name", found)
    for name in sorted(set(there) - set(listed)):
        found("unlisted", ("packages",), f"package {shown(name)} is there and not listed")


def look_versions(versions: PackageVersions, there: Collection[str], found: Found) -> None:
    """Remark on the versions of a package; `there` are those that lie in its folder, as far as that can be seen."""
    listed = versions.texts
    for number, text in enumerate(listed):
        read = version(text)
        if not read.semantic:
            found("not-semantic", ("versions", number, "version"), f"{shown(text)} is no semantic version")
        elif read.revision is None and "+" in text:
            found("not-semantic", ("versions", number, "version"), f"the revision of {shown(text)} is not a number")
        elif read.revision is None:
            found("no-revision", ("versions", number, "version"), f"{shown(text)} has no packaging revision")
    _twice(listed, ("versions", "version"), found)
    _in_order(listed, ordered(listed), "versions", "ascending", found)
    if versions.latest_version and versions.latest_version not in listed:
        found("latest-unknown", ("latestVersion",), f"{shown(versions.latest_version)} is not among the versions")
    elif versions.ahead:
        behind = f"it is {shown(versions.latest_version)}, and {shown(versions.ahead)} is newer"
        found("latest-behind", ("latestVersion",), behind)
    for text in ordered(set(there) - set(listed)):
        found("unlisted", ("versions",), f"version {shown(text)} is there and not listed")


def compare(entry: IndexEntry, number: int, versions: PackageVersions, found: Found) -> None:
    """Remark where an entry of the index contradicts the versions of the package."""
    if not entry.latest_version:
        found("index-stale", ("packages", number), f"{entry.name} has no latestVersion")
    elif versions.latest_version and entry.latest_version != versions.latest_version:
        differs = f"it is {shown(entry.latest_version)}, and {shown(versions.latest_version)} in versions.yaml"
        found("index-differs", ("packages", number, "latestVersion"), differs)


def compare_latest(entry: IndexEntry, number: int, manifest: PackageManifest, found: Found) -> None:
    """Remark where an entry of the index contradicts the manifest of the version that latestVersion names."""
    if entry.scope and entry.scope != (manifest.scope or CLUSTER):
        differs = f"it is {shown(entry.scope)}, and {shown(manifest.scope or CLUSTER)} in the manifest"
        found("index-differs", ("packages", number, "scope"), differs)
    for key, said, meant in (
        ("shortDescription", entry.short_description, manifest.short_description),
        ("iconUrl", entry.icon_url, manifest.icon_url),
    ):
        if said != meant:
            found("index-stale", ("packages", number, key), f"{entry.name} has another {key} in its manifest")


def _twice(listed: Sequence[str], where: tuple[str, str], found: Found) -> None:
    seen: dict[str, int] = {}
    for number, text in enumerate(listed):
        if seen.setdefault(text, number) != number:
            found("duplicate", (where[0], number, where[1]), f"{shown(text)} is listed already")


def _in_order(listed: Sequence[str], right: Sequence[str], where: str, how: str, found: Found) -> None:
    """One remark at the first place that is not in order; what is listed twice counts once."""
    once = list(dict.fromkeys(listed))
    for text, meant in zip(once, right, strict=True):
        if text != meant:
            number = listed.index(text)
            found("order", (where, number), f"{shown(text)} is where {shown(meant)} belongs: the order is {how}")
            return
