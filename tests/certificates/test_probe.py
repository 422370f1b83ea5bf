"""The pair of probes, the namespaces that it can be sent in, and where leaders are looked for."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, cast

import pytest

from base.clock import Run
from base.errors import Cancelled
from certificates.facts import Election, election_of
from certificates.probe import Outcome, excluded, probe, probe_once
from kube.client import Answer, Client
from kube.failures import ApiError, Failure, Kind
from kube.objects import field
from tests.certificates.health_data import configuration, deployment

DENIAL = Failure(Kind.DENIED, "denied the request", 403, "Forbidden", None, webhook="webhook.cert-manager.io")
FOREIGN = Failure(Kind.DENIED, "denied the request", 403, "Forbidden", None, webhook="policy.example")
LATE = Failure(Kind.API_UNAVAILABLE, "request did not complete", 504, "Timeout", None)
STALE = Failure(Kind.CERTIFICATE_ROTATION, "x509: certificate signed by unknown authority", 500, "InternalError", None)
COMPLETED = b'{"spec": {"username": "somebody"}}'


class Server:
    """Stands in for a client: answers valid and invalid requests from two lists, after a while if told.

    A real API server cannot be made to let one request hang and answer the next at once.
    """

    def __init__(self, valid: list[Any], invalid: list[Any]) -> None:
        self._answers = {True: valid, False: invalid}
        self._lock = threading.Lock()
        self.sent: list[Any] = []

    def request(self, *_: Any, body: Any, **options: Any) -> Answer:
        """Answer one request: bytes succeed, a Failure is raised, and a number before it is a delay in seconds."""
        is_valid = not field(body, "spec", "request").startswith("bm90")  # "not a signing request"
        with self._lock:
            self.sent.append((is_valid, options))
            answers = self._answers[is_valid]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, tuple):
            time.sleep(answer[0])  # the hanging itself is what is tested
            answer = answer[1]
        if isinstance(answer, Failure):
            raise ApiError("create a CertificateRequest", answer)
        return Answer(201, {}, answer, json.loads(answer))


def client(valid: list[Any], invalid: list[Any]) -> Client:
    return cast(Client, Server(valid, invalid))


@pytest.mark.parametrize(
    ("valid", "invalid", "outcome", "admits"),
    [
        (COMPLETED, DENIAL, Outcome.PROVEN, True),
        (COMPLETED, COMPLETED, Outcome.NOT_VALIDATED, True),
        (b'{"spec": {}}', DENIAL, Outcome.NOT_MUTATED, False),
        (DENIAL, DENIAL, Outcome.NOT_MUTATED, False),
        (STALE, DENIAL, Outcome.FAILED, False),
        (FOREIGN, DENIAL, Outcome.FAILED, False),
        (COMPLETED, FOREIGN, Outcome.FAILED, True),
        (COMPLETED, STALE, Outcome.FAILED, True),
    ],
)
def test_a_pair_proves_only_what_it_shows(valid: Any, invalid: Any, outcome: Outcome, admits: bool) -> None:
    """Admitted and completed, then denied by cert-manager's own webhook: nothing less is a proof."""
    found = probe_once(client([valid], [invalid]), "default", timeout=2.0)
    assert (found.outcome, found.admits, found.proven) == (outcome, admits, outcome is Outcome.PROVEN)


def test_every_request_is_a_dry_run_on_a_new_connection() -> None:
    """Nothing is stored, and no warm connection hides a change."""
    server = Server([COMPLETED], [DENIAL])
    probe_once(cast(Client, server), "default", timeout=2.0)
    assert [is_valid for is_valid, _ in server.sent] == [True, False]
    assert all(options["query"] == {"dryRun": "All"} and options["new_connection"] for _, options in server.sent)


def test_a_proof_does_not_wait_for_a_request_that_hangs() -> None:
    """While the first pair hangs, a second one is sent, and its proof counts at once."""
    began = time.monotonic()
    found = probe(client([(2.0, LATE), COMPLETED], [DENIAL]), "default", Run(), after=0.1)
    assert found.proven
    assert time.monotonic() - began < 1.5


def test_the_failure_that_says_why_is_preferred() -> None:
    """A request whose time was up hides the cause; another one's precise failure is what is reported."""
    found = probe(client([(0.5, LATE), STALE], [DENIAL]), "default", Run(), after=0.1)
    assert found.failure is STALE
    vague = probe(client([LATE], [DENIAL]), "default", Run(), after=0.1)
    assert (vague.failure, vague.hung) == (LATE, True)


def test_a_probe_that_hangs_can_be_cancelled() -> None:
    """Cancelled is raised soon after the run is stopped, whatever the requests do."""
    run = Run()
    threading.Timer(0.2, run.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        probe(client([(3.0, LATE)], [DENIAL]), "default", run)
    assert time.monotonic() - began < 1.5


def selecting(**selector: Any) -> dict[str, Any]:
    return {"webhooks": [{"namespaceSelector": selector}]}


def expression(operator: str, values: list[str] | None = None) -> dict[str, Any]:
    return selecting(matchExpressions=[{"key": "team", "operator": operator, "values": values}])


@pytest.mark.parametrize(
    ("configuration", "labels", "reason"),
    [
        (selecting(), {}, ""),
        (selecting(matchLabels={"team": "a"}), {"team": "a"}, ""),
        (selecting(matchLabels={"team": "a"}), {}, "it lacks the label team=a"),
        (expression("In", ["a", "b"]), {"team": "b"}, ""),
        (expression("In", ["a", "b"]), {"team": "c"}, "its label team is none of a, b"),
        (expression("NotIn", ["a"]), {}, ""),
        (expression("NotIn", ["a"]), {"team": "a"}, "it has the label team=a"),
        (expression("Exists"), {"team": "x"}, ""),
        (expression("Exists"), {}, "it lacks the label team"),
        (expression("DoesNotExist"), {}, ""),
        (expression("DoesNotExist"), {"team": "x"}, "it has the label team"),
        (selecting(matchLabels={"kubernetes.io/metadata.name": "default"}), {}, ""),
        (None, {}, ""),
    ],
)
def test_an_excluded_namespace_is_told_by_the_selector(configuration: Any, labels: dict[str, str], reason: str) -> None:
    """The selector's rules are those of the API server, and the label that decides is named."""
    assert excluded(configuration, {"metadata": {"name": "default", "labels": labels}}) == reason


def test_the_release_covers_ordinary_namespaces() -> None:
    """cert-manager's own selector excludes one label only."""
    assert excluded(configuration("Validating", b""), {"metadata": {"name": "default"}}) == ""


@pytest.mark.parametrize(
    ("arguments", "namespace"),
    [
        ((), "kube-system"),
        (("--leader-election-namespace=kube-system",), "kube-system"),
        (("--v=2", "--leader-election-namespace", "elsewhere"), "elsewhere"),
        (("--leader-election-namespace=$(POD_NAMESPACE)",), "cert-manager"),
        (("--leader-elect=false",), ""),
    ],
)
def test_a_leader_is_looked_for_where_the_arguments_say(arguments: tuple[str, ...], namespace: str) -> None:
    """The Lease's namespace is an argument of the controller; election can be switched off."""
    found = election_of("controller", deployment("controller", args=arguments))
    assert found == Election(namespace, "cert-manager-controller" if namespace else "")
