"""`frit check`: what both rooms below can prove about a cluster, put together, waited for, and turned into one answer.

Only GET, LIST and dry-run requests, unless a trial issuance is asked for.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from base import exits
from base.clock import Deadline, seconds_text
from base.errors import FritError, NotReady
from base.session import Session
from bootstrap import stale
from certificates.checks import Check, Severity, failed, passed, skipped
from certificates.facts import look
from certificates.health import checks_of
from certificates.installation import GROUPS, Installation, list_part
from certificates.issuance import NAME as ISSUE
from certificates.issuance import Issuance
from certificates.proof import ADMITS, REFUSES
from kube.client import Client
from kube.connection import Connection
from kube.diagnosis import as_data
from kube.discovery import discover
from kube.failures import ApiError, Failure, Kind
from kube.objects import ref_of
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake
from kube.webhook_stale import Calls, ask_calls
from kube.webhooks import Account, account
from repositories.check import Finding, repositories_check
from repositories.objects import GROUP

API_SERVER = "api-server"
CERT_MANAGER, REPOSITORIES = "cert-manager", "repositories"
PAUSE = 1.0
"""Seconds between two looks while waiting."""

MARKS = {
    Severity.OK: "✓",
    Severity.WARNING: "!",
    Severity.FAILED: "✗",
    Severity.UNKNOWN: "?",
    Severity.SKIPPED: "-",
}

PRECEDENCE = (exits.UNREACHABLE, exits.REFUSED, exits.CERTIFICATE_WINDOW, exits.NOT_READY, exits.REPOSITORY)
"""When several checks fail, the first of these codes that occurs is the answer; what is unknown comes last."""


@dataclass(frozen=True)
class Asked:
    """What to check: the probe namespace, how long to wait (seconds), whether to issue, and `only` which part."""

    namespace: str = "default"
    wait: float = 0.0
    issue: bool = False
    only: str = ""


@dataclass(frozen=True)
class Seen:
    """One look: its checks, and the installation of cert-manager that it met (None where it was not looked for).

    `failure` is that of the last probe of the webhook, if it failed.
    """

    checks: tuple[Check, ...]
    installation: Installation | None = None
    failure: Failure | None = None

    @property
    def ready(self) -> bool:
        """Whether everything was proven."""
        return all(one.ok for one in self.checks)


@dataclass(frozen=True)
class Answer:
    """The outcome of `frit check`. `seconds` is how long it took, `looks` how often the cluster was looked at.

    `webhook` is the account of the webhook that a probe failed at, if one did.
    """

    seen: Seen
    context: str
    server: str
    namespace: str
    seconds: float
    looks: int
    webhook: Account | None = None

    @property
    def ready(self) -> bool:
        """Whether the next create will work."""
        return self.seen.ready

    @property
    def exit_code(self) -> int:
        """The documented exit code of the answer."""
        return exit_code_of(self.seen.checks)


def exit_code_of(checks: Sequence[Check]) -> int:
    """0 when all checks are proven; else the most telling code, and 9 only where nothing is known to be wrong."""
    codes = {one.exit_code for one in checks if one.severity is Severity.FAILED}
    for code in PRECEDENCE:
        if code in codes:
            return code
    if codes:
        return min(codes)
    return exits.OK if all(one.ok for one in checks) else exits.CANNOT_TELL


def reason_of(checks: Sequence[Check]) -> str:
    """The first check that explains the exit code, as `name: message`; empty when there is none."""
    code = exit_code_of(checks)
    wanted = (one for one in checks if not one.ok and one.exit_code == code and one.severity is not Severity.SKIPPED)
    first = next(wanted, None) if code else None
    return f"{first.name}: {first.message}" if first else ""


def check(session: Session, connection: Connection, asked: Asked) -> Answer:
    """Look, and while something may still heal and there is time, look again; then issue, if that is asked for.

    Raises `Cancelled`. Everything else, an API server that does not answer included, is part of the answer.
    """
    began = time.monotonic()
    deadline = Deadline.after(asked.wait)
    patience = Patience()
    looks: list[Seen] = []

    def question() -> Yes[None] | NotYet:
        looks.append(look_once(connection, asked, session))
        checks = looks[-1].checks
        return Yes(None) if looks[-1].ready or patience.is_over(checks) else NotYet(reason_of(checks))

    with suppress(_OutOfTime):  # the last look says why
        wait_until(
            question,
            what="the cluster to be ready",
            run=session.run,
            deadline=deadline,
            emit=session.emit,
            wake=Wake(),
            pause=PAUSE,
            out_of_time=_OutOfTime,
        )
    seen = looks[-1]
    whose = account(connection.client, seen.failure) if seen.failure else None
    if whose is not None:
        seen = replace(seen, checks=tuple(_explained(one, whose) for one in seen.checks))
    if asked.issue:
        seen = replace(seen, checks=(*seen.checks, _issue(session, connection.client, seen)))
    took = time.monotonic() - began
    return Answer(seen, connection.context, connection.server, asked.namespace, took, len(looks), whose)


class _OutOfTime(NotReady):
    """Ends a wait; never seen by anybody."""


class Patience:
    """Decides when waiting is over before its time: something cannot heal, or has not healed within its budget."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def is_over(self, checks: Sequence[Check], now: float | None = None) -> bool:
        """Judge one look, at `now` on the monotonic clock."""
        now = time.monotonic() if now is None else now
        limited = {one.name: one.budget for one in checks if one.budget is not None and not one.ok}
        self._since = {name: self._since.get(name, now) for name in limited}
        spent = any(now - self._since[name] >= budget for name, budget in limited.items())
        return spent or any(one.final for one in checks)


