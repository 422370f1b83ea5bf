"""The fault proxy itself: what it promises is what arrives. Asked with the tests' own plain HTTPS client."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.cluster import Cluster, pki
from tests.cluster.api import Api
from tests.faults import rules
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Clock, Delay, Reset, Rule, Says, Truncated

OK = Says(200, b'{"major": "1"}')


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[FaultProxy]:
    with FaultProxy(tmp_path) as running:
        yield running


@pytest.fixture
def api(proxy: FaultProxy) -> Iterator[Api]:
    asking = Api(proxy.kubeconfig)
    yield asking
    asking.close()


def test_a_rule_answers_so_often_as_it_says(proxy: FaultProxy, api: Api) -> None:
    """A rule with `times` is used up, and the next rule that matches takes over."""
    throttled = proxy.on(rules.throttled(7), path="^/version", times=2)
    proxy.on(OK, times=None)
    assert [api.get("/version").status for _ in range(3)] == [429, 429, 200]
    assert throttled.hits == 2
    assert [(one.method, one.path, one.status) for one in proxy.seen] == [
        ("GET", "/version", 429),
        ("GET", "/version", 429),
        ("GET", "/version", 200),
    ]


def test_a_request_without_a_rule_is_told_so(api: Api) -> None:
    """Without an upstream an unexpected request is an answer that names it."""
    answer = api.get("/api/v1/pods")
    assert answer.status == 501
    assert "no rule answers GET /api/v1/pods" in str(answer)


def test_the_token_is_wanted_and_recorded(proxy: FaultProxy) -> None:
    """A client with another token gets 401 and reaches no rule; what it sent is recorded."""
    rule = proxy.on(OK, times=None)
    stranger = Api(proxy.write_kubeconfig("stranger", token="wrong"))
    assert stranger.get("/version").status == 401
    stranger.close()
    assert rule.hits == 0
    assert proxy.seen[0].headers["authorization"] == "Bearer wrong"


def test_a_client_with_another_authority_is_counted(proxy: FaultProxy, tmp_path: Path) -> None:
    """A client that does not trust the certificate breaks the handshake, and the proxy goes on."""
    other = pki.Authority(tmp_path / "other").pair.certificate
    with pytest.raises(OSError, match="certificate verify failed"):
        Api(proxy.write_kubeconfig("wrong-authority", authority=other)).get("/version")
    until = time.monotonic() + 2
    while not proxy.handshakes_refused and time.monotonic() < until:
        time.sleep(0.01)  # the server notices a moment after the client
    assert proxy.handshakes_refused == 1


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_seconds_or_a_date(proxy: FaultProxy, as_date: bool) -> None:
    """Retry-After comes as a number, or as a date that lies so many seconds after the Date header."""
    headers = dict(rules.throttled(30, as_date=as_date).header_lines())
    value = headers["Retry-After"]
    if as_date:
        apart = parsedate_to_datetime(value) - parsedate_to_datetime(headers["Date"])
        assert apart.total_seconds() == pytest.approx(30, abs=1)
    else:
        assert value == "30"


def test_a_rule_lasts_so_long_as_it_says() -> None:
    """A rule with `seconds` ends that long after its first match; `after` lets requests pass first."""
    rule = Rule(OK, times=None, seconds=0.05, after=1)
    assert [rule.takes("GET", "/"), rule.takes("GET", "/")] == [False, True]
    time.sleep(0.06)  # the rule's own time passes
    assert not rule.takes("GET", "/")


def test_a_rule_takes_only_what_matches() -> None:
    """Method and path, query included, both have to match."""
    rule = Rule(OK, method="PATCH|POST", path=r"/secrets\?.*dryRun=All", times=None)
    assert rule.takes("PATCH", "/api/v1/namespaces/a/secrets?dryRun=All")
    assert not rule.takes("GET", "/api/v1/namespaces/a/secrets?dryRun=All")
    assert not rule.takes("PATCH", "/api/v1/namespaces/a/secrets")


def test_a_reset_before_the_request_is_a_reset(proxy: FaultProxy, api: Api) -> None:
    """The client sees its connection end without an answer."""
    proxy.on(Reset.BEFORE, times=None)
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        api.get("/version")
    assert proxy.seen[0].status == 0


def test_stopping_ends_requests_that_hang(tmp_path: Path) -> None:
    """Leaving the proxy ends a request that it delays, at once."""
    failed: list[BaseException] = []

    def ask(api: Api) -> None:
        try:
            api.get("/version")
        except (OSError, http.client.HTTPException) as error:
            failed.append(error)
        finally:
            api.close()

    with FaultProxy(tmp_path) as proxy:
        rule = proxy.on(Delay(60))
        asking = threading.Thread(target=ask, args=(Api(proxy.kubeconfig),))
        asking.start()
        while not rule.hits:
            time.sleep(0.01)  # until the request hangs in the proxy
        began = time.monotonic()
    asking.join(5)
    assert time.monotonic() - began < 2
    assert len(failed) == 1


@pytest.fixture
def real(cluster: Cluster, tmp_path: Path) -> Iterator[FaultProxy]:
    with FaultProxy(tmp_path, cluster.kubeconfig) as running:
        yield running


@pytest.fixture
def through(real: FaultProxy) -> Iterator[Api]:
    asking = Api(real.kubeconfig)
    yield asking
    asking.close()


SPACES = "/api/v1/namespaces"
STEADY = f"{SPACES}/kube-system"  # an object that nobody changes while a test looks at it twice
THROW_AWAY = {"labels": {"frit.test/throw-away": "true"}}


@pytest.mark.cluster
def test_requests_pass_both_ways_unchanged(through: Api, cluster: Cluster) -> None:
    """Without rules the proxy is a way to the real API server, for reads, writes and errors."""
    direct = Api(cluster.kubeconfig)
    assert through.get("/version").content == direct.get("/version").content
    name = "frit-faults-pass"
    made = through.request("POST", SPACES, {"metadata": {"name": name, **THROW_AWAY}})
    assert made.status == 201
    assert through.request("POST", SPACES, {"metadata": {"name": name}}).json()["reason"] == "AlreadyExists"
    assert through.request("DELETE", f"{SPACES}/{name}").ok
    direct.close()


@pytest.mark.cluster
def test_a_lost_answer_was_carried_out(real: FaultProxy, through: Api, cluster: Cluster) -> None:
    """After `Reset.AFTER` the client has no answer, and the object is there."""
    real.on(Reset.AFTER, method="POST")
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        through.request("POST", SPACES, {"metadata": {"name": "frit-faults-lost", **THROW_AWAY}})
    assert real.seen[-1].status == 201
    direct = Api(cluster.kubeconfig)
    assert direct.get(f"{SPACES}/frit-faults-lost").ok
    assert direct.request("DELETE", f"{SPACES}/frit-faults-lost").ok
    direct.close()


@pytest.mark.cluster
def test_half_an_answer_arrives(real: FaultProxy, through: Api) -> None:
    """A reset in the middle loses the rest of the answer; a truncated one arrives and is no JSON."""
    whole = through.get(STEADY).content
    real.on(Truncated(), path=STEADY)
    half = through.get(STEADY).content
    assert half == whole[: len(half)]
    assert 0 < len(half) < len(whole)
    with pytest.raises(json.JSONDecodeError):
        json.loads(half)
    real.on(Reset.MIDDLE, path=STEADY)
    with pytest.raises((ConnectionError, http.client.IncompleteRead)):
        through.get(STEADY)


@pytest.mark.cluster
def test_the_clock_of_the_server_can_be_off(real: FaultProxy, cluster: Cluster) -> None:
    """Only the Date header changes, by so many seconds."""
    real.on(Clock(-600))
    connection = http.client.HTTPSConnection("127.0.0.1", int(real.url.rpartition(":")[2]), context=_trusting(real))
    connection.request("GET", "/version", headers={"Authorization": f"Bearer {real.token}"})
    response = connection.getresponse()
    response.read()
    connection.close()
    off = parsedate_to_datetime(str(response.headers["Date"])).timestamp() - time.time()
    assert off == pytest.approx(-600, abs=3)


@pytest.mark.cluster
def test_watch_events_arrive_while_the_watch_goes_on(real: FaultProxy) -> None:
    """A chunked watch is passed on event by event, not when it ends."""
    connection = http.client.HTTPSConnection(
        "127.0.0.1", int(real.url.rpartition(":")[2]), context=_trusting(real), timeout=5
    )
    connection.request(
        "GET",
        f"{SPACES}?watch=true&resourceVersion=0&timeoutSeconds=30",
        headers={"Authorization": f"Bearer {real.token}"},
    )
    began = time.monotonic()
    response = connection.getresponse()
    event = json.loads(response.readline())
    response.close()
    connection.close()
    assert event["type"] == "ADDED"
    assert time.monotonic() - began < 5


def _trusting(proxy: FaultProxy) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(proxy.authority.pair.certificate))
