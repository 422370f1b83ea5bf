"""A bootstrap of the real cluster while the way to it fails: it ends well where waiting helps, else at once."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from base import exits
from tests.cluster import Cluster, pki
from tests.conftest import Kubectl
from tests.faults import rules
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Clock, Fault, Reset, Says, Truncated
from tests.running import Ran, frit, interrupt, start

pytestmark = pytest.mark.cluster

OBJECTS = 47 + 4 + 1
WRITES = "PATCH"


@pytest.fixture
def proxy(cluster: Cluster, tmp_path: Path) -> Iterator[FaultProxy]:
    with FaultProxy(tmp_path, cluster.kubeconfig) as running:
        yield running


Through = Callable[..., Ran]


@pytest.fixture
def through(proxy: FaultProxy, manifest_url: str, tmp_path: Path) -> Through:
    """Runs `frit bootstrap` through the proxy, with a report."""

    def run(*arguments: str, kubeconfig: Path | None = None) -> Ran:
        source = ("--cert-manager-manifest", manifest_url, "--report", str(tmp_path / "report.json"))
        return frit("bootstrap", *source, *arguments, kubeconfig=kubeconfig or proxy.kubeconfig)

    return run


def sprinkled(proxy: FaultProxy, *faults: Fault, every: int, method: str) -> None:
    """Let faults happen in turn to single requests of a whole bootstrap, one in `every`."""
    for number in range(60 // every):
        proxy.on(faults[number % len(faults)], after=number * (every - 1) + 1, method=method)


def met(ran: Ran) -> dict[str, int]:
    """How often the report has each kind of failure, but for those that every bootstrap meets at the webhook."""
    counted: dict[str, int] = {}
    for one in ran.report["failures"]:
        counted[one["kind"]] = counted.get(one["kind"], 0) + one["count"]
    return {kind: count for kind, count in counted.items() if kind not in ("webhook-not-ready", "certificate-rotation")}


def assert_ended_well(ran: Ran, kubectl: Kubectl) -> None:
    """Everything was created once: counted so, running in its first revision, and in place for kubectl too."""
    assert ran.code == 0, ran.stderr
    assert ran.changes() == {"created": OBJECTS}
    deployments = kubectl.json("get", "deployments", "-n", "cert-manager")["items"]
    assert [one["metadata"]["generation"] for one in deployments] == [1, 1, 1]
    assert len(kubectl.json("get", "replicasets", "-n", "cert-manager")["items"]) == 3
    assert len(kubectl.json("get", "packagerepositories")["items"]) == 1
    valid = '{"apiVersion":"cert-manager.io/v1","kind":"Issuer","metadata":{"name":"i"},"spec":{"selfSigned":{}}}'
    assert "created" in kubectl("create", "--dry-run=server", "-f", "-", stdin=valid)


def test_every_request_carries_the_token(
    fresh_cluster: Cluster, proxy: FaultProxy, through: Through, kubectl: Kubectl
) -> None:
    """A whole bootstrap, watches and probes on new connections included, is authenticated and says who it is."""
    ran = through()
    assert_ended_well(ran, kubectl)
    assert {one.headers.get("authorization") for one in proxy.seen} == {f"Bearer {proxy.token}"}
    assert {one.headers["user-agent"].partition("/")[0] for one in proxy.seen} == {"frit"}
    assert any(one.query.get("watch") == "true" for one in proxy.seen)


def test_a_throttled_server_is_waited_for(
    fresh_cluster: Cluster, proxy: FaultProxy, through: Through, kubectl: Kubectl
) -> None:
    """429 in plain text, for everything at first and for single writes later: the server's Retry-After is kept."""
    storm = proxy.on(rules.throttled(1), times=None, seconds=2.5)
    sprinkled(proxy, rules.throttled(1, as_date=True), every=8, method=WRITES)
    ran = through()
    assert_ended_well(ran, kubectl)
    assert storm.hits <= 4  # a second apart, not as fast as possible
    assert met(ran) == {"rate-limited": sum(rule.hits for rule in proxy.rules)}
    assert "rate-limited, trying again: Too many requests, please try again later." in ran.stderr


def test_an_outage_of_some_seconds_is_waited_out(
    fresh_cluster: Cluster, proxy: FaultProxy, through: Through, kubectl: Kubectl
) -> None:
    """503 for everything in the beginning, and again for every write in the middle."""
    first = proxy.on(rules.UNAVAILABLE, times=None, seconds=2)
    second = proxy.on(rules.LEADER_CHANGED, method=WRITES, after=20, times=None, seconds=2)
    ran = through()
    assert_ended_well(ran, kubectl)
    assert met(ran) == {"api-unavailable": first.hits + second.hits}
    assert second.hits > 1


