"""Reads a text: first who says it to whom (the envelope), then the cause, by the table of that speaker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from kube.failure_kinds import Kind
from kube.failure_rules import BETWEEN, SERVER
from kube.failure_table import KNOWN_BY_KIND, Table, Why
from kube.failure_talk import OWN
from kube.failure_tools import QUOTED
from kube.failure_webhooks import CANDIDATE, CANDIDATE_NO_CA, CONTRACT, DENIAL, WEBHOOK


class Speaker(Enum):
    """Whose words a text is."""

    SERVER = auto()  # the API server's Status
    BETWEEN = auto()  # an answer that is no Status: the server's plain text, a proxy, a load balancer
    OWN = auto()  # frit's own connection to the API server
    QUOTED = auto()  # the output of a tool that talks to an API server


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text is.

    `why`: what is known better than by the kind. `webhook`: the admission webhook concerned, or "".
    `calling`: whether the API server could not call a webhook, for admission or conversion. `between`: who spoke
    to whom. `words`: the words that decided, in lower case and with names blanked, or "".
    """

    kind: Kind
    why: Why = KNOWN_BY_KIND
    webhook: str = ""
    calling: bool = False
    between: str = ""
    words: str = ""


_CLIENT: Final = "client -> API server"
_TABLES: Final[Mapping[Speaker, tuple[Table, str]]] = {
    Speaker.SERVER: (Table(*SERVER), _CLIENT),
    Speaker.BETWEEN: (Table(*BETWEEN), _CLIENT),
    Speaker.OWN: (Table(*OWN), "frit -> API server"),
    Speaker.QUOTED: (Table(*QUOTED), _CLIENT),
}
_WEBHOOK: Final = Table(*WEBHOOK)
_DENIAL: Final = Table(*DENIAL)
_CONTRACT: Final = Table(*CONTRACT)

_ASKED = re.compile(
    r"admission webhook [\"'`]?([^\s\"'`]{1,300})[\"'`]? "
    r"(?:(denied the request)|does not support dry run|attempted to modify the object)"
)
_CALL = re.compile(
    r"failed calling (?:admission )?webhook(?:, failing (?:open|closed))?:? "
    r"[\"'`]?([^\s\"'`:,]{1,300})[\"'`]?:?"
    r"|failed to connect to webhook [\"'`]([^\s\"'`]{1,300})[\"'`](?: via service [\"'`]?[^\s\"'`]{1,300}[\"'`]?)?:"
    r"|failed to call webhook: "
)
_REFUSED = re.compile(r"(?:\"[^\"\s]{1,300}\"|the request) is invalid: (?!: ?validating)|denied request: ")
"""What follows quotes values of the object, or a policy's own words: neither says anything about the talk."""

_CONVERSION = re.compile(r"conversion webhook for .{1,300}? (?:failed:|returned )")
_CALL_PREFIX = re.compile(
    r"^[\s:]*(?:failed calling (?:admission )?webhook \S+\s+)?(?:failed to call webhook:?\s*)?"
    r"(?:(?:post|get|put)\s+(?:\"[^\"]*\":?|\S+)\s*)?"
)
_ESCAPED = re.compile(r"\\{1,8}([\"'`])")
_BREAKS = re.compile(r"\\{1,8}[nrt]\s*")
_LINK = re.compile(r"\[([^\[\]\s]{1,1000})\]\(https?://[^()\s]{1,1000}\)")
_ENTITIES: Final = {"&quot;": '"', "&#34;": '"', "&#39;": "'", "&#x27;": "'", "&lt;": "<", "&gt;": ">", "&amp;": "&"}
_TYPOGRAPHIC = str.maketrans(dict.fromkeys("“”„«»", '"') | dict.fromkeys("‘’", "'"))
_NAME = re.compile(
    r'"(?<!err=")(?<!error=")(?!system:|https?://[^"\s/]*(?::10250/|/(?:v2/|dir(?:ectory)?"|[^"\s]*index\.yaml"))|(?:[a-z0-9-]{1,63}/)?v\d{1,3}(?:(?:alpha|beta)\d{1,3})?")[^"\s]*"'
)
"""Names between quotes; not an anonymous user, URLs of kubelets and of what is no API server, or built-in versions."""

