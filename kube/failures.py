"""Failures as data: what an API server, or the connection to it, said, parsed once and in one place.

    from_answer(status, body, headers)   an HTTP answer from 400 on
    from_broken_answer(body)             a success that is not the JSON that was asked for
    from_exception(error)                the connection between frit and the API server
    from_text(text)                      what kubectl, Helm, cmctl or a log quotes

Each gives a `Failure`; its kind says whether waiting helps (`failure_kinds`), the tables that find the kind
are in `failure_rules` and `failure_talk`. `ApiError` carries a failure up to whoever asked; `judge` is what
`base.retry` needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from base.errors import FritError
from base.retry_after import LONGEST_RETRY_AFTER, retry_after
from kube import failure_causes as causes
from kube.failure_kinds import ANSWERED, KINDS, UNANSWERED, Kind, KindRule
from kube.failure_parts import (
    MOST_CAUSES,
    READ_HEAD,
    REASONS,
    STATUS,
    WRAPPERS,
    as_written,
    bounded,
    chain,
    errno_of,
    one_line,
    quoted_status,
    status_object,
    text_of,
    words_of,
)
from kube.failure_reader import Reading, Speaker, plain, read, unquoted

if TYPE_CHECKING:
    from base.retry import History, Verdict

__all__ = [
    "KINDS",
    "ApiError",
    "Failure",
    "Kind",
    "KindRule",
    "from_answer",
    "from_broken_answer",
    "from_exception",
    "from_text",
    "judge",
]

_NOT_REACHED = frozenset({causes.NOT_AN_API_SERVER.cause, causes.NOT_TLS.cause, causes.PROXY.cause})
"""Causes where somebody answered, but not the API server."""


@dataclass(frozen=True)
class Failure:
    """One failed request, understood.

    `message`: the server's own words in one line of about 2 kB at most. `status`: the HTTP code, 0 if no
    server answered. `reason`: of the Status, or "". `retry_after`: seconds that the server asked for.
    `webhook`: the admission webhook that the text is about, or "". `causes`: `field: message` of each cause
    in the Status. `cause`, `hint`, `lasts`: what happened in one sentence, the next step, and how long it usually
    lasts, where they are known more exactly than by the kind, or "". `between`: who spoke to whom, `A -> B`.
    `evidence`: the exact words that it was recognised by, or "".
    """

    kind: Kind
    message: str
    status: int
    reason: str
    retry_after: float | None
    webhook: str = ""
    causes: tuple[str, ...] = ()
    hint: str = ""
    cause: str = ""
    lasts: str = ""
    between: str = ""
    evidence: str = ""

    @property
    def steps(self) -> str:
        """What to do next, one step a line."""
        return self.hint or self._kind_rule.hint

    @property
    def rule(self) -> KindRule:
        """What this failure means; where its cause is known exactly, the hint begins with it."""
        rule = self._kind_rule
        if not (self.cause or self.hint or self.lasts):
            return rule
        hint = f"{self.cause}\n{self.steps}" if self.cause else self.steps
        return replace(rule, meaning=self.cause or rule.meaning, hint=hint, lasts=self.lasts or rule.lasts)

    @property
    def _kind_rule(self) -> KindRule:
        answered = self.status and self.cause not in _NOT_REACHED
        return (ANSWERED if answered else UNANSWERED).get(self.kind, KINDS[self.kind])

    @property
    def retry(self) -> bool:
        """Whether the same request can succeed later."""
        return KINDS[self.kind].retry


class ApiError(FritError):
    """A request to the API server that failed.

    `doing` completes the sentence "could not ..."; `seconds` is the time that all `attempts` took. The exit
    code and, where none is given, the hint come from the kind of the failure.
    """

    def __init__(
        self, doing: str, failure: Failure, *, attempts: int = 1, seconds: float = 0.0, hint: str = ""
    ) -> None:
        rule = failure.rule
        tried = f" ({attempts} attempts in {seconds:.1f} s)" if attempts > 1 else ""
        details: dict[str, Any] = {
            "kind": str(failure.kind),
            "status": failure.status,
            "reason": failure.reason,
            "webhook": failure.webhook,
            "causes": list(failure.causes),
            "attempts": attempts,
            "seconds": round(seconds, 3),
        }
        super().__init__(f"could not {doing}: {failure.message}{tried}", hint=hint or rule.hint, details=details)
        self.doing = doing
        self.failure = failure
        self.exit_code = rule.exit_code

    def after(self, history: History) -> ApiError:
        """The same error, saying how often and for how long it was tried."""
        if len(history.attempts) < 2:
            return self
        tried, seconds = len(history.attempts), history.attempts[-1].at
        return ApiError(self.doing, self.failure, attempts=tried, seconds=seconds, hint=self.hint)


def judge(error: BaseException) -> Verdict | None:
    """What an error means for `base.retry.retrying`: a verdict on an `ApiError`, None on anything else."""
    if not isinstance(error, ApiError):
        return None
    from base.retry import Verdict  # not at the top: whoever only explains a message needs no retries

    failure = error.failure
    return Verdict(failure.retry, str(failure.kind), failure.message, failure.retry_after, failure.rule.budget)


def from_answer(status: int, body: bytes, headers: Mapping[str, str]) -> Failure:
    """Understand an answer from 400 on: `status` code, the whole body, headers with names in any case.

    The body is a Status (apimachinery meta/v1 types.go), plain text (429 of API priority and fairness, 404 of
    the server's mux, a panic), or a proxy's HTML. Never raises.
    """
    named = {str(name).lower(): str(value) for name, value in headers.items()}
    asked = retry_after(named)
    answer = status_object(body.decode("utf-8", "replace").strip())
    if answer is None:
        text = bounded(body[: READ_HEAD * 4].decode("utf-8", "replace"))
        reading = read(text, Speaker.BETWEEN, status)
        words = one_line(_without_tags(text)) or f"HTTP {status}"
        return _failure(reading, words, text, status, asked=asked)
    return _from_status(status, answer, asked)


def from_broken_answer(body: bytes) -> Failure:
    """Understand an answer that means success and is not the JSON that was asked for: cut off, or no API server's.

    Never raises.
    """
    text = bounded(body[: READ_HEAD * 4].decode("utf-8", "replace"))
    if text.startswith("{"):
        words = f"the answer breaks off or is damaged: its {len(body)} bytes are no JSON"
        return Failure(Kind.API_UNAVAILABLE, words, 0, "", None)
    said = one_line(_without_tags(text))[:200] or "nothing"
    why = causes.NOT_AN_API_SERVER
    words = f"the answer is no JSON but: {said}"
    return Failure(Kind.PERMANENT_CONFIG, words, 0, "", None, hint=why.hint, cause=why.cause)


def from_text(text: str) -> Failure:
    """Understand what a tool printed or logged about its talk with an API server. Never raises.

    A Status in JSON inside the text counts for itself.
    """
    if begin := STATUS.search(text, 0, READ_HEAD):
        answer = status_object(text, begin.start())
        if answer is not None:
            code = answer.get("code")
            if not isinstance(code, int) or not 0 < code < 600:
                code = REASONS.get(text_of(answer, "reason"), 0)
            return _from_status(code, answer, None, Speaker.QUOTED)
    whole = bounded(text)
    status, reason = quoted_status(unquoted(plain(whole)))
    reading = read(whole, Speaker.QUOTED, status)
    if reading.calling and not status:
        status = 500  # what API servers answer when they cannot call a webhook
    return _failure(reading, one_line(whole), whole, status, reason)


def from_exception(error: BaseException) -> Failure:
    """Understand what broke between frit and the API server. Never raises.

    Takes urllib3's, ssl's and socket's errors, timeouts, and the official client's ApiException, which may
    carry an answer of the server. An address that does not resolve, has no route, or whose certificate is not
    trusted is permanent-config; refused, reset and silent connections are api-unavailable.
    """
    if isinstance(error, ApiError):
        return error.failure
    parts: list[str] = []
    told = ""
    for one in chain(error):
        status = getattr(one, "status", None)
        if isinstance(status, int) and status >= 400 and hasattr(one, "body"):
            body = one.body.encode("utf-8", "replace") if isinstance(one.body, str) else one.body
            headers = getattr(one, "headers", None)
            return from_answer(
                status,
                body if isinstance(body, bytes) else b"",
                headers if isinstance(headers, Mapping) else {},
            )
        name, words = type(one).__name__, words_of(one)[:READ_HEAD]
        parts.append(f"{name}: {words} {errno_of(one)}")
        if not told and name not in WRAPPERS:
            told = words or name
    text = bounded("; ".join(parts))
    return _failure(read(text, Speaker.OWN), one_line(told) or one_line(parts[0]), text, 0)


def _from_status(
    status: int, answer: Mapping[str, Any], asked: float | None, speaker: Speaker = Speaker.SERVER
) -> Failure:
    reason = one_line(text_of(answer, "reason"))[:100]
    message = bounded(text_of(answer, "message"))
    details = answer.get("details")
    details = details if isinstance(details, dict) else {}
    seconds = details.get("retryAfterSeconds")
    if asked is None and isinstance(seconds, int) and seconds > 0:
        asked = float(min(seconds, LONGEST_RETRY_AFTER))
    listed = details.get("causes")
    listed = listed[:MOST_CAUSES] if isinstance(listed, list) else []
    causes = [one for one in listed if isinstance(one, dict)]
    signs = f"; reason={reason}" + "".join(f"; cause={text_of(one, 'reason')[:100]}" for one in causes)
    reading = read(message + signs, speaker, status)
    told = tuple(
        one_line(bounded(": ".join(filter(None, (text_of(one, "field"), text_of(one, "message")))))) for one in causes
    )
    words = one_line(message) or reason or f"HTTP {status}"
    return _failure(reading, words, message + signs, status, reason, asked, tuple(filter(None, told)))


def _without_tags(text: str) -> str:
    return " ".join(re.sub(r"<[^<>]{0,500}>", " ", text).split()) if "<" in text else text


def _failure(
    reading: Reading,
    message: str,
    text: str,
    status: int,
    reason: str = "",
    asked: float | None = None,
    told: tuple[str, ...] = (),
) -> Failure:
    """Put together what was read in a text and the message to show for it."""
    evidence = one_line(as_written(reading.words, text))
    if not evidence and reading.kind is not Kind.UNKNOWN and status:
        evidence = reason or f"HTTP {status}"
    why = reading.why
    return Failure(
        kind=reading.kind,
        message=message,
        status=status,
        reason=reason,
        retry_after=asked,
        webhook=reading.webhook,
        causes=told,
        hint=why.hint,
        cause=why.cause,
        lasts=why.lasts,
        between=reading.between,
        evidence=evidence,
    )
