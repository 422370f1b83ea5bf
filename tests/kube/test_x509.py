"""Certificates read as data: the same as a full library reads, and never a crash."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from kube.x509 import certificates_in, contains, read, read_all

KEY = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
LONG = {"min_size": 1, "max_size": 16}  # of up to four bytes each: a common name holds 64


def made(
    *,
    subject: list[x509.NameAttribute[str]],
    issuer: str = "an issuer",
    born: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    lasts: timedelta = timedelta(days=7),
    names: list[x509.GeneralName] | None = None,
    ca: bool | None = None,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(born)
        .not_valid_after(born + lasts)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256())


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def common(name: str) -> list[x509.NameAttribute[str]]:
    return [x509.NameAttribute(NameOID.COUNTRY_NAME, "CH"), x509.NameAttribute(NameOID.COMMON_NAME, name)]


SAMPLE = made(subject=common("sample"))
LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,14}[a-z0-9])?", fullmatch=True)


@given(
    subject=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), **LONG),
    hosts=st.lists(st.lists(LABEL, min_size=1, max_size=4).map(".".join), max_size=5),
    address=st.none() | st.ip_addresses(),
    born=st.datetimes(datetime(1960, 1, 1), datetime(2060, 1, 1)),
    days=st.integers(1, 9000),
    ca=st.none() | st.booleans(),
    strong=st.booleans(),
)
def test_it_reads_what_a_full_library_wrote(
    subject: str,
    hosts: list[str],
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | None,
    born: datetime,
    days: int,
    ca: bool | None,
    strong: bool,
) -> None:
    """Names, dates before and after 2050, SANs and the CA mark come out as they went in."""
    born = born.replace(microsecond=0, tzinfo=UTC)
    names: list[x509.GeneralName] = [x509.DNSName(one) for one in hosts]
    if address:
        names.append(x509.IPAddress(address))
    certificate = made(
        subject=common(subject),
        born=born,
        lasts=timedelta(days=days),
        names=names,
        ca=ca,
        key=RSA if strong else KEY,
    )
    found = read(der_of(certificate))
    assert (found.subject, found.issuer) == (subject, "an issuer")
    assert (found.not_before, found.not_after) == (born.timestamp(), (born + timedelta(days=days)).timestamp())
    assert list(found.names) == [*hosts, *([str(address)] if address else [])]
    assert found.authority is bool(ca)


@given(st.binary(max_size=400) | st.integers(0, 500).flatmap(lambda at: st.just(der_of(SAMPLE)[:at])))
def test_arbitrary_bytes_are_no_certificate(data: bytes) -> None:
    """What is no certificate, or only the beginning of one, is a ValueError and nothing else."""
    if data != der_of(SAMPLE):
        with pytest.raises(ValueError):
            read(data)


@given(st.integers(0, len(der_of(SAMPLE)) - 1), st.integers(0, 255))
def test_a_damaged_byte_never_crashes(at: int, value: int) -> None:
    """With any one byte changed it is read, or refused with a ValueError."""
    data = bytearray(der_of(SAMPLE))
    data[at] = value
    with suppress(ValueError):
        assert read(bytes(data)).der == bytes(data)


def test_a_subject_without_a_common_name() -> None:
    """The organization stands for it, and nothing where there is none either."""
    organization = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "an organization")]
    assert read(der_of(made(subject=organization))).subject == "an organization"
    assert read(der_of(made(subject=[]))).subject == ""


@pytest.mark.parametrize(
    ("name", "covered"),
    [("a.b.svc", True), ("A.b.SVC", True), ("x.c.svc", True), ("y.x.c.svc", False), ("c.svc", False), ("b.svc", False)],
)
def test_names_and_wildcards(name: str, covered: bool) -> None:
    """A name is covered by itself, and by a wildcard for its first label only."""
    certificate = made(subject=common("a.b.svc"), names=[x509.DNSName("a.b.svc"), x509.DNSName("*.c.svc")])
    assert read(der_of(certificate)).covers(name) is covered


def test_a_pem_text_with_other_things_in_it() -> None:
    """Comments and keys are skipped; a block that is base64 but no certificate is left out of what is read."""
    pem = SAMPLE.public_bytes(serialization.Encoding.PEM)
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    text = b"# comment\n" + pem + broken + pem
    assert [one.subject for one in read_all(text)] == ["sample", "sample"]
    assert len(certificates_in(text)) == 3
    assert contains(text, pem)
    assert not contains(pem, broken)
    assert not contains(pem, b"")
