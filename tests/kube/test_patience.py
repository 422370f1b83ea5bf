"""What a failure means for a retry loop, and what is said when the loop gives up."""

from __future__ import annotations

import time

import pytest

from base import exits
from base.clock import Deadline, Run
from base.events import Event, GaveUp, Retried, Waiting
from base.policy import RetryPolicy
from kube.apply import Applier
from kube.client import Client
from kube.discovery import CORE_V1
from kube.failures import ApiError, Failure, Kind, from_answer, from_exception, from_text
from kube.patience import Patience, judge, judge_read, precise
from tests.faults import rules
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy

QUICK = RetryPolicy(first_pause=0.01, max_pause=0.02)
WANTED = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "namespace": "a"}}
CALL = 'failed calling webhook "w.example.com": failed to call webhook: Post "https://w.ns.svc:443/x?timeout=1s": '
ROTATION = CALL + "tls: failed to verify certificate: x509: certificate signed by unknown authority"
REFUSED = CALL + "dial tcp 10.0.0.1:443: connect: connection refused"
SILENT = CALL + "context deadline exceeded"
DENIED = 'admission webhook "w.example.com" denied the request: no'


def internal(words: str) -> rules.Says:
    return rules.status(500, "InternalError", f"Internal error occurred: {words}")


def applying(client: Client, told: list[Event], *, seconds: float = 20.0, policy: RetryPolicy = QUICK) -> ApiError:
    applier = Applier(client, policy, Run(), Deadline.after(seconds), told.append, compare=False)
    with pytest.raises(ApiError) as raised:
        applier.apply(WANTED, CORE_V1["ConfigMap"])
    return raised.value


@pytest.mark.parametrize(
    ("failure", "names_a_cause"),
    [
        (from_text(ROTATION), True),
        (from_text(REFUSED), True),
        (from_text(SILENT), False),
        (from_answer(504, rules.GATEWAY_TIMEOUT.body, {}), False),
        (from_answer(503, rules.UNAVAILABLE.body, {}), True),
        (from_exception(TimeoutError("The read operation timed out")), False),
        (from_exception(ConnectionRefusedError(111, "Connection refused")), True),
        (from_text(DENIED), True),
    ],
    ids=["x509", "refused", "deadline", "504", "503", "silence", "nobody", "denied"],
)
def test_a_timeout_names_no_cause(failure: Failure, names_a_cause: bool) -> None:
    """What says only that time ran out does not count as a reason; everything else does."""
    assert precise(failure) is names_a_cause


def test_webhooks_are_asked_quickly_and_busy_servers_are_not() -> None:
    """The end of a window is looked for every second; a server that is overloaded gets longer pauses."""
    quick = {words: judge(ApiError("x", from_text(words))) for words in (ROTATION, REFUSED, SILENT)}
    assert all(verdict is not None and verdict.quick for verdict in quick.values())
    for status in (429, 503):
        verdict = judge(ApiError("x", from_answer(status, b"", {})))
        assert verdict is not None
        assert (verdict.retry, verdict.quick) == (True, False)
    assert judge(ValueError("a bug")) is None


def test_what_is_not_there_is_an_answer_to_a_question() -> None:
    """A write waits for a kind that is not served yet; a read does not, but for storage that is being built."""
    missing = ApiError("x", from_answer(404, b"404 page not found\n", {}))
    building = ApiError("x", from_answer(429, b"storage is (re)initializing", {}))
    for error, write, read in ((missing, True, False), (building, True, True)):
        wrote, asked = judge(error), judge_read(error)
        assert wrote is not None
        assert asked is not None
        assert (wrote.retry, asked.retry) == (write, read)


def test_giving_up_tells_the_last_different_failures(server: FaultProxy, asking: Client) -> None:
    """The message has the last failure that named a cause and the count; the hint the last three, with theirs."""
    for one in (rules.LEADER_CHANGED, internal(REFUSED), *[internal(ROTATION)] * 3, rules.GATEWAY_TIMEOUT):
        server.on(one, method="PATCH")
    told: list[Event] = []
    error = applying(asking, told, policy=RetryPolicy(attempts=6, first_pause=0.01, max_pause=0.01))
    assert error.exit_code == exits.CERTIFICATE_WINDOW
    assert "unknown authority (6 attempts in " in error.message
    head, *lines = error.hint.splitlines()[:4]
    assert head == "the last different failures, the newest at the end:"
    assert [line.split()[:3] for line in lines] == [
        ["1", "x", "webhook-not-ready:"],
        ["3", "x", "certificate-rotation:"],
        ["1", "x", "api-unavailable:"],
    ]
    assert [one["count"] for one in error.details["lastFailures"]] == [1, 3, 1]
    (last,) = [one for one in told if isinstance(one, GaveUp)]
    assert "allotted time" in last.message
    assert "unknown authority" in last.cause


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (internal(ROTATION), exits.CERTIFICATE_WINDOW),
        (internal(REFUSED), exits.NOT_READY),
        (internal(SILENT), exits.NOT_READY),
        (rules.UNAVAILABLE, exits.NOT_READY),
        (rules.throttled(0), exits.NOT_READY),
        (rules.GATEWAY_TIMEOUT, exits.NOT_READY),
        (rules.Reset.BEFORE, exits.UNREACHABLE),
        (rules.status(400, "BadRequest", DENIED), exits.REFUSED),
    ],
    ids=["window", "refused", "silent", "503", "429", "504", "reset", "denied"],
)
def test_the_exit_code_says_what_did_not_end(
    server: FaultProxy, asking: Client, answer: rules.Fault, code: int
) -> None:
    """7 for a window that stays open, 6 for what is not ready, 4 where nobody answers, 5 for a refusal."""
    server.on(answer, times=None)
    assert applying(asking, [], seconds=0.5).exit_code == code


