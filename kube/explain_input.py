"""Reads what shall be explained as lines of text, whatever bytes it has, with bounded memory."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from base.errors import WrongUsage
from kube.explain_records import LONGEST

_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
"""How files begin that PowerShell has written with `>`."""


@contextmanager
def opened(path: str | None) -> Iterator[IO[bytes]]:
    """A file, or standard input for None. Raises WrongUsage if it cannot be opened or read."""
    name = path or "standard input"
    try:
        if path is None:
            yield sys.stdin.buffer
        else:
            with open(path, "rb") as file:  # noqa: PTH123 -- the path may be a pipe or a device
                yield file
    except OSError as error:
        raise WrongUsage(f"could not read {name}: {error.strerror or error}") from error


def lines_of(stream: IO[bytes]) -> Iterator[str]:
    """The lines of a stream; a line of more than `LONGEST` characters comes in parts.

    What is no UTF-8 (or UTF-16 with its mark) is replaced, so that no byte can do harm.
    """
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)  # type: ignore[type-var]
    encoding = "utf-16" if buffered.peek(2)[:2] in _UTF16 else "utf-8-sig"
    text = io.TextIOWrapper(buffered, encoding=encoding, errors="replace", newline="\n")
    try:
        while line := text.readline(LONGEST):
            yield line
    finally:
        text.detach()
