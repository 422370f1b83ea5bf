"""Failures found in messages and logs: what counts as one, what belongs together, and what is told of it."""

from __future__ import annotations

import io
import json
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube.explain import MOST_FINDINGS, Explanation, explain_log, explain_message
from kube.explain_input import lines_of
from kube.explain_records import LONGEST, may_fail
from kube.explain_story import story
from kube.failure_table import Rule
from kube.failure_tools import QUOTED
from kube.failure_webhooks import WEBHOOK

CALL = (
    'Internal error occurred: failed calling webhook "check.example.org": failed to call webhook: '
    'Post "https://check.tools.svc:443/validate?timeout=10s": '
)
REFUSED = f"{CALL}dial tcp 10.0.0.7:443: connect: connection refused"
STATUS = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": 'pods "p" is forbidden: exceeded quota: q',
    "reason": "Forbidden",
    "code": 403,
}


def log(text: str) -> Explanation:
    return explain_log(text.splitlines(keepends=True))


def found(text: str) -> list[tuple[str, int]]:
    """Kind and count of each finding in a log."""
    return [(str(one.failure.kind), one.count) for one in log(text).findings]


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        # levels
        (f'E1121 10:00:01.1 1 a.go:1] "x" err={json.dumps(REFUSED)}', [("webhook-not-ready", 1)]),
        ("I1121 10:00:01.1 1 a.go:1] failed to find the cache, making it\nx", []),
        ("E1121 10:00:01.1 1 a.go:1] failed to find the cache\nx", [("unknown", 1)]),
        ('time="2026-01-02T03:04:05Z" level=error msg="no idea"\nx', [("unknown", 1)]),
        ('time="2026-01-02T03:04:05Z" level=info msg="error: no idea"\nx', []),
        ("2026-01-02 03:04:05 ERROR [main] no idea, exception\nx", [("unknown", 1)]),
        ("2026-01-02T03:04:05Z\tERROR\tsetup\tproblem: timeout of something\t{}\nx", [("unknown", 1)]),
        (
            "W1121 10:00:01.1 1 a.go:1] Waited for 3s due to client-side throttling, request: x\ny",
            [("rate-limited", 1)],
        ),
        # lines without a level
        ("Error: something new\nx", [("unknown", 1)]),
        ("✗ failed to do it\nx", [("unknown", 1)]),
        ("0 errors, no failures, error: null, failed=0\nx", []),
        ("creating things, failurePolicy: Fail\nx", []),
        ("Error from server (NotFound): x\npod/a created", [("not-found", 1)]),
        # JSON
        ('{"level":"info","msg":"error budget is fine"}\nx', []),
        (
            '{"level":50,"msg":"oh","err":{"message":"etcdserver: leader changed","stack":"x"}}\nx',
            [("api-unavailable", 1)],
        ),
        (
            '{"level":"error","msg":"Reconciler error","error":"etcdserver: leader changed"}\nx',
            [("api-unavailable", 1)],
        ),
        ('{"level":50,"msg":"timeout of something"}\nx', [("unknown", 1)]),
        (
            json.dumps({"log": f"E1121 10:00:01.1 1 a.go:1] {REFUSED}\n", "stream": "stderr"}),
            [("webhook-not-ready", 1)],
        ),
        (json.dumps(STATUS), [("denied", 1)]),
        (json.dumps(STATUS, indent=2) + "\n" + json.dumps(STATUS, indent=4), [("denied", 2)]),
        (json.dumps({"kind": "Event", "stage": "ResponseComplete", "responseStatus": STATUS}), [("denied", 1)]),
        (
            json.dumps({"kind": "List", "items": [{"type": "Warning", "reason": "FailedCreate", "message": REFUSED}]}),
            [("webhook-not-ready", 1)],
        ),
        (
            '{"broken": "json, error: x\n{"level":"error","error":"etcdserver: leader changed"}',
            [("unknown", 1), ("api-unavailable", 1)],
        ),
        # YAML
        (
            "apiVersion: v1\ncode: 403\nkind: Status\nmessage: 'pods \"p\" is forbidden:\n  exceeded quota: q'\n"
            "reason: Forbidden\nstatus: Failure\n---\nkind: Pod\n",
            [("denied", 1)],
        ),
        (
            "conditions:\n- message: >-\n    Internal error occurred: failed calling webhook\n"
            '    "check.example.org": failed to call webhook: Post\n    "https://a.b.svc:443/c?timeout=1s": EOF\n'
            "  reason: FailedCreate\n",
            [("webhook-not-ready", 1)],
        ),
        ("kind: Status\nstatus: Success\nmessage: error of nothing\nx", []),
        # wrapped
        (
            'Get "https://x/version?timeout=32s\n":\ndial tcp 10.1.2.3:443: i/o timeout: failed to get it\nx',
            [("api-unavailable", 1)],
        ),
        (
            "Error: 2 errors occurred:\n\t* " + REFUSED + "\n\t* etcdserver: leader changed\n",
            [("webhook-not-ready", 1), ("api-unavailable", 1)],
        ),
        (
            'Error from server: admission webhook "v.k" denied the request:\n\nresource Pod/a was blocked due to the '
            "following policies\n\nrule:\n  r: 'validation error: no\n    more'\npod/b created",
            [("denied", 1)],
        ),
        (
            'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    raise ApiException(x)\n'
            "kubernetes.client.exceptions.ApiException: (409)\nReason: Conflict\nHTTP response headers: {}\n"
            'HTTP response body: {"kind":"Status","status":"Failure","message":"x","reason":"AlreadyExists"}',
            [("already-exists", 1)],
        ),
        # what a tool or the kubelet says without a reason
        (
            "Error: INSTALLATION FAILED: failed post-install: 1 error occurred:\n"
            "\t* timed out waiting for the condition\n\n\n"
            "helm.go:84: [debug] failed post-install: 1 error occurred:\n\t* timed out waiting for the condition\n",
            [("unknown", 2)],
        ),
        (
            "LAST SEEN TYPE REASON OBJECT MESSAGE\n1m Warning BackOff pod/w-0 Back-off restarting failed container w\n"
            "1m Warning FailedScheduling pod/d-0 0/1 nodes are available: 1 Insufficient memory.\n"
            "NAME READY STATUS\nweb-1   0/1   ImagePullBackOff   0   1m\nweb-2   1/1   Running   0   1m\n",
            [("unknown", 1), ("unknown", 1), ("unknown", 1)],
        ),
        ("I1121 10:00:01.1 1 a.go:1] http: TLS handshake error from 10.0.0.1:1: EOF\nx", []),
        # that a program ended is a consequence, unless nothing else is told
        ("etcdserver: leader changed\nError: Process completed with exit code 1.", [("api-unavailable", 1)]),
        ("x\n##[error]Process completed with exit code 1.", []),
        ("x\nError: failed to pull: exit status 1", [("unknown", 1)]),
        ("error: command terminated with exit code 137", [("unknown", 1)]),
        # one line
        ("no idea what this is", [("unknown", 1)]),
        ("issuer.cert-manager.io/x created", []),
        ("No resources found in default namespace.", []),
        ("the widget could not be created: bad frobnicator", [("unknown", 1)]),
        ("", []),
        ("\n  \n", []),
    ],
)
def test_a_log_holds_the_failures_that_it_tells(text: str, findings: list[tuple[str, int]]) -> None:
    """What is recognised counts; what is not, where the log calls it an error; everything else is passed over."""
    assert found(text) == findings


