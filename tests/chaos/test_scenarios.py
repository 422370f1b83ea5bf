"""The chaos suite itself: its table is complete, it is repeatable, and its judgement sees what it should."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import pytest

from base import exits
from tests.chaos import __main__ as suite
from tests.chaos import operator_webhook, runner
from tests.chaos.inventory import differences
from tests.chaos.runner import Outcome
from tests.chaos.scenarios import BOOTSTRAP, CHEAP, KILLS, LENGTHS, REPO_ADD, When, all_scenarios
from tests.chaos.windows import Opened
from tests.chaos.witness import Witness
from tests.cluster.audit import Request


def test_every_scenario_has_a_name_of_its_own() -> None:
    """A name repeats one scenario alone, and those of the cheap selection are there."""
    names = Counter(one.name for one in all_scenarios())
    assert [name for name, count in names.items() if count > 1] == []
    assert set(CHEAP) <= set(names)


@pytest.mark.parametrize("command", [BOOTSTRAP, REPO_ADD])
def test_every_fault_comes_before_and_in_the_middle(command: str) -> None:
    """Each fault that a run can outlast meets each command at both moments, windows in every length."""
    of = [one for one in all_scenarios() if one.command == command and one.code == exits.OK]
    once = {"window at cert-manager", "CA renewed", "certificate expired", "cainjector's leader killed"}
    ends = {"API server restarted", "API server killed"}
    assert {one.when for one in of if one.fault.name in ends} == set(When)
    for fault in {one.fault.name.partition(",")[0] for one in of} - once - ends:
        assert {one.when for one in of if one.fault.name.partition(",")[0] == fault} == set(When), fault
    windows = {(one.when, one.seconds) for one in of if one.fault.name in ("window", "window, lease held")}
    assert {(when, seconds) for when in When for seconds in LENGTHS} <= windows


def test_every_way_to_end_is_there() -> None:
    """Faults without an end lead to each exit code that they can have, and each names its cause."""
    ending = [one for one in all_scenarios() if one.code != exits.OK]
    codes = {exits.CERTIFICATE_WINDOW, exits.NOT_READY, exits.REFUSED, exits.UNREACHABLE}
    assert {one.code for one in ending} == codes
    assert all(one.says for one in ending)


def test_a_pattern_chooses() -> None:
    """The list names every scenario and every kill, and a pattern chooses among them."""
    every = suite._chosen(None, False, KILLS)
    assert len(every) == len(all_scenarios()) + KILLS
    only = suite._chosen("bootstrap: killed #1?", False, KILLS)
    assert [name for name, _ in only] == [f"bootstrap: killed #{number}" for number in range(10, 20)]


def test_what_went_wrong_can_be_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    """The report ends with one command for each scenario that was not well, and that is a failure."""
    bad = Outcome("repo add: 503, 3 s, before", "503", 1.0, 9, None, ["exit code 9, not 0"], "error: ...")
    good = Outcome("bootstrap: 429, 3 s, before", "429", 8.0, 0, 0.5)
    assert suite._report(iter([bad, good]), 17, 2) == 1
    said = capsys.readouterr().out
    assert "exit code 9, not 0" in said
    assert "make chaos SEED=17 ARGS=\"--only 'repo add: 503, 3 s, before'\"" in said
    assert suite._report(iter([good]), 17, 1) == 0
    assert suite._report(iter([good]), 17, 2) == 1  # one was not begun


def test_lost_doubled_and_changed_objects_show() -> None:
    """The comparison names each object that is missing, too much, or different, and where."""
    expected: dict[str, Any] = {"pods/a": {"spec": {"x": 1, "y": [1]}}, "pods/b": {}}
    found: dict[str, Any] = {"pods/a": {"spec": {"x": 2, "y": [1]}}, "pods/c": {}}
    assert differences(expected, expected) == []
    assert differences(expected, found) == ["lost: pods/b", "too much: pods/c", "different: pods/a: .spec.x"]


@pytest.mark.parametrize(
    ("verb", "resource", "path", "stored"),
    [
        ("patch", "services", "/api/v1/namespaces/x/services/y?fieldManager=frit", True),
        ("create", "issuers.cert-manager.io", "/apis/x", True),
        ("delete", "pods", "/api/v1/x", True),
        ("create", "issuers.cert-manager.io", "/apis/x?dryRun=All", False),
        ("create", "selfsubjectaccessreviews.authorization.k8s.io", "/apis/x", False),
        ("get", "services", "/api/v1/x", False),
        ("watch", "services", "/api/v1/x", False),
    ],
)
def test_what_counts_as_a_write(verb: str, resource: str, path: str, stored: bool) -> None:
    """Reads, dry runs and questions about permissions store nothing; all else counts."""
    request = Request("frit/0", verb, resource, "", "", 200, "", path)
    assert bool(runner.writes([request])) is stored


def test_a_fault_closes_by_itself_and_once() -> None:
    """It ends after its seconds, is not ended again at the end of its block, and tells what ending it raised."""
    closed: list[float] = []
    opened = Opened(lambda: closed.append(time.monotonic()), 0.05)
    until = time.monotonic() + 5
    while not closed:
        assert time.monotonic() < until
        time.sleep(0.01)  # a timer is what is tested
    opened.close()
    assert len(closed) == 1
    assert closed[0] - opened.opened_at >= 0.05

    def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Opened(fails).close()


def test_the_witness_sees_the_end_of_a_fault() -> None:
    """It tells when something worked again for good, and nothing where it never failed or still does."""
    works = threading.Event()
    with Witness(works.is_set) as witness:
        time.sleep(0.1)  # it fails meanwhile
        before = time.monotonic()
        works.set()
        until = before + 5
        while witness.over is None:
            assert time.monotonic() < until
            time.sleep(0.01)  # it looks every 50 ms
    assert before <= witness.over <= before + 1
    with Witness(lambda: True) as never:
        time.sleep(0.1)  # some looks
    assert never.over is None


def test_the_operator_brings_what_it_needs() -> None:
    """cainjector is asked to fill in the CA of the serving certificate, which names the Service that is called."""
    objects = {(obj["kind"], obj["metadata"]["name"]): obj for _, obj in operator_webhook.objects()}
    configuration = objects["ValidatingWebhookConfiguration", "operator-webhook"]
    asked = configuration["metadata"]["annotations"]["cert-manager.io/inject-ca-from"]
    serving = objects["Certificate", asked.partition("/")[2]]
    service = configuration["webhooks"][0]["clientConfig"]["service"]
    assert serving["spec"]["dnsNames"] == [f"{service['name']}.{service['namespace']}.svc"]
    assert ("Service", service["name"]) in objects
