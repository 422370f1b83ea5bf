"""What the checks of cert-manager say about states of a cluster, judged over data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from base import exits
from certificates.checks import Check, Severity
from certificates.facts import Missed
from certificates.health import checks_of
from certificates.installation import CRD_NAMES, Installation, Owner
from certificates.presence import ready_addresses
from certificates.probe import Outcome, Probed
from kube.access import Permission
from kube.failures import Failure, Kind, from_answer
from tests.certificates.health_data import certificate, configuration, deployment, facts, installation, lease

FORBIDDEN = Failure(Kind.FORBIDDEN, 'secrets "x" is forbidden', 403, "Forbidden", None)
DENIED = Failure(Kind.DENIED, "denied the request", 403, "Forbidden", None)
MISSED = Missed(Permission("get", "", "secrets", "cert-manager"), FORBIDDEN)


def judged(**changes: Any) -> dict[str, Check]:
    """The checks by name, of a healthy cluster with some parts exchanged."""
    return {one.name: one for one in checks_of(facts(**changes))}


def bad(checks: dict[str, Check]) -> list[str]:
    """The names of the checks that say no, or that do not know."""
    return [one.name for one in checks.values() if one.severity in (Severity.FAILED, Severity.UNKNOWN)]


def test_everything_is_right_on_a_healthy_cluster() -> None:
    """Each check is ok, and nothing is left out."""
    checks = judged()
    assert [one.severity for one in checks.values()] == [Severity.OK] * 15
    assert checks["installation"].message == "cert-manager 1.21.2 in namespace cert-manager, installed by kubectl"


def test_nothing_at_all_is_not_installed() -> None:
    """Without any trace of cert-manager the first check says so, and waiting is useless."""
    checks = judged(installation=Installation(), served=frozenset(), service=None, slices=None, secret=None, probes=())
    assert checks["installation"].message == "cert-manager is not installed"
    assert checks["installation"].final
    assert checks["admits"].severity is Severity.SKIPPED


def test_a_crd_that_is_there_and_not_served_heals() -> None:
    """A CRD that is not Established yet is worth waiting for; one that does not exist is not."""
    served = frozenset(CRD_NAMES) - {"orders.acme.cert-manager.io"}
    coming = judged(served=served)["crds"]
    gone = judged(served=served, installation=installation(crds={}))["crds"]
    assert (coming.severity, coming.final) == (Severity.FAILED, False)
    assert "orders.acme.cert-manager.io" in coming.message
    assert gone.final


@pytest.mark.parametrize("component", ["controller", "webhook"])
def test_a_needed_component_that_is_missing_or_at_0_is_final(component: str) -> None:
    """Neither a missing Deployment nor one that is scaled to 0 comes back by waiting."""
    rest = {one: deployment(one) for one in ("controller", "webhook", "cainjector") if one != component}
    for deployments in (rest, {**rest, component: deployment(component, replicas=0, available=0)}):
        found = judged(installation=installation(deployments=deployments))[f"deployment-{component}"]
        assert found.final
        assert found.exit_code == exits.NOT_READY


@pytest.mark.parametrize(("owner", "completes"), [("frit", True), ("kubectl", False), (None, False)])
def test_bootstrap_is_named_only_where_it_completes_what_is_missing(owner: str | None, completes: bool) -> None:
    """It leaves alone what somebody else installed, so there the installer's own tool is what helps."""
    by = Owner(owner) if owner else None
    found = installation(owner=by, deployments={}, crds={}, validating=None)
    checks = judged(installation=found, served=frozenset())
    hints = [checks[name].hint for name in ("installation", "crds", "deployment-webhook", "webhook-configurations")]
    assert [hint.startswith("frit bootstrap ") for hint in hints] == [completes] * 4


