"""Answers, exceptions and errors as `Failure`s: what is read, what is shown, what is retried."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from base.errors import FritError
from kube.failures import ApiError, Failure, Kind, from_answer, from_exception, from_text, judge

CALL = (
    'Internal error occurred: failed calling webhook "check.example.org": failed to call webhook: '
    'Post "https://check.tools.svc:443/validate?timeout=10s": '
)


def status(message: str, reason: str, code: int, **details: Any) -> bytes:
    """A Status as an API server writes it."""
    return json.dumps(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details,
            "code": code,
        }
    ).encode()


@pytest.mark.parametrize(
    ("code", "reason", "message", "kind"),
    [
        (401, "Unauthorized", "Unauthorized", "unauthenticated"),
        (403, "Forbidden", 'nodes is forbidden: User "u" cannot list resource "nodes"', "forbidden"),
        (403, "Forbidden", "words of an authorizer", "forbidden"),
        (404, "NotFound", 'secrets "x509: " not found', "not-found"),
        (404, "NotFound", 'namespaces "n" not found', "not-found"),
        (404, "NotFound", "the server could not find the requested resource", "crd-not-established"),
        (
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
            "invalid",
        ),
        (
            405,
            "MethodNotAllowed",
            "create not allowed while custom resource definition is terminating",
            "terminating",
        ),
        (409, "AlreadyExists", "words of an aggregated server", "already-exists"),
        (409, "Conflict", "words of an aggregated server", "conflict"),
        (410, "Expired", "too old resource version: 1 (2)", "conflict"),
        (413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728", "invalid"),
        (415, "UnsupportedMediaType", "the body of the request was in an unknown format", "invalid"),
        (422, "Invalid", 'Issuer.cert-manager.io "i" is invalid: spec: Required value', "invalid"),
        (429, "TooManyRequests", "storage is (re)initializing", "crd-not-established"),
        (429, "TooManyRequests", "Cannot evict pod", "rate-limited"),
        (500, "InternalError", "Internal error occurred: words that nobody has seen", "unknown"),
        (500, "", "etcdserver: leader changed", "api-unavailable"),
        (500, "", "etcdserver: mvcc: database space exceeded", "permanent-config"),
        (
            500,
            "ServerTimeout",
            "The POST operation against a could not be completed at this time",
            "api-unavailable",
        ),
        (500, "InternalError", CALL + "EOF", "webhook-not-ready"),
        (
            500,
            "",
            'conversion webhook for a/v1, Kind=B failed: Post "https://s.n.svc:443/c": EOF',
            "webhook-not-ready",
        ),
        (
            503,
            "ServiceUnavailable",
            "error trying to reach service: x509: certificate signed by unknown authority",
            "api-unavailable",
        ),
        (504, "Timeout", "Timeout: request did not complete within the allotted timeout", "api-unavailable"),
        (403, "Forbidden", 'admission webhook "a.b" denied the request: no', "denied"),
        (400, "", 'admission webhook "a.b" denied the request: no', "denied"),
        (500, "", 'admission webhook "a.b" denied the request: no', "denied"),
        (429, "", 'admission webhook "a.b" denied the request: no', "denied"),
    ],
)
def test_a_status_has_the_kind_that_its_code_reason_and_words_mean(
    code: int, reason: str, message: str, kind: str
) -> None:
    """The server's Status decides; the code alone never turns a refusal into something to wait for."""
    failure = from_answer(code, status(message, reason, code), {})
    assert failure.kind == kind
    assert (failure.status, failure.reason, failure.message) == (code, reason, message)


@pytest.mark.parametrize(
    ("code", "body", "kind"),
    [
        (429, b"Too many requests, please try again later.\n", "rate-limited"),
        (404, b"404 page not found\n", "crd-not-established"),
        (500, b"This request caused apiserver to panic. Look in the logs for details.", "api-unavailable"),
        (500, b"", "api-unavailable"),
        (503, b"no healthy upstream", "api-unavailable"),
        (502, b"<html><head><title>502 Bad Gateway</title></head></html>", "api-unavailable"),
        (403, b"<!DOCTYPE html><html><body>Access to this site is blocked</body></html>", "permanent-config"),
        (404, b"<html><body>nothing here</body></html>", "permanent-config"),
        (407, b"Proxy Authentication Required", "permanent-config"),
        (400, b"Client sent an HTTP request to an HTTPS server.\n", "permanent-config"),
        (401, b"Unauthorized", "unauthenticated"),
        (401, b'{"type":"error","status":"401","message":"must authenticate"}', "unauthenticated"),
        (522, b"", "api-unavailable"),
        (418, b"short and stout", "unknown"),
    ],
)
def test_an_answer_that_is_no_status_has_a_kind_too(code: int, body: bytes, kind: str) -> None:
    """Plain texts of the API server and the pages of proxies are understood by code and words."""
    failure = from_answer(code, body, {})
    assert failure.kind == kind
    assert failure.message
    assert "<" not in failure.message


def test_words_quoted_in_a_refused_value_decide_nothing() -> None:
    """A 422 that quotes a webhook's error in a field's value stays invalid."""
    value = f"{CALL}x509: certificate signed by unknown authority"
    message = f'ConfigMap "c" is invalid: data: Invalid value: "{value}"'
    assert from_answer(422, status(message, "Invalid", 422), {}).kind == "invalid"


