"""A small public-key infrastructure for tests of webhooks: authorities and what they sign, with any dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM."""

    pem: bytes
    key: bytes


class Authority:
    """A CA; two of the same name have different keys."""

    def __init__(self, name: str = "a-ca", *, born: timedelta = -DAY, ends: timedelta = 365 * DAY) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(name)
        self.pem = self._signed(self._subject, self._key.public_key(), born, ends, (), ca=True)

    def issue(self, *names: str, born: timedelta = -DAY, ends: timedelta = 7 * DAY) -> Pair:
        """Sign a server's certificate for these names; its dates are relative to now."""
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        subject = _name(names[0] if names else "nameless")
        return Pair(self._signed(subject, key.public_key(), born, ends, names, ca=False), private)

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        born: timedelta,
        ends: timedelta,
        names: tuple[str, ...],
        *,
        ca: bool,
    ) -> bytes:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + born)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