def look_once(connection: Connection, asked: Asked, session: Session) -> Seen:
    """All checks of one look, in the order in which one explains the next."""
    client = connection.client
    installation = None
    failure: Failure | None = None
    checks: list[Check] = []
    try:
        discovery = discover(client)
        checks.append(passed(API_SERVER, f"context {connection.context}, {connection.server}"))
        if asked.only != REPOSITORIES:
            facts = look(client, discovery, asked.namespace, session.run)
            installation = facts.installation
            failure = facts.probes[-1].failure if facts.probes else None
            checks += [*checks_of(facts), stale.check_of(facts, GROUPS if asked.only == CERT_MANAGER else stale.OURS)]
        if asked.only != CERT_MANAGER:
            if asked.only == REPOSITORIES and (calls := _calls(client)) is not None:
                checks.append(stale.stale_check(calls, groups=(GROUP,)))
            checks += [_of_repositories(one) for one in repositories_check(client, discovery)]
    except ApiError as error:
        failure = error.failure
        code = error.exit_code if failure.status else exits.UNREACHABLE
        checks = [failed(API_SERVER, error.message, error.hint, code=code, heals=failure.retry)]
    return Seen(tuple(checks), installation, failure)


def _calls(client: Client) -> Calls | None:
    """The Services that webhooks call, where nothing else of cert-manager is asked for; None where it is forbidden."""
    try:
        mutating, validating, crds = (list_part(client, part) for part in ("mutating", "validating", "crds"))
    except ApiError as error:
        if error.failure.kind is Kind.FORBIDDEN:
            return None
        raise
    return ask_calls(client, [*mutating, *validating], crds)


def _explained(one: Check, whose: Account) -> Check:
    """A check that failed at a webhook, with what was found out about that webhook."""
    if one.name not in (ADMITS, REFUSES) or one.severity is not Severity.FAILED:
        return one
    return replace(one, hint="\n".join([*whose.lines, *([one.hint] if one.hint else [])]))


def _of_repositories(finding: Finding) -> Check:
    name = finding.name.lower().replace(" ", "-")
    if not finding.known:
        return Check(name, Severity.UNKNOWN, finding.message, finding.hint, exits.CANNOT_TELL)
    if not finding.ok:
        only = f"frit check --only {CERT_MANAGER}   leaves package repositories out"
        return failed(name, finding.message, f"{finding.hint}\n{only}".strip(), code=exits.REPOSITORY)
    return Check(name, Severity.WARNING if finding.warning else Severity.OK, finding.message, finding.hint)


def _issue(session: Session, client: Client, seen: Seen) -> Check:
    broken = [one for one in seen.checks if not one.ok and one.exit_code != exits.REPOSITORY]
    if broken:
        return skipped(ISSUE, "not tried, because the checks above say no")
    controller = seen.installation.deployments.get("controller") if seen.installation else None
    hint = f"kubectl -n {ref_of(controller).namespace} logs deployment/{ref_of(controller).name}" if controller else ""
    issuance = Issuance(client, session.run, session.emit, hint=hint)

    def interrupted(_: int) -> None:
        from click import echo  # the last word of a process that ends here

        left = issuance.remove_quickly()
        echo(f"interrupted: namespace {issuance.namespace} {f'is left: {left}' if left else 'is removed'}", err=True)

    session.on_interrupt.append(interrupted)
    try:
        return issuance.check()
    finally:
        if not session.run.cancelled:  # else the signal's account still needs it
            session.on_interrupt.remove(interrupted)


def data_of(answer: Answer) -> dict[str, Any]:
    """The answer for scripts; stable keys, in this order."""
    installation = answer.seen.installation
    found = None
    if installation is not None and not installation.absent:
        found = {
            "version": installation.version,
            "namespace": installation.namespace,
            "owner": str(installation.owner or ""),
        }
    return {
        "ready": answer.ready,
        "exitCode": answer.exit_code,
        "reason": reason_of(answer.seen.checks),
        "context": answer.context,
        "server": answer.server,
        "namespace": answer.namespace,
        "certManager": found,
        "seconds": round(answer.seconds, 3),
        "looks": answer.looks,
        "checks": [
            {
                "name": one.name,
                "ok": one.ok,
                "severity": str(one.severity),
                "message": one.message,
                "hint": one.hint,
                "findings": [as_data(finding) for finding in one.findings],
            }
            for one in answer.seen.checks
        ],
        "webhook": answer.webhook.data() if answer.webhook else None,
    }


def data_of_error(error: FritError) -> dict[str, Any]:
    """What scripts get where there is no cluster to ask: the keys that they decide by, and the error."""
    code = error.exit_code
    return {"ready": False, "exitCode": code, "reason": error.message, "checks": [], "error": error.data()}


def text_of(answer: Answer) -> str:
    """The answer for people: a line for each check, what to do below those that are not right, and the verdict."""
    width = max(len(one.name) for one in answer.seen.checks)
    lines: list[str] = []
    for one in answer.seen.checks:
        lines.append(f"{MARKS[one.severity]} {one.name.ljust(width)}  {one.message}")
        if one.severity not in (Severity.OK, Severity.SKIPPED):
            lines += [f"    {line}" for line in one.hint.splitlines()]
    return "\n".join([*lines, _verdict(answer)])


def _verdict(answer: Answer) -> str:
    took = seconds_text(answer.seconds)
    if answer.ready:
        warnings = sum(one.severity is Severity.WARNING for one in answer.seen.checks)
        but = f", with {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
        return f"ready: the next create will work{but} ({took})"
    word = "cannot tell" if answer.exit_code == exits.CANNOT_TELL else "not ready"
    reason = textwrap.shorten(reason_of(answer.seen.checks), 160, placeholder=" …")
    return f"{word}: {reason} ({took}, exit {answer.exit_code})"