def test_a_refusal_ends_a_wait_at_once(server: FaultProxy, asking: Client) -> None:
    """In the middle of a window a denial is final; the message is the denial's, and the report gets every attempt."""
    server.on(internal(ROTATION), times=2, method="PATCH")
    server.on(rules.status(400, "BadRequest", DENIED), times=None, method="PATCH")
    told: list[Event] = []
    error = applying(asking, told)
    assert error.exit_code == exits.REFUSED
    assert "denied the request" in error.message
    kinds = [one.kind for one in told if isinstance(one, Retried | GaveUp)]
    assert kinds == ["certificate-rotation", "certificate-rotation", "denied"]


@pytest.mark.parametrize(
    ("asked", "as_date", "least", "most"),
    [(1, False, 1.0, 1.6), (2, True, 0.9, 2.6), (0, False, 0.0, 0.5), (-60, True, 0.0, 0.5)],
    ids=["seconds", "date", "zero", "past"],
)
def test_retry_after_is_obeyed(
    server: FaultProxy, asking: Client, asked: float, as_date: bool, least: float, most: float
) -> None:
    """Seconds and dates are pauses; nothing, and a date that has passed, are not."""
    server.on(rules.throttled(asked, as_date=as_date))
    server.on(ok(WANTED, 201))
    began = time.monotonic()
    Applier(asking, QUICK, Run(), Deadline.after(20), lambda _: None, compare=False).apply(WANTED, CORE_V1["ConfigMap"])
    assert least <= time.monotonic() - began <= most


def test_an_absurd_retry_after_is_cut_by_the_deadline(server: FaultProxy, asking: Client) -> None:
    """A server that asks for a day is asked once more before the end, and what it asks for is told meanwhile."""
    server.on(rules.throttled(86400), times=None)
    told: list[Event] = []
    began = time.monotonic()
    error = applying(asking, told, seconds=3.0)
    assert 1.9 <= time.monotonic() - began <= 3.2
    assert error.exit_code == exits.NOT_READY
    assert len(server.seen) == 2
    (waiting, *_) = [one for one in told if isinstance(one, Waiting)]
    assert "the server asks for 1440 m" in waiting.reason


def test_requests_share_what_they_may_spend(server: FaultProxy, asking: Client) -> None:
    """A read that waited leaves less to the write after it."""
    from base.budget import Budget

    server.on(rules.UNAVAILABLE, times=None)
    policy = RetryPolicy(first_pause=0.05, growth=1.0, timeout=0.6)
    budget, began = Budget(), time.monotonic()
    patience = Patience(policy, Run(), Deadline.after(20), lambda _: None, budget)
    with pytest.raises(ApiError):
        asking.patient(patience).get("/version", doing="ask")
    first = time.monotonic() - began
    with pytest.raises(ApiError) as raised:
        asking.patient(patience).get("/version", doing="ask")
    assert first > 0.4
    assert time.monotonic() - began - first < 0.3
    assert raised.value.failure.kind is Kind.API_UNAVAILABLE


def test_a_question_gets_no_more_time_than_there_is(server: FaultProxy, asking: Client) -> None:
    """The server is not given fifteen seconds where the command has three; what explains a failure afterwards is."""
    server.on(ok({}), times=None)
    for seconds in (3.0, 60.0, 0.0):
        asking.patient(Patience(QUICK, Run(), Deadline.after(seconds), lambda _: None)).get("/version", doing="ask")
    assert [one.query["timeout"] for one in server.seen] == ["3s", "15s", "15s"]


def test_what_an_apply_reads_first_has_no_more_time_either(server: FaultProxy, asking: Client) -> None:
    """A look that hangs ends with the command's limit."""
    server.on(rules.status(404, "NotFound", 'configmaps "b" not found'), method="GET")
    server.on(ok(WANTED, 201))
    Applier(asking, QUICK, Run(), Deadline.after(3), lambda _: None).apply(WANTED, CORE_V1["ConfigMap"])
    assert [(one.method, one.query["timeout"]) for one in server.seen] == [("GET", "3s"), ("PATCH", "3s")]
