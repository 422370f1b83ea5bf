"""An explanation as people read it."""

from __future__ import annotations

import textwrap
from typing import Final

from kube.explain import Explanation, Finding

WIDTH: Final = 110
LONGEST_MESSAGE: Final = 400


def story(explanation: Explanation) -> str:
    """The findings one after the other, and a last line that sums up."""
    if not explanation.findings:
        return f"no failure found in {_many(explanation.lines, 'line')}"
    parts = [_finding(number, one) for number, one in enumerate(explanation.findings, 1)]
    return "\n\n".join([*parts, _summary(explanation)])


def _finding(number: int, one: Finding) -> str:
    failure, rule = one.failure, one.failure.rule
    where = f", {one.count} times, lines {one.line} to {one.last}" if one.count > 1 else ""
    where = where or (f", line {one.line}" if one.line > 1 else "")
    message = failure.message
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[: LONGEST_MESSAGE - 100]} … {message[-100:]}"
    lines = [f"{number}. {failure.kind}{where}", _field("said", message)]
    lines += [
        _field(name, text) for name, text in (("between", failure.between), ("evidence", failure.evidence)) if text
    ]
    lines.append(_field("cause", rule.meaning))
    lines += [_field("", f"- {cause}") for cause in failure.causes]
    lines.append(_field("waiting", _waiting(one)))
    steps = failure.steps.splitlines()
    lines.append(_field("next", steps[0] if steps else ""))
    lines += [_field("", step) for step in steps[1:]]
    return "\n".join(lines)


def _waiting(one: Finding) -> str:
    failure, rule = one.failure, one.failure.rule
    if not one.recognised:
        return "frit cannot tell whether it helps, and would not wait"
    if not failure.retry:
        return "does not help: it will be the same until somebody changes something"
    asked = f"; the server asks for {failure.retry_after:.0f} s" if failure.retry_after else ""
    limit = f"; frit gives up after {rule.budget:.0f} s" if rule.budget else ""
    return f"helps: {rule.lasts}{asked}{limit}"


def _field(name: str, text: str) -> str:
    """A title and its text; commands stay on one line, so that they can be copied."""
    title = f"   {name:<9} "
    if "kubectl" in text:
        return title + text
    blank = " " * len(title)
    return (
        "\n".join(textwrap.wrap(text, WIDTH, initial_indent=title, subsequent_indent=blank, break_on_hyphens=False))
        or title.rstrip()
    )


def _summary(explanation: Explanation) -> str:
    findings = explanation.findings
    times = sum(one.count for one in findings)
    often = f", {times} times in all" if times > len(findings) else ""
    unknown = sum(not one.recognised for one in findings)
    known = "recognised" if not unknown else f"{unknown} not recognised"
    known = f"all {known}" if not unknown and len(findings) > 1 else known
    more = f"; {explanation.more} further ones are not listed" if explanation.more else ""
    return f"{_many(len(findings), 'failure')}{often}, {known}{more}"


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
