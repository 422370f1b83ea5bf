"""The certificate with which a client authenticates, as OpenSSL takes it: from files, and never with a question."""

from __future__ import annotations

import ssl
from pathlib import Path


def load_client_certificate(context: ssl.SSLContext, certificate: str | Path, key: str | Path | None = None) -> None:
    """Let a TLS context show the certificate (PEM file) to servers that ask for one; its key may be in the same file.

    Raises ValueError, saying why, if the two cannot be used: also where the key needs a password, for which OpenSSL
    would ask at the terminal. Raises OSError if a file cannot be read.
    """

    def no_password() -> str:
        raise ValueError("the key is encrypted; frit cannot ask for its password")

    try:
        context.load_cert_chain(certificate, key, password=no_password)
    except ssl.SSLError as error:
        raise ValueError(f"the client certificate and its key cannot be used: {error.reason or 'not PEM'}") from None
