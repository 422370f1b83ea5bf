"""docs/publishing.md and the linter agree on the rules."""

from __future__ import annotations

from pathlib import Path

from repositories.lint_rules import RULES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "publishing.md").read_text(encoding="utf-8")


def test_the_table_of_rules_is_that_of_the_linter() -> None:
    """Every rule with its severity and its sentences, in order, and no other."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]
    assert rows == [[f"`{name}`", str(one.severity), one.title, one.help] for name, one in RULES.items()]
