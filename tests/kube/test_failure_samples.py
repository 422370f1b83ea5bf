"""Real messages from public threads, with labels: the retry decision and the class for each of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kube.failures import Failure, from_answer, from_text

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "failures.yaml"

pytestmark = pytest.mark.skipif(not SAMPLES.parent.is_dir(), reason="the sample messages are no part of this tree")

CLASSES = {
    "auth": {"unauthenticated", "forbidden", "permanent-config"},
    "permanent-denied": {"denied", "invalid", "forbidden", "field-conflict", "already-exists"},
    "permanent-config": {"permanent-config", "invalid"},  # a 422 that only another manifest cures is both
    "not-found-crd-not-established": {"crd-not-established", "not-found"},
    "webhook-not-ready": {"webhook-not-ready", "webhook-unreachable"},
    "conflict": {"conflict", "already-exists"},
}
"""The kinds that each class of the samples covers; a class that is not here is a kind of the same name."""


def as_text(row: dict[str, Any]) -> Failure | None:
    """The message as a tool printed it."""
    return from_text(row["message"])


def as_answer(row: dict[str, Any]) -> Failure | None:
    """The message as the Status of an answer, for rows that had one."""
    if not row["status"]:
        return None
    body = {"kind": "Status", "message": row["message"], "reason": row["reason"] or "", "code": row["status"]}
    return from_answer(row["status"], json.dumps(body).encode(), {})


@pytest.mark.parametrize("understand", [as_text, as_answer])
def test_the_sample_messages_are_retried_and_classed_as_labelled(
    understand: Callable[[dict[str, Any]], Failure | None],
) -> None:
    """On rows whose label is certain every retry decision is right, and the class in at least 97 of 100."""
    rows = yaml.safe_load(SAMPLES.read_text(encoding="utf-8"))
    certain = [(row, failure) for row in rows if not row.get("ambiguous") and (failure := understand(row))]
    assert len(certain) > 50
    assert [row["id"] for row, failure in certain if failure.retry != row["retry"]] == []
    wrong = [row["id"] for row, failure in certain if failure.kind not in CLASSES.get(row["class"], {row["class"]})]
    assert len(wrong) <= 0.03 * len(certain), wrong


@pytest.mark.parametrize("understand", [as_text, as_answer])
def test_no_permanent_sample_is_ever_retried(understand: Callable[[dict[str, Any]], Failure | None]) -> None:
    """Rows that only a human can cure are not retried, the doubtful ones included."""
    rows = yaml.safe_load(SAMPLES.read_text(encoding="utf-8"))
    permanent = [row for row in rows if row["class"] in {"auth", "permanent-denied", "permanent-config"}]
    assert len(permanent) > 40
    assert [row["id"] for row in permanent if (failure := understand(row)) and failure.retry] == []
