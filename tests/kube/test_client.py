"""Requests to an API server: what leaves the process, what comes back, and how failures arrive."""

from __future__ import annotations

import threading
import time

import pytest

import kube.patience
from base.clock import Deadline, Run
from base.errors import Cancelled
from base.events import Event, Retried, Waiting
from base.retry import RetryPolicy
from kube.access import Permission, allowed
from kube.client import APPLY_PATCH, Client
from kube.failures import ApiError, Kind
from kube.patience import Patience, precise
from tests.faults import rules
from tests.faults.answers import events, ok
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Delay, Reset, Says

QUICK = RetryPolicy(first_pause=0.01, max_pause=0.02)


def patient(client: Client, told: list[Event], seconds: float = 20.0) -> Client:
    return client.patient(Patience(QUICK, Run(), Deadline.after(seconds), told.append))


def failing(client: Client, **more: object) -> ApiError:
    with pytest.raises(ApiError) as raised:
        client.request("GET", "/version", doing="ask", **more)  # type: ignore[arg-type]  # any option of a request
    return raised.value


def test_the_authorization_header_leaves_the_process(server: FaultProxy, asking: Client) -> None:
    """The token of the kubeconfig is sent with every request, also on a connection of its own, and in a watch."""
    server.on(ok({}), times=None)
    asking.get("/version", doing="ask")
    asking.request("GET", "/version", doing="ask", new_connection=True)
    list(asking.watch("/version", doing="watch", query={}, seconds=1))
    assert [one.headers["authorization"] for one in server.seen] == [f"Bearer {server.token}"] * 3
    assert {one.headers["user-agent"] for one in server.seen} == {"frit/0 (test)"}


def test_a_request_carries_what_it_was_given(server: FaultProxy, asking: Client) -> None:
    """Method, path, parameters, content type and body arrive; the time limit goes to the server too."""
    server.on(ok({"kind": "Secret"}, 201, Warning='299 - "old"', X_Other="1"))
    answer = asking.request(
        "PATCH",
        "/api/v1/namespaces/a/secrets/b",
        doing="apply",
        query={"fieldManager": "frit"},
        body={"data": {}},
        content_type=APPLY_PATCH,
        timeout=7,
    )
    seen = server.seen[0]
    assert (seen.method, seen.path) == ("PATCH", "/api/v1/namespaces/a/secrets/b")
    assert seen.query == {"fieldManager": "frit", "timeout": "7s"}
    assert seen.headers["content-type"] == APPLY_PATCH
    assert int(seen.headers["content-length"]) == len('{"data":{}}')
    assert (answer.status, answer.headers["x-other"], answer.json()) == (201, "1", {"kind": "Secret"})


def test_what_the_server_says_in_passing_is_kept(server: FaultProxy, asking: Client) -> None:
    """Requests are counted, warnings kept once, and the Date header tells the clock's difference."""
    assert (asking.requests, asking.skew, list(asking.warnings)) == (0, None, [])
    server.on(ok({}, Warning='299 - "old"'), times=None)
    for _ in range(3):
        asking.get("/version", doing="ask")
    assert asking.requests == 3
    assert list(asking.warnings) == ['299 - "old"']
    assert asking.skew == pytest.approx(0, abs=2)


def test_a_date_that_is_none_says_nothing(server: FaultProxy, asking: Client) -> None:
    """A proxy's broken Date header leaves the clock alone."""
    server.on(Says(200, b"{}", headers={"Date": "yesterday"}))
    asking.get("/version", doing="ask")
    assert asking.skew is None or abs(asking.skew) < 2


