"""httpx without its command line, which it loads where rich and click are installed: that is half of its start."""

from __future__ import annotations

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None is how Python says: not to be imported

import httpx  # noqa: E402 -- after the line above

__all__ = ["httpx"]