def test_writes_that_break_are_repeated_and_nothing_is_doubled(
    fresh_cluster: Cluster, proxy: FaultProxy, through: Through, kubectl: Kubectl
) -> None:
    """Every third write is lost, or its answer is: each object is created once and counted once."""
    sprinkled(proxy, Reset.BEFORE, Reset.MIDDLE, Reset.AFTER, Truncated(), every=3, method=WRITES)
    ran = through()
    assert_ended_well(ran, kubectl)
    hits = sum(rule.hits for rule in proxy.rules)
    assert hits >= 15
    assert met(ran) == {"api-unavailable": hits}
    again = through()
    assert "nothing had to be changed" in again.stdout


def test_reads_that_break_are_repeated(
    fresh_cluster: Cluster, proxy: FaultProxy, through: Through, kubectl: Kubectl
) -> None:
    """A question that fails once in preflight, in a watch or in a proof does not end a bootstrap."""
    sprinkled(proxy, rules.throttled(1), rules.UNAVAILABLE, Reset.MIDDLE, Truncated(), every=4, method="GET|POST")
    ran = through()
    assert_ended_well(ran, kubectl)
    assert set(met(ran)) == {"rate-limited", "api-unavailable"}


@pytest.mark.parametrize(
    "page", [rules.LOGIN_PAGE, Says(200, rules.LOGIN_PAGE.body, "text/html")], ids=["refused", "login page"]
)
def test_a_proxy_that_answers_itself_ends_it_at_once(proxy: FaultProxy, through: Through, page: Says) -> None:
    """HTML is no API server's word, whatever its status: one request, its text in the message, exit 4."""
    proxy.on(page, times=None)
    ran = through()
    assert ran.code == exits.UNREACHABLE, ran.stderr
    assert "The web proxy of Example Corp does not allow this address." in ran.stderr
    assert "NO_PROXY" in ran.stderr
    assert "<" not in ran.stderr
    assert len(proxy.seen) == 1
    assert ran.seconds < 5
    assert ran.report["outcome"] == "failed"


def test_an_authority_that_is_wrong_ends_it_at_once(proxy: FaultProxy, through: Through, tmp_path: Path) -> None:
    """Waiting cannot make a certificate trusted: no retry, no request, exit 4, and what to do."""
    other = pki.Authority(tmp_path / "other").pair.certificate
    ran = through(kubeconfig=proxy.write_kubeconfig("wrong-authority", authority=other))
    assert ran.code == exits.UNREACHABLE, ran.stderr
    assert "certificate" in ran.stderr
    assert "kubeconfig" in ran.stderr
    assert "trying again" not in ran.stderr
    assert proxy.handshakes_refused == 1
    assert not proxy.seen
    assert ran.seconds < 5


def test_credentials_that_are_not_accepted_end_it_at_once(proxy: FaultProxy, through: Through) -> None:
    """401 is one request and exit 4; the token stands nowhere."""
    ran = through(kubeconfig=proxy.write_kubeconfig("stranger", token="strangers-token"))
    assert ran.code == exits.UNREACHABLE, ran.stderr
    assert "Unauthorized" in ran.stderr
    assert "strangers-token" not in ran.stderr + ran.stdout + str(ran.report)
    assert len(proxy.seen) == 1


def test_a_pause_of_an_hour_is_cut_by_the_end(proxy: FaultProxy, through: Through) -> None:
    """A server that asks for an hour is asked once more, shortly before the end; the run ends with its words."""
    proxy.on(rules.throttled(3600), times=None)
    ran = through("--timeout", "6s")
    assert ran.code == exits.NOT_READY, ran.stderr
    assert "Too many requests" in ran.stderr
    assert "2 attempts in " in ran.stderr
    assert len(proxy.seen) == 2
    assert 4 < ran.seconds < 10


def test_a_clock_that_is_off_is_told(fresh_cluster: Cluster, proxy: FaultProxy, through: Through) -> None:
    """Certificates depend on clocks: a difference of minutes is a warning, and no reason to stop."""
    proxy.on(Clock(-600), times=None)
    ran = through("--dry-run")
    assert ran.code == 0, ran.stderr
    assert "the API server's clock is 10 m 0" in ran.stderr
    assert "behind this machine's" in ran.stderr


def test_a_signal_during_a_pause_ends_it_within_a_second(proxy: FaultProxy, tmp_path: Path) -> None:
    """Ctrl-C while frit waits as the server asked: it ends at once, with a report."""
    waiting = proxy.on(rules.throttled(10), times=None)
    report = tmp_path / "interrupted.json"
    process = start("bootstrap", "--report", str(report), kubeconfig=proxy.kubeconfig)
    until = time.monotonic() + 20
    while not waiting.hits:
        assert time.monotonic() < until
        time.sleep(0.02)  # until the first request was refused
    time.sleep(0.3)  # and the pause has begun
    ran = interrupt(process, signal.SIGINT, report)
    assert ran.code == exits.INTERRUPTED
    assert ran.seconds < 1
    assert ran.report["outcome"] == "interrupted"