def test_causes_are_kept_and_their_reasons_count() -> None:
    """Details say which fields conflict, and that a namespace is being terminated."""
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "helm" using apps/v1',
            "field": ".spec.replicas",
        }
    ]
    conflict = from_answer(409, status("Apply failed with 1 conflict", "Conflict", 409, causes=causes), {})
    assert conflict.kind == Kind.FIELD_CONFLICT
    assert conflict.causes == ('.spec.replicas: conflict with "helm" using apps/v1',)
    causes = [
        {
            "reason": "NamespaceTerminating",
            "message": "namespace n is being terminated",
            "field": "metadata.namespace",
        }
    ]
    ending = from_answer(403, status("words in another language", "Forbidden", 403, causes=causes), {})
    assert (ending.kind, ending.retry) == (Kind.TERMINATING, True)


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"Retry-After": "7"}, {}, 7.0),
        ({"retry-after": " 1.5 "}, {"retryAfterSeconds": 9}, 1.5),
        ({}, {"retryAfterSeconds": 9}, 9.0),
        (
            {"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            {},
            30.0,
        ),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, {}, 0.0),
        ({"Retry-After": "999999999"}, {}, 86400.0),
        ({"Retry-After": "99999999999999999999"}, {}, 86400.0),
        ({"Retry-After": "soon"}, {}, None),
        ({"Retry-After": "-3"}, {}, None),
        ({"Retry-After": "9" * 400}, {}, None),
        ({}, {"retryAfterSeconds": 10**400}, 86400.0),
        ({}, {"retryAfterSeconds": "9"}, None),
        ({}, {}, None),
    ],
)
def test_retry_after_is_read_from_header_and_status(
    headers: dict[str, str], details: dict[str, Any], seconds: float | None
) -> None:
    """Seconds or a date (by the server's clock) in the header, else retryAfterSeconds; a day at most."""
    body = status("Too many requests", "TooManyRequests", 429, **details)
    assert from_answer(429, body, headers).retry_after == seconds


def test_a_message_is_one_printable_line_of_bounded_length_without_credentials() -> None:
    """What is shown cannot move the cursor, fill the screen, or tell a token."""
    long = from_answer(500, status("a\n\tb\x1b[31m " + "c" * 100_000 + " the end", "", 500), {})
    assert long.message.startswith("a b?[31m c")
    assert long.message.endswith(" the end")
    assert len(long.message) < 2100
    token = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2ln"
    for error in (
        ValueError(f"Invalid header value b'Bearer {token}\\n'"),
        OSError(f"Cannot connect to proxy http://me:{token}@192.0.2.1:3128"),
        RuntimeError(f"sent Authorization: Bearer {token}"),
    ):
        assert token not in from_exception(error).message
        assert "hidden" in from_exception(error).message
    assert from_text("invalid bearer token").message == "invalid bearer token"


def test_a_status_inside_a_quoted_text_counts_for_itself() -> None:
    """The Python client prints headers around the Status; the message is the server's alone."""
    inside = status('pods "p" is forbidden: User "u" cannot get resource "pods"', "Forbidden", 403).decode()
    text = "(403)\nReason: Forbidden\nHTTP response headers: HTTPHeaderDict({'X': 'y'})\n"
    text += f"HTTP response body: {inside}\n\n"
    failure = from_text(text)
    assert (failure.kind, failure.status, failure.reason) == (Kind.FORBIDDEN, 403, "Forbidden")
    assert failure.message.startswith('pods "p" is forbidden')
    assert from_text("(409)\nReason: Conflict\n").kind == Kind.CONFLICT
    assert from_text("Error from server (InternalError): who knows").status == 500


def test_an_api_error_says_what_was_being_done_what_the_server_said_and_what_is_next() -> None:
    """Message, hint and exit code come from the failure; attempts are told when there were several."""
    failure = from_answer(500, status(CALL + "x509: certificate signed by unknown authority", "InternalError", 500), {})
    once = ApiError("apply Issuer default/i", failure)
    assert isinstance(once, FritError)
    assert once.message == f"could not apply Issuer default/i: {failure.message}"
    assert (once.exit_code, once.hint) == (7, failure.rule.hint)
    assert once.details["kind"] == "certificate-rotation"
    assert once.details["webhook"] == "check.example.org"
    often = ApiError("apply Issuer default/i", failure, attempts=4, seconds=12.34, hint="do this")
    assert str(often).endswith("unknown authority (4 attempts in 12.3 s)")
    assert often.hint == "do this"
    assert ApiError.exit_code == FritError.exit_code


def test_judge_turns_api_errors_into_verdicts_and_leaves_other_errors_alone() -> None:
    """base.retry learns kind, message, Retry-After and the budget of the kind."""
    failure = Failure(Kind.WEBHOOK_UNREACHABLE, "m", 500, "InternalError", 3.0)
    verdict = judge(ApiError("x", failure))
    assert verdict is not None
    assert (verdict.retry, verdict.kind, verdict.message) == (True, "webhook-unreachable", "m")
    assert (verdict.retry_after, verdict.budget) == (3.0, 30.0)
    refused = judge(ApiError("x", from_answer(403, b"", {})))
    assert refused is not None
    assert not refused.retry
    assert judge(ValueError("x")) is None


def test_the_import_loads_no_heavy_library() -> None:
    """`frit --help` stays quick: no Kubernetes, HTTP, TLS or YAML library comes with kube.failures."""
    code = "import sys, kube.failures; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "kube.failures" in loaded
    assert not {"kubernetes", "urllib3", "ssl", "yaml", "httpx", "email.utils"} & set(loaded)


def test_a_timed_out_request_is_answered_by_a_status_without_a_kind() -> None:
    """An API server whose request took too long leaves the kind out; its words are quoted, not its JSON."""
    words = "Timeout: request did not complete within the allotted timeout"
    body = f'{{"metadata":{{}},"status":"Failure","message":"{words}","reason":"Timeout","details":{{}},"code":504}}'
    failure = from_answer(504, body.encode(), {})
    assert (failure.kind, failure.message, failure.reason) == ("api-unavailable", words, "Timeout")
