"""How checks become one answer: exit code, reason, patience, text and data."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from base import exits
from base.options import parse_duration
from base.session import Session
from bootstrap.check import Answer, Patience, Seen, data_of, exit_code_of, reason_of, text_of
from bootstrap.check_command import check
from certificates.checks import Check, Severity, failed, passed, skipped, warning
from certificates.installation import Installation, Owner

UNKNOWN = Check("ca-secret", Severity.UNKNOWN, "not allowed", "kubectl auth can-i get secrets", exits.CANNOT_TELL)


def answer(*checks: Check) -> Answer:
    found = Installation(version="1.21.2", namespace="cm", owner=Owner("kubectl"), crds={"x": {}})
    return Answer(Seen(checks, found), *WHERE)


WHERE = ("prod", "https://api.example", "default", 0.5, 1)


def no(name: str, code: int, *, heals: bool = False, budget: float | None = None) -> Check:
    return failed(name, f"{name} is wrong", "do this\nthen that", code=code, heals=heals, budget=budget)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], exits.OK),
        ([exits.NOT_READY], exits.NOT_READY),
        ([exits.NOT_READY, exits.CERTIFICATE_WINDOW], exits.CERTIFICATE_WINDOW),
        ([exits.REPOSITORY], exits.REPOSITORY),
        ([exits.REPOSITORY, exits.NOT_READY], exits.NOT_READY),
        ([exits.CERTIFICATE_WINDOW, exits.REFUSED], exits.REFUSED),
        ([exits.UNREACHABLE], exits.UNREACHABLE),
    ],
)
def test_the_most_telling_code_is_the_answer(codes: list[int], expected: int) -> None:
    """A policy before a certificate before a mere not ready; repositories only where nothing else is wrong."""
    assert exit_code_of([passed("a", "fine"), *(no(f"c{code}", code) for code in codes)]) == expected


def test_what_is_unknown_counts_only_where_nothing_is_wrong() -> None:
    """A known no is an answer; without one, a missing permission is exit 9."""
    assert exit_code_of([UNKNOWN]) == exits.CANNOT_TELL
    assert exit_code_of([UNKNOWN, no("webhook", exits.NOT_READY)]) == exits.NOT_READY
    assert exit_code_of([skipped("x", "y")]) == exits.CANNOT_TELL


def test_warnings_do_not_make_a_cluster_unready() -> None:
    """Right today is ready, and the number of warnings is told."""
    warned = answer(passed("a", "fine"), warning("b", "careful", "look"))
    assert (warned.ready, warned.exit_code) == (True, exits.OK)
    assert text_of(warned).splitlines() == [
        "✓ a  fine",
        "! b  careful",
        "    look",
        "ready: the next create will work, with 1 warning (0.5 s)",
    ]


def test_the_reason_is_the_first_check_with_the_answers_code() -> None:
    """Checks are ordered so that one explains the next; what was skipped explains nothing."""
    checks = [skipped("refuses", "not asked"), no("webhook", exits.NOT_READY), no("endpoints", exits.NOT_READY)]
    assert reason_of(checks) == "webhook: webhook is wrong"
    assert reason_of([passed("a", "fine")]) == ""


def test_the_text_says_what_to_do_below_what_is_wrong() -> None:
    """A mark for each verdict, hints only where something is to be done, the verdict with its exit code last."""
    text = text_of(answer(passed("crds", "there"), no("webhook", 6), skipped("admits", "not asked"), UNKNOWN))
    assert text.splitlines() == [
        "✓ crds       there",
        "✗ webhook    webhook is wrong",
        "    do this",
        "    then that",
        "- admits     not asked",
        "? ca-secret  not allowed",
        "    kubectl auth can-i get secrets",
        "not ready: webhook: webhook is wrong (0.5 s, exit 6)",
    ]
    assert text_of(answer(UNKNOWN)).splitlines()[-1] == "cannot tell: ca-secret: not allowed (0.5 s, exit 9)"


def test_the_data_is_stable_and_json() -> None:
    """The keys that scripts rely on, in their order."""
    data = data_of(answer(passed("crds", "there"), no("webhook", 6)))
    keys = "ready exitCode reason context server namespace certManager seconds looks checks webhook"
    assert list(data) == keys.split()
    assert list(data["checks"][0]) == ["name", "ok", "severity", "message", "hint", "findings"]
    assert data["certManager"] == {"version": "1.21.2", "namespace": "cm", "owner": "kubectl"}
    assert json.loads(json.dumps(data)) == data


def test_patience_ends_with_what_cannot_heal() -> None:
    """A final check ends a wait at once; one that heals, and mere skips, do not."""
    assert not Patience().is_over([no("a", 6, heals=True), skipped("b", "c"), warning("d", "e")])
    assert Patience().is_over([no("a", 6, heals=True), no("b", 6)])
    assert Patience().is_over([UNKNOWN])


def test_patience_with_a_budget_ends_when_it_is_spent() -> None:
    """A kind of failure with a budget is waited for so long, counted from when it was first met in a row."""
    patience = Patience()
    slow = no("admits", 6, heals=True, budget=30.0)
    assert not patience.is_over([slow], now=100.0)
    assert not patience.is_over([slow], now=129.0)
    assert not patience.is_over([no("admits", 6, heals=True)], now=130.0)
    assert not patience.is_over([slow], now=131.0)
    assert patience.is_over([slow], now=161.0)


def test_the_help_has_examples_and_exit_codes() -> None:
    """Four examples that can be pasted, and the meaning of the codes."""
    shown = CliRunner().invoke(check, ["--help"], obj=Session(), max_content_width=110)
    assert shown.exit_code == 0
    assert shown.output.count("\n  # ") + shown.output.count("\n    # ") == 4
    assert "9 not enough permission" in shown.output
    assert parse_duration("3m") == 180.0


def test_issue_and_repositories_alone_do_not_go_together(tmp_path: pytest.TempPathFactory) -> None:
    """A combination that cannot mean anything is wrong usage, before any connection."""
    shown = CliRunner().invoke(check, ["--issue", "--only", "repositories"], obj=Session())
    assert shown.exception is not None
    assert "--issue needs cert-manager" in str(shown.exception)
