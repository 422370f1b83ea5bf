"""Plain data to typed models and back: a model says what its fields are, and this reads and writes them.

A model is a frozen dataclass whose fields are made by the functions below; its field `extra` keeps what it does not
know. Reading goes on after a mistake, so that all of a file's mistakes are found; a wrong value is left out.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from repositories.names import shown
from repositories.problems import Field, Malformed, Problem
from repositories.safe_yaml import SECONDS, Bounds, Places, load

T = TypeVar("T")

MOST_PROBLEMS: Final = 200
"""How many problems of one file are told; a hostile one could have millions."""

NOTHING: Final[Mapping[str, Any]] = {}
_LOOK: Final = 512  # models between two looks at the clock
_WRONG: Final = object()
_WIRE, _READ, _WRITE, _NEEDED = "wire", "read", "write", "needed"


class Report:
    """What is found wrong (`errors`) and odd (`warnings`) while a file is read."""

    def __init__(self, file: str, ends: float = math.inf) -> None:
        self.file = file
        self._ends = ends
        self.errors: list[tuple[Field, str]] = []
        self.warnings: list[tuple[Field, str]] = []

    def wrong(self, field: Field, message: str) -> Any:
        """Note an error; gives the mark of a value that cannot be used."""
        if len(self.errors) < MOST_PROBLEMS:
            self.errors.append((field, message))
        return _WRONG

    def check(self) -> None:
        """Raise `Malformed` once the file has taken its time, in seconds of this thread's processor time."""
        if time.thread_time() > self._ends:
            raise Malformed(Problem(self.file, f"it takes longer than {SECONDS:.1f} s to read"))

    def odd(self, field: Field, message: str) -> None:
        """Note a warning."""
        if len(self.warnings) < MOST_PROBLEMS:
            self.warnings.append((field, message))


_known_fields: dict[type, tuple[tuple[str, Mapping[str, Any]], ...]] = {}

Read = Callable[[Any, Field, Report], Any]
Write = Callable[[Any], Any]


@dataclass(frozen=True)
class Parsed(Generic[T]):
    """A file of a repository, read: its model, what is wrong with it, and what is odd, such as unknown fields.

    With errors the model lacks what is wrong, and is fit for looking at only.
    """

    value: T
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def examine(model: type[T], content: bytes, file: str, bounds: Bounds, seconds: float = SECONDS) -> Parsed[T]:
    """Read a file with all of its mistakes. Raises `Malformed` only if it cannot be read as YAML or JSON at all."""
    ends = time.thread_time() + seconds
    return examined(model, load(content, file, bounds, seconds), file, Places(content), ends)


def examined(model: type[T], data: Any, file: str, places: Places, ends: float = math.inf) -> Parsed[T]:
    """The same of data that was loaded already; `places` tells the lines of what is wrong."""
    report = Report(file, ends)
    value = _model(model, data, (), report)
    if value is _WRONG:
        value = model()

    def problems(found: list[tuple[Field, str]]) -> tuple[Problem, ...]:
        return tuple(Problem(file, message, field, places.line(field)) for field, message in found)

    return Parsed(value, problems(report.errors), problems(report.warnings))


def sound(parsed: Parsed[T]) -> Parsed[T]:
    """What was read, if nothing is wrong with it. Raises `Malformed` for the first error, and counts the others."""
    if not parsed.errors:
        return parsed
    first, *others = parsed.errors
    more = f" (and {len(others)} more)" if others else ""
    raise Malformed(dataclasses.replace(first, message=first.message + more))


def data(value: Any) -> dict[str, Any]:
    """A model as plain data, as it would be written; what is absent or empty is left out."""
    found: dict[str, Any] = {}
    for name, spec in _fields(type(value)):
        one = getattr(value, name)
        if spec[_NEEDED] or not (one is None or one == "" or one == ()):
            found[spec[_WIRE]] = spec[_WRITE](one)
    return {**found, **value.extra}


def _model(model: type[T], value: Any, where: Field, report: Report) -> Any:
    if not isinstance(value, dict):
        return report.wrong(where, _expected("a mapping", value))
    given: dict[str, Any] = {}
    known = set()
    for name, spec in _fields(model):
        wire = spec[_WIRE]
        known.add(wire)
        one = value.get(wire)
        if one is None:
            if spec[_NEEDED]:
                report.wrong(where, f"{wire} is missing" if wire not in value else f"{wire} is empty")
            continue
        read = spec[_READ](one, (*where, wire), report)
        if read is not _WRONG:
            given[name] = read
    if len(value) > len(known) or not value.keys() <= known:
        extra = {key: one for key, one in value.items() if key not in known}
        given["extra"] = extra or NOTHING
        for key in extra:
            report.odd((*where, key), "frit does not know this field")
    made = model(**given)
    check = getattr(made, "mistakes", None)
    if check is not None and not report.errors:
        for field, message in check():
            report.wrong((*where, *field), message)
    return made


def _fields(model: type) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    if model not in _known_fields:
        fields = dataclasses.fields(model)
        _known_fields[model] = tuple((one.name, one.metadata) for one in fields if _WIRE in one.metadata)
    return _known_fields[model]


