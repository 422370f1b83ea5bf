"""Takes a log apart into records that may speak of a failure, each with the line where it begins.

A record is a line, a JSON object of one or many lines, a Status in YAML, or a message that was wrapped over several
lines. Lines without any word that failures have are passed over at once. Nothing here needs the whole log in memory:
lines are cut at `LONGEST`, and blocks given up at `MOST_LINES`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any, Final

from kube.failure_table import rarest, words_of
from kube.failure_tools import QUOTED
from kube.failure_webhooks import WEBHOOK

LONGEST: Final = 1 << 20
"""Characters of a line, or of a block of lines, that are read as one; what is longer falls into parts."""

MOST_LINES: Final = 5000
"""Lines of one JSON or YAML block."""

MOST_WRAPPED: Final = 40
LONGEST_WRAPPED: Final = 1 << 16
"""Lines and characters of one wrapped message."""


class Level(IntEnum):
    """How serious a log itself takes a record."""

    TALK = 0  # info, debug, trace
    UNKNOWN = 1  # a line that does not say
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Record:
    """One message of a log. `line`: where it begins, from 1 on. `data`: the JSON or YAML object that it was."""

    text: str
    line: int
    data: Any = None


_MARKS: Final = ("error", "fail", "exception", "x509")
_MARK_WORDS: Final = frozenset(
    b"fatal panic err unable cannot couldn denied forbidden refused rejected timeout invalid unavailable unauthorized "
    b"etcdserver eof goaway podsecuritypolicy 10250".split()
)
_KLOG_ERROR = re.compile(r"[EF]\d{4} \d\d:\d\d:\d\d")


def may_fail(text: str) -> bool:
    """Whether a text has any word that failures have, or words that a rule looks for; most lines have none."""
    lower = text.lower()
    for mark in _MARKS:
        if mark in lower:
            return True
    words = words_of(text)
    if not words.isdisjoint(_MARK_WORDS):
        return True
    needles = _needles()
    for word in words & needles.keys():
        for needle in needles[word]:
            if needle in lower:
                return True
    return _KLOG_ERROR.search(text, 0, 200) is not None


@cache
def _needles() -> dict[bytes, tuple[str, ...]]:
    """What the rules look for, by the longest word of each; what one word says anywhere says nothing here."""
    index: dict[bytes, tuple[str, ...]] = {}
    for rule in (*QUOTED, *WEBHOOK):
        for needle in rule.says:
            if not needle.isalnum():
                word = rarest(needle)
                index[word] = (*index.get(word, ()), needle)
    return index


_COLOUR = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_KLOG = re.compile(r"(?:^|[\s\"'|])([IWEF])\d{4} \d\d:\d\d:\d\d")
_NAMED = re.compile(
    r"(?:\blevel\"?\s?[=:]\s?\"?|\bseverity\"?\s?[=:]\s?\"?|^\[|\s\[|^|[\s:|])"
    r"(?:(FATAL|PANIC|CRITICAL|ERROR|ERRO|ERR|SEVERE)|(WARNING|WARN)|(INFO|INF|DEBUG|DEBU|DBG|TRACE|NOTICE))"
    r"(?=[\s\]\"':|,\[]|$)"
)
_LOWER = re.compile(
    r"(?:\blevel|\bseverity|\blvl)\"?\s?[=:]\s?\"?(?:(fatal|panic|critical|error|err|crit)|(warn)|(info|debug|trace|dbg))"
)
_TABBED = re.compile(r"\t(?:(error|fatal|panic|dpanic)|(warn)|(info|debug))\t", re.IGNORECASE)
_EVENT = re.compile(r"^\s*(?:\S+\s+){0,3}?Warning\s+Failed|\s+Warning\s+Failed")
_NEW = re.compile(
    r"^\s*(?:[IWEF]\d{4} |\d{4}[-/]\d\d[-/]\d\d|\[?\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:|[{}\[]|time=|level=|---|"
    r"[*✗✔✓►x×] |error:|Error:|Error from server|Unable to connect|The connection to|Traceback |\S+/\S+ \w+$|"
    r"(?:Warning|Normal)\s{2,})",
)
_FRAME = re.compile(r"^\s*(?:at |File \"|goroutine |\.\.\. |\^|~|created by |/\S+\.\w+:\d+|\S+\(.*\)$|\S+/\S+\.\S+\()")
_PART_OF = re.compile(
    r"^(?:Reason: |HTTP response (?:headers|body)|Resource: \"|Name: \"|Object: |for: \"|from server for: \""
    r"|ensure CRDs are installed|URL: \w+ |Code: \d{3}\.)"
)
_FOLDED = re.compile(r"^\s*(?:- )?(?:message|error|reason|lastError|err):\s*[>|][+-]?\d?\s*$")
_YAML = re.compile(r"^(?:apiVersion|code|details|kind|message|metadata|reason|status):(?:\s|$)")


def level_of(text: str) -> Level:
    """The level that a line of a log gives itself, by klog's letter, a name in capitals, or `level=`."""
    head = text[:400]
    if hit := _KLOG.search(head):
        return {"I": Level.TALK, "W": Level.WARNING}.get(hit[1], Level.ERROR)
    hit = _LOWER.search(head) or _NAMED.search(head) or _TABBED.search(head)
    if hit:
        return Level.ERROR if hit[1] else Level.WARNING if hit[2] else Level.TALK
    return Level.ERROR if "arning" in head and _EVENT.search(head) else Level.UNKNOWN