_GUESS = "(possibly because of "


def plain(text: str) -> str:
    """A text without the dress that logs, shells and forums give it: escapes, typographic quotes, links, entities."""
    if not text.isascii():
        text = text.translate(_TYPOGRAPHIC)
    if "&" in text:
        for entity, character in _ENTITIES.items():
            text = text.replace(entity, character)
    if "\\" in text:
        text = _BREAKS.sub(" ", _ESCAPED.sub(r"\1", text))
    return _LINK.sub(r"\1", text) if "](http" in text else text


def unquoted(text: str) -> str:
    """A text up to the values that a refusal quotes; all of it if nothing was refused that way."""
    refused = _REFUSED.search(text) if " is invalid: " in text or "denied request: " in text else None
    return text[: refused.end()] if refused else text


def read(text: str, speaker: Speaker, status: int = 0) -> Reading:
    """Decide what a text is.

    `text` is one line of bounded length; `status` the HTTP status of the answer, 0 if there was none or it is
    not known. Never raises; linear in the length of the text.
    """
    text = plain(text.lower())
    # Go's guess about an unknown authority quotes free text (a common name): only what it guesses counts.
    if _GUESS in text:
        text, _, guess = text.partition(_GUESS)
        text += CANDIDATE_NO_CA if "parent certificate cannot sign" in guess else CANDIDATE
    webhooks = "webhook" in text
    asked = _ASKED.search(text) if webhooks and "admission webhook " in text else None
    # Only a 500 is about a webhook call; in a 4xx such words are a value that the server quotes.
    call = _webhook_call(text) if webhooks and (status == 0 or status >= 500) else None
    spoken = unquoted(text)
    if len(spoken) < len(text) and not asked and (call is None or len(spoken) <= call[0]):
        text, call = spoken, None
    if asked and (call is None or asked.start() < call[0]):
        table, begin = (_DENIAL, asked.end()) if asked[2] else (_CONTRACT, asked.start())
        reading = _first(table, text[begin:], 0, f"API server -> webhook {asked[1]}", asked[1])
        return reading if reading.words else replace(reading, words="denied the request")
    if call:
        to = f"webhook {call[1]}".rstrip() if call[1] is not None else "conversion webhook"
        return _first(_WEBHOOK, call[2], 0, f"API server -> {to}", call[1] or "", calling=True)
    return _first(_TABLES[speaker][0], text, status, _TABLES[speaker][1])


def _webhook_call(text: str) -> tuple[int, str | None, str] | None:
    """Where the envelope of a failed call begins, the webhook's name (None for conversion), and the cause."""
    call = _CALL.search(text)
    conversion = _CONVERSION.search(text) if "conversion webhook for " in text else None
    if conversion and (call is None or conversion.start() < call.start()):
        # "returned " belongs to the cause, "failed:" does not.
        end = conversion.end() - (len("returned ") if text[conversion.end() - 1] == " " else 0)
        return conversion.start(), None, _cause(text[end:])
    return (call.start(), call[1] or call[2] or "", _cause(text[call.end() :])) if call else None


def _cause(text: str) -> str:
    """What follows the URL of the call."""
    prefix = _CALL_PREFIX.match(text)
    return text[prefix.end() :] if prefix else text


def _first(table: Table, text: str, status: int, between: str, webhook: str = "", *, calling: bool = False) -> Reading:
    hit = table.first(_NAME.sub('""', text), status)
    if hit is None:  # outside of an envelope nobody knows who spoke
        return Reading(Kind.UNKNOWN, KNOWN_BY_KIND, webhook, calling, between if webhook or calling else "")
    return Reading(hit.rule.kind, hit.rule.why, webhook, calling, hit.between or between, hit.words)