def test_a_component_that_starts_heals_and_one_that_is_half_there_is_a_warning() -> None:
    """No available replica is a no that may heal; some of several are enough for now."""
    whole = installation().deployments
    starting = {**whole, "webhook": deployment("webhook", available=0)}
    half = {**whole, "webhook": deployment("webhook", replicas=2, available=1)}
    no = judged(installation=installation(deployments=starting))["deployment-webhook"]
    soso = judged(installation=installation(deployments=half))["deployment-webhook"]
    assert (no.severity, no.heals) == (Severity.FAILED, True)
    assert soso.severity is Severity.WARNING
    assert "1 of 2" in soso.message


def test_cainjector_is_needed_only_while_the_bundles_are_wrong() -> None:
    """Without cainjector, good bundles are a warning; an empty bundle is exit 7, and final."""
    deployments = {**installation().deployments, "cainjector": deployment("cainjector", replicas=0, available=0)}
    good = judged(installation=installation(deployments=deployments))
    empty = configuration("Validating", b"")
    wrong = judged(installation=installation(deployments=deployments, validating=empty))
    assert bad(good) == []
    assert good["deployment-cainjector"].severity is Severity.WARNING
    assert good["leader-cainjector"].severity is Severity.WARNING
    assert bad(wrong) == ["deployment-cainjector", "ca-bundles"]
    assert wrong["ca-bundles"].exit_code == exits.CERTIFICATE_WINDOW
    assert wrong["ca-bundles"].final
    assert "ValidatingWebhookConfiguration cert-manager-webhook: the CA bundle is empty" in wrong["ca-bundles"].message


def test_a_stale_bundle_heals_while_cainjector_runs() -> None:
    """Another CA of the same name in a bundle is stale, and cainjector will mend it."""
    stale = certificate("cert-manager-webhook-ca", dns="other.example")[0]
    found = judged(installation=installation(mutating=configuration("Mutating", stale)))["ca-bundles"]
    assert "stale" in found.message
    assert found.heals
    both = stale + certificate()[0]
    assert judged(installation=installation(mutating=configuration("Mutating", both)))["ca-bundles"].ok


def test_a_bundle_that_somebody_else_maintains_is_left_to_the_probes() -> None:
    """Without the inject annotation there is no Secret to compare with."""
    parts = {
        "mutating": configuration("Mutating", b"", annotated=False),
        "validating": configuration("Validating", b"", annotated=False),
    }
    checks = judged(installation=installation(**parts), secret=None)
    assert bad(checks) == []


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"validating": None}, "the validating webhook configuration is missing"),
        ({"mutating": None}, "the mutating webhook configuration is missing"),
        ({"mutating": None, "validating": None}, "the mutating and the validating webhook configurations are missing"),
    ],
)
def test_missing_webhook_configurations_are_named(parts: dict[str, None], words: str) -> None:
    """Which of the two is gone, and what that means."""
    found = judged(installation=installation(**parts))["webhook-configurations"]
    assert words in found.message
    assert found.final


def test_endpoints_must_be_ready() -> None:
    """Addresses that are not ready do not count; a missing `ready` means yes."""
    assert ready_addresses({"endpoints": [{"addresses": ["a"], "conditions": {"ready": False}}]}) == []
    assert ready_addresses({"endpoints": [{"addresses": ["a", "b"]}]}) == ["a", "b"]
    assert ready_addresses({"endpoints": None}) == []
    found = judged(slices=[])["endpoints"]
    assert (found.severity, found.heals) == (Severity.FAILED, True)


def test_a_secret_that_may_not_be_read_is_unknown_and_names_the_permission() -> None:
    """frit does not guess: what is not allowed is unknown, and what depends on it is left out."""
    checks = judged(secret=MISSED)
    assert bad(checks) == ["ca-secret"]
    assert checks["ca-secret"].hint == "kubectl auth can-i get secrets -n cert-manager"
    assert checks["ca-secret"].exit_code == exits.CANNOT_TELL
    assert checks["ca-bundles"].severity is Severity.SKIPPED


