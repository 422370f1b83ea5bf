"""ETags from the content of files, so that a copy of a file has the same one, and comparing them."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from typing import IO

_SETTLED = 2.0
"""Seconds; a file that changed later than this ago may change again without other times of change."""

_MOST = 100_000
_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\uffff]*")')


class Digests:
    """The ETags of files, kept as long as a file's number, size and times of change stay. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[int, int], tuple[tuple[int, int, int], str]] = {}

    def tag(self, file: IO[bytes]) -> str:
        """The strong ETag of an open file, which is left at its beginning."""
        about = os.fstat(file.fileno())
        key = (about.st_dev, about.st_ino)
        state = (about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        with self._lock:
            known = self._known.get(key)
        if known is not None and known[0] == state:
            return known[1]
        tag = f'"{hashlib.file_digest(file, "sha256").hexdigest()[:32]}"'  # type: ignore[arg-type]  # any file does
        file.seek(0)
        if time.time() - max(about.st_mtime, about.st_ctime) > _SETTLED:
            with self._lock:
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[key] = (state, tag)
        return tag


def matches(known: str, tag: str) -> bool:
    """Whether the field If-None-Match names a tag, compared weakly. Source: RFC 9110, sections 8.8.3.2 and 13.1.2."""
    return known.strip() == "*" or tag in _TAG.findall(known)
