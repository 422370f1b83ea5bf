"""An index as bytes to its model: the fast way where it can tell, else the strict one; and a form to keep it in.

The kept form is columns of texts as JSON, which Python reads about fifty times as fast as YAML.
"""

from __future__ import annotations

import json
import time
from typing import Any, Final

from repositories import names, safe_yaml
from repositories.plain_index import quick_index
from repositories.problems import Problem
from repositories.shapes import NOTHING, Parsed, examine, sound
from repositories.wire import Index, IndexEntry

_FORM: Final = 1
_LEAST_SECONDS: Final = 0.5


def read_index(content: bytes, file: str = names.INDEX) -> Parsed[Index]:
    """The index of a repository. Raises `Malformed` with file, line and field."""
    began = time.thread_time()
    quick = quick_index(content, file)
    if quick is not None:
        return sound(quick)
    left = max(_LEAST_SECONDS, safe_yaml.SECONDS - (time.thread_time() - began))
    return sound(examine(Index, content, file, safe_yaml.INDEX, left))


def kept_form(parsed: Parsed[Index]) -> bytes:
    """An index for the cache, with its warnings."""
    packages = parsed.value.packages
    columns = {
        "form": _FORM,
        "name": [one.name for one in packages],
        "shortDescription": [one.short_description for one in packages],
        "iconUrl": [one.icon_url for one in packages],
        "latestVersion": [one.latest_version for one in packages],
        "scope": [one.scope for one in packages],
        "extras": {str(n): one.extra for n, one in enumerate(packages) if one.extra},
        "extra": parsed.value.extra,
        "warnings": [[one.message, one.line, *one.field] for one in parsed.warnings],
    }
    return json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode()


def from_kept_form(content: bytes, file: str) -> Parsed[Index] | None:
    """The index that was kept, or None for what is no such form; `file` is what its warnings call it."""
    try:
        columns: dict[str, Any] = json.loads(content)
        if columns["form"] != _FORM:
            return None
        extras = columns["extras"]
        names_ = columns["name"]
        entries = list(
            map(
                IndexEntry,
                names_,
                columns["shortDescription"],
                columns["iconUrl"],
                columns["latestVersion"],
                columns["scope"],
                [NOTHING] * len(names_),
            )
        )
        for place, extra in extras.items():
            one = entries[int(place)]
            entries[int(place)] = IndexEntry(
                one.name, one.short_description, one.icon_url, one.latest_version, one.scope, extra
            )
        warnings = tuple(Problem(file, message, tuple(where), line) for message, line, *where in columns["warnings"])
        return Parsed(Index(tuple(entries), columns["extra"]), warnings=warnings)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None
