"""Finding packages in the indexes of repositories: by words, or one by its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from repositories.objects import one_line
from repositories.targets import Target
from repositories.wire import CLUSTER, Index, IndexEntry

NEAR_AMONG: Final = 20_000
"""Among more names than these nobody is offered similar ones: comparing them would take longer than the search."""

Indexes = Sequence[tuple[Target, Index]]


@dataclass(frozen=True)
class Found:
    """A package of one repository, as its index lists it."""

    entry: IndexEntry
    target: Target

    @property
    def description(self) -> str:
        """The short description in one line, with nothing that could control a terminal."""
        return one_line(self.entry.short_description)

    @property
    def latest(self) -> str:
        """The version that the maintainers point to, empty where the index has none."""
        return one_line(self.entry.latest_version)

    @property
    def scope(self) -> str:
        """`Cluster` or `Namespaced`; what says neither is of the cluster."""
        return self.entry.scope or CLUSTER

    def data(self) -> dict[str, Any]:
        """As JSON types; texts as they are in the index."""
        return {
            "name": self.entry.name,
            "repository": self.target.name,
            "latestVersion": self.entry.latest_version,
            "scope": self.scope,
            "shortDescription": self.entry.short_description,
            "iconUrl": self.entry.icon_url,
        }


def search(words: Iterable[str], indexes: Indexes) -> list[Found]:
    """The packages that have every word in their name or their description, in whatever case; all without a word.

    A package that is called so comes first, then those whose name begins so, those with all words in the name, and
    the rest; among equals by name, then by repository.
    """
    wanted = [word.casefold() for word in words]
    found: list[tuple[int, str, str, int, Found]] = []
    for n, (target, index) in enumerate(indexes):
        for entry in index.packages:
            rank = _rank(wanted, entry)
            if rank is not None:
                found.append((rank, entry.name, target.name, n, Found(entry, target)))
    found.sort(key=lambda one: one[:4])
    return [one[4] for one in found]


def _rank(wanted: Sequence[str], entry: IndexEntry) -> int | None:
    """How well a package fits, 0 for best; None where a word is missing."""
    text = f"{entry.name}\n{entry.short_description}".casefold()
    for word in wanted:  # nearly all packages end here, so this has to be quick
        if word not in text:
            return None
    name = entry.name.casefold()
    if all(word in name for word in wanted):
        if len(wanted) == 1:
            return 0 if name == wanted[0] else 1 if name.startswith(wanted[0]) else 2
        return 2
    return 3


def named(name: str, indexes: Indexes) -> list[Found]:
    """The packages of exactly this name: that of the default repository first, then by the repository's name."""
    found = [Found(entry, target) for target, index in indexes for entry in index.packages if entry.name == name]
    return sorted(found, key=lambda one: (not one.target.default, one.target.name))


def near(name: str, indexes: Indexes) -> list[str]:
    """Names of packages that are written almost alike, the most similar first."""
    import difflib

    names = list(dict.fromkeys(entry.name for _, index in indexes for entry in index.packages))
    return difflib.get_close_matches(name, names) if len(names) <= NEAR_AMONG else []
