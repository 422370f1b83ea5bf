"""Explains failures: finds them in a message or a whole log, and says of each what it is and what to do.

    explain_message(text)    one message: it is a failure, whatever it says
    explain_log(lines)       a log: failures are what is recognised, and what the log itself calls an error

`document` is for scripts, `story` for people. A log is read once, and only its distinct failures are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from base import exits
from kube import failure_causes as causes
from kube.explain_records import Level, Record, level_of, may_fail, records
from kube.failures import Failure, Kind, from_text

MOST_FINDINGS: Final = 500
"""Distinct failures that are kept of one log; the others are only counted."""

MOST_REMEMBERED: Final = 2000
LONGEST_REMEMBERED: Final = 4000
"""Texts whose explanation is remembered, because logs repeat themselves, and their length."""

_SAYS: Final = re.compile(
    r"^\W*(?:error|fatal|panic|failed|failure|unable to|cannot|could not|couldn't)\b"
    r"|\b(?:error|failed|fatal|exception): (?!0\b)|\bfailed to \w|\berror occurred|\[error\]|\w(?:error|exception): ",
    re.IGNORECASE,
)
_SAYS_NOT: Final = re.compile(
    r"\b(?:no|0|without|zero) (?:error|failure)s?\b|\berrors? occurred:\s*$"
    r"|\berrors?\"?\s?[:=]\s?(?:null|nil|none|<nil>|0|\"\"|false)(?:\W|$)",
    re.IGNORECASE,
)
_ENDED: Final = re.compile(
    r"\W*(?:error\W+)?(?:(?:process|command) (?:completed|terminated|failed|exited) with |exited with )?"
    r"exit (?:code|status):? \d+\W*",
    re.IGNORECASE,
)
"""A record that says no more than that a program ended: a consequence of what stands above it."""
_SUCCESS: Final = re.compile(
    r"\b(?:created|configured|unchanged|deleted|patched|replaced|labeled|annotated|scaled|restarted|condition met"
    r"|serverside-applied|deployed|successful(?:ly)?|Happy Helming)\b"
    r"|^No resources found\b"
)
_NO_SUCCESS: Final = re.compile(
    r"\b(?:not|never|cannot|can't|couldn't|unexpected\w*|unable|denied|refused|rejected|giving up)\b|fail|error",
    re.IGNORECASE,
)
_VARIES: Final = re.compile(r"\b[0-9a-f]{8,}\b|\d+")
_STAMP: Final = re.compile(
    r"^(?:[IWEF]\d{4} [\d:.]+\s+\d+ \S+:\d+\] |(?:\d{4}[-/]\d\d[-/]\d\d[T ])?[\d:.,]{8,20}(?:Z|[+-]\d\d:?\d\d)?\s+"
    r"(?:std(?:out|err) [FP] )?)"
)
_HALF_KNOWN: Final = frozenset(
    why.cause for why in (causes.GAVE_UP, causes.IMAGE, causes.CRASHING, causes.UNSCHEDULABLE)
)
"""Failures that tell no reason: nobody can say whether waiting helps, but failures they are."""
_TEXTS: Final = ("error", "err", "exception", "message", "msg", "reason", "log", "note", "lastError", "stderr")


@dataclass
class Finding:
    """A failure, how often it occurred, and in which lines first and last."""

    failure: Failure
    line: int
    last: int
    count: int = 1

    @property
    def recognised(self) -> bool:
        """Whether frit knows what this is."""
        return self.failure.kind is not Kind.UNKNOWN

    def document(self) -> dict[str, Any]:
        """The finding as JSON types."""
        failure, rule = self.failure, self.failure.rule
        return {
            "kind": str(failure.kind),
            "recognised": self.recognised,
            "retry": failure.retry,
            "wait_seconds": rule.budget,
            "lasts": rule.lasts,
            "between": failure.between,
            "webhook": failure.webhook,
            "cause": rule.meaning,
            "hint": failure.steps,
            "evidence": failure.evidence,
            "message": failure.message,
            "status": failure.status,
            "reason": failure.reason,
            "causes": list(failure.causes),
            "count": self.count,
            "line": self.line,
            "last_line": self.last,
        }


@dataclass
class Explanation:
    """All failures of an input, in the order in which they appear first.

    `lines`: how many lines were read, `said`: how many of them are not blank. `more`: failures beyond the
    `MOST_FINDINGS` distinct ones that are kept.
    """

    findings: list[Finding] = field(default_factory=list)
    lines: int = 0
    said: int = 0
    more: int = 0

    @property
    def recognised(self) -> bool:
        """Whether frit knows what every failure is."""
        return not self.more and all(one.recognised for one in self.findings)

    @property
    def exit_code(self) -> int:
        """0 where every failure was recognised (also where there is none), else 9."""
        return exits.OK if self.recognised else exits.CANNOT_TELL

    def document(self) -> dict[str, Any]:
        """The explanation as JSON types."""
        return {
            "findings": [one.document() for one in self.findings],
            "recognised": self.recognised,
            "not_kept": self.more,
            "lines": self.lines,
        }


def explain_message(text: str) -> Explanation:
    """Explain a message of which somebody says that it is a failure; a log of several lines is one too."""
    found = explain_log(text.splitlines())
    if not found.findings:
        found.findings.append(Finding(from_text(text), 1, 1))
    return found


def explain_log(lines: Iterable[str]) -> Explanation:
    """Explain every failure in a log; lines that speak of none are passed over.

    What is recognised counts, whatever its level. What is not recognised counts where the log calls it an error
    (klog's E and F, `level=error`, ERROR), or where a line without level says so ("Error: ...", "failed to ...").
    A log of one line is a message: it counts, unless it tells of a success.
    """
    explanation = Explanation()
    known: dict[tuple[object, ...], Finding] = {}
    remembered: dict[str, Failure | None] = {}
    only = ""

    def counted() -> Iterator[str]:
        nonlocal only
        for line in lines:
            explanation.lines += 1
            if not line.isspace():
                explanation.said += 1
                only = line if explanation.said == 1 else ""
            yield line

    for record in records(counted()):
        for text, level in _messages(record):
            key = _STAMP.sub("", text) if len(text) <= LONGEST_REMEMBERED else ""
            if key and key in remembered:
                failure = remembered[key]
            else:
                failure = _failure_in(text, level)
                if len(remembered) >= MOST_REMEMBERED:
                    remembered.clear()
                remembered[key] = failure
            if failure is not None:
                _count(explanation, known, failure, record.line)
    success = _SUCCESS.search(only) and not _NO_SUCCESS.search(only)
    if only and not explanation.findings and level_of(only) is not Level.TALK and not success:
        _count(explanation, known, from_text(only), 1)
    return explanation


def _count(explanation: Explanation, known: dict[tuple[object, ...], Finding], failure: Failure, line: int) -> None:
    same: tuple[object, ...]
    if failure.kind is Kind.UNKNOWN and not failure.evidence:
        same = (failure.kind, failure.cause, _VARIES.sub("#", _STAMP.sub("", failure.message)))
    else:
        same = (failure.kind, failure.cause, failure.between, _VARIES.sub("#", failure.evidence.lower()))
    finding = known.get(same)
    if finding is not None:
        finding.count += 1
        finding.last = line
    elif len(known) < MOST_FINDINGS:
        known[same] = finding = Finding(failure, line, line)
        explanation.findings.append(finding)
    else:
        explanation.more += 1


def _failure_in(text: str, level: Level) -> Failure | None:
    """The failure that a record is, None if it is none."""
    failure = from_text(text)
    if failure.kind is not Kind.UNKNOWN or failure.cause in _HALF_KNOWN:
        return failure
    if _ENDED.fullmatch(text):
        return None
    said = level is Level.ERROR or (
        level is not Level.TALK and _SAYS.search(text) is not None and not _SAYS_NOT.search(text)
    )
    return failure if said else None


def _messages(record: Record) -> Iterator[tuple[str, Level]]:
    """The messages of a record, with their level: its text, or what an object says about failures."""
    if record.data is None:
        yield record.text, level_of(record.text)
    else:
        yield from _of_object(record.data, 0)


def _of_object(data: Any, depth: int) -> Iterator[tuple[str, Level]]:
    """The messages of a JSON or YAML object: a Status, a line of a log, an Event, or a list of such."""
    if depth > 6:
        return
    if isinstance(data, list):
        for one in data[:10_000]:
            yield from _of_object(one, depth + 1)
        return
    if not isinstance(data, dict):
        return
    if data.get("status") == "Failure" or (data.get("kind") == "Status" and data.get("status") != "Success"):
        whole = {"kind": "Status", **{key: value for key, value in data.items() if key != "kind"}}
        yield json.dumps(whole, ensure_ascii=False, default=str), Level.ERROR
        return
    level = _level_in(data)
    texts = [value for key in _TEXTS if isinstance(value := _text(data.get(key)), str) and value]
    inside = next((one for one in texts if one.lstrip()[:1] == "{" or one.endswith("\n")), None)
    if inside is not None and len(texts) == 1:  # a container's log line within the one of its runtime
        for record in records(inside.splitlines()):
            yield from _messages(record)
    elif texts and (level is not Level.UNKNOWN or data.get("type") == "Warning" or data.get("status") == "False"):
        text = ": ".join(dict.fromkeys(reversed(texts)))
        if level is Level.ERROR or may_fail(text):
            yield text, level
    for value in data.values():
        if isinstance(value, dict | list):
            yield from _of_object(value, depth + 1)


def _text(value: Any) -> Any:
    """What stands in a field for a text: itself, or the message of an error that is an object of its own."""
    return value.get("message") if isinstance(value, dict) else value


def _level_in(data: dict[str, Any]) -> Level:
    for key in ("level", "severity", "lvl", "levelname", "log.level"):
        value = data.get(key)
        if isinstance(value, str) and value:
            return level_of(f"level={value.lower()}")
        if isinstance(value, int) and value >= 30:  # numbers of bunyan and pino
            return Level.ERROR if value >= 50 else Level.WARNING if value >= 40 else Level.TALK
    return Level.ERROR if isinstance(data.get("error") or data.get("err"), str) else Level.UNKNOWN
