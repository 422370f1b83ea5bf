"""YAML or JSON as bytes to plain data, with bounds on what a hostile text can cost.

The YAML parser's events are turned into data directly. That takes less time and memory than a tree of nodes, and
each rule has one place: a key occurs once, an alias is a copy that is counted, a value is what JSON can carry.
Scalars mean what they mean to kubectl, whose YAML library follows YAML 1.1: `yes` and `on` are booleans, `0644` is
octal, and a timestamp stays a string. Source: sigs.k8s.io/yaml, goyaml.v2/resolve.go.
"""

from __future__ import annotations

import copy
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from web.plain_json import measure, parsed, short
from web.plain_scalars import scalar
from web.urls import is_web_page

MAX_DEPTH: Final = 100
"""How deep values may be nested."""

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML was built with it
_TAG: Final = "tag:yaml.org,2002:"
_NO_KEY: Final = object()
_LOOK: Final = 2048  # values between two looks at the clock


class BadText(Exception):
    """What is wrong with a text, in which document and line (from 1; 0 where that is not known)."""

    def __init__(self, problem: str, document: int = 0, line: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.document = document
        self.line = line


@dataclass(frozen=True)
class Limits:
    """What a text may cost: values (mappings, lists, scalars, with aliases expanded), and seconds of parsing.

    `kind` is what messages call such texts, in the plural; `none` is which of them never needs more.
    """

    values: int = 100_000
    seconds: float = math.inf
    kind: str = "manifests"
    none: str = "no release"


def documents(content: bytes, limits: Limits) -> Iterator[tuple[int, int, Any]]:
    """Number (from 1), first line and value of each document that is not empty. Raises `BadText`."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if is_web_page(content):
        raise BadText("it is a web page: from a login page or a proxy?")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadText("it is not valid UTF-8", line=content.count(b"\n", 0, error.start) + 1) from None
    if re.match(r"\s*\{", text):
        try:
            document = parsed(text, limits.values, MAX_DEPTH)
        except OverflowError as error:
            raise BadText(_allowed(str(error), limits)) from None
        except LookupError as error:
            raise BadText(error.args[0]) from None
        except ValueError:
            pass  # a flow mapping of YAML begins like JSON; the YAML parser also knows the line of a mistake
        else:
            yield 1, 1, document
            return
    del text
    yield from _Builder(limits).documents(content)


def _allowed(problem: str, limits: Limits) -> str:
    return f"{problem}, which {limits.none} does" if problem.endswith(" values") else problem


def lines(content: bytes, most: int) -> dict[tuple[str | int, ...], int]:
    """The line (from 1) of each of the first `most` values of a text's first document, by its path."""
    found: dict[tuple[str | int, ...], int] = {}
    stack: list[tuple[tuple[str | int, ...], int | None, str | None]] = []  # path, next index, key that waits
    for event in yaml.parse(content.removeprefix(b"\xef\xbb\xbf"), Loader=LOADER):
        if isinstance(event, yaml.DocumentEndEvent) or len(found) >= most:
            break
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        path: tuple[str | int, ...] = ()
        if stack:
            above, index, key = stack[-1]
            if index is not None:
                path, stack[-1] = (*above, index), (above, index + 1, None)
            elif key is None:
                name = str(getattr(event, "value", ""))
                stack[-1] = (above, None, name)
                found[(*above, name)] = _line(event)
                continue
            else:
                path, stack[-1] = (*above, key), (above, None, None)
        found.setdefault(path, _line(event))
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append((path, 0 if isinstance(event, yaml.SequenceStartEvent) else None, None))
    return found


class _Builder:
    """Builds documents from the events of the YAML parser, and counts what they cost."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ends = time.thread_time() + limits.seconds  # of this thread: a busy machine is no hostile text
        self._values = 0
        self._looked = 0
        self._texts: dict[str, str] = {}  # each text once: CRDs repeat most of theirs
        self._document = 0
        self._anchors: dict[str, Any] = {}
        self._stack: list[tuple[Any, Any, str | None]] = []  # container, key that waits for its value, anchor
        self._root: Any = None

    def documents(self, content: bytes) -> Iterator[tuple[int, int, Any]]:
        """Number, first line and value of each document that is not empty."""
        line = 1
        try:
            for event in yaml.parse(content, Loader=LOADER):
                if isinstance(event, yaml.DocumentStartEvent):
                    self._document += 1
                    self._anchors, self._root, line = {}, None, 0
                elif isinstance(event, yaml.DocumentEndEvent):
                    if self._root is not None:
                        yield self._document, line, self._root
                elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
                    line = line or _line(event)
                    self._take(event)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
            at = mark.line + 1 if mark else content.count(b"\n", 0, getattr(error, "position", 0)) + 1
            raise BadText(f"its YAML is broken: {problem}", self._document, at) from None

    def _take(self, event: Any) -> None:
        """Put one event's value where it belongs."""
        if isinstance(event, yaml.CollectionEndEvent):
            value, _, anchor = self._stack.pop()
            if anchor:
                self._anchors[anchor] = value
            return
        self._count(1, event)
        value = self._value(event)
        self._attach(value, event)
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self._stack) >= MAX_DEPTH:
                raise self._bad(f"values are nested deeper than {MAX_DEPTH} levels", event)
            self._stack.append((value, _NO_KEY, event.anchor))
        elif isinstance(event, yaml.ScalarEvent) and event.anchor:
            self._anchors[event.anchor] = value

    def _value(self, event: Any) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.AliasEvent):
            return self._copied(event)
        is_map = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", f"{_TAG}map" if is_map else f"{_TAG}seq"):
            raise self._unused(f"tag {short(event.tag)} is", event)
        return {} if is_map else []

    def _attach(self, value: Any, event: Any) -> None:
        if not self._stack:
            self._root = value
            return
        container, key, anchor = self._stack[-1]
        if isinstance(container, list):
            container.append(value)
        elif key is not _NO_KEY:
            container[key] = value
            self._stack[-1] = (container, _NO_KEY, anchor)
        elif not isinstance(value, str):
            raise self._bad("a key is not a text; quote it", event)
        elif value in container:
            raise self._bad(f"key {short(value)} occurs twice in one mapping", event)
        elif value == "<<" and getattr(event, "implicit", (False,))[0]:
            raise self._unused("merge keys (<<) are", event)
        else:
            self._stack[-1] = (container, value, anchor)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.tag is None and event.implicit[0]:  # plain: without quotes
            try:
                value = scalar(text)
            except ValueError:
                raise self._bad(f"{short(text)} is a number that JSON cannot carry", event) from None
            if not isinstance(value, str):
                return value
        elif event.tag not in (None, "!", f"{_TAG}str"):
            raise self._unused(f"tag {short(event.tag)} is", event)
        return self._texts.setdefault(text, text)

    def _copied(self, event: Any) -> Any:
        """What an alias stands for, as a copy, so that changing one place never changes another."""
        if event.anchor not in self._anchors:
            raise self._bad(f"alias *{short(event.anchor)} stands for nothing that is complete", event)
        value = self._anchors[event.anchor]
        count, depth = measure(value)
        self._count(count, event)
        if len(self._stack) + depth > MAX_DEPTH:
            raise self._bad(f"values are nested deeper than {MAX_DEPTH} levels", event)
        return copy.deepcopy(value)

    def _count(self, values: int, event: Any) -> None:
        self._values += values
        if self._values > self._limits.values:
            raise self._bad(_allowed(f"it holds more than {self._limits.values} values", self._limits), event)
        if self._values - self._looked >= _LOOK:
            self._looked = self._values
            if time.thread_time() > self._ends:
                raise self._bad(f"it takes longer than {self._limits.seconds:.1f} s to read", event)

    def _unused(self, what: str, event: Any) -> BadText:
        return self._bad(f"{what} not used in {self._limits.kind}", event)

    def _bad(self, problem: str, event: Any) -> BadText:
        return BadText(problem, self._document, _line(event))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
