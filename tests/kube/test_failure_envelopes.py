"""The envelope decides and its dress does not: what tools, versions and refusals put around the words that count."""

from __future__ import annotations

import html
import json
import statistics
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kube.failure_table import words_of
from kube.failures import Kind, from_answer, from_text
from tests.kube.test_failure_built_texts import ROWS
from tests.kube.test_failure_causes import TABLES, fastest
from tests.kube.test_failure_properties import CAUSES, HOSTS, NAMES, PORTS, SECONDS

unhurried = settings(deadline=None)  # a loaded machine makes single examples slow

X509 = {
    "x509: certificate signed by unknown authority": Kind.CERTIFICATE_ROTATION,
    'x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying '
    'to verify candidate authority certificate "{name}")': Kind.CERTIFICATE_ROTATION,
    "x509: certificate has expired or is not yet valid: current time 2026-01-02T03:04:05Z is after "
    "2026-01-01T00:00:00Z": Kind.CERTIFICATE_ROTATION,
    "x509: certificate is valid for {name}, not {host}": Kind.PERMANENT_CONFIG,
    "x509: certificate relies on legacy Common Name field, use SANs instead": Kind.PERMANENT_CONFIG,
}
HEADS = (
    "",
    "Internal error occurred: ",
    "Error: INSTALLATION FAILED: failed post-install: Internal error occurred: ",
    'Error from server (InternalError): error when creating "{name}.yaml": Internal error occurred: ',
    "E0102 03:04:05.678901       1 {name}.go:12] Reconciler error: Internal error occurred: ",
    "{name}/{name} dry-run failed, reason: InternalError, error: Internal error occurred: ",
)
CALLS = (
    'failed calling webhook "{name}": ',
    'failed calling admission webhook "{name}": ',
    "conversion webhook for {name}/v1, Kind=Thing failed: ",
)


@unhurried
@given(
    cause=st.sampled_from(sorted(CAUSES) + sorted(X509)),
    head=st.sampled_from(HEADS),
    call=st.sampled_from(CALLS),
    name=NAMES,
    service=NAMES,
    host=HOSTS,
    port=PORTS,
    seconds=SECONDS,
    said=st.booleans(),
    tls=st.booleans(),
    quotes=st.sampled_from(['"', "", "'"]),
    depth=st.integers(min_value=0, max_value=3),
)
def test_no_segment_of_the_envelope_changes_the_verdict(
    cause: str,
    head: str,
    call: str,
    name: str,
    service: str,
    host: str,
    port: int,
    seconds: int,
    said: bool,
    tls: bool,
    quotes: str,
    depth: int,
) -> None:
    """With or without `failed to call webhook:` and `tls:`, quoted or not, in JSON within JSON: the cause decides."""
    url = f"{quotes}https://{service}.{name}.svc:{port}/{name}?timeout={seconds}s{quotes}"
    dress = (head + call).format(name=name) + ("failed to call webhook: " if said else "") + f"Post {url}: "
    if tls and cause in X509:
        dress += "tls: failed to verify certificate: "
    text = dress + cause.format(name=name, host=host, port=port)
    for _ in range(depth):
        text = json.dumps({"level": "error", "error": text})
    assert from_text(text).kind == {**CAUSES, **X509}[cause]


@unhurried
@given(
    cause=st.sampled_from(sorted(X509)),
    before=st.sampled_from(
        [
            "Unable to connect to the server: ",
            'Get "https://{host}:{port}/api?timeout={seconds}s": ',
            "Get https://{host}:{port}/apis/{name}/v1: ",
            'Error: Kubernetes cluster unreachable: Get "https://{host}:{port}/version": ',
            'failed to list *v1.Webhook: Get "https://{host}:{port}/apis/{name}/v1/webhooks": ',
        ]
    ),
    name=NAMES,
    host=HOSTS,
    port=PORTS,
    seconds=SECONDS,
    tls=st.booleans(),
)
def test_distrust_of_the_api_server_itself_is_never_a_window(
    cause: str, before: str, name: str, host: str, port: int, seconds: int, tls: bool
) -> None:
    """The same words without a webhook's envelope are a wrong kubeconfig, whatever host, port and path are called."""
    text = before.format(name=name, host=host, port=port, seconds=seconds)
    text += ("tls: failed to verify certificate: " if tls else "") + cause.format(name=name, host=host, port=port)
    assert from_text(text).kind == Kind.PERMANENT_CONFIG


def wrapped(text: str) -> str:
    """In lines of a terminal, as kubectl describe and YAML break them."""
    return "\n      ".join(textwrap.wrap(text, 70, break_on_hyphens=False, break_long_words=False))


