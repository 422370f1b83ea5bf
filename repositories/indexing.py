"""`frit repo index`: index.yaml and versions.yaml out of the folders of a repository, the same bytes every time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from base.errors import RepositoryUnusable
from base.whole_files import replace
from repositories import names, safe_yaml, wire
from repositories.folders import Folder
from repositories.problems import Malformed, Problem
from repositories.versions import ahead, newest, ordered

KEEP: Final = "keep"
NEWEST: Final = "newest"

_PLAIN: Final = re.compile(r"[^\W\d_](?:[\w .,/+@()'=;%&?*!-]|:(?=\S)|(?<=\S)#)*", re.UNICODE)
_NO_TEXT: Final = frozenset(("y", "yes", "n", "no", "true", "false", "on", "off", "null"))


@dataclass(frozen=True)
class Written:
    """One file: what it has to hold, and whether that was `created`, `updated` or `unchanged`."""

    path: names.Path
    content: bytes
    change: str

    @property
    def file(self) -> str:
        """The path as text."""
        return "/".join(self.path)


@dataclass(frozen=True)
class Plan:
    """What the files of a repository have to hold, versions before the index.

    `behind` are packages whose latestVersion stays behind the newest version: name -> (latestVersion, newest).
    `empty` are packages without a version, which are not listed.
    """

    packages: int
    versions: int
    files: tuple[Written, ...]
    behind: Mapping[str, tuple[str, str]]
    empty: tuple[str, ...]

    @property
    def changes(self) -> list[Written]:
        """The files that are not as they have to be."""
        return [one for one in self.files if one.change != "unchanged"]


def plan(folder: Folder, latest: str = KEEP) -> Plan:
    """Work out the files; nothing is written.

    With `keep` a latestVersion that names a version stays, because maintainers point with it; a package without one
    gets the newest. With `newest` all get it. Pre-releases count only where there is nothing else. Raises
    `RepositoryUnusable` for a name, a version or a manifest that clients would refuse.
    """
    files: list[Written] = []
    entries: list[list[tuple[str, str]]] = []
    behind: dict[str, tuple[str, str]] = {}
    empty: list[str] = []
    count = 0
    for name in folder.packages():
        found = ordered(_checked(folder, name))
        if not found:
            empty.append(name)
            continue
        count += len(found)
        chosen = _pointer(folder, name) if latest == KEEP else ""
        chosen = chosen if chosen in found else newest(found)
        if top := ahead(chosen, found):
            behind[name] = (chosen, top)
        listed = _lines([("latestVersion", chosen)], "versions", [[("version", one)] for one in found])
        files.append(_compared(folder, names.versions_path(name), listed))
        entries.append(_entry(folder, name, chosen))
    files.append(_compared(folder, names.index_path(), _lines([], "packages", entries)))
    return Plan(len(entries), count, tuple(files), behind, tuple(empty))


def write(folder: Folder, files: Iterable[Written]) -> None:
    """Write files, each at once or not at all. Raises `RepositoryUnusable` where a folder cannot be written to."""
    for one in files:
        target = folder.directory.joinpath(*one.path)
        try:
            replace(target, one.content)
        except OSError as error:
            raise RepositoryUnusable(
                f"could not write {target}: {error.strerror or error}",
                hint="what was written until now is complete; run it again once the folder can be written to",
            ) from None


def _checked(folder: Folder, name: str) -> list[str]:
    """The versions of a package that lie in its folder, if clients accept their names and the package's."""
    versions = folder.versions(name)
    for problem in (names.package_problem(name), *map(names.version_problem, versions)):
        if problem:
            where = folder.directory if names.package_problem(name) else folder.directory / name
            raise RepositoryUnusable(
                f"could not index {where}: {problem}",
                hint="rename the folder, or move it out of the repository",
            )
    for version in versions:
        if folder.leads_out(name, version):
            raise _link_out(names.manifest_path(name, version))
    return versions


def _link_out(path: names.Path) -> Malformed:
    return Malformed(Problem("/".join(path), "it is not there, or is a link that leads out of the repository"))


def _pointer(folder: Folder, name: str) -> str:
    """The latestVersion that the package has now; empty where there is none. Raises `Malformed`."""
    path = names.versions_path(name)
    content = folder.read(path, safe_yaml.VERSIONS.bytes)
    if content is None:
        return ""
    try:
        return wire.read_versions(content, "/".join(path)).value.latest_version
    except Malformed as bad:
        raise Malformed(bad.problem, hint="mend it, or let --latest newest write it without looking at it") from None


def _entry(folder: Folder, name: str, version: str) -> list[tuple[str, str]]:
    """What the index says about a package: fields of the manifest of its latest version."""
    path = names.manifest_path(name, version)
    content = folder.read(path, safe_yaml.MANIFEST.bytes)
    if content is None:
        raise _link_out(path)
    manifest = wire.read_manifest(content, "/".join(path)).value
    if manifest.name != name:
        line = safe_yaml.Places(content).line(("name",))
        differs = f"it is {names.shown(manifest.name)}, and the folder is {names.shown(name)}"
        raise Malformed(Problem("/".join(path), differs, ("name",), line))
    fields = [
        ("name", name),
        ("shortDescription", manifest.short_description),
        ("iconUrl", manifest.icon_url),
        ("latestVersion", version),
        ("scope", manifest.scope or wire.CLUSTER),
    ]
    return [(key, value) for key, value in fields if value]


def _compared(folder: Folder, path: names.Path, content: bytes) -> Written:
    try:
        now = folder.read(path, safe_yaml.INDEX_BYTES)
    except Malformed:  # it is larger than any that was written
        now = b""
    change = "created" if now is None else "unchanged" if now == content else "updated"
    return Written(path, content, change)


def _lines(head: Sequence[tuple[str, str]], key: str, items: Sequence[Sequence[tuple[str, str]]]) -> bytes:
    """YAML in one form: a value a line, so that a difference is one line too."""
    lines = [f"{name}: {scalar(value)}" for name, value in head]
    lines.append(f"{key}:" if items else f"{key}: []")
    for item in items:
        lines += [
            f"{'  - ' if number == 0 else '    '}{name}: {scalar(value)}" for number, (name, value) in enumerate(item)
        ]
    return "".join(f"{line}\n" for line in lines).encode()


def scalar(text: str) -> str:
    """A text as a YAML scalar on one line: plain where every reader takes it for this text, else in double quotes."""
    if _PLAIN.fullmatch(text) and not text.endswith(" ") and text.isprintable() and text.lower() not in _NO_TEXT:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(one: str) -> str:
    if one in '"\\':
        return f"\\{one}"
    if one.isprintable():
        return one
    return f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"
