"""Which frit this is, and how it introduces itself to an API server."""

from __future__ import annotations

VERSION = "0.1.0"
"""The released version; pyproject.toml reads it from here."""


def user_agent(command: str) -> str:
    """The User-Agent of one command: audit logs can tell a bootstrap from a check."""
    return f"frit/{VERSION} ({command})"