DRESSES: dict[str, Callable[[str], str]] = {
    "html": html.escape,
    "wrapped": wrapped,
    "full stop": "{}.".format,
    "cut short": "{}...".format,
    "requeue": "{}, requeuing".format,
    "markdown": "> `{}`".format,
    "bold": "**{}**".format,
    "parentheses": "(message: {})".format,
    "typographic": lambda text: text.replace('"', "”"),
    "no-break": lambda text: text.replace(" ", "\u00a0"),
    "windows": "{}\r\n".format,
    "grpc": "rpc error: code = Unknown desc = {}".format,
    "logfmt": lambda text: f"ts=2026 lvl=error err={json.dumps(text)} n=3",
}


@pytest.mark.parametrize("dress", DRESSES)
def test_how_a_text_was_copied_changes_nothing(dress: str) -> None:
    """Out of a terminal, a log, a forum, a page or a chat, the text means the same."""
    texts = [" ".join(row.text.split()) for row in ROWS]
    changed = {
        text: str(kind) for text in texts if (kind := from_text(DRESSES[dress](text)).kind) != from_text(text).kind
    }
    assert changed == {}


REFUSALS = (
    ('admission webhook "a.b" denied the request: {}', 403, "Forbidden"),
    ("pods \"p\" is forbidden: ValidatingAdmissionPolicy 'p.q' with binding 'b' denied request: {}", 422, "Invalid"),
    ('Pod "p" is invalid: metadata.annotations: Invalid value: "{}": must be short', 422, "Invalid"),
)
OF_THE_SERVER = ("the server is currently unable to handle the request", "etcdserver: request timed out")
"""What a refusal passes on because the API server said it to the policy engine: that ends by itself."""


@pytest.mark.parametrize("refusal", REFUSALS, ids=["webhook", "policy", "invalid"])
def test_what_a_refusal_quotes_never_makes_it_worth_waiting(refusal: tuple[str, int, str]) -> None:
    """A denial that tells of x509 or refused connections, and an object that holds such words, stay refused."""
    form, code, reason = refusal
    tried = 0
    for row in ROWS:
        if not row.retry or any(one in row.text for one in OF_THE_SERVER):
            continue
        tried += 1
        text = form.format(" ".join(row.text.split()))
        status = {"kind": "Status", "message": text, "reason": reason, "code": code}
        for failure in (
            from_text(text),
            from_text(f'Error from server ({reason}): error when creating "x.yaml": {text}'),
            from_text(json.dumps({"level": "error", "error": text})),
            from_answer(code, json.dumps(status).encode(), {}),
        ):
            assert not failure.retry, text
    assert tried > 100


def kilobyte(text: str) -> str:
    """A message of 1024 characters: with words after it, or cut."""
    return (" ".join(text.split()) + " and then some more words of a log that follow it" * 25)[:1024]


def test_a_kilobyte_takes_microseconds_whatever_it_says() -> None:
    """At the median of all known texts under 50 microseconds, or a dozen times what cutting into words takes."""
    held_out = yaml.safe_load((Path(__file__).parent / "held_out.yaml").read_text(encoding="utf-8"))
    texts = [kilobyte(text) for text in [row.text for row in ROWS] + [row["message"] for row in held_out]]
    times = [fastest(from_text, text, rounds=5, calls=4) for text in texts]
    cutting = statistics.median(fastest(words_of, text, rounds=5, calls=4) for text in texts)
    assert statistics.median(times) < max(50e-6, 12 * cutting)
    assert max(times) < max(1e-3, 100 * cutting)


UNITS = [
    *sorted({needle for rules in TABLES.values() for rule in rules for needle in rule.says}),
    '"',
    "\\",
    "://a@",
    'key="',
    "password=",
    "token: ",
    "localhost:8080 ",
    '"a" is invalid: ',
    "Post https:// ",
    'Head "https://a/v2/ ',
    "https://a/index.yaml ",
    "upgrade failed: ",
    "a/v1: ",
    "v1.a failed with: ",
    "unable to handle the request (a b.",
    "authentication handshake failed: ",
    "an error occurred (expired",
    'no matches for kind "',
]


@unhurried
@given(st.lists(st.sampled_from(UNITS), min_size=1, max_size=3))
def test_no_repetition_makes_a_pattern_search_twice(units: list[str]) -> None:
    """The longest text that is read whole, of any needles over and over, costs milliseconds (measured: 8 at most)."""
    text = "".join(units)
    text = (text * (8000 // len(text) + 1))[:8000]
    assert fastest(from_text, text, rounds=3, calls=1) < max(0.04, 500 * fastest(words_of, text, rounds=3, calls=1))


def test_ten_times_the_length_is_ten_times_the_time() -> None:
    """Up to a megabyte, which is more than what is looked at."""

    def seconds(length: int) -> float:
        text = (ROWS[0].text + " ") * (length // (len(ROWS[0].text) + 1) + 1)
        best = float("inf")
        for _ in range(5):
            began = time.perf_counter()
            from_text(text)
            best = min(best, time.perf_counter() - began)
        return best

    assert seconds(1_000_000) < 30 * seconds(100_000) + 0.01
