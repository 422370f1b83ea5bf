"""Files below a folder by the path of a URL, and nothing else: no way out by dots, links or races."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import unquote_to_bytes


class Refused(Exception):
    """There is no such file for this client. `status` is the HTTP status, `why` one line without the path."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


_MISSING = (HTTPStatus.NOT_FOUND, "no such file")


def names_of(path: str) -> list[str]:
    """The names that a URL's path leads through, decoded once; a query is left out.

    Raises `Refused` for dots, empty or hidden names, separators and control characters inside of a name, and for
    what is not UTF-8. A name that begins with a dot is never served: it is `.git`, `.env` and their like.
    """
    parts = path.partition("?")[0].partition("#")[0].split("/")
    if parts[0] or len(parts) < 2:
        raise Refused(HTTPStatus.BAD_REQUEST, "the path does not begin with a slash")
    names = []
    for part in parts[1:]:
        try:
            name = unquote_to_bytes(part).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(HTTPStatus.BAD_REQUEST, "the path is not UTF-8") from None
        if not name or name.startswith(".") or "/" in name or "\\" in name or not name.isprintable():
            raise Refused(*_MISSING)
        names.append(name)
    return names


def open_below(directory: Path, names: Sequence[str]) -> IO[bytes]:
    """Open the regular file that names lead to below a folder. Raises `Refused`.

    Links are followed where they end below the folder. What they lead to is then opened step by step from the
    folder's own descriptor with links forbidden, so that nothing that changes meanwhile leads out of it.
    """
    root = os.path.realpath(directory)
    wanted = os.path.realpath(os.path.join(root, *names))  # noqa: PTH118 -- one way for all of os
    below = Path(os.path.relpath(wanted, root)).parts
    if any(name.startswith(".") for name in below):
        raise Refused(*_MISSING)
    here = -1
    try:
        here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for name in below[:-1]:
            step = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here = step
        # a pipe would wait for somebody who writes
        found = os.open(below[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=here)
    except OSError as error:
        if isinstance(error, PermissionError):
            raise Refused(HTTPStatus.FORBIDDEN, "the server may not read this file") from None
        raise Refused(*_MISSING) from None
    finally:
        if here >= 0:
            os.close(here)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise Refused(*_MISSING)
    return _named(found, names[-1])


def _named(descriptor: int, name: str) -> IO[bytes]:
    """A file object over a descriptor whose `name` is the name that was asked for."""
    return open(name, "rb", opener=lambda *_: descriptor)
