"""Names out of a repository that become parts of a path: what they may hold, and how they are written in a URL.

Every name is checked before a path is made of it, so that no repository can lead a reader out of its own folder.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote

from repositories.versions import MAX_LENGTH as LONGEST_VERSION

INDEX: Final = "index.yaml"
VERSIONS: Final = "versions.yaml"
MANIFEST: Final = "package.yaml"

LONGEST_NAME: Final = 128
MOST_PARTS: Final = 16

_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_~-]*", re.ASCII)
_PART: Final = re.compile(r"[A-Za-z0-9._+~@=, ()\[\]!$&'-]{1,255}", re.ASCII)

Path = tuple[str, ...]
"""A file of a repository: its path from the repository's folder, in parts that hold neither `/` nor `..`."""


def package_problem(name: str) -> str:
    """Why a text cannot be the name of a package, or empty."""
    if not name:
        return "the name of a package is empty"
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        return f"{shown(name)} cannot be the name of a package: it may hold letters, digits, '-', '_' and '.' only"
    return ""


def version_problem(text: str) -> str:
    """Why a text cannot be a version that is part of a path, or empty."""
    if not text:
        return "a version is empty"
    if len(text) > LONGEST_VERSION or not _VERSION.fullmatch(text):
        return f"{shown(text)} cannot be a version: it may hold letters, digits, '.', '+', '-', '_' and '~' only"
    return ""


def index_path() -> Path:
    """The path of a repository's index."""
    return (INDEX,)


def versions_path(package: str) -> Path:
    """The path of a package's versions. Raises ValueError for a name that no package can have."""
    if problem := package_problem(package):
        raise ValueError(problem)
    return (package, VERSIONS)


def manifest_path(package: str, version: str) -> Path:
    """The path of the manifest of one version. Raises ValueError for a name or version that cannot be one."""
    if problem := package_problem(package) or version_problem(version):
        raise ValueError(problem)
    return (package, version, MANIFEST)


def is_relative(url: str) -> bool:
    """Whether what a manifest refers to is a file of the repository, and not a URL of its own."""
    return not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url) and not url.startswith("//")


def file_path(package: str, version: str, relative: str) -> Path:
    """The path of a file that the manifest of a version refers to, such as `./manifest.yaml`.

    Raises ValueError for one that leads out of the repository or has a part that no file should have, or a hidden one.
    """
    parts = list(manifest_path(package, version)[:-1])
    plain = unquote(relative)
    if not relative or not is_relative(relative) or plain.startswith("/") or "%" in plain:
        raise ValueError(f"{shown(relative)} is not the path of a file in the repository")
    for part in plain.split("/"):
        if part == "..":
            if not parts:
                break
            parts.pop()
        elif part not in ("", "."):
            if not _PART.fullmatch(part) or part.startswith("."):  # .git and the like: no server gives them
                raise ValueError(f"{shown(relative)} is not the path of a file in the repository")
            parts.append(part)
    else:
        if len(parts) <= MOST_PARTS and part not in ("", ".", ".."):
            return tuple(parts)
    raise ValueError(f"{shown(relative)} leads out of the repository, or to no file")


def in_url(path: Path) -> str:
    """A path as part of a URL; `+` stays as it is, as the repositories that are out there expect."""
    return "/".join(quote(part, safe="+~@=,()!$&'") for part in path)


def shown(text: str) -> str:
    """A text out of a repository for a message: quoted, on one line, not longer than that."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")
