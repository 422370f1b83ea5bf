"""docs/exit-codes.md and the program agree on what the exit codes mean."""

from __future__ import annotations

import re
from pathlib import Path

from base import errors, exits
from base.errors import FritError
from kube.failure_kinds import ANSWERED, KINDS, UNANSWERED

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "exit-codes.md").read_text(encoding="utf-8")


def test_the_table_is_the_one_of_the_program() -> None:
    """Every code with its meaning, in the same words and order, and no other."""
    table = re.findall(r"(?m)^\| (\d+) \| (.*) \|$", PAGE)
    assert [(int(code), meaning) for code, meaning in table] == list(exits.MEANINGS.items())


def test_every_code_has_a_section() -> None:
    """Below the table each code is explained under its number and meaning."""
    headings = re.findall(r"(?m)^## (\d+) (.*)$", PAGE)
    assert [(int(code), meaning) for code, meaning in headings] == list(exits.MEANINGS.items())
    for part in PAGE.split("\n## ")[1:]:
        assert len(part.split()) > 20, part


def test_no_error_ends_in_another_code() -> None:
    """Classes of errors and kinds of failures have documented codes only."""
    classes = [one for one in FritError.__subclasses__() if one.__module__ == errors.__name__]
    rules = [*KINDS.values(), *ANSWERED.values(), *UNANSWERED.values()]
    used = {one.exit_code for one in classes} | {rule.exit_code for rule in rules} | {FritError.exit_code}
    assert used <= set(exits.MEANINGS)
