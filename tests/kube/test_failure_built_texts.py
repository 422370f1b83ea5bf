"""Texts put together as their authors build them: the decision for each, the class for nearly all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from kube.failures import KINDS, Failure, Kind, from_answer, from_text

GROUPS = yaml.safe_load((Path(__file__).parent / "built_texts.yaml").read_text(encoding="utf-8"))
PERMANENT = {kind for kind, rule in KINDS.items() if not rule.retry}


@dataclass(frozen=True)
class Row:
    """A text with its labels, and the Status that carries it (status None: it is no Status)."""

    text: str
    kinds: frozenset[str]
    retry: bool
    status: int | None
    reason: str

    def forms(self) -> dict[str, Failure]:
        """How the text is met: as printed, and where it is a Status, as the answer, from kubectl, quoted in JSON."""
        if self.status is None:
            return {"text": from_text(self.text)}
        status = {"kind": "Status", "status": "Failure", "message": self.text, "reason": self.reason}
        kubectl = f"Error from server ({self.reason}): " if self.reason else "Error from server: "
        return {
            "text": from_text(self.text),
            "answer": from_answer(self.status, json.dumps({**status, "code": self.status}).encode(), {}),
            "kubectl": from_text(kubectl + self.text),
            "quoted": from_text(f"HTTP response body: {json.dumps({**status, 'code': self.status})}"),
        }


ROWS = [
    Row(
        text,
        frozenset({group["kind"], *group.get("also", ())}),
        group["retry"],
        group.get("status"),
        group.get("reason"),
    )
    for group in GROUPS
    for text in group["texts"]
]
IDS = [f"{number}-{'-'.join(sorted(row.kinds))}" for number, row in enumerate(ROWS)]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_whether_waiting_helps_is_right_for_every_text(row: Row) -> None:
    """Alone, as an answer, and quoted by kubectl or a client library, the decision is that of the label."""
    assert {form: failure.retry for form, failure in row.forms().items() if failure.retry != row.retry} == {}


def test_the_kind_is_right_for_nearly_every_text() -> None:
    """In at least 97 of 100, in every form."""
    wrong = {row.text: found for row in ROWS if (found := {f.kind for f in row.forms().values()} - row.kinds)}
    assert len(wrong) <= 0.03 * len(ROWS), wrong


@pytest.mark.parametrize("row", [row for row in ROWS if row.kinds <= PERMANENT], ids=lambda row: row.text[-40:])
def test_what_only_a_human_can_change_is_never_retried(row: Row) -> None:
    """Whatever a log, a shell or a tool wraps around it, it stays permanent."""
    text = " ".join(row.text.split())
    for dressed in (
        json.dumps({"level": "error", "ts": "2026-01-02T03:04:05Z", "error": row.text}),
        json.dumps({"log": json.dumps({"msg": "Reconciler error", "error": row.text}) + "\n"}),
        f'E0102 03:04:05.678901       1 controller.go:12] "Unhandled Error" err={json.dumps(text)}',
        f"2026-01-02T03:04:05.123456789Z stderr F {text}",
        f"Error: UPGRADE FAILED: release web failed: {text}",
        f"[{text}, {text}]",
    ):
        assert not from_text(dressed).retry, dressed


def test_the_texts_are_many_and_their_labels_mean_something() -> None:
    """At least 200 different texts of all kinds, whose labels are kinds that fit the decision."""
    assert len({row.text for row in ROWS}) == len(ROWS) >= 200
    assert set().union(*(row.kinds for row in ROWS)) == set(Kind)
    assert all(KINDS[Kind(kind)].retry == row.retry for row in ROWS for kind in row.kinds)
