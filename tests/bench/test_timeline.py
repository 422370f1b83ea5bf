"""Milestones of a bootstrap from made-up audit events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bench.timeline import Moment, milestones

START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
WEBHOOK = Moment("bound", agent="kube-scheduler/", verb="create", resource="pods/binding", name="webhook")
DEPLOYED = Moment("deployed", verb="patch", resource="deployments.apps")


def event(agent: str, verb: str, resource: str, at: float, **more: Any) -> dict[str, Any]:
    """An audit event of a request that took half a second from `at` on."""
    plural, _, rest = resource.partition(".")
    group, _, subresource = rest.partition("/")
    if not rest:
        plural, _, subresource = resource.partition("/")
    return {
        "stage": more.get("stage", "ResponseComplete"),
        "userAgent": agent,
        "verb": verb,
        "objectRef": {"resource": plural, "apiGroup": group, "subresource": subresource, "name": more.get("name", "")},
        "responseStatus": {"code": more.get("code", 200)},
        "requestReceivedTimestamp": datetime.fromtimestamp(START + at, UTC).isoformat(),
        "stageTimestamp": datetime.fromtimestamp(START + at + 0.5, UTC).isoformat(),
    }


def seconds(events: list[dict[str, Any]], moment: Moment) -> tuple[float, int] | None:
    """When a moment was, and how many requests showed it."""
    found = milestones(events, START, [moment])
    return (round(found[0].seconds, 3), found[0].count) if found else None


def test_a_moment_is_the_answer_to_the_first_request_that_shows_it() -> None:
    """Agent, verb, resource with its subresource, and part of the name must fit."""
    events = [
        event("kube-scheduler/v1", "create", "pods/binding", 1.0, name="other"),
        event("kube-scheduler/v1", "create", "pods", 1.1, name="webhook-1"),
        event("kubelet/v1", "create", "pods/binding", 1.2, name="webhook-1"),
        event("kube-scheduler/v1", "create", "pods/binding", 2.0, name="webhook-2"),
        event("kube-scheduler/v1", "create", "pods/binding", 3.0, name="webhook-3"),
    ]
    assert seconds(events, WEBHOOK) == (2.5, 2)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (DEPLOYED, (1.5, 2)),
        (Moment("deployed", verb="patch", resource="deployments.apps", last=True), (4.5, 2)),
        (Moment("deployed", verb="patch", resource="deployments.apps", begun=True), (1.0, 2)),
        (Moment("deployed", verb="patch", resource="deployments.apps", code=409), (4.5, 1)),
    ],
)
def test_the_last_the_beginning_or_a_code_may_be_asked_for(moment: Moment, expected: tuple[float, int]) -> None:
    """A moment says which of its requests counts, and which of their two times."""
    events = [
        event("frit/0.1.0 (bootstrap)", "patch", "deployments.apps", 4.0, code=409),
        event("frit/0.1.0 (bootstrap)", "patch", "deployments.apps", 1.0),
    ]
    assert seconds(events, moment) == expected


def test_watches_and_unfinished_requests_show_nothing() -> None:
    """A watch has no answer in time unless it is refused, and the beginning of a response is no answer yet."""
    events = [
        event("frit/0.1.0", "watch", "deployments.apps", 1.0),
        event("frit/0.1.0", "patch", "deployments.apps", 1.0, stage="ResponseStarted"),
    ]
    assert seconds(events, DEPLOYED) is None
    assert milestones(events, START) == []
    refused = event("cert-manager-cainjector/v1", "watch", "certificates.cert-manager.io", 1.0, code=429)
    assert seconds([refused], Moment("refused", agent="cert-manager-cainjector/", code=429)) == (1.5, 1)


def test_moments_are_told_in_the_order_of_time() -> None:
    """Whatever the order of the list is, the earlier moment comes first."""
    events = [
        event("kube-scheduler/v1", "create", "pods/binding", 1.0, name="webhook"),
        event("frit/0.1.0", "patch", "deployments.apps", 0.2),
    ]
    assert [one.title for one in milestones(events, START, [WEBHOOK, DEPLOYED])] == ["deployed", "bound"]
