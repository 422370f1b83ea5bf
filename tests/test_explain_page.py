"""docs/explain.md has the kinds and causes of the rules, and its example is what frit prints."""

from __future__ import annotations

import json
import re

from kube.explain import explain_message
from kube.explain_story import story
from tests import explain_page

PAGE = explain_page.FILE.read_text(encoding="utf-8")
MESSAGE = (
    'Error from server (InternalError): error when creating "issuer.yaml": Internal error occurred: failed calling '
    'webhook "webhook.cert-manager.io": failed to call webhook: Post '
    '"https://cert-manager-webhook.cert-manager.svc:443/validate?timeout=30s": no endpoints available for service '
    '"cert-manager-webhook"'
)


def test_the_tables_are_those_of_the_rules() -> None:
    """Every kind and every exact cause stands on the page, in the order of the source."""
    assert explain_page.render(PAGE) == PAGE, "run: python -m tests.explain_page"
    assert "| `certificate-rotation` |" in PAGE
    assert PAGE.count("\n| `") > 60


def test_the_example_is_what_frit_prints() -> None:
    """The story in the example is the one of today, but for the width of its lines."""
    example = re.search(r"^```console\n\$ .*?\n(.*?)\n```", PAGE, re.DOTALL | re.MULTILINE)
    assert example is not None
    assert example[1].split() == story(explain_message(MESSAGE)).split()


def test_the_fields_are_those_of_a_finding() -> None:
    """The table for scripts names each field of a finding, and none that does not exist."""
    table = PAGE.partition("| field | what it says |")[2].partition("\n\n")[0]
    named = [field for row in table.splitlines() for field in re.findall(r"`(\w+)`", row.partition(" | ")[0])]
    (finding,) = json.loads(json.dumps(explain_message(MESSAGE).document()))["findings"]
    assert sorted(named) == sorted(finding)
