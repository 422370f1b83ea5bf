"""Files of a repository, as bytes that anybody may have written, to plain data.

Each file is one document. How large it may be depends on what it is; beyond that, and beyond two seconds, nobody
reads on. What YAML allows and JSON cannot carry is refused, as in manifests (`web.plain_yaml`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from repositories.problems import Field, Malformed, Problem

MIB: Final = 1 << 20
SECONDS: Final = 2.0
"""How long reading one file may take."""


_MOST_LINES: Final = 100_000  # fields whose lines are worked out; it takes half a second


@dataclass(frozen=True)
class Bounds:
    """How large a file may be: bytes, and values with aliases expanded. `unless` ends the message about the bytes."""

    bytes: int
    values: int
    unless: str = ""


INDEX_BYTES: Final = 28 * MIB
"""The most that is ever read of an index; one of 100,000 packages has 20 MiB."""

INDEX: Final = Bounds(16 * MIB, 500_000, ", and not in the form that frit repo index writes")
"""The bounds of an index that is not in the usual form (`repositories.plain_index`), which costs much more to read."""

VERSIONS: Final = Bounds(2 * MIB, 60_000)
MANIFEST: Final = Bounds(2 * MIB, 50_000)
FILE: Final = Bounds(16 * MIB, 100_000)


def load(content: bytes, file: str, bounds: Bounds, seconds: float = SECONDS) -> Any:
    """The value of the one document of a file; None where it is empty. Raises `Malformed` with file and line."""
    from web.plain_yaml import BadText, Limits, documents  # an index out of the cache needs no YAML library

    if len(content) > bounds.bytes:
        raise Malformed(Problem(file, f"it is larger than {bounds.bytes // MIB} MiB{bounds.unless}"))
    limits = Limits(bounds.values, seconds, "package repositories", "no such file")
    found: list[Any] = []
    try:
        for _, line, value in documents(content, limits):
            if found:
                raise BadText("it holds more than one document", line=line)
            found.append(value)
    except BadText as bad:
        raise Malformed(Problem(file, bad.problem, line=bad.line)) from None
    return found[0] if found else None


class Places:
    """The lines of the fields of a file, worked out when they are first asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._lines: dict[Field, int] | None = None

    def line(self, field: Field) -> int:
        """The line (from 1) of a field, or of the innermost one around it that is there.

        0 where that is not known: for a broken file, and far down in a very long one.
        """
        if self._lines is None:
            import yaml

            from web.plain_yaml import lines

            try:
                self._lines = lines(self._content, _MOST_LINES)
            except (yaml.YAMLError, UnicodeDecodeError):
                self._lines = {}
        if len(self._lines) >= _MOST_LINES and field not in self._lines:
            return 0
        while field and field not in self._lines:
            field = field[:-1]
        return self._lines.get(field, 0)
