"""Texts as API servers, Go, OpenSSL and the tools build them, and the kind that each must have."""

from __future__ import annotations

import pytest

from kube.failure_kinds import KINDS
from kube.failures import Kind, from_exception, from_text

CALL = (
    'Internal error occurred: failed calling webhook "check.example.org": failed to call webhook: '
    'Post "https://check.tools.svc:443/validate?timeout=10s": '
)
OLD_CALL = (
    'Internal error occurred: failed calling admission webhook "check.example.org": '
    "Post https://check.tools.svc:443/validate?timeout=30s: "
)
CONVERSION = (
    "conversion webhook for things.example.org/v1beta1, Kind=Thing failed: "
    'Post "https://check.tools.svc:443/convert?timeout=30s": '
)
ENVELOPES = {"new": CALL, "old": OLD_CALL, "conversion": CONVERSION}

CAUSES = [
    (
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "certificate-rotation",
    ),
    ("x509: certificate signed by unknown authority", "certificate-rotation"),
    (
        'x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification '
        'error" while '
        'trying to verify candidate authority certificate "i/o timeout, not b")',
        "certificate-rotation",
    ),
    (
        "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time "
        "2027-01-02T03:04:05Z is before 2027-01-02T04:00:00Z",
        "certificate-rotation",
    ),
    ("x509: certificate is valid for a.tools.svc, not check.tools.svc", "permanent-config"),
    ("x509: certificate is not valid for any names, but wanted to match check.tools.svc", "permanent-config"),
    (
        "x509: cannot validate certificate for 10.0.0.7 because it doesn't contain any IP SANs",
        "permanent-config",
    ),
    ("x509: certificate specifies an incompatible key usage", "permanent-config"),
    ("x509: unhandled critical extension", "permanent-config"),
    ("remote error: tls: internal error", "webhook-not-ready"),
    ("remote error: tls: certificate required", "permanent-config"),
    ("remote error: tls: handshake failure", "permanent-config"),
    ("http: server gave HTTP response to HTTPS client", "permanent-config"),
    ("proxyconnect tcp: dial tcp 192.0.2.1:3128: connect: connection refused", "permanent-config"),
    ("Forbidden", "permanent-config"),
    ("Proxy Authentication Required", "permanent-config"),
    ("Service Unavailable", "webhook-not-ready"),
    ("Bad Gateway", "webhook-not-ready"),
    ("dial tcp 10.0.0.7:443: connect: connection refused", "webhook-not-ready"),
    (
        "proxy error from 127.0.0.1:6443 while dialing 10.0.0.7:10250, code 502: 502 Bad Gateway",
        "webhook-not-ready",
    ),
    ('no endpoints available for service "check"', "webhook-not-ready"),
    ('service "check" not found', "webhook-not-ready"),
    ("EOF", "webhook-not-ready"),
    ("unexpected EOF", "webhook-not-ready"),
    ("write tcp 10.0.0.1:41234->10.0.0.7:443: write: broken pipe", "webhook-not-ready"),
    ("http2: client connection lost", "webhook-not-ready"),
    (
        'http2: server sent GOAWAY and closed the connection; LastStreamID=9, ErrCode=NO_ERROR, debug=""',
        "webhook-not-ready",
    ),
    ("ssh: rejected: connect failed (Connection refused)", "webhook-not-ready"),
    ("dial tcp 10.0.0.7:443: i/o timeout", "webhook-unreachable"),
    ("context deadline exceeded", "webhook-unreachable"),
    (
        "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
        "webhook-unreachable",
    ),
    ("net/http: TLS handshake timeout", "webhook-unreachable"),
    ("dial tcp 10.0.0.7:443: connect: no route to host", "webhook-unreachable"),
    ("dial tcp: lookup check.tools.svc on 10.0.0.10:53: no such host", "webhook-unreachable"),
    ("No agent available", "webhook-unreachable"),
    ("dial tcp 10.0.0.7:443: some new errno", "webhook-unreachable"),
    ("something that nobody has seen", "unknown"),
]

