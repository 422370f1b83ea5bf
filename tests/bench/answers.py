"""Answers of a poller, made up for tests: a pair every 20 ms, with what differs from it."""

from __future__ import annotations

from bench.judgement import Answer, Kind


def good(kind: Kind, started: float, seconds: float = 0.005) -> Answer:
    """What a working webhook answers."""
    return Answer(kind, started, started + seconds, "admitted" if kind is Kind.VALID else "denied", True)


def contrary(kind: Kind, started: float, seconds: float = 0.005, label: str = "500 connection refused") -> Answer:
    """What anything else comes to."""
    return Answer(kind, started, started + seconds, label, False)


def pairs(first: float, last: float, *, works: bool) -> list[Answer]:
    """A pair of both kinds every 20 ms, from `first` to `last`, both included; times are rounded to a millisecond."""
    count = round((last - first) / 0.02) + 1
    make = good if works else contrary
    return [make(kind, round(first + 0.02 * number, 3)) for number in range(count) for kind in Kind]
