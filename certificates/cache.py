"""Downloads that were found good, kept in the user's cache folder.

An entry is two files: the content, and its SHA-256 digest beside it. They are written to the side and renamed, so
that a crash leaves the old entry, the new one, or two files that do not fit together; the digest is compared at every
read, and what does not fit is thrown away. Only the user can read them or could have written them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from web.private_files import cache_root, is_private, prepare, read, remove, replace

MAX_BYTES: Final = 16 * 1024 * 1024
"""No manifest is larger, whether it comes from a server, from a file or from the cache."""


def folder(chosen: Path | None) -> Path:
    """Where downloads are kept: below `chosen`, else FRIT_CACHE_DIR, else the user's cache folder."""
    return cache_root(chosen) / "downloads"


def load(where: Path, key: str) -> bytes | None:
    """The content of an entry, or None if there is none that is whole and private. A damaged one is removed."""
    if not is_private(where):
        return None
    content, digest = read(where / key, MAX_BYTES), read(where / f"{key}.sha256", MAX_BYTES)
    if content is None and digest is None:
        return None
    if content is not None and digest is not None and hashlib.sha256(content).hexdigest().encode() == digest.strip():
        return content
    for name in (key, f"{key}.sha256"):
        remove(where / name)
    return None


def store(where: Path, key: str, content: bytes) -> None:
    """Keep content. Raises OSError if that is not possible; then the entry is as it was, or is seen to be damaged."""
    prepare(where, where.parent)
    replace(where / key, content)
    replace(where / f"{key}.sha256", hashlib.sha256(content).hexdigest().encode())
