"""JSON text to plain data, with bounds, and what else there is to say about plain data."""

from __future__ import annotations

import json
import math
from typing import Any


def parsed(text: str, most: int, deepest: int) -> Any:
    """The value of a JSON text of at most `most` values, nested at most `deepest` levels.

    Raises ValueError if it is no JSON, OverflowError if it is too large or too deep, and LookupError if it is JSON
    that plain data cannot hold: a key that occurs twice, a number that is none, half of a character.
    """
    # Every value of a mapping or list follows one of these three characters, so this bounds them before they exist.
    if sum(text.count(mark) for mark in (",", "[", "{")) > most:
        raise OverflowError(f"it holds more than {most} values")

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) != len(pairs):
            seen: set[str] = set()
            twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise LookupError(f"key {short(twice)} occurs twice in one mapping")
        return built

    def constant(name: str) -> Any:
        raise LookupError(f"{name} is a number that JSON cannot carry")

    def number(digits: str) -> float:
        value = float(digits)
        return value if math.isfinite(value) else float(constant(short(digits)))

    try:
        value = json.loads(text, object_pairs_hook=mapping, parse_constant=constant, parse_float=number)
    except RecursionError:
        raise OverflowError(f"values are nested deeper than {deepest} levels") from None
    if measure(value)[1] > deepest:
        raise OverflowError(f"values are nested deeper than {deepest} levels")
    if "\\u" in text and half_characters(value):
        raise LookupError("a text holds half of a character (a lone surrogate)")
    return value


def half_characters(value: Any) -> bool:
    """Whether a text in a value cannot be written as UTF-8, which JSON's escapes allow."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str) and any("\ud800" <= letter <= "\udfff" for letter in one):
            return True
    return False


def measure(value: Any) -> tuple[int, int]:
    """How many values there are in a value, itself included, and how deep they are nested."""
    count, deepest = 0, 0
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        count += 1
        if isinstance(one, dict | list):
            deepest = max(deepest, depth + 1)
            waiting.extend((child, depth + 1) for child in (one.values() if isinstance(one, dict) else one))
    return count, deepest


def short(text: str) -> str:
    """A text of a file, quoted for a message, and never longer than a line."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