@pytest.mark.parametrize("rules", [QUOTED, WEBHOOK], ids=["quoted", "webhook"])
def test_no_line_that_a_rule_knows_is_passed_over(rules: tuple[Rule, ...]) -> None:
    """The quick look at a line lets through whatever any rule looks for."""
    assert [needle for rule in rules for needle in rule.says if not may_fail(f"zzz {needle} zzz")] == []


def test_repeats_are_counted_in_the_order_of_their_first_appearance() -> None:
    """Times and numbers do not make another failure; another webhook does."""
    other = REFUSED.replace("check.example.org", "other.example.org")
    text = "\n".join(
        [
            f"E1121 10:00:0{second}.1 1 a.go:1] {what}"
            for second, what in enumerate([REFUSED, other, "new thing 1 failed", REFUSED, "new thing 2 failed"])
        ]
    )
    findings = log(text).findings
    assert [(one.count, one.line, one.last) for one in findings] == [(2, 1, 4), (1, 2, 2), (2, 3, 5)]
    assert [one.failure.webhook for one in findings] == ["check.example.org", "other.example.org", ""]


def test_a_message_is_a_failure_whatever_it_says() -> None:
    """Who gives one message has a failure; a log given as a message is a log."""
    assert [str(one.failure.kind) for one in explain_message("hm").findings] == ["unknown"]
    assert explain_message("hm").exit_code == 9
    assert explain_message(REFUSED).exit_code == 0
    assert len(explain_message(f"{REFUSED}\nError from server: etcdserver: leader changed").findings) == 2
    whole = explain_message(f"something about\na thing named x\nand {'more ' * 10}").findings
    assert [one.failure.message.startswith("something about a thing named x and") for one in whole] == [True]


def test_the_document_has_what_scripts_need() -> None:
    """Kind, retry, cause, hint, evidence, count, between and webhook of each finding, as JSON types."""
    document = log(f"{REFUSED}\n{REFUSED}").document()
    (finding,) = json.loads(json.dumps(document))["findings"]
    assert finding["kind"] == "webhook-not-ready"
    assert (finding["retry"], finding["recognised"], finding["count"]) == (True, True, 2)
    assert finding["evidence"] == "connection refused"
    assert finding["between"] == "API server -> webhook check.example.org"
    assert finding["webhook"] == "check.example.org"
    assert finding["cause"].startswith("Nothing listens")
    assert "kubectl" in finding["hint"]
    assert document["recognised"] is True
    assert document["lines"] == 2


