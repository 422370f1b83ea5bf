"""Answers of an API server that succeed, for tests that need no real one."""

from __future__ import annotations

import json
from typing import Any

from tests.faults.rules import Says


def ok(obj: Any, status: int = 200, **headers: str) -> Says:
    """An answer with an object; header names with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Says(status, json.dumps(obj).encode(), headers=named)


def events(*told: tuple[str, Any]) -> Says:
    """A watch that tells these events (type, object) and ends."""
    lines = [json.dumps({"type": kind, "object": obj}) for kind, obj in told]
    return Says(200, "".join(f"{line}\n" for line in lines).encode())