@pytest.mark.parametrize(
    ("fault", "kind", "exit_code"),
    [
        (rules.throttled(), Kind.RATE_LIMITED, 6),
        (rules.UNAVAILABLE, Kind.API_UNAVAILABLE, 6),
        (rules.GATEWAY_TIMEOUT, Kind.API_UNAVAILABLE, 6),
        (rules.LEADER_CHANGED, Kind.API_UNAVAILABLE, 6),
        (rules.UNAUTHORIZED, Kind.UNAUTHENTICATED, 4),
        (rules.LOGIN_PAGE, Kind.PERMANENT_CONFIG, 4),
        (Reset.BEFORE, Kind.API_UNAVAILABLE, 4),
        (Says(302, b"", headers={"Location": "https://login.example.com"}), Kind.PERMANENT_CONFIG, 4),
        (Says(200, rules.LOGIN_PAGE.body, "text/html"), Kind.PERMANENT_CONFIG, 4),
        (Says(200, b'{"kind": "Names'), Kind.API_UNAVAILABLE, 4),
        (Says(200, b""), Kind.PERMANENT_CONFIG, 4),
        (Says(200, b"[1]"), Kind.PERMANENT_CONFIG, 4),
        (Says(407, b"", headers={"Proxy-Authenticate": "Basic"}), Kind.PERMANENT_CONFIG, 4),
    ],
    ids=str,
)
def test_every_failure_is_an_error_of_its_kind(
    server: FaultProxy, asking: Client, fault: rules.Fault, kind: Kind, exit_code: int
) -> None:
    """Whatever goes wrong on the way is one error that says what was being done; nothing is repeated in secret."""
    server.on(fault)
    error = failing(asking)
    assert (error.failure.kind, error.exit_code) == (kind, exit_code)
    assert error.message.startswith("could not ask: ")
    assert error.hint
    assert len(server.seen) == 1


def test_a_login_page_is_shown_in_its_own_words(server: FaultProxy, asking: Client) -> None:
    """The text of the page, without its tags, and the hint that this is no API server."""
    server.on(Says(200, rules.LOGIN_PAGE.body, "text/html"))
    error = failing(asking)
    assert "Access denied The web proxy of Example Corp does not allow this address." in error.message
    assert "<" not in error.message
    assert "NO_PROXY" in error.hint


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_understood(server: FaultProxy, asking: Client, as_date: bool) -> None:
    """Seconds and dates both become seconds."""
    server.on(rules.throttled(30, as_date=as_date))
    assert failing(asking).failure.retry_after == pytest.approx(30, abs=1)


def test_a_server_that_hangs_is_given_up(server: FaultProxy, asking: Client) -> None:
    """A request ends two seconds after the limit that the server was told."""
    server.on(Delay(30))
    began = time.monotonic()
    error = failing(asking, timeout=0.1)
    assert 2 <= time.monotonic() - began < 4
    assert error.failure.kind is Kind.API_UNAVAILABLE


def test_a_token_never_stands_in_an_error(server: FaultProxy, asking: Client) -> None:
    """Messages and hints name no credentials, also when the server does not take them."""
    server.on(rules.UNAUTHORIZED, times=None)
    error = failing(asking)
    assert server.token not in f"{error.message} {error.hint} {error.details}"


def test_text_is_not_taken_for_json(server: FaultProxy, asking: Client) -> None:
    """Where no JSON was asked for, as for logs, the body is bytes."""
    server.on(Says(200, b"line 1\nline 2\n", "text/plain"))
    answer = asking.request("GET", "/log", doing="read the log", accept="*/*")
    assert (answer.body, answer.json()) == (b"line 1\nline 2\n", None)


def test_an_impatient_client_repeats_nothing(server: FaultProxy, asking: Client) -> None:
    """By itself a client sends each request once, reads too."""
    server.on(rules.UNAVAILABLE)
    assert failing(asking).failure.status == 503
    assert asking.requests == 1


def test_a_patient_client_repeats_reads_and_says_so(server: FaultProxy, asking: Client) -> None:
    """Each failed attempt is told; the value is the one of the attempt that succeeded; the count is shared."""
    server.on(rules.throttled(0), times=2)
    server.on(Reset.BEFORE)
    server.on(ok({"major": "1"}))
    told: list[Event] = []
    assert patient(asking, told).get("/version", doing="ask") == {"major": "1"}
    assert [one.kind for one in told if isinstance(one, Retried)] == ["rate-limited", "rate-limited", "api-unavailable"]
    assert asking.requests == 4


