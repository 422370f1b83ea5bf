"""A repository in a folder that is copied, and that fails as a test says."""

from __future__ import annotations

from pathlib import Path

from base.clock import Run
from base.errors import RepositoryUnusable
from base.events import silent
from repositories import names
from repositories.folders import Folder
from repositories.mirror_state import mirror_folder
from repositories.mirroring import Fetch, Mirror, Tally

WEB = "web/v1.1.0+1/package.yaml"


class Origin:
    """A repository in a folder that counts what is asked for, and fails as a test says."""

    def __init__(self, directory: Path, workers: int = 4) -> None:
        self.workers = workers
        self.folder = Folder(directory)
        self.asked: list[str] = []
        self.broken: set[str] = set()
        self.run: Run | None = None
        """Cancelled at the third question, where there is one."""

    def read(self, path: names.Path, most: int) -> bytes | None:
        file = "/".join(path)
        self.asked.append(file)
        if self.run is not None and len(self.asked) == 5:
            self.run.cancel()
        if file in self.broken:
            raise RepositoryUnusable(f"could not read {file}: the server answered 500")
        return self.folder.read(path, most)

    def packages(self) -> list[str]:
        return []

    def versions(self, package: str) -> list[str]:
        return []


def mirror(origin: Origin, copy: Path, fetch: Fetch | None = None, run: Run | None = None) -> Tally:
    """One run of a mirror."""
    origin.asked.clear()
    with mirror_folder(copy) as state:
        return Mirror(origin, state, run or Run(), silent, fetch).make()
