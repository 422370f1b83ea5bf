"""A fast way to read an index that is written as people and tools write it, one `key: text` a line.

A large index in the strict way costs seconds, most of them for rules that its lines do not touch. Here a pattern
takes the lines that can mean one thing only; an entry that has anything else goes through the strict way alone; and
where that does not help either, or where there is a mistake, the answer is None: then the strict way reads all, and
decides. Only packages that are listed twice are found here as well. What has an answer here, has the same there.
"""

from __future__ import annotations

import codecs
import itertools
import re
import time
from typing import Any, Final

from repositories.names import package_problem
from repositories.problems import Problem
from repositories.shapes import MOST_PROBLEMS, NOTHING, Parsed, examined
from repositories.wire import LONGEST_TEXT, SCOPES, Index, IndexEntry
from web.plain_scalars import CONSTANTS, scalar

MOST_PACKAGES: Final = 150_000
"""How many packages an index may have; each costs memory, however short its lines are."""

ODD_SECONDS: Final = 0.6
"""How long the strict way may take for single entries, in seconds of processor time."""

_MOST_ENTRY: Final = 1 << 20
_PIECE: Final = 1 << 18
_KEYS: Final = (b"name", b"shortDescription", b"iconUrl", b"latestVersion", b"scope")
_PLACE: Final = {key: n for n, key in enumerate(_KEYS)}
_HAS_SCOPE: Final = 1 << _PLACE[b"scope"]
_SCOPES: Final = frozenset(SCOPES.split())

# Bytes that mean more than themselves: control characters and what YAML takes for line breaks. Elsewhere a byte of
# 128 or more is part of a letter.
_CONTROL: Final = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")
_BREAK: Final = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]")
_HEAD: Final = re.compile(rb"(?:#[^\n]*+\n|\n)*+(?:---\n(?:#[^\n]*+\n|\n)*+)?packages:\n(?P<indent> *+)- ")

# The rest of a line of a scalar without quotes: a colon is part of it before anything but a blank, `#` after anything
# but a blank. Possessive throughout, so that no line is looked at twice.
_REST: Final = rb"(?:[^\n:#]++|:(?=[^ \n])|(?<=[^ \n])#)*+(?<! )"
_FIELD: Final = (
    rb"(%(indent)s- |%(indent)s  )(" + b"|".join(_KEYS) + rb"): ++"
    rb"(?:([A-Za-z0-9/(\x80-\xff]" + _REST + rb"(?:\n%(indent)s   ++(?=[^ \n#])" + _REST + rb")*+)"
    rb"|'((?:[^'\n]++|'')*+)'|" + rb'"([^"\\\n]*+)")(?:\n|\Z)'
)


