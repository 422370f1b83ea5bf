"""The tables of docs/explain.md, generated from the rules: ``python -m tests.explain_page`` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

from kube import failure_causes as causes
from kube.failure_kinds import KINDS
from kube.failure_rules import BETWEEN
from kube.failure_table import Why
from kube.failure_talk import OWN
from kube.failure_tools import QUOTED
from kube.failure_webhooks import CONTRACT, DENIAL, WEBHOOK

FILE = Path(__file__).resolve().parent.parent / "docs" / "explain.md"


def kinds() -> str:
    """The rows of the table of kinds."""
    rows = []
    for kind, rule in KINDS.items():
        waiting = "no" if not rule.retry else "yes" if rule.budget is None else f"for {rule.budget:.0f} s"
        rows.append(f"| `{kind}` | {rule.meaning} | {waiting}{': ' + rule.lasts if rule.lasts else ''} |")
    return "\n".join(rows)


def exact_causes() -> str:
    """The table of causes, each with the kinds that it can be of, in the order of the source."""
    found: dict[str, list[str]] = {why.cause: [] for why in vars(causes).values() if isinstance(why, Why)}
    for table in (WEBHOOK, DENIAL, CONTRACT, BETWEEN, OWN, QUOTED):
        for rule in table:
            if rule.why.cause and str(rule.kind) not in found[rule.why.cause]:
                found[rule.why.cause].append(str(rule.kind))
    rows = [f"| {', '.join(f'`{kind}`' for kind in of)} | {cause} |" for cause, of in found.items()]
    return "\n".join(["| kind | cause |", "|---|---|", *rows])


def render(page: str) -> str:
    """The page with its two tables as they have to be."""
    page = re.sub(
        r"(?<=\| kind \| what happened \| retry \|\n\|---\|---\|---\|\n).*?(?=\n\n|\Z)",
        lambda _: kinds(),
        page,
        flags=re.S,
    )
    return re.sub(r"(?<=These are all of them:\n\n).*\Z", lambda _: exact_causes() + "\n", page, flags=re.S)


def main() -> None:
    """Write the page."""
    FILE.write_text(render(FILE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {FILE.name}")


if __name__ == "__main__":
    main()
