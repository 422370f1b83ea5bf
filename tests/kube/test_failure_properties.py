"""What holds for every text: no crash, no spoofing by names, linear time."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube.failures import Kind, from_answer, from_exception, from_text

unhurried = settings(deadline=None)  # a loaded machine makes single examples slow

STATUS_CODES = st.integers(min_value=300, max_value=599)
NAMES = st.one_of(
    st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?(\.[a-z0-9]{1,10}){0,3}\Z"),
    st.sampled_from(
        [
            "eof",
            "forbidden",
            "unauthorized",
            "not-found",
            "conflict",
            "x509",
            "connection-refused",
            "timeout",
            "service-unavailable",
            "etcdserver",
            "no-such-host",
            "localhost",
            "denied",
            "webhook",
            "ssl.tls.io",
        ]
    ),
)
HOSTS = st.one_of(NAMES, st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(lambda one: f"[{one}]"))
PORTS = st.integers(min_value=1, max_value=65535)
SECONDS = st.integers(min_value=1, max_value=600)

CAUSES = {
    "x509: certificate signed by unknown authority": Kind.CERTIFICATE_ROTATION,
    "tls: failed to verify certificate: x509: certificate has expired or is not yet valid": (Kind.CERTIFICATE_ROTATION),
    "x509: certificate is valid for {name}, not {host}": Kind.PERMANENT_CONFIG,
    "dial tcp {host}:{port}: connect: connection refused": Kind.WEBHOOK_NOT_READY,
    'no endpoints available for service "{name}"': Kind.WEBHOOK_NOT_READY,
    'service "{name}" not found': Kind.WEBHOOK_NOT_READY,
    "EOF": Kind.WEBHOOK_NOT_READY,
    "dial tcp {host}:{port}: i/o timeout": Kind.WEBHOOK_UNREACHABLE,
    "context deadline exceeded": Kind.WEBHOOK_UNREACHABLE,
    "Forbidden": Kind.PERMANENT_CONFIG,
    "something new about {name}": Kind.UNKNOWN,
}


@unhurried
@given(
    STATUS_CODES,
    st.binary(max_size=2000),
    st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=5),
)
def test_arbitrary_answers_never_crash(code: int, body: bytes, headers: dict[str, str]) -> None:
    """Whatever bytes and headers arrive, there is a kind and a printable line."""
    failure = from_answer(code, body, {**headers, "Retry-After": next(iter(headers.values()), "")})
    assert failure.kind in Kind
    assert failure.message.isprintable()
    assert failure.message.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@unhurried
@given(
    STATUS_CODES,
    st.fixed_dictionaries({}, optional=dict.fromkeys(("message", "reason", "details", "code"), JSON)),
    JSON,
)
def test_a_status_with_any_types_in_it_never_crashes(code: int, content: dict[str, object], causes: object) -> None:
    """Fields of a Status may be missing or of a wrong type."""
    for details in (content.get("details"), {"causes": causes, "retryAfterSeconds": content.get("code")}):
        body = json.dumps({"kind": "Status", **content, "details": details}).encode()
        failure = from_answer(code, body, {})
        assert failure.message
        assert from_text(body.decode()).kind in Kind


@unhurried
@given(st.text(max_size=500))
def test_arbitrary_texts_and_exceptions_never_crash(text: str) -> None:
    """Text of any characters, surrogates included, is read and shown."""
    for failure in (
        from_text(text),
        from_exception(OSError(text)),
        from_exception(RuntimeError(OSError(5, text))),
    ):
        assert failure.kind in Kind
        assert failure.message.isprintable()


@pytest.mark.parametrize("cause", CAUSES)
@unhurried
@given(
    name=NAMES,
    service=NAMES,
    host=HOSTS,
    port=PORTS,
    seconds=SECONDS,
    quoted=st.booleans(),
    escaped=st.booleans(),
)
def test_names_hosts_ports_timeouts_and_quoting_never_change_the_verdict(
    cause: str, name: str, service: str, host: str, port: int, seconds: int, quoted: bool, escaped: bool
) -> None:
    """The words of the cause decide, whatever things are called and however the URL is quoted."""
    url = f"https://{service}.{name}.svc:{port}/{name}?timeout={seconds}s"
    said = cause.format(name=name, host=host, port=port)
    text = f'Internal error occurred: failed calling webhook "{name}": failed to call webhook: Post '
    text += f'"{url}": {said}' if quoted else f"{url}: {said}"
    if escaped:
        text = f'"error"="{text.replace(chr(34), chr(92) + chr(34))}"'
    failure = from_text(text)
    assert failure.kind == CAUSES[cause]
    assert failure.webhook == name
    body = json.dumps({"kind": "Status", "message": text, "reason": "InternalError", "code": 500}).encode()
    assert from_answer(500, body, {}).kind == CAUSES[cause]


@unhurried
@given(name=NAMES, host=HOSTS, port=PORTS)
def test_a_name_never_makes_a_refusal_something_to_wait_for(name: str, host: str, port: int) -> None:
    """Denied, forbidden, not found and untrusted stay so for objects and hosts of any name."""
    for text, kind in (
        (f'admission webhook "{name}" denied the request: {name} is not allowed', Kind.DENIED),
        (f'{name}.x "{name}" is forbidden: User "{name}" cannot get resource "{name}"', Kind.FORBIDDEN),
        (f'{name}.x "{name}" not found', Kind.NOT_FOUND),
        (
            f'Get "https://{host}:{port}/": x509: certificate signed by unknown authority',
            Kind.PERMANENT_CONFIG,
        ),
    ):
        assert from_text(text).kind == kind


@pytest.mark.parametrize(
    "unit",
    [
        '"',
        "\\",
        "(",
        "<",
        "[",
        "{",
        "a",
        " ",
        "://",
        "bearer ",
        'failed calling webhook "',
        "failed calling webhook x ",
        "conversion webhook for ",
        "admission webhook ",
        "denied the request ",
        '{"kind":"Status","a":',
        "Post https:// ",
    ],
)
def test_a_megabyte_takes_no_longer_than_its_length(unit: str) -> None:
    """Time grows with the length at most: no pattern backtracks (measured: 15 ms; the bound is generous)."""
    text = unit * (1_000_000 // len(unit))
    body = json.dumps({"kind": "Status", "message": text, "code": 500}).encode()
    began = time.perf_counter()
    from_text(text)
    from_answer(500, text.encode(), {})
    from_answer(500, body, {})
    from_exception(OSError(text))
    assert time.perf_counter() - began < 2.0
