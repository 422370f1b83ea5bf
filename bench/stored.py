"""Results as JSON files: a format's name, and the fields of a dataclass."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def save(path: Path, form: str, results: DataclassInstance) -> None:
    """Write results, under the name of their format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"format": form, **asdict(results)}, indent=1) + "\n")


def load(path: Path, form: str, what: str) -> dict[str, Any]:
    """The fields that `save` wrote. Raises ValueError for another format; `what` it should be stands in the message."""
    data: dict[str, Any] = json.loads(path.read_text())
    if data.pop("format", None) != form:
        raise ValueError(f"{path} is not a result of {what}")
    return data
