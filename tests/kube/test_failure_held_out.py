"""Real messages that the rules were not written from: how far the rules carry, and that they stay so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kube.failures import Kind, from_text

ROWS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "held_out.yaml").read_text(encoding="utf-8"))
IDS = [f"{number}-{row['kind']}" for number, row in enumerate(ROWS)]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_message_from_a_public_thread_is_understood(row: dict[str, Any]) -> None:
    """Kind, retry decision, who spoke to whom, and the words that it was recognised by."""
    failure = from_text(row["message"])
    assert (failure.kind, failure.retry) == (row["kind"], row["retry"])
    assert failure.between == row.get("between", failure.between)
    assert failure.between
    assert failure.evidence
    folded = " ".join(row["message"].split()).replace("“", '"').replace("”", '"')
    assert failure.evidence in folded or failure.evidence.lower() in folded.lower() or failure.status


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_the_dress_of_a_log_changes_nothing(row: dict[str, Any]) -> None:
    """As the value of a JSON log, quoted by klog, with a time in front, or behind Helm's words it means the same."""
    message, kind = " ".join(row["message"].split()), row["kind"]
    klog = json.dumps(message)
    for text in (
        json.dumps({"level": "error", "ts": "2026-01-02T03:04:05Z", "error": row["message"]}),
        f'E0102 03:04:05.678901       1 controller.go:12] "Unhandled Error" err={klog} logger="UnhandledError"',
        f"2026-01-02T03:04:05Z stderr F {message}",
        f"Error: INSTALLATION FAILED: {message}",
        f'time="2026-01-02T03:04:05Z" level=error msg={klog}',
    ):
        assert from_text(text).kind == kind, text


def test_no_permanent_message_is_retried() -> None:
    """What only a human can change never leads to another attempt."""
    permanent = [row for row in ROWS if not row["retry"]]
    assert len(permanent) > 30
    assert [row["message"] for row in permanent if from_text(row["message"]).retry] == []


def test_the_rows_are_many_and_different() -> None:
    """At least sixty texts of at least twelve kinds, each with its source."""
    assert len({row["message"] for row in ROWS}) == len(ROWS) >= 60
    assert len({row["kind"] for row in ROWS}) >= 12
    assert {row["kind"] for row in ROWS} <= set(Kind)
    assert all(row["source"].startswith("https://") for row in ROWS)
