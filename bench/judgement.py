"""When did the webhook really work? A judgement over the answers that an independent poller got, as plain data.

Answers overlap: one that hangs is known to have failed a second after later ones succeeded. So everything is judged
by the moment in which a request was started, because that is what a user would have met who started one then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

STEADY_SECONDS = 0.5
"""How long only good answers must have come, after the last contrary one, before it counts as for good."""

WEBHOOK_DENIED = 'admission webhook "webhook.cert-manager.io" denied'

_CAUSES = (
    ("x509", "x509"),
    ("connection refused", "connection refused"),
    ("no endpoints available", "no endpoints"),
    ("context deadline exceeded", "deadline"),
    ("i/o timeout", "deadline"),
)


class Kind(StrEnum):
    """Which of the two objects was asked about: one that must be admitted, one that must be denied."""

    VALID = "valid"
    INVALID = "invalid"


@dataclass(frozen=True)
class Answer:
    """What one request of the poller came to; `started` and `ended` are seconds on one clock.

    `good` is what a working webhook answers (the valid admitted, the invalid denied by it); everything else is
    contrary. `label` says in a word or two what it was.
    """

    kind: Kind
    started: float
    ended: float
    label: str
    good: bool


def judge(kind: Kind, started: float, ended: float, status: int, message: str) -> Answer:
    """The answer of the API server to a dry-run create, judged.

    `message` is that of the Status where the server refused; status 0 is a request that got no answer, and `message`
    says why.
    """
    if status == 201:
        return Answer(kind, started, ended, "admitted", kind is Kind.VALID)
    if status == 403 and WEBHOOK_DENIED in message:
        return Answer(kind, started, ended, "denied", kind is Kind.INVALID)
    if status == 0:
        return Answer(kind, started, ended, message, False)
    cause = next((word for text, word in _CAUSES if text in message), "")
    return Answer(kind, started, ended, f"{status} {cause}".strip(), False)


def ready_for_good(answers: Iterable[Answer], steady: float = STEADY_SECONDS) -> float | None:
    """The moment from which on every request got a good answer; None where there is none.

    It is the start of the first request after the start of the last contrary one, the later of the two kinds: both
    must be shown to work. Good answers must go on for `steady` seconds after it, or it proves nothing.
    """
    known = list(answers)
    last_contrary = max((one.started for one in known if not one.good), default=float("-inf"))
    moments = []
    for kind in Kind:
        after = [one.started for one in known if one.kind is kind and one.started > last_contrary]
        if not after:
            return None
        moments.append((min(after), max(after)))
    ready = max(first for first, _ in moments)
    return ready if all(last - ready >= steady for _, last in moments) else None


def first_good(answers: Iterable[Answer]) -> float | None:
    """When both kinds had been given a good answer for the first time, by their starts; not yet for good."""
    known = list(answers)
    firsts = [
        min((one.started for one in known if one.good and one.kind is kind), default=float("inf")) for kind in Kind
    ]
    return None if max(firsts) == float("inf") else max(firsts)


def contrary_since(answers: Iterable[Answer], moment: float) -> int:
    """How many requests that were started at or after a moment got a contrary answer."""
    return sum(1 for one in answers if not one.good and one.started >= moment)


@dataclass(frozen=True)
class Span:
    """Answers of one kind with the same label, in a row by their starts; `slowest` is seconds."""

    kind: Kind
    label: str
    first: float
    last: float
    count: int
    slowest: float


def spans(answers: Sequence[Answer]) -> list[Span]:
    """The story of a run in a few lines: runs of equal answers, each kind by itself, in the order of their starts."""
    found: list[Span] = []
    for kind in Kind:
        own = sorted((one for one in answers if one.kind is kind), key=lambda one: one.started)
        group: list[Answer] = []
        for one in own:
            if group and group[-1].label != one.label:
                found.append(_span(group))
                group = []
            group.append(one)
        if group:
            found.append(_span(group))
    return found


def _span(group: Sequence[Answer]) -> Span:
    slowest = max(one.ended - one.started for one in group)
    return Span(group[0].kind, group[0].label, group[0].started, group[-1].started, len(group), slowest)