def test_a_patient_client_repeats_no_write(server: FaultProxy, asking: Client) -> None:
    """Writes belong to who knows what they do; a question that is asked by POST is a read."""
    server.on(rules.UNAVAILABLE, times=3)
    server.on(ok({"status": {"allowed": True}}), times=None)
    told: list[Event] = []
    with pytest.raises(ApiError):
        patient(asking, told).request("POST", "/api/v1/namespaces", doing="create", body={})
    assert (asking.requests, told) == (1, [])
    assert allowed(patient(asking, told), Permission("get", "", "pods"))
    assert len(told) == 2


def test_patience_ends_and_says_how_long_it_was(server: FaultProxy, asking: Client) -> None:
    """At the deadline the last failure is raised, with the number of attempts."""
    server.on(rules.UNAVAILABLE, times=None)
    with pytest.raises(ApiError, match=r"\(\d+ attempts in \d+\.\d s\)") as raised:
        patient(asking, [], seconds=0.3).get("/version", doing="ask")
    assert raised.value.failure.status == 503


def test_patience_is_not_for_what_waiting_cannot_help(server: FaultProxy, asking: Client) -> None:
    """A refusal is raised at once."""
    server.on(rules.UNAUTHORIZED, times=None)
    with pytest.raises(ApiError):
        patient(asking, []).get("/version", doing="ask")
    assert asking.requests == 1


def test_a_watch_tells_its_events(server: FaultProxy, asking: Client) -> None:
    """Events come as data, and the server is told how long the watch may last."""
    server.on(events(("ADDED", {"a": 1}), ("DELETED", {"a": 1})))
    told = list(asking.watch("/api/v1/pods", doing="watch pods", query={"fieldSelector": "x"}, seconds=30))
    assert told == [{"type": "ADDED", "object": {"a": 1}}, {"type": "DELETED", "object": {"a": 1}}]
    assert server.seen[0].query == {"fieldSelector": "x", "watch": "true", "timeoutSeconds": "30"}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (rules.throttled(), Kind.RATE_LIMITED),
        (Reset.BEFORE, Kind.API_UNAVAILABLE),
        (Says(200, b"<html>\n"), Kind.PERMANENT_CONFIG),
    ],
    ids=str,
)
def test_a_watch_that_fails_is_an_error(server: FaultProxy, asking: Client, fault: rules.Fault, kind: Kind) -> None:
    """A watch fails as a request does, whether at its beginning or later."""
    server.on(fault)
    with pytest.raises(ApiError, match="could not watch pods") as raised:
        list(asking.watch("/api/v1/pods", doing="watch pods", query={}, seconds=30))
    assert raised.value.failure.kind is kind


def test_a_connection_that_ends_with_the_time_limit_is_a_timeout(server: FaultProxy, asking: Client) -> None:
    """An API server whose time is up may close the connection without a word: that is a 504, and nobody is away."""
    server.on(Delay(1.1))
    server.on(Reset.BEFORE, times=None)
    with pytest.raises(ApiError) as late:
        asking.request("GET", "/version", doing="ask", timeout=1)
    assert (late.value.failure.status, late.value.failure.kind) == (504, Kind.API_UNAVAILABLE)
    assert "at the request's time limit of 1 s" in late.value.message
    assert not precise(late.value.failure)
    with pytest.raises(ApiError) as early:
        asking.request("GET", "/version", doing="ask", timeout=1)
    assert early.value.failure.status == 0
    assert precise(early.value.failure)


def test_a_question_that_hangs_is_told_and_can_be_stopped(
    server: FaultProxy, asking: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a server is silent somebody says so again and again, and a stop ends it at once."""
    monkeypatch.setattr(kube.patience, "SILENCE", 0.5)
    server.on(Delay(1.3))
    server.on(ok({"gitVersion": "v1"}), times=None)
    told: list[Event] = []
    assert patient(asking, told).get("/version", doing="ask") == {"gitVersion": "v1"}
    assert [(one.what, one.reason) for one in told if isinstance(one, Waiting)] == [("ask", "no answer yet")] * 2
    run = Run()
    server.rules.clear()
    server.on(Delay(10.0))
    server.on(ok({}), times=None)
    threading.Timer(0.2, run.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        asking.patient(Patience(QUICK, run, Deadline.after(20), told.append)).get("/version", doing="ask")
    assert time.monotonic() - began < 1