def test_lists_that_are_forbidden_are_unknown() -> None:
    """Deployments, configurations, service, slices, lease and namespace: each refusal becomes one unknown check."""
    refused = judged(
        installation=Installation(),
        missed={"deployments": MISSED, "mutating": MISSED, "validating": MISSED},
        probe_namespace=MISSED,
        service=None,
        slices=None,
        secret=None,
    )
    assert bad(refused) == ["installation", "webhook-configurations", "namespace"]
    rest = judged(service=MISSED, slices=MISSED, leases={"controller": MISSED, "cainjector": MISSED})
    assert bad(rest) == ["webhook-configurations", "endpoints", "leader-controller", "leader-cainjector"]


def test_an_excluded_namespace_is_its_own_fault() -> None:
    """The exclusion is named, and the probe that it spoils is not held against the installation."""
    space = {"metadata": {"name": "default", "labels": {"cert-manager.io/disable-validation": "true"}}}
    checks = judged(probe_namespace=space, probes=(Probed(Outcome.NOT_VALIDATED),))
    assert bad(checks) == ["namespace"]
    assert "it has the label cert-manager.io/disable-validation=true" in checks["namespace"].message
    assert checks["namespace"].final
    assert checks["refuses"].severity is Severity.SKIPPED


def test_a_namespace_that_is_not_there_or_going_is_named() -> None:
    """Both end a wait: nobody is going to make it or to keep it."""
    going = {"metadata": {"name": "default", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    assert judged(probe_namespace=None)["namespace"].message == "namespace default does not exist"
    assert judged(probe_namespace=going)["namespace"].message == "namespace default is being deleted"


def test_ignore_is_a_warning_until_the_webhook_is_silent() -> None:
    """An ignored outage is a no; an ignored risk is a warning; Fail is right."""
    parts = {
        "mutating": configuration("Mutating", certificate()[0], policy="Ignore"),
        "validating": configuration("Validating", certificate()[0], policy="Ignore"),
    }
    ignoring = installation(**parts)
    assert judged(installation=ignoring)["failure-policy"].severity is Severity.WARNING
    silent = judged(installation=ignoring, probes=(Probed(Outcome.NOT_MUTATED),))
    assert silent["failure-policy"].severity is Severity.FAILED
    assert "admits" in bad(silent)
    denied = judged(installation=ignoring, probes=(Probed(Outcome.NOT_MUTATED, DENIED),))
    assert denied["failure-policy"].severity is Severity.WARNING


CALL = (
    'Internal error occurred: failed calling webhook "webhook.cert-manager.io": failed to call webhook: '
    'Post "https://cert-manager-webhook.cert-manager.svc:443/validate?timeout=2s": '
)


@pytest.mark.parametrize(
    ("status", "message", "code", "final"),
    [
        (500, CALL + "dial tcp 10.96.0.1:443: connect: connection refused", exits.NOT_READY, False),
        (
            500,
            CALL + "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            exits.CERTIFICATE_WINDOW,
            False,
        ),
        (
            500,
            CALL + "tls: failed to verify certificate: x509: certificate is valid for a.b, not cert-manager-webhook",
            exits.REFUSED,
            True,
        ),
        (403, 'admission webhook "policy.example" denied the request: no', exits.REFUSED, True),
        (504, "Timeout: request did not complete within the allotted timeout", exits.NOT_READY, False),
        (500, "words that nobody has seen", exits.CANNOT_TELL, True),
    ],
)
def test_a_failed_probe_says_whether_waiting_helps(status: int, message: str, code: int, final: bool) -> None:
    """Webhook and certificate failures heal, wrong names and foreign policies do not."""
    body = {"kind": "Status", "message": message, "reason": "InternalError", "code": status}
    failure = from_answer(status, json.dumps(body).encode(), {})
    found = judged(probes=(Probed(Outcome.FAILED, failure),))["admits"]
    assert (found.exit_code, found.final) == (code, final)
    assert not found.ok


def test_a_probe_that_may_not_be_sent_names_the_permission() -> None:
    """RBAC's refusal is a missing permission; a quota's refusal with the same code is not."""
    rbac = 'certificaterequests.cert-manager.io is forbidden: User "u" cannot create resource "certificaterequests"'
    quota = "certificaterequests is forbidden: exceeded quota: none"
    refused = Failure(Kind.FORBIDDEN, rbac, 403, "Forbidden", None)
    limited = Failure(Kind.FORBIDDEN, quota, 403, "Forbidden", None)
    missing = judged(probes=(Probed(Outcome.FAILED, refused),))["admits"]
    assert missing.hint == "kubectl auth can-i create certificaterequests.cert-manager.io -n default"
    assert missing.exit_code == exits.CANNOT_TELL
    assert judged(probes=(Probed(Outcome.FAILED, limited),))["admits"].exit_code == exits.REFUSED


def test_a_probe_that_fails_at_the_second_request_blames_the_refusal() -> None:
    """The valid object was admitted; what failed is the invalid one."""
    broken = Failure(Kind.WEBHOOK_NOT_READY, "EOF", 500, "InternalError", None)
    checks = judged(probes=(Probed(Outcome.PROVEN), Probed(Outcome.FAILED, broken, admitted=True)))
    assert bad(checks) == ["refuses"]
    assert "(the 1 before went well)" in checks["refuses"].message


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "does not exist"),
        (lease(""), "nobody holds"),
        (
            lease("cert-manager-a1-b2-external", age=70),
            "last renewed Lease kube-system/cert-manager-controller 70 s ago",
        ),
        (lease("cert-manager-gone-x-external", age=20), "is gone; another can take over in 40 s"),
        ({"spec": {"holderIdentity": "x", "renewTime": "nonsense"}}, "last renewed"),
    ],
)
def test_a_controller_without_a_leader_issues_nothing(found: Any, words: str) -> None:
    """No Lease, no holder, an old one, or one whose holder is gone: the controller does not work, and may yet."""
    checks = judged(leases={**facts().leases, "controller": found})
    assert bad(checks) == ["leader-controller"]
    assert words in checks["leader-controller"].message
    assert "the webhook admits, but nothing will be issued" in checks["leader-controller"].message
    assert checks["leader-controller"].heals


