"""A package repository in a folder: which packages and versions lie there, and their files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from base.errors import RepositoryUnusable
from repositories import names
from repositories.problems import Malformed, Problem
from repositories.shelf import Refused, open_below


@dataclass(frozen=True)
class Folder:
    """The repository in a folder, as `frit repo serve` would serve it: links that lead out of it are not there.

    Every method raises `RepositoryUnusable` for a folder that cannot be looked into.
    """

    directory: Path
    workers: int = 1
    """Reading files takes less time than threads would; see `repositories.linting.Source`."""

    def read(self, path: names.Path, most: int) -> bytes | None:
        """The content of a file, None where there is none. Raises `Malformed` for one of more than `most` bytes."""
        try:
            opened = open_below(self.directory, path)
        except Refused:
            return None
        with opened as file:
            if os.fstat(file.fileno()).st_size > most:
                raise Malformed(Problem("/".join(path), f"it is larger than {most >> 20} MiB"))
            return file.read(most)

    def has(self, path: names.Path) -> bool:
        """Whether there is such a file."""
        return self.directory.joinpath(*path).is_file()

    def leads_out(self, package: str, version: str) -> bool:
        """Whether a version of a package is a link to what does not lie in the repository."""
        folder = self.directory / package / version
        linked = folder.is_symlink() or (folder / names.MANIFEST).is_symlink()
        return linked and not (folder / names.MANIFEST).resolve().is_relative_to(self.directory.resolve())

    def packages(self) -> list[str]:
        """The folders that look like packages, by name: with versions.yaml, or with a version below."""
        return [one for one in self._folders() if self.has((one, names.VERSIONS)) or self.versions(one)]

    def versions(self, package: str) -> list[str]:
        """The folders of a package that hold a package.yaml, by name."""
        return [one for one in self._folders(package) if self.has((package, one, names.MANIFEST))]

    def _folders(self, *path: str) -> list[str]:
        where = self.directory.joinpath(*path)
        try:
            with os.scandir(where) as entries:
                found = [Path(one.path) for one in entries if not one.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise RepositoryUnusable(
                f"could not look into {'/'.join([str(self.directory), *map(names.shown, path)])}: {error.strerror}"
            ) from None
        return sorted(one.name for one in found if one.is_dir())
