"""The errors that frit raises on purpose. Anything else that escapes is a bug (exit 1).

FritError                 message, hint, exit code
├── WrongUsage            2    an option, a file or an argument does not make sense
├── PreflightFailed       3    the cluster or a download is not fit; nothing was changed
├── ClusterUnreachable    4    no connection, no kubeconfig, or not authenticated
├── ServerRefused         5    denied, invalid, forbidden, conflict of field managers
├── NotReady              6    something did not become ready in time
├── CertificateWindow     7    a webhook's certificate was not trusted in time
├── RepositoryUnusable    8    a package repository cannot be used
├── CannotTell            9    not enough permission to know, or an unknown failure
└── Cancelled             130  somebody asked frit to stop
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from base import exits


class FritError(Exception):
    """The root of every error that frit raises on purpose.

    `message` says what was being done, to which object and what went wrong; `hint` says what to do next, one
    step a line; `details` is plain data for the report (diagnosis, attempts). The exit code belongs to the class.
    """

    exit_code: int = exits.BUG

    def __init__(self, message: str, *, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = dict(details or {})

    def data(self) -> dict[str, Any]:
        """The error as JSON types: what `-o json` and `-o yaml` print under `error`."""
        webhook = self.details.get("webhook")
        return {
            "message": self.message,
            "hint": self.hint,
            "exitCode": self.exit_code,
            "kind": str(self.details.get("kind", "")),
            "webhook": webhook if isinstance(webhook, dict) else None,
        }


class WrongUsage(FritError):
    """An option, an argument or a configuration file does not make sense."""

    exit_code = exits.USAGE


class PreflightFailed(FritError):
    """What was found before the first write forbids going on. Nothing was changed."""

    exit_code = exits.PREFLIGHT


class ClusterUnreachable(FritError):
    """There is no usable connection: no kubeconfig, no route, no trust, or no valid credentials."""

    exit_code = exits.UNREACHABLE


class ServerRefused(FritError):
    """The API server, or an admission webhook behind it, answered no, and would again."""

    exit_code = exits.REFUSED


class NotReady(FritError):
    """Something that was waited for did not become ready within its time."""

    exit_code = exits.NOT_READY


class CertificateWindow(FritError):
    """The certificate of a webhook and the CA bundle that callers trust did not match within the time given."""

    exit_code = exits.CERTIFICATE_WINDOW


class RepositoryUnusable(FritError):
    """A package repository cannot be reached, or does not hold what it should."""

    exit_code = exits.REPOSITORY


class CannotTell(FritError):
    """frit cannot answer: a permission is missing, or a failure is not recognised."""

    exit_code = exits.CANNOT_TELL


class Cancelled(FritError):
    """The run was asked to stop (a signal, or a failure elsewhere in the same run)."""

    exit_code = exits.INTERRUPTED
