"""Somebody with a client certificate, and servers that ask for one."""

from __future__ import annotations

import datetime
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.certificates.servers import Authority


class Person:
    """A client certificate of an authority: `certificate` and `key` in PEM, and the authority's own as `ca`."""

    def __init__(self, authority: Authority, password: bytes = b"") -> None:
        self._authority = authority
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a person")]))
            .issuer_name(authority.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(authority.key, hashes.SHA256())
        )
        lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        self.certificate = made.public_bytes(serialization.Encoding.PEM).decode()
        self.key = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()
        self.ca = authority.bundle.read_text()

    def demanded_by(self, *names: str) -> ssl.SSLContext:
        """A context for a server that lets nobody in without a certificate of the authority."""
        context = self._authority.server(*names)
        context.load_verify_locations(str(self._authority.bundle))
        context.verify_mode = ssl.CERT_REQUIRED
        return context
