"""Takes apart what failures arrive in: bodies, headers, quoted texts, exceptions.

What comes out is bounded in length and free of credentials; nothing here raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

READ_HEAD: Final = 6000
READ_TAIL: Final = 2000
"""Of a longer text, only so many characters of its beginning and end are looked at."""

MESSAGE_HEAD: Final = 1500
MESSAGE_TAIL: Final = 500
MOST_CAUSES: Final = 50


def status_object(text: str, begin: int = 0) -> dict[str, Any] | None:
    """The Status that stands in a text from `begin` on, or None if there is something else."""
    if not text.startswith("{", begin):
        return None
    try:
        answer, _ = json.JSONDecoder().raw_decode(text, begin)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    # an API server whose request timed out answers a Status that does not say its kind
    # (apiserver, pkg/server/filters/timeout.go)
    return answer if answer.get("kind") == "Status" or answer.get("status") == "Failure" else None


def text_of(data: Mapping[str, Any], name: str) -> str:
    """The string under a name; "" if there is none or it is no string."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def bounded(text: str) -> str:
    """The text with whitespace folded to single spaces, and not longer than what is read."""
    if len(text) > READ_HEAD + READ_TAIL:
        text = f"{text[:READ_HEAD]} … {text[-READ_TAIL:]}"
    return " ".join(text.split())


_TOKEN = re.compile(r"(?i)\b(bearer|basic|negotiate)\s+[\w.~+/=-]{16,}")
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?")
_HEADER = re.compile(r"(?i)\bheader value\s+b?['\"].*")
_USER = re.compile(r"(?<=://)[^\s/@\"']{1,500}@")
_SETTING = re.compile(
    r"(?i)(password|passwd|secret[_-]?key|client[_-]?secret|api[_-]?key|access[_-]?key|token|-key-data)"
    r"(\\{0,8}[\"']?\s{0,2}[=:]\s{0,2}\\{0,8}[\"']?)(?!\[hidden\])([^\s\"',;&\\)}\]]{4,})"
)
_AUTHORIZATION = re.compile(r"(?i)\b(authorization\\{0,8}[\"']?\s{0,2}[:=]\s{0,2})(?!\s?\w{1,12} \[hidden\]).*")
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}-----|$)")
_SETS: Final = re.compile(r"(?:passw(?:or)?d|secret|key|token|-data)\\{0,8}[\"']?\s{0,2}[=:]")
"""A cheap look at lower case for what the expensive patterns would find."""


def hidden(text: str) -> str:
    """A line without credentials: those of URLs, of headers, tokens, private keys, and what is called a password.

    Credentials can stand in the errors of HTTP libraries: http.client quotes a header value that it cannot
    send, and urllib3 the URL of a proxy with its password. Logs hold whatever somebody logged.
    """
    if "@" in text:
        text = _USER.sub("[hidden]@", text)
    if "eyJ" in text:
        text = _JWT.sub("[hidden]", text)
    lower = text.lower()
    if "header value " in lower:
        text = _HEADER.sub("header value [hidden]", text)
    if "bearer " in lower or "basic " in lower or "negotiate " in lower:
        text = _TOKEN.sub(r"\1 [hidden]", text)
    if "authorization" in lower:
        text = _AUTHORIZATION.sub(r"\1[hidden]", text)
    if ("key" in lower or "secret" in lower or "token" in lower or "passw" in lower) and _SETS.search(lower):
        text = _SETTING.sub(_hide_setting, text)
    return _PRIVATE.sub("[hidden]", text) if "-----BEGIN " in text else text


_WORD = re.compile(r"[A-Za-z]+(?:[ .:]|$)")


def _hide_setting(match: re.Match[str]) -> str:
    """Hide the value of a setting; "invalid token: expired" is a sentence and stays."""
    if ":" in match[2] and " " in match[2] and _WORD.fullmatch(match[3]):
        return match[0]
    return f"{match[1]}{match[2]}[hidden]"


def one_line(text: str) -> str:
    """Folded text as it may be shown: printable, without credentials, the middle of a long one left out."""
    text = hidden(text)
    if len(text) > MESSAGE_HEAD + MESSAGE_TAIL:
        text = f"{text[:MESSAGE_HEAD]} … {text[-MESSAGE_TAIL:]}"
    return text if text.isprintable() else "".join(one if one.isprintable() else "?" for one in text)


