"""Counting requests in an audit log."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from tests.cluster import audit


def _event(audit_id: str, agent: str = "frit/1", verb: str = "get", **more: Any) -> dict[str, Any]:
    return {
        "auditID": audit_id,
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/a?timeout=1s",
        "verb": verb,
        "userAgent": agent,
        "user": {"username": "admin"},
        "objectRef": {"resource": "namespaces", "name": "a", "apiVersion": "v1"},
        "responseStatus": {"code": 200},
        **more,
    }


def _log(path: Path, *events: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def test_watch_counts_once_open_or_ended(tmp_path: Path) -> None:
    """A watch is written when it begins and when it ends, and is one request; an open one has no code."""
    begun = _event("1", verb="watch", stage="ResponseStarted")
    log = _log(tmp_path / "log", begun)
    assert [(request.verb, request.code) for request in audit.read(log)] == [("watch", 0)]
    _log(log, begun, _event("1", verb="watch"))
    assert [(request.verb, request.code) for request in audit.read(log)] == [("watch", 200)]


def test_requests_are_counted_by_verb_and_resource(tmp_path: Path) -> None:
    """Group and subresource are part of the resource, and what isn't about an object counts by its path."""
    deployments = {"resource": "deployments", "apiGroup": "apps", "subresource": "scale", "namespace": "b"}
    log = _log(
        tmp_path / "log",
        _event("1"),
        _event("2"),
        _event("3", verb="patch", objectRef=deployments),
        {**_event("4", requestURI="/apis?x=y"), "objectRef": None},
    )
    assert audit.count(audit.read(log)) == {
        ("get", "namespaces"): 2,
        ("patch", "deployments.apps/scale"): 1,
        ("get", "/apis"): 1,
    }


def test_user_agent_is_matched_at_its_beginning(tmp_path: Path) -> None:
    """Requests of one program are told from those of others, and counted by program."""
    log = _log(tmp_path / "log", _event("1"), _event("2", agent="kubectl/v1.34 frit/1"), _event("3", agent="frit/2"))
    assert len(audit.read(log, agent="frit/")) == 2
    assert audit.by_agent(audit.read(log)) == {"frit": 2, "kubectl": 1}


def test_reading_begins_at_an_offset_and_leaves_half_a_line(tmp_path: Path) -> None:
    """What was there before the offset doesn't count, and a line that is still being written doesn't either."""
    log = _log(tmp_path / "log", _event("1"))
    since = audit.offset(log)
    with log.open("a") as file:
        file.write(json.dumps(_event("2")) + "\n" + json.dumps(_event("3"))[:40])
    assert [request.name for request in audit.read(log, since)] == ["a"]


def test_recording_waits_for_lines_that_come_late(tmp_path: Path) -> None:
    """A request that the server writes down just after its answer still counts."""
    log = _log(tmp_path / "log", _event("1"))

    def late() -> None:
        with log.open("a") as file:
            file.write(json.dumps(_event("2")) + "\n")

    with audit.recording(log, "frit") as recorded:
        timer = threading.Timer(0.1, late)
        timer.start()
    timer.join()
    assert recorded.total == 1
