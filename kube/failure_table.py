"""Tables of rules, and how one is searched: the first rule that fits a text decides.

Hundreds of needles are not looked for one by one. A text is cut into its words once, and only rules whose needles
have a word in common with it are tried, in the order of the table. So a needle begins and ends with whole words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from kube.failure_kinds import Kind


@dataclass(frozen=True, slots=True)
class Why:
    """What a rule knows better than its kind.

    `cause`: what happened, one sentence in plain words. `hint`: what to do next, one step a line. `lasts`: how long
    it usually lasts, or when it ends. Whatever is "" is the kind's own.
    """

    cause: str = ""
    hint: str = ""
    lasts: str = ""


KNOWN_BY_KIND: Final = Why()
"""A rule that knows no more than its kind."""


class Pattern:
    """A regular expression that is compiled when a text first calls for it: a run needs few of them.

    `search(text)`: as of `re.Pattern`.
    """

    __slots__ = ("pattern", "search")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.search: Callable[[str], re.Match[str] | None] = self._first

    def _first(self, text: str) -> re.Match[str] | None:
        self.search = re.compile(self.pattern).search
        return self.search(text)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a table.

    It matches a text that holds any of `says` (no `says`: every text) and fits `also`, under an HTTP status
    of `status` (none: every status). Where no status is known, a rule counts only if it looks for words.
    `between`: who spoke to whom, where it is not the table's usual pair; named groups of `also` are filled in.
    The words that decide are all that `also` matches, or its group `words`.
    """

    kind: Kind
    says: tuple[str, ...] = ()
    status: tuple[int, ...] = ()
    also: Pattern | None = None
    why: Why = KNOWN_BY_KIND
    between: str = ""

    def found(self, text: str, status: int) -> Hit | None:
        """What decides, if the rule fits a lower-case text."""
        if self.status and status not in self.status and (status or not (self.says or self.also)):
            return None
        words = ""
        for words in self.says:  # a plain loop: any() with a generator takes twice the time
            if words in text:
                break
        else:
            if self.says:
                return None
        if self.also is None:
            return Hit(self, words, self.between)
        match = self.also.search(text)
        if match is None:
            return None
        groups = match.groupdict() if match.re.groupindex else {}
        return Hit(self, groups.get("words") or match[0], self.between.format(**groups))


@dataclass(frozen=True, slots=True)
class Hit:
    """The rule that decides, the words that it was found by ("" if the HTTP status alone), and who spoke to whom."""

    rule: Rule
    words: str
    between: str


_WORDS: Final = bytes(one if chr(one).isalnum() and one < 128 else 32 for one in bytes(range(256)).lower())
"""Everything that is no ASCII letter or digit becomes a blank."""


def words_of(text: str) -> set[bytes]:
    """The words of a text: its runs of ASCII letters and digits, in lower case."""
    return set(text.encode("ascii", "replace").translate(_WORDS).split())


_COMMON: Final = frozenset(
    b"failed error server request certificate connection unable resource cannot timeout context version service".split()
)


def rarest(needle: str) -> bytes:
    """The word of a needle that the fewest texts have: a long one that not every failure says."""
    return max(sorted(words_of(needle)), key=lambda word: (word not in _COMMON, len(word)))


class Table:
    """Rules in order, with an index from words to the rules that may fit a text with that word."""

    def __init__(self, *rules: Rule) -> None:
        self.rules = rules

    @cached_property
    def _index(self) -> tuple[int, dict[bytes, int]]:
        """The rules to try on every text, and those to try by word: bit n stands for rule n."""
        always, index = 0, dict[bytes, int]()
        for number, rule in enumerate(self.rules):
            if not rule.says:
                always |= 1 << number
            for needle in rule.says:
                word = rarest(needle)
                index[word] = index.get(word, 0) | 1 << number
        return always, index

    def first(self, text: str, status: int) -> Hit | None:
        """The first rule that fits a lower-case text under an HTTP status (0: not known)."""
        rest, index = self._index
        for word in index.keys() & words_of(text):
            rest |= index[word]
        while rest:
            lowest = rest & -rest
            hit = self.rules[lowest.bit_length() - 1].found(text, status)
            if hit is not None:
                return hit
            rest ^= lowest
        return None
