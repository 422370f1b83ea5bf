"""Versions of packages: semantic versions with the packaging revision `+N`, in one total order.

A tag such as `v1.17.0+2` is the second packaging of the application's version 1.17.0. Semantic Versioning says that
build metadata has no precedence; in package repositories it has, and frit follows them: a larger revision is newer,
and any revision is newer than none. Sources: semver.org 2.0.0, sections 9 to 11; Glasskube's rules for updates.
What Glasskube leaves undecided (revisions that are no numbers count as newer both ways, and so do versions that are
no semantic versions) gets a place in the order, below what can be compared.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

MAX_LENGTH: Final = 128
"""A version is part of a path and of an object's name; none needs more characters."""

_IDENTIFIERS: Final = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_FORM: Final = re.compile(
    rf"v?(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.(?P<patch>[0-9]+))?"
    rf"(?:-(?P<before>{_IDENTIFIERS}))?(?:\+(?P<build>{_IDENTIFIERS}))?",
    re.ASCII,
)
_RELEASED: Final = ((1,),)  # after every pre-release, whose identifiers begin with 0


@functools.total_ordering
@dataclass(frozen=True, eq=False)
class Version:
    """A version as it is written (`text`) and where it stands in the order.

    `semantic` says whether it could be read. Versions are equal only if they are written the same; `1.0` and `v1.0.0`
    are told apart by their text alone, so neither is `newer_than` the other.
    """

    text: str
    semantic: bool = False
    prerelease: bool = False
    revision: int | None = None
    rank: tuple[Any, ...] = field(default=(), repr=False)

    def newer_than(self, other: Version) -> bool:
        """Whether this is later than the other in more than the way it is written."""
        if self.semantic and other.semantic:
            return self.rank > other.rank
        return self.semantic and not other.semantic

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __lt__(self, other: Version) -> bool:
        return (self.rank, self.text) < (other.rank, other.text)


def version(text: str) -> Version:
    """Read a version. Never fails: what is no semantic version comes before all that are."""
    match = _FORM.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        return Version(text, rank=(0,))
    numbers = tuple(int(match[part] or 0) for part in ("major", "minor", "patch"))
    before, build = match["before"], match["build"]
    return Version(
        text,
        True,
        before is not None,
        int(build) if build is not None and build.isdigit() else None,
        (1, numbers, _before(before), _build(build)),
    )


def ordered(texts: Iterable[str], *, newest_first: bool = False) -> list[str]:
    """Versions in their order, each once."""
    return [one.text for one in sorted(map(version, set(texts)), reverse=newest_first)]


def newest(texts: Iterable[str]) -> str:
    """The newest of some versions, and empty where there is none; pre-releases count only among themselves."""
    known = [version(text) for text in texts]
    released = [one for one in known if one.semantic and not one.prerelease]
    return max(released or known).text if known else ""


def ahead(pointer: str, texts: Iterable[str]) -> str:
    """The newest of some versions where it is newer than what `latestVersion` points to, else empty."""
    top = newest(texts)
    return top if version(top).newer_than(version(pointer)) else ""


def matching(asked: str, texts: Iterable[str]) -> str:
    """The version that somebody means who may have left out the `v` or the revision; empty where there is none.

    What is written exactly so comes first. Of several revisions the newest is meant.
    """
    known = list(texts)
    if asked in known:
        return asked
    plain = asked.removeprefix("v")
    whole = [one for one in known if one.removeprefix("v") == plain]
    return newest(whole or [one for one in known if one.removeprefix("v").partition("+")[0] == plain])


def _before(text: str | None) -> tuple[tuple[Any, ...], ...]:
    """The place of a pre-release: numbers before words, fewer identifiers before more."""
    if text is None:
        return _RELEASED
    return tuple((0, 0, int(one)) if one.isdigit() else (0, 1, one) for one in text.split("."))


def _build(text: str | None) -> tuple[Any, ...]:
    """The place of a revision: none, then what is no number, then numbers."""
    if text is None:
        return (0,)
    return (2, int(text)) if text.isdigit() else (1, text)