def as_written(words: str, text: str) -> str:
    """Words that a rule found in lower case and with names blanked, as they stand in the text itself."""
    words = words.partition(" [candidate")[0]  # what stands for Go's guess about a certificate authority
    words = words.removeprefix("cause=").removeprefix("reason=")
    if not words:
        return ""
    if words.count('"') == 1:
        words = words.strip('" ')
    lower = text.lower()
    at = lower.find(words)
    if at >= 0 and len(lower) == len(text):
        return text[at : at + len(words)].strip(" :;,(")
    if '""' in words and (match := _with_names(words).search(text)):
        return match[0].strip(" :;,(")
    return words.strip(" :;,(")


@lru_cache(maxsize=256)
def _with_names(words: str) -> re.Pattern[str]:
    parts = (re.escape(part) for part in words[:300].split('""'))
    return re.compile(r"\\{0,8}[\"“][^\"”\s]{0,300}[\"”]".join(parts), re.IGNORECASE)


REASONS: Final[Mapping[str, int]] = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "NotAcceptable": 406,
    "AlreadyExists": 409,
    "Conflict": 409,
    "Gone": 410,
    "Expired": 410,
    "RequestEntityTooLarge": 413,
    "UnsupportedMediaType": 415,
    "Invalid": 422,
    "TooManyRequests": 429,
    "InternalError": 500,
    "ServerTimeout": 500,
    "ServiceUnavailable": 503,
    "Timeout": 504,
}
"""The HTTP code of each reason of a Status (apimachinery api/errors)."""

STATUS = re.compile(r'\{\s{0,9}(?:"apiVersion"\s?:\s?"v1"\s?,\s{0,9})?"kind"\s?:\s?"Status"')
_KUBECTL = re.compile(r"Error from server \(([A-Za-z]{1,40})\)")
_CODE_FIRST = re.compile(
    r"([45][0-9]{2})(?:\) Reason: |, message='| (?:Client|Server) Error: | [A-Z][A-Za-z -]{1,40}' for url )"
)
_CODE_LAST = re.compile(r"(?:Status\(apiVersion=v1, code=|Response \{.{0,300}?\bcode: |, status=)([45][0-9]{2})\b")


def quoted_status(text: str) -> tuple[int, str]:
    """HTTP code and reason, where a client wrote them into its text; else 0 and "".

    kubectl writes the reason; the clients for Python (official, aiohttp, requests, httpx), Java and Rust the code.
    client-go says "an error on the server" of a 500 without a Status.
    """
    if (hit := _KUBECTL.search(text)) and hit[1] in REASONS:
        return REASONS[hit[1]], hit[1]
    if (") Reason: " in text or ", message='" in text or "rror: " in text) and (hit := _CODE_FIRST.search(text)):
        return int(hit[1]), ""
    if (", code=" in text or " code: " in text or ", status=" in text) and (hit := _CODE_LAST.search(text)):
        return int(hit[1]), ""
    return (500, "") if "an error on the server (" in text else (0, "")


WRAPPERS: Final = frozenset({"MaxRetryError", "ProtocolError"})
"""urllib3's errors whose own text only repeats another exception."""


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, outermost first; urllib3 keeps the cause in `reason`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting and len(seen) < 20:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        context = None if one.__suppress_context__ else one.__context__
        waiting += [*reversed(one.args), context, one.__cause__, getattr(one, "reason", None)]


def words_of(error: BaseException) -> str:
    """An exception's text; the official client's without the headers that its own text repeats."""
    try:
        if type(error).__name__ == "ApiException":
            return str(getattr(error, "reason", "") or "")
        if type(error).__name__ == "ProxyError":  # whose text is that of a tuple
            return ": ".join(str(one) for one in error.args)
        return str(error)
    except Exception:  # noqa: BLE001  a broken __str__ must not hide the failure that it describes
        return ""


def errno_of(error: BaseException) -> str:
    """The symbolic name of an OSError's number, which no locale translates."""
    if isinstance(error, TimeoutError):
        return "[ETIMEDOUT]"
    if isinstance(error, ConnectionError) and error.errno is None:
        return "[ECONNRESET]"
    if not isinstance(error, OSError) or not isinstance(error.errno, int):
        return ""
    if type(error).__name__ == "gaierror":
        import socket  # only here: numbers of name resolution overlap with those of the system

        return "[EAI_AGAIN]" if error.errno == socket.EAI_AGAIN else ""
    import errno

    name = errno.errorcode.get(error.errno, "") if not type(error).__name__.startswith("SSL") else ""
    return f"[{name}]" if name else ""