WHOLE = [
    # The API server about webhooks, without a URL.
    (
        'Internal error occurred: failed calling webhook "a.b.c": could not get REST client: unable to '
        "load root "
        "certificates: unable to parse bytes as PEM block",
        "certificate-rotation",
    ),
    (
        'Internal error occurred: failed calling webhook "a.b.c": failed to call webhook: the server '
        "could not find "
        "the requested resource",
        "permanent-config",
    ),
    (
        'Internal error occurred: failed calling webhook "a.b.c": failed to call webhook: an error on '
        "the server "
        '("") has prevented the request from succeeding',
        "webhook-not-ready",
    ),
    (
        'Internal error occurred: failed calling webhook "a.b.c": Post '
        "https://s.n.svc:443/m?timeout=30s: no service "
        "port '443' found for service \"s\"",
        "permanent-config",
    ),
    ("conversion webhook for a.b/v1, Kind=C returned invalid metadata: changed name", "permanent-config"),
    # Refusals.
    ('admission webhook "a.b.c" denied the request without explanation', "denied"),
    (
        'Error from server: admission webhook "a.b.c" denied the request: dial tcp: connection refused',
        "denied",
    ),
    ('admission webhook "a.b.c" denied the request: x509: certificate signed by unknown authority', "denied"),
    (
        'admission webhook "a.b.c" denied the request: unable to retrieve the complete list of server APIs: '
        "x.y/v1: the server is currently unable to handle the request",
        "api-unavailable",
    ),
    (
        "The pods \"p\" is invalid: : ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
        "denied",
    ),
    ('pods "p" is forbidden: violates PodSecurity "restricted:latest": privileged (…)', "denied"),
    ('pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5', "denied"),
    (
        'roles.rbac.authorization.k8s.io "r" is forbidden: user "u" (groups=["g"]) is attempting to '
        "grant RBAC "
        "permissions not currently held",
        "forbidden",
    ),
    (
        'nodes is forbidden: User "u" cannot list resource "nodes" in API group "" at the cluster scope',
        "forbidden",
    ),
    (
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group ""',
        "unauthenticated",
    ),
    ("error: You must be logged in to the server (Unauthorized)", "unauthenticated"),
    ("Error from server (Unauthorized): the text of some proxy", "unauthenticated"),
    # Writes.
    ('Apply failed with 2 conflicts: conflicts with "helm" using v1: .spec.a', "field-conflict"),
    ('Operation cannot be fulfilled on pods "p": the object has been modified; please apply', "conflict"),
    ('Operation cannot be fulfilled on pods "p": StorageError: invalid object, Code: 4', "conflict"),
    (
        'Operation cannot be fulfilled on namespaces "n": The system is ensuring all content is removed '
        "from this "
        "namespace.  Upon completion, this namespace will automatically be purged by the system.",
        "terminating",
    ),
    (
        'secrets "s" is forbidden: unable to create new content in namespace n because it is being terminated',
        "terminating",
    ),
    ('object is being deleted: customresourcedefinitions "c" already exists', "terminating"),
    ('configmaps "forbidden" already exists', "already-exists"),
    ('Service "s" is invalid: spec.ports[0].port: Invalid value: 0', "invalid"),
    ('secrets "eof" not found', "not-found"),
    # Kinds that are not served.
    ('no matches for kind "Issuer" in version "cert-manager.io/v1"', "crd-not-established"),
    (
        "the server could not find the requested resource (post issuers.cert-manager.io)",
        "crd-not-established",
    ),
    ('error: the server doesn\'t have a resource type "issuers"', "crd-not-established"),
    ("storage is (re)initializing", "crd-not-established"),
    # The server is busy or its storage is away.
    ("Too many requests, please try again later.", "rate-limited"),
    (
        "client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline",
        "rate-limited",
    ),
    ("client rate limiter Wait returned an error: context deadline exceeded", "rate-limited"),
    ("client rate limiter Wait returned an error: context canceled", "unknown"),
    ("etcdserver: leader changed", "api-unavailable"),
    ("etcdserver: request timed out, possibly due to previous leader failure", "api-unavailable"),
    ("etcdserver: mvcc: database space exceeded", "permanent-config"),
    ("etcdserver: request is too large", "invalid"),
    (
        "Timeout: request did not complete within requested timeout - context deadline exceeded",
        "api-unavailable",
    ),
    (
        "the server was unable to return a response in the time allotted, but may still be processing the request",
        "api-unavailable",
    ),
    ("Internal error occurred: resource quota evaluation timed out", "api-unavailable"),
    ("the server is currently unable to handle the request (get pods)", "api-unavailable"),
    # Clients.
    ("Unable to connect to the server: EOF", "api-unavailable"),
    ("Unable to connect to the server: net/http: TLS handshake timeout", "api-unavailable"),
    (
        "Unable to connect to the server: dial tcp 192.0.2.7:6443: connect: connection refused",
        "api-unavailable",
    ),
    (
        "The connection to the server 192.0.2.7:6443 was refused - did you specify the right host?",
        "api-unavailable",
    ),
    (
        "The connection to the server 127.0.0.1:8080 was refused - did you specify the right host?",
        "permanent-config",
    ),
    (
        "HTTPConnectionPool(host='localhost', port=80): Max retries exceeded with url: /api (Caused by "
        "NewConnectionError('<urllib3 object>: Failed to establish a new connection: [Errno 111] "
        "Connection refused'))",
        "permanent-config",
    ),
    ("Unable to connect to the server: x509: certificate signed by unknown authority", "permanent-config"),
    ("Unable to connect to the server: x509: certificate is valid for a, not b", "permanent-config"),
    ("Unable to connect to the server: remote error: tls: expired certificate", "permanent-config"),
    ("Unable to connect to the server: getting credentials: exec: exit status 1", "unauthenticated"),
    ('error: context "nowhere" does not exist', "permanent-config"),
    ("OSError('Tunnel connection failed: 407 Proxy Authentication Required')", "permanent-config"),
    ("OSError('Tunnel connection failed: 503 Service Unavailable')", "api-unavailable"),
    ("ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "permanent-config"),
    (
        "ssl.SSLEOFError: [SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol",
        "api-unavailable",
    ),
    (
        "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname "
        "mismatch, certificate is not valid for 'x'. (_ssl.c:1006)",
        "permanent-config",
    ),
    # Other logs.
    (
        "http: TLS handshake error from 10.0.0.1:4: remote error: tls: unknown certificate authority",
        "certificate-rotation",
    ),
    ("http: TLS handshake error from 10.0.0.1:4: EOF", "unknown"),
    ("Not ready: the cert-manager webhook deployment is not ready yet", "webhook-not-ready"),
    (
        "Error making API request. URL: POST https://v:8200/v1/x Code: 403. Errors: * permission denied",
        "forbidden",
    ),
    (
        "Error making API request. URL: POST https://v:8200/v1/x Code: 503. Errors: * Vault is sealed",
        "api-unavailable",
    ),
    ("", "unknown"),
    ("some words", "unknown"),
]


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize(("cause", "kind"), CAUSES)
def test_a_cause_inside_a_webhook_envelope_has_the_same_kind_in_every_envelope(
    envelope: str, cause: str, kind: str
) -> None:
    """What the API server met when it called a webhook decides, not how its version words the envelope."""
    failure = from_text(ENVELOPES[envelope] + cause)
    assert failure.kind == kind
    assert failure.status == 500
    assert failure.webhook == ("" if envelope == "conversion" else "check.example.org")


@pytest.mark.parametrize(("text", "kind"), WHOLE)
def test_a_quoted_text_has_the_kind_of_its_cause(text: str, kind: str) -> None:
    """kubectl, Helm, controllers and Python clients quote the server; the kind follows the server's words."""
    assert from_text(text).kind == kind


@pytest.mark.parametrize(
    "words",
    ["x509: certificate signed by unknown authority", "x509: certificate has expired or is not yet valid"],
)
def test_the_same_certificate_words_mean_different_things_by_their_speaker(words: str) -> None:
    """About a webhook they are a window that closes; about the API server they are a wrong kubeconfig."""
    about_webhook = from_text(CALL + words)
    about_server = from_text(f"Unable to connect to the server: {words}")
    assert (about_webhook.kind, about_webhook.retry) == (Kind.CERTIFICATE_ROTATION, True)
    assert (about_server.kind, about_server.retry) == (Kind.PERMANENT_CONFIG, False)


def test_every_kind_has_a_rule_and_says_what_to_do() -> None:
    """The table is complete; permanent kinds are never repeated and have no budget."""
    assert set(KINDS) == set(Kind)
    for kind, rule in KINDS.items():
        assert rule.meaning.endswith("."), kind
        assert rule.hint, kind
        assert rule.exit_code in {4, 5, 6, 7, 9}, kind
        assert rule.retry or rule.budget is None, kind
        assert rule.retry == (rule.exit_code in {6, 7}), kind


def test_an_expired_certificate_of_the_server_points_at_the_clock() -> None:
    """A cause that has a better next step than its kind gives that step."""
    failure = from_text("Unable to connect to the server: x509: certificate has expired or is not yet valid")
    assert "date -u" in failure.rule.hint
    assert failure.rule.exit_code == 4
    assert from_text(CALL + "Forbidden").rule.exit_code == 5
    assert "NO_PROXY" in from_text(CALL + "Forbidden").rule.hint
    assert from_exception(RuntimeError("what")).rule.exit_code == 9
