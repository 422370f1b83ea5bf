"""What is measured: the commands of frit, and beside them those of a script that does the same with PyYAML."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

TEXT = "postgres"
"""What is searched for: a part of some names, and a word of some descriptions."""

FAR = 10
"""Repositories that one search reads, each answering after a while."""

_PLAIN = Path(__file__).with_name("plain.py")

GOOD, DOWN = 18, 2
"""Repositories of the cluster: those that answer, and those that do not."""

SEARCH, MANY, LIST, LINT = "search", "many", "list", "lint"
SUBJECTS = (SEARCH, MANY, LIST, LINT)

FRIT_LARGE, PLAIN_LARGE, LIBYAML_LARGE = "search-large", "plain-large", "libyaml-large"
FRIT_SHOW = "show-large"
FRIT_HUGE, LIBYAML_HUGE = "search-huge", "libyaml-huge"
FRIT_MANY, PLAIN_MANY = "search-many", "plain-many"
FRIT_LIST, PLAIN_LIST, FRIT_CLUSTER = "list", "plain-list", "search-cluster"
FRIT_LINT, PLAIN_LINT, LIBYAML_LINT = "lint", "plain-lint", "libyaml-lint"


@dataclass(frozen=True)
class Sizes:
    """Packages of the repositories, versions of each package, and packages and versions of the folder to lint."""

    large: int = 10_000
    huge: int = 100_000
    small: int = 200
    linted: int = 500
    linted_versions: int = 10

    @property
    def manifests(self) -> int:
        """How many manifests the folder to lint holds."""
        return self.linted * self.linted_versions


@dataclass(frozen=True)
class Ground:
    """Where it happens: frit, the addresses of `bench.repositories.server`, a package of the large repository, the
    folder to lint, and a file with the URLs of all repositories that the cluster knows."""

    frit: Path
    addresses: Mapping[str, str]
    package: str
    folder: Path
    urls: Path

    def url(self, name: str) -> str:
        """The URL of a repository."""
        return f"{self.addresses['serving']}/{name}"


@dataclass(frozen=True)
class Case:
    """One command, started once in a round with an empty cache, and `again` so often with what that has kept.

    `count` says how much it found, from what it printed; cases with the same `same` have to find as much. It takes part
    in so many `rounds`. `reads` are the repositories whose files it asks for.
    """

    key: str
    subject: str
    title: str
    command: tuple[str, ...]
    count: Callable[[str], int]
    reads: tuple[str, ...] = ()
    again: int = 0
    rounds: int = 1000
    same: str = ""


def registered(ground: Ground) -> dict[str, str]:
    """The repositories that the cluster knows, by name: most answer, one refuses connections, one never answers."""
    good = {f"team-{n:02}": ground.url(f"team-{n:02}") for n in range(1, GOOD + 1)}
    return {**good, "closed": f"{ground.addresses['refusing']}/x", "silent": f"{ground.addresses['silent']}/x"}


def cases(ground: Ground, sizes: Sizes) -> tuple[Case, ...]:
    """All cases, in the order in which a round runs them."""
    large = _search(ground, "large", f"{sizes.large:,} packages", (FRIT_LARGE, PLAIN_LARGE, LIBYAML_LARGE))
    huge = _search(ground, "huge", f"{sizes.huge:,} packages", (FRIT_HUGE, "", LIBYAML_HUGE))
    show = (str(ground.frit), "show", ground.package, "-r", ground.url("large"))
    title = f"frit show, {sizes.large:,} packages"
    shown = Case(FRIT_SHOW, SEARCH, title, show, lambda text: text.count(ground.package) and 1, ("large",), again=3)
    return (*large, shown, *huge, *_many(ground), *_list(ground), *_lint(ground, f"{sizes.manifests:,} manifests"))


def _search(ground: Ground, name: str, size: str, keys: tuple[str, str, str]) -> Iterator[Case]:
    """Searches of one repository: by frit, by safe_load (which takes too long where it has no key), by libyaml."""
    url, ours, pure, fast = ground.url(name), *keys
    command = (str(ground.frit), "search", TEXT, "-r", url)
    yield Case(ours, SEARCH, f"frit search, {size}", command, rows, (name,), again=5 if pure else 3, same=name)
    if pure:
        yield Case(pure, SEARCH, f"safe_load, {size}", plain("search", TEXT, url), lines, (name,), same=name)
    libyaml = plain("--libyaml", "search", TEXT, url)
    yield Case(fast, SEARCH, f"libyaml, {size}", libyaml, lines, (name,), rounds=1000 if pure else 1, same=name)


def _many(ground: Ground) -> Iterator[Case]:
    """Searches of several repositories."""
    names = tuple(f"far-{n:02}" for n in range(1, FAR + 1))
    urls, what = [ground.url(name) for name in names], f"{FAR} repositories"
    command = (str(ground.frit), "search", TEXT, *(word for url in urls for word in ("-r", url)))
    yield Case(FRIT_MANY, MANY, f"frit search, {what}", command, rows, names, again=3, same=MANY)
    yield Case(PLAIN_MANY, MANY, f"safe_load, {what} in turn", plain("search", TEXT, *urls), lines, names, same=MANY)


def _list(ground: Ground) -> Iterator[Case]:
    """Lists of the cluster's repositories, and a search of those that answer."""
    names, frit, what = tuple(registered(ground))[:GOOD], str(ground.frit), f"{GOOD + DOWN} repositories, {DOWN} down"
    yield Case(FRIT_LIST, LIST, f"frit repo list, {what}", (frit, "repo", "list"), reachable, names, again=2, same=LIST)
    yield Case(PLAIN_LIST, LIST, f"safe_load, {what}", plain("list", str(ground.urls)), reachable, names, same=LIST)
    command = (frit, "search", TEXT, *(word for name in names for word in ("-r", name)))
    yield Case(FRIT_CLUSTER, LIST, f"frit search, {GOOD} of the cluster's", command, rows, names, again=2)


def _lint(ground: Ground, what: str) -> Iterator[Case]:
    """Every manifest of a folder."""
    folder = str(ground.folder)
    command = (str(ground.frit), "repo", "lint", folder)
    yield Case(FRIT_LINT, LINT, f"frit repo lint, {what}", command, manifests, same=LINT)
    yield Case(PLAIN_LINT, LINT, f"safe_load, {what}", plain("lint", folder), manifests, rounds=1, same=LINT)
    yield Case(LIBYAML_LINT, LINT, f"libyaml, {what}", plain("--libyaml", "lint", folder), manifests, same=LINT)


def plain(*words: str) -> tuple[str, ...]:
    """The command of the script that uses PyYAML."""
    return (sys.executable, "-P", str(_PLAIN), *words)


def lines(printed: str) -> int:
    """A result a line."""
    return len(printed.splitlines())


def rows(printed: str) -> int:
    """A table with a head."""
    return max(0, lines(printed) - 1)


def reachable(printed: str) -> int:
    """The repositories of which it says that they can be reached."""
    return len(re.findall(r"(?<= )reachable(?= )", printed))


def manifests(printed: str) -> int:
    """The number before the word."""
    found = re.search(r"(\d+) (?:manifests|versions)\b", printed)
    return int(found[1]) if found else 0
