"""What a YAML scalar without quotes means: null, true or false, a number, or a text."""

from __future__ import annotations

import math
import re
from typing import Final

CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
"""As in YAML 1.1, which kubectl's library follows. Source: goyaml.v2/resolve.go."""

NUMBER_BEGINS: Final = frozenset("+-.0123456789")

_INTEGER: Final = re.compile(r"([-+]?)(?:0b([01_]+)|0x([0-9a-fA-F_]+)|0o?([0-7_]+)|([0-9][0-9_]*))")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_IN_JSON: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def scalar(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar. Raises ValueError for a number that JSON cannot carry."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] in NUMBER_BEGINS:
        number = _number(text)
        if number is not None:
            return number
    return text


def _number(text: str) -> int | float | None:
    """The number that a plain scalar is, or None. Raises ValueError for one that JSON cannot carry."""
    if match := _INTEGER.fullmatch(text):
        sign, *forms = match.groups()
        for digits, base in zip(forms, (2, 16, 8, 10), strict=True):
            if digits is not None and (plain := digits.replace("_", "")):
                return int(sign + plain, base)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(text)
        return number
    if _NOT_IN_JSON.fullmatch(text):
        raise ValueError(text)
    return None
