"""What a command returns: plain data and how it reads as text. The front door renders it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from base import exits


@dataclass(frozen=True)
class Table:
    """Rows under column titles; every cell is text."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Result:
    """The outcome of a command.

    `data` is what `-o json` and `-o yaml` print (JSON types only, keys in a stable order). `table` or `text` is what
    people see on stdout without `-o`; both may be empty. `exit_code` ends the process. Of a list, `wide` is what
    `-o wide` shows instead of `table`, and `names` what `-o name` prints, a line each.
    """

    data: Any
    table: Table | None = None
    text: str = ""
    exit_code: int = exits.OK
    wide: Table | None = None
    names: Sequence[str] = ()
