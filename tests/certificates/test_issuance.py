"""A trial issuance while the API server fails for moments: it goes on, and what it made is removed."""

from __future__ import annotations

from base.clock import Deadline, Run
from base.events import Event, Retried, silent
from base.policy import retry_policy
from certificates.checks import Severity
from certificates.issuance import Issuance
from certificates.leftovers import sweep
from kube.client import Client
from kube.patience import Patience
from tests.faults import rules
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy

DENIED = rules.status(403, "Forbidden", 'admission webhook "w.example.com" denied the request: no issuers here')
LEFT = {
    "metadata": {
        "name": "frit-check-1",
        "uid": "u-1",
        "labels": {"frit.dev/check": "issue"},
        "creationTimestamp": "2020-01-01T00:00:00Z",
    }
}


def test_what_passes_is_repeated_also_when_it_cleans_up(server: FaultProxy, asking: Client) -> None:
    """The list in front, a create and the removal fail once each; a refusal in between is the verdict."""
    server.on(rules.throttled(0), method="GET", path="/namespaces")
    server.on(rules.UNAVAILABLE, method="POST", path="/namespaces")
    server.on(DENIED, method="POST", path="/issuers")
    server.on(rules.throttled(0), method="DELETE")
    server.on(ok({"items": []}), times=None)
    told: list[Event] = []
    verdict = Issuance(asking, Run(), told.append).check()
    assert verdict.severity is Severity.FAILED
    assert "no issuers here" in verdict.message
    assert "is left" not in verdict.message
    assert [one.method for one in server.seen] == ["GET", "GET", "POST", "POST", "POST", "DELETE", "DELETE"]
    assert [one.kind for one in told if isinstance(one, Retried)] == ["rate-limited", "api-unavailable", "rate-limited"]


def test_leftovers_are_removed_by_a_busy_server_too(server: FaultProxy, asking: Client) -> None:
    """The list and the removal of what a killed run left are repeated; one that is gone by then is fine."""
    server.on(rules.UNAVAILABLE, method="GET")
    server.on(ok({"items": [LEFT]}), method="GET")
    server.on(rules.LEADER_CHANGED, method="DELETE")
    server.on(rules.status(404, "NotFound", 'namespaces "frit-check-1" not found'), method="DELETE")
    patience = Patience(retry_policy(), Run(), Deadline.after(20), silent)
    assert sweep(asking, patience) == ["frit-check-1"]
    assert [one.method for one in server.seen] == ["GET", "GET", "DELETE", "DELETE"]
