"""Whom to trust, and who we are, in TLS."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

import truststore

from base.client_certificates import load_client_certificate
from base.errors import WrongUsage


def trust(ca_bundle: Path | None) -> ssl.SSLContext:
    """A TLS context that trusts what the system trusts, and the certificates of `ca_bundle` besides.

    Raises `WrongUsage` if the bundle cannot be read or holds no certificate.
    """
    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_bundle is not None:
        try:
            context.load_verify_locations(cafile=str(ca_bundle))
        except ssl.SSLError:
            raise WrongUsage(
                f"--ca-bundle {ca_bundle} holds no certificate that can be read",
                hint="it has to be a file of certificates in PEM form: -----BEGIN CERTIFICATE-----",
            ) from None
        except OSError as error:
            raise WrongUsage(f"--ca-bundle {ca_bundle} cannot be read: {error.strerror}") from None
    return context


def trust_also(context: ssl.SSLContext, pem: bytes) -> None:
    """Trust further certificates. Raises ValueError where there is none that can be read."""
    try:
        context.load_verify_locations(cadata=pem.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError, ValueError):
        raise ValueError("the CA bundle holds no certificate that can be read") from None


def show_certificate(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Show a client's certificate (PEM) to servers that ask for one. Raises ValueError if the two cannot be used.

    OpenSSL is given files only; the key is in one that nobody else can read, for the time of one call.
    """
    descriptor, name = tempfile.mkstemp(prefix="frit-")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(certificate.rstrip() + b"\n" + key)
        load_client_certificate(context, name)
    finally:
        Path(name).unlink()
