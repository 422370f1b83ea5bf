"""The header Retry-After, by which servers say for how long they do not want to be asked again."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Final

LONGEST_RETRY_AFTER: Final = 86400.0
"""Seconds; whoever asks for more is not believed."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by Retry-After: a number, or a date (RFC 9110, 10.2.3) by the server's own clock.

    The names of the headers are in lower case, or it does not matter.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,300}(\.[0-9]{1,9})?", value):  # more digits than a header may have are no number
        return min(float(value), LONGEST_RETRY_AFTER)
    when = _http_date(value)
    if when is None:
        return None
    now = _http_date(headers.get("date", ""))
    return min(max(when - (time.time() if now is None else now), 0.0), LONGEST_RETRY_AFTER)


def _http_date(value: str) -> float | None:
    from email.utils import parsedate_to_datetime  # costs too much to load for every run

    try:
        return parsedate_to_datetime(value).timestamp() if 0 < len(value) < 100 else None
    except (ValueError, OverflowError, OSError):
        return None