def test_the_story_is_readable() -> None:
    """Numbered findings with what was said, why, whether waiting helps and what to do; commands in one piece."""
    text = story(log(f"{REFUSED}\nError: what\n{REFUSED}"))
    assert text.startswith("1. webhook-not-ready, 2 times, lines 1 to 3\n   said      Internal error")
    assert "\n   between   API server -> webhook check.example.org\n" in text
    assert "\n   waiting   helps: until the webhook's pods are ready" in text
    assert "frit cannot tell whether it helps" in text
    assert text.endswith("2 failures, 3 times in all, 1 not recognised")
    assert all(len(line) <= 112 for line in text.splitlines() if "kubectl" not in line)
    assert story(log("x\ny")) == "no failure found in 2 lines"


SECRET = "hunter2-hunter2-hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"error: login failed: password={SECRET}",
        f'error: {{"password": "{SECRET}", "user": "x"}} failed',
        f'E1121 10:00:01.1 1 a.go:1] "x" err="failed with token=\\"{SECRET}\\""',
        f"error: curl -H 'Authorization: Bearer {SECRET}' failed",
        f"error: Authorization: Basic {SECRET} failed",
        f"error: failed to clone https://me:{SECRET}@example.org/x",
        f"error: client-key-data: {SECRET} failed",
        f"error: AWS_SECRET_ACCESS_KEY={SECRET} failed",
        f"error: --token={SECRET} failed",
        f"error: clientSecret: {SECRET} failed",
        "error: failed: eyJhbGciOiJSUzI1NiJ9.hunter2aGVsbG8.hunter2c2ln",
        f"error: failed -----BEGIN RSA PRIVATE KEY----- {SECRET} -----END RSA PRIVATE KEY-----",
        json.dumps({"level": "error", "error": f"failed: api_key={SECRET}"}),
    ],
)
def test_secrets_of_a_log_are_not_told(text: str) -> None:
    """Neither people nor scripts get to see what a log should not have held."""
    explanation = log(f"{text}\n{REFUSED}")
    assert len(explanation.findings) == 2
    told = story(explanation) + json.dumps(explanation.document())
    assert "hunter2" not in told
    assert "hidden" in told


@pytest.mark.parametrize("words", ["invalid token: expired", "token is expired", "must specify a password"])
def test_sentences_about_secrets_stay(words: str) -> None:
    """A message that speaks of tokens is not a token."""
    assert words in story(explain_message(f"error: {words}"))


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_arbitrary_bytes_never_crash(data: bytes) -> None:
    """Whatever is piped in, there is an answer that can be printed."""
    for raw in (data, b"\xff\xfe" + data, data + b"\nerror: " + data):
        explanation = explain_log(lines_of(io.BytesIO(raw)))
        assert explanation.exit_code in (0, 9)
        assert story(explanation)
        json.dumps(explanation.document())


PIECES = ["{", "}", "[", '{"kind":"Status",', "kind: Status\n", "message: >-\n", "  ", '"', "error: ", ":\n", "\n", "x"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_blocks_that_never_end_or_mean_nothing_never_crash(pieces: list[str]) -> None:
    """Braces, YAML keys and quotes in any order are read to the end, and every line is counted."""
    text = "".join(pieces)
    assert log(text).lines == len(text.splitlines())


@pytest.mark.parametrize(
    "unit", ["error: x {\n", "{\n", "kind: Status\n", "kind: x\n  - a: b\n", 'error "\n', "error:\n\n"]
)
def test_time_grows_with_the_length_of_a_log(unit: str) -> None:
    """Ten times the lines take about ten times the time, also where no block ever ends."""

    def seconds(lines: int) -> float:
        text = [f"{line}\n" for line in (unit * lines).splitlines()]
        best = float("inf")
        for _ in range(3):
            began = time.perf_counter()
            explain_log(text)
            best = min(best, time.perf_counter() - began)
        return best

    assert seconds(5000) < 30 * seconds(500) + 0.05


def test_memory_does_not_grow_with_the_length_of_a_log() -> None:
    """Only distinct failures are kept, only so many of them, and lines without end are cut."""

    def much() -> Iterator[str]:
        for number in range(20_000):
            yield f"error: {chr(97 + number % 26)}{chr(97 + number // 26 % 26)}{chr(97 + number // 676)} is new\n"
        for _ in range(20):
            yield "error: " + "y" * LONGEST

    tracemalloc.start()
    explanation = explain_log(much())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(explanation.findings) == MOST_FINDINGS
    assert explanation.more > 10_000
    assert not explanation.recognised
    assert peak < 40 * LONGEST


def test_lines_are_read_whatever_their_encoding() -> None:
    """UTF-8 with and without a mark, UTF-16 as PowerShell writes it, Windows line ends, colours."""
    for raw in (
        REFUSED.encode(),
        b"\xef\xbb\xbf" + REFUSED.encode(),
        f"{REFUSED}\r\n".encode("utf-16"),
        f"\x1b[31mError:\x1b[0m {REFUSED}\r\n".encode(),
    ):
        (finding,) = explain_log(lines_of(io.BytesIO(raw))).findings
        assert finding.failure.webhook == "check.example.org"
