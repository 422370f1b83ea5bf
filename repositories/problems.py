"""What is wrong with a file of a repository: where, and what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from base.errors import RepositoryUnusable

Field = tuple[str | int, ...]
"""Where a value is in a file: keys and positions, from the outside in."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: in which file, which line (from 1; 0 is not known) and which field, and what it is."""

    file: str
    message: str
    field: Field = ()
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{place}: {field_text(self.field)}: {self.message}" if self.field else f"{place}: {self.message}"


class Malformed(RepositoryUnusable):
    """A file of a repository cannot be read. `problem` says where and why."""

    def __init__(self, problem: Problem, *, hint: str = "") -> None:
        super().__init__(
            str(problem),
            hint=hint or "whoever publishes the repository has to mend it; frit repo lint URL   shows all there is",
            details={
                "file": problem.file,
                "line": problem.line,
                "field": field_text(problem.field),
                "problem": problem.message,
            },
        )
        self.problem = problem


def field_text(field: Sequence[str | int]) -> str:
    """A field as people write it: `packages[3].name`. A key that could be mistaken is quoted."""
    text = ""
    for part in field:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.replace("-", "").replace("_", "").isalnum() and part.isascii() and len(part) <= 60
            short = part if len(part) <= 60 else f"{part[:57]}..."
            text += (f".{part}" if text else part) if plain else f"[{short!a}]"
    return text