def test_a_holder_that_is_not_named_like_a_pod_is_believed() -> None:
    """In the host network the identity begins with the node's name; without a list of pods nothing can be missed."""
    assert judged(leases={**facts().leases, "controller": lease("node-1-external")})["leader-controller"].ok
    gone = lease("cert-manager-gone-x-external")
    assert judged(leases={**facts().leases, "controller": gone}, pods=None)["leader-controller"].ok


def test_cainjector_without_a_leader_is_a_warning_while_the_bundles_are_right() -> None:
    """The next create works; a new CA would not be injected."""
    checks = judged(leases={**facts().leases, "cainjector": None})
    assert bad(checks) == []
    assert checks["leader-cainjector"].severity is Severity.WARNING


def test_several_installations_are_a_warning() -> None:
    """Two of them share CRDs, configurations and elections; they are named."""
    found = judged(installation=installation(namespaces=("a", "b")))["installation"]
    assert (found.severity, found.message.endswith("in namespaces a, b")) == (Severity.WARNING, True)


def test_skipped_checks_never_stand_alone() -> None:
    """Something that was not asked always has a check beside it that says why: a mere skip is no answer."""
    states: list[dict[str, Any]] = [
        {"secret": None},
        {"secret": MISSED},
        {"installation": installation(mutating=None, validating=None), "service": None, "slices": None, "secret": None},
        {"installation": installation(deployments={})},
        {"served": frozenset()},
        {"probe_namespace": None},
    ]
    for state in states:
        checks = judged(**state)
        if any(one.severity is Severity.SKIPPED for one in checks.values()):
            assert bad(checks), state