def _made(wire: str, read: Read, write: Write, default: Any, needed: bool) -> Any:
    return dataclasses.field(default=default, metadata={_WIRE: wire, _READ: read, _WRITE: write, _NEEDED: needed})


def _same(value: Any) -> Any:
    return value


def text(
    wire: str,
    *,
    needed: bool = False,
    problem: Callable[[str], str] | None = None,
    one_of: str = "",
    most: float = math.inf,
) -> Any:
    """A field of text of at most so many characters.

    `problem` says why a text will not do, `one_of` names the only ones that do.
    """
    allowed = one_of.split()

    def read(value: Any, where: Field, report: Report) -> Any:
        if not isinstance(value, str):
            return report.wrong(where, _expected("a text", value))
        if len(value) > most:
            return report.wrong(where, f"it is longer than {most} characters")
        if allowed and value not in allowed:
            return report.wrong(where, f"{shown(value)} is not one of {', '.join(allowed)}")
        why = problem(value) if problem is not None else ""
        return report.wrong(where, why) if why else value

    return _made(wire, read, _same, "", needed)


def integer(wire: str, *, needed: bool = False) -> Any:
    """A field that holds an integer, or None."""

    def read(value: Any, where: Field, report: Report) -> Any:
        whole = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
        return value if whole else report.wrong(where, _expected("an integer", value))

    return _made(wire, read, _same, None, needed)


def boolean(wire: str) -> Any:
    """A field that holds true or false, or None."""

    def read(value: Any, where: Field, report: Report) -> Any:
        return value if isinstance(value, bool) else report.wrong(where, _expected("true or false", value))

    return _made(wire, read, _same, None, False)


def texts(wire: str) -> Any:
    """A list of texts."""

    def read(value: Any, where: Field, report: Report) -> Any:
        if isinstance(value, str) or not isinstance(value, list):
            return report.wrong(where, _expected("a list", value))
        bad = [n for n, one in enumerate(value) if not isinstance(one, str)]
        for n in bad:
            report.wrong((*where, n), _expected("a text", value[n]))
        return _WRONG if bad else tuple(value)

    return _made(wire, read, list, (), False)


def mapping(wire: str) -> Any:
    """A mapping of whatever JSON can hold, or None; it is kept as it is."""

    def read(value: Any, where: Field, report: Report) -> Any:
        return value if isinstance(value, dict) else report.wrong(where, _expected("a mapping", value))

    return _made(wire, read, _same, None, False)


def one(wire: str, model: type, *, needed: bool = False) -> Any:
    """Another model, or None."""
    return _made(wire, functools.partial(_model, model), data, None, needed)


def many(wire: str, model: type, *, needed: bool = False) -> Any:
    """A list of models."""

    def read(value: Any, where: Field, report: Report) -> Any:
        if not isinstance(value, list):
            return report.wrong(where, _expected("a list", value))
        models = []
        for n, one in enumerate(value):
            if n % _LOOK == 0:
                report.check()
            made = _model(model, one, (*where, n), report)
            if made is not _WRONG:
                models.append(made)
        return tuple(models)

    return _made(wire, read, lambda value: [data(one) for one in value], (), needed)


def table(wire: str, model: type) -> Any:
    """A mapping from names to models, or None."""

    def read(value: Any, where: Field, report: Report) -> Any:
        if not isinstance(value, dict):
            return report.wrong(where, _expected("a mapping", value))
        models = {key: _model(model, one, (*where, key), report) for key, one in value.items()}
        return {key: one for key, one in models.items() if one is not _WRONG}

    return _made(wire, read, lambda value: {key: data(one) for key, one in value.items()}, None, False)


def unknown() -> Any:
    """The field `extra` of a model: what it does not know, as it came."""
    return dataclasses.field(default_factory=lambda: NOTHING, hash=False)


def walk(value: Any, where: Field = ()) -> Iterator[tuple[Field, Any]]:
    """All models in a model with their fields, itself first."""
    yield where, value
    for name, spec in _fields(type(value)):
        here, below = (*where, spec[_WIRE]), getattr(value, name)
        if isinstance(below, tuple):
            for n, one in enumerate(below):
                if dataclasses.is_dataclass(one):
                    yield from walk(one, (*here, n))
        elif isinstance(below, dict):
            for key, one in below.items():
                if dataclasses.is_dataclass(one):
                    yield from walk(one, (*here, key))
        elif dataclasses.is_dataclass(below):
            yield from walk(below, here)


def _expected(what: str, value: Any) -> str:
    kinds: list[tuple[Any, str]] = [
        (dict, "a mapping"),
        (list, "a list"),
        (bool, "true or false"),
        (int | float, "a number"),
        (str, "a text"),
    ]
    kind = next((name for one, name in kinds if isinstance(value, one)), "nothing")
    quote = "; quote it" if what == "a text" and isinstance(value, bool | int | float) else ""
    return f"{what} is expected, and this is {kind}{quote}"
