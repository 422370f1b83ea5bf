"""Package repositories of any size out of a seed: the same seed gives the same bytes.

The files look like those that people and their tools write: block form, keys by name, long descriptions folded, quotes
where YAML needs them, some letters that are not ASCII, and now and then a form that only few use.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from bench.repositories.manifest import manifest
from bench.repositories.words import ABILITIES, ENDINGS, FIRST, FOREIGN, SECOND, THIRD

NAMES = len(FIRST) * len(SECOND) * len(THIRD)
"""How many packages a repository can have."""

_WIDTH = 80
"""The column at which the usual writers of YAML fold."""


class Repository:
    """One repository: so many packages, each with so many versions."""

    def __init__(self, seed: int, packages: int, versions: int = 100) -> None:
        self._seed = seed
        self._packages = packages
        self._versions = versions

    @cached_property
    def names(self) -> list[str]:
        """The names of all packages, in order."""
        numbers = random.Random(f"{self._seed} names").sample(range(NAMES), self._packages)
        return sorted(_name(number) for number in numbers)

    @cached_property
    def index(self) -> bytes:
        """`index.yaml`."""
        lines = ["packages:"]
        for package in self.names:
            lines += self._entry(package)
        return "\n".join([*lines, ""]).encode()

    def versions(self, package: str) -> list[str]:
        """The versions of a package, ascending."""
        return [_version(package, number) for number in range(self._versions)]

    def versions_file(self, package: str) -> bytes:
        """`versions.yaml` of a package."""
        versions = self.versions(package)
        lines = [f"latestVersion: {versions[-1]}", "versions:", *(f"  - version: {one}" for one in versions), ""]
        return "\n".join(lines).encode()

    def manifest(self, package: str, version: str) -> bytes:
        """`package.yaml` of a version of a package."""
        description, scope = self._about(package)
        about = [f"name: {package}", *([f"scope: {scope}"] if scope else []), *described(description)]
        return manifest("\n".join(about), package, icon(package), version).encode()

    def files(self) -> Iterator[tuple[str, bytes]]:
        """All files, with their paths."""
        yield "index.yaml", self.index
        for package in self.names:
            yield f"{package}/versions.yaml", self.versions_file(package)
            for version in self.versions(package):
                yield f"{package}/{version}/package.yaml", self.manifest(package, version)

    def write(self, folder: Path) -> None:
        """Write all files into a folder."""
        for path, content in self.files():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def _entry(self, package: str) -> Iterator[str]:
        description, scope = self._about(package)
        yield f"  - iconUrl: {icon(package)}"
        yield f"    latestVersion: {_version(package, self._versions - 1)}"
        yield f"    name: {package}"
        if scope:
            yield f"    scope: {scope}"
        yield from described(description, "    ")

    def _about(self, package: str) -> tuple[str, str]:
        """Short description and scope."""
        chance = random.Random(f"{self._seed} {package}")
        first, second, third = package.split("-")
        whose = "'s" if chance.random() < 0.05 else ""
        text = f"{first.capitalize()}{whose} {second} {third}"
        if chance.random() < 0.01:
            text = f'"{second.capitalize()}" {text}'
        if chance.random() < 0.6:
            text += f"{': it' if chance.random() < 0.08 else ''} {chance.choice(ABILITIES)}"
        ending = chance.choice(FOREIGN if chance.random() < 0.05 else ENDINGS)
        return f"{text} {ending}", chance.choice(("", "", "", "Cluster", "Namespaced"))


def icon(package: str) -> str:
    """The URL of a package's icon."""
    return f"https://raw.githubusercontent.com/{package.partition('-')[0]}/{package}/main/docs/icon.svg"


def described(text: str, indent: str = "") -> list[str]:
    """The field `shortDescription`, as the usual writers of YAML write it; one in a few hundred by hand."""
    begin, kind = f"{indent}shortDescription: ", sum(text.encode()) % 400
    if kind == 0:
        return [f"{begin}>-", *_folded(f"{indent}  {text}", f"{indent}  ")]
    if kind < 8:
        return [begin + '"' + text.replace('"', '\\"') + '"']
    if text[0] == '"' or ": " in text:
        text = "'" + text.replace("'", "''") + "'"
    return _folded(begin + text, f"{indent}  ")


def _folded(text: str, indent: str) -> list[str]:
    """A line as several, none longer than the column at which writers fold."""
    lines = []
    while len(text) > _WIDTH and (at := text.rfind(" ", len(indent) + 1, _WIDTH)) > 0:
        lines.append(text[:at])
        text = indent + text[at + 1 :]
    return [*lines, text]


def _name(number: int) -> str:
    rest, third = divmod(number, len(THIRD))
    first, second = divmod(rest, len(SECOND))
    return f"{FIRST[first]}-{SECOND[second]}-{THIRD[third]}"


def _version(package: str, number: int) -> str:
    """A later version for a higher number, which differs from package to package."""
    lengths = sum(package.encode())
    minor, patch = divmod(number, 3 + lengths % 6)
    return f"v{lengths % 5}.{minor}.{patch}+{1 + number % 2}"
