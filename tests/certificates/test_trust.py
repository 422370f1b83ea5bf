"""CA certificates as Python's own OpenSSL reads them, bundles, and whether an issued Secret is what was asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from base import exits
from certificates.bundle import certificates_in, contains
from certificates.checks import Severity
from certificates.issuance import DNS_NAME, mismatch, objects, progress
from certificates.leftovers import LABEL, VALUE, is_leftover
from certificates.trust import read_authorities, secret_check
from tests.certificates.health_data import NOW, certificate, encoded, facts


def test_a_ca_is_read_with_its_name_and_dates() -> None:
    """Common name and validity of a CA, in seconds since the epoch."""
    (found,) = read_authorities(certificate()[0])
    assert found.name == "cert-manager-webhook-ca"
    assert found.not_before == (NOW - timedelta(days=1)).timestamp()
    assert found.not_after == (NOW + timedelta(days=364)).timestamp()


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        (b"", "no certificate"),
        (b"\xff\xfe", "no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be parsed"),
        (certificate("leaf", ca=False)[0], "no certificate of a certificate authority"),
    ],
)
def test_what_is_no_ca_is_refused(pem: bytes, words: str) -> None:
    """Nothing, nonsense, a broken certificate and a leaf are no CA, each with its reason."""
    with pytest.raises(ValueError, match=words):
        read_authorities(pem)


def secret(pem: bytes) -> dict[str, Any]:
    return {"data": {"ca.crt": encoded(pem)}}


def test_a_secret_is_judged_by_the_servers_clock() -> None:
    """Expired, not yet valid, broken and valid CAs; all wrong ones are a certificate failure."""
    expired = certificate(ends=timedelta(seconds=-1))[0]
    early = certificate(born=timedelta(minutes=1))[0]
    good = secret_check(facts())
    assert good.severity is Severity.OK
    assert "valid until 2027-05-31 12:00 UTC" in good.message
    for pem, words in ((expired, "expired on 2026-06-01"), (early, "not valid before"), (b"x", "no certificate")):
        found = secret_check(facts(secret=secret(pem)))
        assert (found.severity, found.exit_code) == (Severity.FAILED, exits.CERTIFICATE_WINDOW)
        assert words in found.message


def test_a_secret_that_is_not_there_yet_heals() -> None:
    """The webhook makes it, so waiting helps."""
    found = secret_check(facts(secret=None))
    assert (found.severity, found.heals, found.exit_code) == (Severity.FAILED, True, exits.NOT_READY)


def test_a_bundle_contains_a_ca_whatever_stands_around_it() -> None:
    """Containment is by the certificate's bytes; an empty authority is contained in nothing."""
    one, other = certificate()[0], certificate("other")[0]
    assert contains(b"text\n" + other + one, one)
    assert contains(one.replace(b"\n", b"\r\n"), one)
    assert not contains(other, one)
    assert not contains(one, b"")
    assert certificates_in(b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----") == []


def issued(pem: bytes, key: bytes) -> dict[str, Any]:
    return {"data": {"tls.crt": encoded(pem), "tls.key": encoded(key)}}


def test_an_issued_secret_must_hold_our_name_and_its_key() -> None:
    """A right pair passes; another name, another key, a broken one and an empty Secret are told apart."""
    pem, key = certificate(DNS_NAME, dns=DNS_NAME)
    other = certificate("other", dns="other.invalid")
    assert mismatch(issued(pem, key)) == ""
    assert "is for other.invalid" in mismatch(issued(*other))
    assert mismatch(issued(pem, other[1])) == "its key is not the certificate's"
    assert mismatch(issued(pem, b"no key")) == "its key is not the certificate's"
    assert mismatch({"data": {}}) == "it holds no certificate"


def test_a_trial_stays_in_its_namespace_and_carries_its_label() -> None:
    """Everything that a trial makes is labelled, and the only cluster-wide object is its namespace."""
    made = [one for one, _ in objects("frit-check-1")]
    assert [one["kind"] for one in made] == ["Namespace", "Issuer", "Certificate"]
    assert all(one["metadata"]["labels"] == {LABEL: VALUE} for one in made)
    assert {one["metadata"].get("namespace") for one in made} == {None, "frit-check-1"}


def conditions(**states: str) -> dict[str, Any]:
    return {"status": {"conditions": [{"type": key, "status": value, "message": "m"} for key, value in states.items()]}}


def test_a_trial_ends_early_where_waiting_is_useless() -> None:
    """A denied, an invalid and a failed request are final; one that nobody approves, or that is pending, is not."""
    failed = {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Failed", "message": "no"}]}}
    assert progress({}, [conditions(Denied="True")]) == ("the CertificateRequest is Denied: m", True)
    assert progress({}, [conditions(InvalidRequest="True")])[1]
    assert progress({}, [failed]) == ("the CertificateRequest failed: no", True)
    assert progress({}, [conditions(Ready="False")]) == ("nobody has approved the CertificateRequest yet", False)
    assert progress({}, [conditions(Approved="True", Ready="False")]) == ("m", False)
    assert progress({}, []) == ("the controller has not looked at the Certificate yet", False)
    assert progress(conditions(Ready="False"), []) == ("m", False)


@pytest.mark.parametrize(
    ("name", "labels", "age", "going", "ours"),
    [
        ("frit-check-1", {LABEL: VALUE}, 301, False, True),
        ("frit-check-1", {LABEL: VALUE}, 299, False, False),
        ("frit-check-1", {LABEL: VALUE}, 301, True, False),
        ("frit-check-1", {LABEL: "other"}, 301, False, False),
        ("frit-check-1", {}, 301, False, False),
        ("somebody", {LABEL: VALUE}, 301, False, False),
    ],
)
def test_only_our_own_old_namespaces_are_leftovers(
    name: str, labels: dict[str, str], age: int, going: bool, ours: bool
) -> None:
    """Label, prefix and age must all say so, and what is being deleted already is left alone."""
    born = (NOW - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata: dict[str, Any] = {"name": name, "labels": labels, "creationTimestamp": born}
    if going:
        metadata["deletionTimestamp"] = born
    assert is_leftover({"metadata": metadata}, NOW.timestamp()) is ours