def records(lines: Iterable[str]) -> Iterator[Record]:
    """The records of a log that may speak of failures, in order.

    `lines` may end with their line ends, and none is longer than `LONGEST`.
    """
    reader = _Reader(lines)
    while (line := reader.next()) is not None:
        begin = line.lstrip()[:1]
        if begin in ("{", "["):
            yield from _json(reader, line, reader.number)
        elif _YAML.match(line):
            yield from _yaml(reader, line, reader.number)
        elif _FOLDED.match(line):
            number, text = reader.number, " ".join([line.strip(), *reader.deeper(_indent(line))])
            if may_fail(text):
                yield Record(text, number)
        elif begin and may_fail(line):
            yield _wrapped(reader, line, reader.number)


class _Reader:
    """Lines with one that can be put back, and their number."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._back: list[str] = []
        self.number = 0

    def next(self) -> str | None:
        line = self._back.pop() if self._back else next(self._lines, None)
        if line is None:
            return None
        self.number += 1
        line = line.rstrip("\r\n")
        return _COLOUR.sub("", line) if "\x1b" in line else line

    def back(self, *lines: str) -> None:
        self._back += reversed(lines)
        self.number -= len(lines)

    def deeper(self, indent: int) -> Iterator[str]:
        """The following lines that are indented deeper than so many blanks, without their indentation."""
        for _ in range(MOST_WRAPPED):
            line = self.next()
            if line is None:
                return
            if line.strip() and _indent(line) <= indent:
                self.back(line)
                return
            if line.strip():
                yield line.strip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _json(reader: _Reader, line: str, number: int) -> Iterator[Record]:
    """A JSON object of one line, or of many: what begins with a brace and is not complete yet."""
    if line.strip() not in ("{", "["):
        if may_fail(line):
            try:
                yield Record(line, number, json.loads(line))
            except (ValueError, RecursionError):
                yield _wrapped(reader, line, number)
        return
    block, size, depth = [line], len(line), 1
    while depth > 0 and len(block) < MOST_LINES and size < LONGEST and (more := reader.next()) is not None:
        block.append(more)
        size += len(more)
        depth += more.count("{") + more.count("[") - more.count("}") - more.count("]")
    try:
        yield Record(" ".join(part.strip() for part in block), number, json.loads("\n".join(block)))
    except (ValueError, RecursionError):
        yield from (Record(part.strip(), number + n) for n, part in enumerate(block) if may_fail(part))


def _yaml(reader: _Reader, line: str, number: int) -> Iterator[Record]:
    """A Status in YAML; anything else that looks like one is taken line by line."""
    block, size = [line], len(line)
    while len(block) < MOST_LINES and size < LONGEST and (more := reader.next()) is not None:
        if not (_YAML.match(more) or more.startswith((" ", "- ")) or not more.strip()):
            reader.back(more)
            break
        block.append(more)
        size += len(more)
    text = "\n".join(block)
    data = _status_of(text) if "Status" in text or "Failure" in text else None
    if data is not None:
        yield Record(" ".join(text.split()), number, data)
        return
    # line by line, with a blank before what would be taken for the beginning of a block once more
    again = (f" {one}" if _YAML.match(one) else one for one in block)
    yield from (Record(one.text, one.line + number - 1, one.data) for one in records(again))


def _status_of(text: str) -> Any:
    import yaml  # only where the input needs it

    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    failed = isinstance(data, dict) and (data.get("kind") == "Status" or data.get("status") == "Failure")
    return data if failed else None


def _wrapped(reader: _Reader, line: str, number: int) -> Record:
    """A line with the lines that belong to it: deeper indented, announced by a colon, or within open quotes."""
    parts, indent, quotes, size = [line.strip()], _indent(line), _quotes(line), len(line)
    denial = parts[0].endswith("denied the request:")  # policy engines go on in paragraphs
    while len(parts) < MOST_WRAPPED and size < LONGEST_WRAPPED and (more := reader.next()) is not None:
        size += len(more)
        said = more.strip()
        last = parts[-1] or parts[-2]  # one empty line may stand between an announcement and what it announces
        announced = last.endswith((":", ": |")) or quotes % 2 == 1
        if not said:
            if parts[-1] and (announced or denial):
                parts.append("")
                continue
            break
        deeper = _indent(more) > indent or (denial and said.endswith(":"))
        alone = said.startswith("* ") and last.endswith("1 error occurred:")
        if not (alone or _PART_OF.match(said) or ((announced or deeper) and not _NEW.match(more))):
            reader.back(more)
            break
        if _FRAME.match(more) and not announced:
            continue  # stack frames say nothing about the failure
        parts.append(said)
        quotes += _quotes(said)
    return Record(" ".join(filter(None, parts)), number)


def _quotes(line: str) -> int:
    return line.count('"') - line.count('\\"')