def quick_index(content: bytes, file: str) -> Parsed[Index] | None:
    """The index, or None where only the strict way can tell. Its errors are packages that are listed twice."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    head = _HEAD.match(content)
    if head is None or _CONTROL.search(content):
        return None
    if not content.isascii() and (not _is_text(content) or _BREAK.search(content)):
        return None
    return _Reader(content, file, head["indent"]).read(head.end() - len(head["indent"]) - 2)


def _is_text(content: bytes) -> bool:
    """Whether it is UTF-8; in pieces, as one rare letter makes a text in memory four times as large as its bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(content), _PIECE):
            decoder.decode(content[at : at + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


class _Reader:
    """Reads the entries of one index."""

    def __init__(self, content: bytes, file: str, indent: bytes) -> None:
        self._content = content
        self._file = file
        self._indent = indent
        self._field = re.compile(_FIELD.replace(b"%(indent)s", indent))
        self._begins = re.compile(rb"(?<=\n)" + indent + rb"- ")
        self._inside = re.compile(rb"(?:" + indent + rb" [^\n]*+\n|\n)*+(?:" + indent + rb" [^\n]*+)?")
        self._entries: list[IndexEntry] = []
        self._warnings: list[Problem] = []
        self._odd = 0.0

    def read(self, at: int) -> Parsed[Index] | None:
        """All entries from a position on, each name once."""
        content, field, end = self._content, self._field, len(self._content)
        while at < end:
            begun = at
            values, seen = ["", "", "", "", ""], 0
            match = field.match(content, at)
            while match is not None:
                dash, key, plain, single, double = match.groups()
                if dash.endswith(b"- ") != (at == begun):
                    break  # the next entry, or what is none
                text = _text(plain, single, double)
                place = _PLACE[key]
                if text is None or seen & 1 << place:
                    at = begun  # not plain after all
                    break
                seen |= 1 << place
                values[place] = text
                at = match.end()
                match = field.match(content, at)
            if at == begun or not (at == end or self._begins.match(content, at)):
                following = self._begins.search(content, begun + 1)
                at = following.start() if following else end
                if not self._strictly(begun, at):
                    return None
                continue
            name, description, icon, latest, scope = values
            if not seen & 1 or (seen & _HAS_SCOPE and scope not in _SCOPES) or package_problem(name):
                return None
            self._entries.append(IndexEntry(name, description, icon, latest, scope, NOTHING))
            if len(self._entries) > MOST_PACKAGES:
                return None
        index = Index(tuple(self._entries))
        return Parsed(index, self._mistakes(index), tuple(self._warnings))

    def _mistakes(self, index: Index) -> tuple[Problem, ...]:
        """What is wrong with the index as a whole, with the lines where it is."""
        if len({one.name for one in index.packages}) == len(index.packages):
            return ()
        from repositories.safe_yaml import Places

        begins = [match.start() for match in self._begins.finditer(self._content)]
        found, line, counted = [], 0, 0
        for where, message in itertools.islice(index.mistakes(), MOST_PROBLEMS):
            n = int(where[1])
            end = begins[n + 1] if n + 1 < len(begins) else len(self._content)
            line, counted = line + self._content.count(b"\n", counted, begins[n]), begins[n]
            inside = Places(b"packages:\n" + self._content[begins[n] : end]).line(("packages", 0, "name"))
            found.append(Problem(self._file, message, where, line + inside - 1))
        return tuple(found)

    def _strictly(self, begin: int, end: int) -> bool:
        """Read one entry in the strict way; whether that could be done, and found nothing wrong."""
        from repositories.safe_yaml import Places
        from web.plain_yaml import BadText, Limits, documents

        if self._odd > ODD_SECONDS or end - begin > _MOST_ENTRY:
            return False
        began = time.thread_time()
        entry = self._content[begin:end]
        if not self._inside.fullmatch(entry, entry.find(b"\n") + 1 or len(entry)):
            return False
        try:
            found = list(documents(entry, Limits(values=2000, seconds=ODD_SECONDS)))
        except BadText:
            return False
        value: Any = found[0][2] if len(found) == 1 else None
        if not isinstance(value, list) or len(value) != 1:
            return False
        parsed = examined(Index, {"packages": value}, self._file, Places(b"packages:\n" + entry))
        if parsed.errors:
            return False
        line = self._content.count(b"\n", 0, begin) - 1 if parsed.warnings else 0
        for one in parsed.warnings:
            place = ("packages", len(self._entries), *one.field[2:])
            self._warnings.append(Problem(one.file, one.message, place, one.line + line))
        self._entries.extend(parsed.value.packages)
        self._odd += time.thread_time() - began
        return True


def _text(plain: bytes | None, single: bytes | None, double: bytes | None) -> str | None:
    """The text of a field, None where it is no text, or where the strict way has to say."""
    if len(plain or single or double or b"") > LONGEST_TEXT:
        return None
    if plain is None:
        return (double or b"").decode() if single is None else single.replace(b"''", b"'").decode()
    if b"\n" in plain:
        plain = b" ".join(line.lstrip(b" ") for line in plain.split(b"\n"))
    text = plain.decode()
    if text[0].isdigit():
        try:
            return text if isinstance(scalar(text), str) else None
        except ValueError:
            return None
    return None if text in CONSTANTS else text
