"""Reads a text: first who says it to whom (the envelope), then the cause, by the table of that speaker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from kube.failure_kinds import Kind
from kube.failure_rules import BETWEEN, DENIAL, SERVER, WEBHOOK, Rule, Table
from kube.failure_talk import OWN, QUOTED


class Speaker(Enum):
    """Whose words a text is."""

    SERVER = auto()  # the API server's Status
    BETWEEN = auto()  # an answer that is no Status: the server's plain text, a proxy, a load balancer
    OWN = auto()  # frit's own connection to the API server
    QUOTED = auto()  # the output of a tool that talks to an API server


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text is.

    `hint`: a next step more exact than the kind's, or "". `webhook`: the admission webhook concerned, or "".
    `calling`: whether the API server could not call a webhook, for admission or conversion.
    """

    kind: Kind
    hint: str = ""
    webhook: str = ""
    calling: bool = False


_TABLES: Final[Mapping[Speaker, Table]] = {
    Speaker.SERVER: SERVER,
    Speaker.BETWEEN: BETWEEN,
    Speaker.OWN: OWN,
    Speaker.QUOTED: QUOTED,
}

_DENIED = re.compile(r"admission webhook [\"'`]?([^\s\"'`]{1,300})[\"'`]? denied the request")
_CALL = re.compile(
    r"failed calling (?:admission )?webhook(?:, failing (?:open|closed))?:? "
    r"[\"'`]?([^\s\"'`:,]{1,300})[\"'`]?:?"
)
_CONVERSION = re.compile(r"conversion webhook for .{1,300}? (?:failed:|returned )")
_CALL_PREFIX = re.compile(
    r"^[\s:]*(?:failed calling (?:admission )?webhook \S+\s+)?(?:failed to call webhook:?\s*)?"
    r"(?:(?:post|get|put)\s+\S+\s+)?"
)
_ESCAPED = re.compile(r"\\{1,8}([\"'])")
_NAME = re.compile(r'"(?!system:)[^"\s]*"')
_GUESS = "(possibly because of "


def read(text: str, speaker: Speaker, status: int = 0) -> Reading:
    """Decide what a text is.

    `text` is one line of bounded length; `status` the HTTP status of the answer, 0 if there was none or it is
    not known. Never raises; linear in the length of the text.
    """
    text = text.lower()
    if "\\" in text:
        text = _ESCAPED.sub(r"\1", text)
    # Go's guess about an unknown authority quotes free text (a common name): it decides nothing.
    text = text.partition(_GUESS)[0]
    denied = _DENIED.search(text) if "denied the request" in text else None
    # Only a 500 is about a webhook call; in a 4xx such words are a value that the server quotes.
    call = _webhook_call(text) if "webhook" in text and (status == 0 or status >= 500) else None
    if denied and (call is None or denied.start() < call[0]):
        return _first(DENIAL, _NAME.sub('""', text[denied.end() :]), 0, webhook=denied[1])
    if call:
        return _first(WEBHOOK, _NAME.sub('""', call[2]), 0, webhook=call[1], calling=True)
    return _first(_TABLES[speaker], _NAME.sub('""', text), status)


def _webhook_call(text: str) -> tuple[int, str, str] | None:
    """Where the envelope of a failed call begins, the webhook's name ("" for conversion), and the cause."""
    call = _CALL.search(text)
    conversion = _CONVERSION.search(text) if "conversion webhook for " in text else None
    if conversion and (call is None or conversion.start() < call.start()):
        # "returned " belongs to the cause, "failed:" does not.
        end = conversion.end() - (len("returned ") if text[conversion.end() - 1] == " " else 0)
        return conversion.start(), "", _cause(text[end:])
    return (call.start(), call[1], _cause(text[call.end() :])) if call else None


def _cause(text: str) -> str:
    """What follows the URL of the call."""
    prefix = _CALL_PREFIX.match(text)
    return text[prefix.end() :] if prefix else text


def _first(table: Table, text: str, status: int, *, webhook: str = "", calling: bool = False) -> Reading:
    rule = _match(table, text, status)
    return Reading(rule.kind, rule.hint, webhook, calling) if rule else Reading(Kind.UNKNOWN, "", webhook, calling)


def _match(table: Table, text: str, status: int) -> Rule | None:
    for entry in table:
        if isinstance(entry, Rule):
            if entry.matches(text, status):
                return entry
        elif any(words in text for words in entry.says) and (rule := _match(entry.rules, text, status)):
            return rule
    return None