CALL = 'Internal error occurred: failed calling webhook "webhook.cert-manager.io": failed to call webhook: Post '
OPEN = rules.status(
    500,
    "InternalError",
    CALL + '"https://cert-manager-webhook.cert-manager.svc:443/validate?timeout=2s": tls: failed to verify '
    "certificate: x509: certificate signed by unknown authority",
)
"""What an API server says while the window of cert-manager's webhook is open."""

DENIED = rules.status(403, "Forbidden", 'admission webhook "policy.example.com" denied the request: not on Saturdays')
PROBES = "/(issuers|certificaterequests)"


def test_a_refusal_ends_the_proof_beside_it(fresh_cluster: Cluster, proxy: FaultProxy, through: Through) -> None:
    """A repository is refused while the webhook's window is open: exit 5 now, and not after the proof's three minutes.

    The account says that the proof was broken off, and names the policy.
    """
    proxy.on(OPEN, method="POST", path=PROBES, times=None)
    proxy.on(DENIED, method=WRITES, path="/packagerepositories/", times=None)
    ran = through()
    assert ran.code == exits.REFUSED, ran.stderr
    assert "could not apply PackageRepository glasskube" in ran.stderr
    assert "not on Saturdays" in ran.stderr
    assert ran.stage("webhook")["outcome"] == "interrupted"
    assert ran.seconds < 40


def test_a_refused_probe_ends_what_is_repeated_beside_it(
    fresh_cluster: Cluster, proxy: FaultProxy, through: Through
) -> None:
    """The probe is refused for good while a repository waits for a server that is away: exit 5, with the refusal."""
    proxy.on(OPEN, method="POST", path=PROBES, times=12)  # until the repositories are tried
    proxy.on(DENIED, method="POST", path=PROBES, times=None)
    proxy.on(rules.UNAVAILABLE, method=WRITES, path="/packagerepositories/", times=None)
    ran = through()
    assert ran.code == exits.REFUSED, ran.stderr
    assert "could not prove the webhook" in ran.stderr
    assert ran.stage("repositories")["outcome"] == "interrupted"
    assert ran.seconds < 40


def test_a_refusal_in_the_background_is_told(fresh_cluster: Cluster, proxy: FaultProxy, through: Through) -> None:
    """The webhook's Service, applied beside the rest, is refused while definitions are repeated: that is the failure.

    The next run completes the work.
    """
    proxy.on(DENIED, method=WRITES, path="/services/cert-manager-webhook", times=None)
    proxy.on(rules.UNAVAILABLE, method=WRITES, path="/customresourcedefinitions/", times=None)
    ran = through()
    assert ran.code == exits.REFUSED, ran.stderr
    assert "could not apply Service cert-manager/cert-manager-webhook" in ran.stderr
    assert ran.stage("cert-manager")["outcome"] == "failed"
    assert ran.seconds < 40
    proxy.rules.clear()
    assert through().code == exits.OK


def test_a_server_that_goes_away_during_the_proof_is_exit_4(
    fresh_cluster: Cluster, proxy: FaultProxy, through: Through
) -> None:
    """Nobody answers until the stage's limit: that is what is told, and not that cert-manager is not ready."""
    proxy.on(Reset.BEFORE, method="GET", path="/namespaces/cert-manager/deployments", times=None)
    ran = through("--stage-timeout", "webhook=8s")
    assert ran.code == exits.UNREACHABLE, ran.stderr
    assert "could not look at the webhook" in ran.stderr
    assert "goes on where this one ended" in ran.stderr


def test_a_window_that_stays_open_is_told(fresh_cluster: Cluster, proxy: FaultProxy, through: Through) -> None:
    """The kind gets a line once it is no beginning any more; the end is exit 7, with the number of attempts."""
    proxy.on(OPEN, method="POST", path=PROBES, times=None)
    ran = through("--stage-timeout", "webhook=8s")
    assert ran.code == exits.CERTIFICATE_WINDOW, ran.stderr
    told = [line for line in ran.stderr.splitlines() if "the webhook: certificate-rotation: " in line]
    assert len(told) == 1
    assert re.search(r"error: the webhook's certificate was not trusted after \S+ s \(\d+ attempts\): ", ran.stderr)
    attempts = [one for one in ran.stage("webhook")["attempts"] if one["kind"] == "certificate-rotation"]
    assert len(attempts) > 5
    assert all(one["cause"] == one["message"] and one["after"] > 0 for one in attempts)
