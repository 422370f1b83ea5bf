"""Reads what shall be explained as lines of text, whatever bytes it has, with bounded memory, until told to stop."""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

from base.errors import WrongUsage
from kube.explain_records import LONGEST

_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
"""How files begin that PowerShell has written with `>`."""

_PACKED: Final = {
    b"\x1f\x8b": "zcat",
    b"BZh": "bzcat",
    b"\xfd7zXZ": "xzcat",
    b"\x28\xb5\x2f\xfd": "zstdcat",
    b"PK\x03\x04": "unzip -p",
}
"""How compressed files begin, and what unpacks them."""


class Stop:
    """Ends a reading from another thread: what is read so far is all there is."""

    def __init__(self) -> None:
        self.bell, self._wire = os.pipe()
        self.stopped = False

    def __call__(self) -> None:
        """Stop; may be called from any thread, once."""
        self.stopped = True
        os.write(self._wire, b"!")


class _Stoppable(io.RawIOBase):
    """A file descriptor that seems to end when it is told to stop."""

    def __init__(self, descriptor: int, stop: Stop) -> None:
        self._descriptor = descriptor
        self._stop = stop
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._poll.register(stop.bell, select.POLLIN)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what io.BufferedReader hands in
        self._poll.poll()
        if self._stop.stopped:
            return 0
        data = os.read(self._descriptor, len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def opened(path: str | None, stop: Stop | None = None) -> Iterator[IO[bytes]]:
    """A file, or standard input for None, that ends when `stop` is called.

    Raises WrongUsage if it cannot be opened or read, or is compressed.
    """
    name = path or "standard input"
    try:
        if path is None:
            yield _stream(sys.stdin.buffer, path, stop)
        else:
            with open(path, "rb") as file:  # noqa: PTH123 -- the path may be a pipe or a device
                yield _stream(file, path, stop)
    except OSError as error:
        raise WrongUsage(f"could not read {name}: {error.strerror or error}") from error


def _stream(file: IO[bytes], path: str | None, stop: Stop | None) -> IO[bytes]:
    raw: Any = file if stop is None else _Stoppable(file.fileno(), stop)
    stream = io.BufferedReader(raw)
    head = stream.peek(6)[:6]
    for begin, tool in _PACKED.items():
        if head.startswith(begin):
            hint = f"Unpack it on the way: {tool} {path or 'FILE'} | frit explain"
            raise WrongUsage(f"{path or 'standard input'} is compressed", hint=hint)
    return stream


def lines_of(stream: IO[bytes], stop: Stop | None = None) -> Iterator[str]:
    """The lines of a stream; a line of more than `LONGEST` characters comes in parts.

    What is no UTF-8 (or UTF-16 with its mark) is replaced, so that no byte can do harm. A line that `stop` cut off is
    left out.
    """
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)  # type: ignore[type-var]
    encoding = "utf-16" if buffered.peek(2)[:2] in _UTF16 else "utf-8-sig"
    text = io.TextIOWrapper(buffered, encoding=encoding, errors="replace", newline="\n")
    try:
        while line := text.readline(LONGEST):
            if stop is not None and stop.stopped and not line.endswith("\n"):
                return
            yield line
    finally:
        text.detach()
