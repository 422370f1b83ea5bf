"""Manifests as bytes to objects as plain data, with bounds on what a hostile file can cost.

The YAML parser's events are turned into data directly. That takes less time and memory than a tree of nodes, and
each rule has one place: a key occurs once, an alias is a copy that is counted, a value is what JSON can carry.
Scalars mean what they mean to kubectl, whose YAML library follows YAML 1.1: `yes` and `on` are booleans, `0644` is
octal, and a timestamp stays a string. Source: sigs.k8s.io/yaml, goyaml.v2/resolve.go.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from base.errors import PreflightFailed
from certificates.urls import is_web_page
from kube.objects import Object

MAX_VALUES: Final = 100_000
"""How many values (mappings, lists, scalars) a manifest may hold with its aliases expanded; releases need 18,000."""

MAX_DEPTH: Final = 100
"""How deep values may be nested."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML was built with it
_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_NUMBER_BEGINS: Final = frozenset("+-.0123456789")
_INTEGER: Final = re.compile(r"([-+]?)(?:0b([01_]+)|0x([0-9a-fA-F_]+)|0o?([0-7_]+)|([0-9][0-9_]*))")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_IN_JSON: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TAG: Final = "tag:yaml.org,2002:"
_NO_KEY: Final = object()


class _Bad(Exception):
    """What is wrong with the content, in which document and line (from 1; 0 where that is not known)."""

    def __init__(self, problem: str, document: int = 0, line: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.document = document
        self.line = line


def parse(content: bytes, origin: str) -> tuple[Object, ...]:
    """The objects of a manifest: YAML documents or JSON, UTF-8, with lists flattened and empty documents left out.

    Every object has apiVersion, kind and metadata.name. Raises `PreflightFailed` for anything else, with the
    origin, and with document and line where they are known.
    """
    objects: list[Object] = []
    try:
        for number, line, document in _documents(content):
            objects.extend(_objects_in(document, number, line))
        if not objects:
            raise _Bad("it holds no object")
    except _Bad as bad:
        where = [f"document {bad.document}"] if bad.document else []
        where += [f"line {bad.line}"] if bad.line else []
        place = f" ({', '.join(where)})" if where else ""
        raise PreflightFailed(
            f"{origin} is not a usable manifest: {bad.problem}{place}",
            hint="look at the file: is it complete, and is it a manifest at all?",
        ) from None
    return tuple(objects)


def _documents(content: bytes) -> Iterator[tuple[int, int, Any]]:
    """Number (from 1), first line and value of each document that is not empty."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if is_web_page(content):
        raise _Bad("it is a web page: from a login page or a proxy?")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Bad("it is not valid UTF-8", line=content.count(b"\n", 0, error.start) + 1) from None
    if re.match(rb"\s*\{", content):
        try:
            document = _json(content)
        except ValueError:
            pass  # a flow mapping of YAML begins like JSON; the YAML parser also knows the line of a mistake
        else:
            yield 1, 1, document
            return
    yield from _Builder().documents(content)


def _objects_in(document: Any, number: int, line: int) -> Iterator[Object]:
    """The object of a document, or those of a List. Source: API conventions, "Lists and simple kinds"."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if not isinstance(value, dict):
            raise _Bad("an object was expected, but this is a list or a single value", number, line)
        kind = value.get("kind")
        for key in ("apiVersion", "kind"):
            if not _is_word(value.get(key)):
                raise _Bad(f"an object without {key}", number, line)
        if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
            waiting.extend(reversed(value["items"]))
            continue
        metadata = value.get("metadata")
        if not isinstance(metadata, dict) or not _is_word(metadata.get("name")):
            raise _Bad(f"{kind} without metadata.name", number, line)
        if not _is_word(metadata.get("namespace", "none")):
            raise _Bad(f"{kind} {metadata['name']} has a metadata.namespace that is no name", number, line)
        yield value


class _Builder:
    """Builds documents from the events of the YAML parser, and counts what they cost."""

    def __init__(self) -> None:
        self._values = 0
        self._texts: dict[str, str] = {}  # each text once: CRDs repeat most of theirs
        self._document = 0
        self._anchors: dict[str, Any] = {}
        self._stack: list[tuple[Any, Any, str | None]] = []  # container, key that waits for its value, anchor
        self._root: Any = None

    def documents(self, content: bytes) -> Iterator[tuple[int, int, Any]]:
        """Number, first line and value of each document that is not empty."""
        line = 1
        try:
            for event in yaml.parse(content, Loader=_LOADER):
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
            raise _Bad(f"its YAML is broken: {problem}", self._document, at) from None

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
            raise self._bad(f"tag {event.tag!r} is not used in manifests", event)
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
            raise self._bad(f"key {_short(value)} occurs twice in one mapping", event)
        elif value == "<<" and getattr(event, "implicit", (False,))[0]:
            raise self._bad("merge keys (<<) are not used in manifests", event)
        else:
            self._stack[-1] = (container, value, anchor)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.tag is None and event.implicit[0]:  # plain: without quotes
            if text in _CONSTANTS:
                return _CONSTANTS[text]
            if text[0] in _NUMBER_BEGINS:
                try:
                    number = _number(text)
                except ValueError:
                    raise self._bad(f"{_short(text)} is a number that JSON cannot carry", event) from None
                if number is not None:
                    return number
        elif event.tag not in (None, "!", f"{_TAG}str"):
            raise self._bad(f"tag {event.tag!r} is not used in manifests", event)
        return self._texts.setdefault(text, text)

    def _copied(self, event: Any) -> Any:
        """What an alias stands for, as a copy, so that changing one place never changes another."""
        if event.anchor not in self._anchors:
            raise self._bad(f"alias *{_short(event.anchor)} stands for nothing that is complete", event)
        value = self._anchors[event.anchor]
        count, depth = _measure(value)
        self._count(count, event)
        if len(self._stack) + depth > MAX_DEPTH:
            raise self._bad(f"values are nested deeper than {MAX_DEPTH} levels", event)
        return copy.deepcopy(value)

    def _count(self, values: int, event: Any) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise self._bad(f"it holds more than {MAX_VALUES} values, which no release does", event)

    def _bad(self, problem: str, event: Any) -> _Bad:
        return _Bad(problem, self._document, _line(event))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _number(text: str) -> int | float | None:
    """The number that a plain scalar is, or None. Raises ValueError for one that JSON cannot carry."""
    if match := _INTEGER.fullmatch(text):
        sign, *forms = match.groups()
        for digits, base in zip(forms, (2, 16, 8, 10), strict=True):
            if digits is not None and (plain := digits.replace("_", "")):
                return int(sign + plain, base)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if _NOT_IN_JSON.fullmatch(text):
        raise ValueError(text)
    return None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _json(content: bytes) -> Any:
    """The value of a JSON text. Raises ValueError if it is none, `_Bad` if it breaks a rule of manifests."""
    # Every value of a mapping or list follows one of these three characters, so this bounds them before they exist.
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES:
        raise _Bad(f"it holds more than {MAX_VALUES} values, which no release does")

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise _Bad(f"key {_short(twice)} occurs twice in one mapping")
        return built

    def constant(name: str) -> Any:
        raise _Bad(f"{name} is a number that JSON cannot carry")

    def number(text: str) -> float:
        try:
            return _finite(text)
        except ValueError:
            return float(constant(_short(text)))

    try:
        value = json.loads(content, object_pairs_hook=mapping, parse_constant=constant, parse_float=number)
    except RecursionError:
        raise _Bad(f"values are nested deeper than {MAX_DEPTH} levels") from None
    if _measure(value)[1] > MAX_DEPTH:
        raise _Bad(f"values are nested deeper than {MAX_DEPTH} levels")
    return value


def _is_word(value: Any) -> bool:
    """Whether a value can be a name, and can be shown: control characters could rewrite a terminal."""
    return isinstance(value, str) and value != "" and value.isprintable()


def _measure(value: Any) -> tuple[int, int]:
    """How many values there are in a value, itself included, and how deep they are nested."""
    count, deepest = 0, 0
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        count += 1
        if isinstance(one, dict | list):
            deepest = max(deepest, depth + 1)
            waiting.extend((child, depth + 1) for child in (one.values() if isinstance(one, dict) else one))
    return count, deepest


def _short(text: str) -> str:
    """A text of the file, quoted for a message, and never longer than a line."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
