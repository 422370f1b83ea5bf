"""What a check says: its name, its verdict, and what to do about it. Plain data; the checks are in health.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from base import exits
from certificates.facts import Missed
from kube.diagnosis import Finding


class Severity(StrEnum):
    """The verdict of one check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Check:
    """One line of an account of a cluster's health.

    `hint` says what to do next, one step a line. `exit_code` is what frit ends with when this check is the reason.
    `heals` says whether waiting alone may mend it; `budget` limits that to so many seconds. `findings` is the
    diagnosis behind it, if there is one.
    """

    name: str
    severity: Severity
    message: str
    hint: str = ""
    exit_code: int = exits.OK
    heals: bool = False
    budget: float | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether this was proven; a warning is right today and counts as proven."""
        return self.severity in (Severity.OK, Severity.WARNING)

    @property
    def final(self) -> bool:
        """Whether this says no, and waiting changes nothing."""
        return self.severity in (Severity.FAILED, Severity.UNKNOWN) and not self.heals


def passed(name: str, message: str) -> Check:
    """Right."""
    return Check(name, Severity.OK, message)


def warning(name: str, message: str, hint: str = "", findings: Sequence[Finding] = ()) -> Check:
    """Right today, and worth a look."""
    return Check(name, Severity.WARNING, message, hint, findings=tuple(findings))


def failed(
    name: str,
    message: str,
    hint: str = "",
    *,
    code: int = exits.NOT_READY,
    heals: bool = False,
    budget: float | None = None,
    findings: Sequence[Finding] = (),
) -> Check:
    """Wrong."""
    return Check(name, Severity.FAILED, message, hint, code, heals, budget, tuple(findings))


def skipped(name: str, why: str) -> Check:
    """Not asked, because another check has already said no."""
    return Check(name, Severity.SKIPPED, why)


def unknown(name: str, missed: Missed) -> Check:
    """Not known, because the server did not let frit look; the hint asks for exactly the permission that is missing."""
    message = f"not allowed to {missed.permission}: {missed.failure.message}"
    return Check(name, Severity.UNKNOWN, message, missed.permission.command, exits.CANNOT_TELL)
