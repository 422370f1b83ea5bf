"""Warning events: what Kubernetes has complained about lately, newest first.

Source: Kubernetes API reference, Event v1 core. Events are kept for an hour by default, and several equal ones are
one object with a count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kube.client import Client
from kube.discovery import CORE_V1
from kube.objects import field

LONGEST = 500
"""Characters of one message that are kept; the beginning names the cause."""


@dataclass(frozen=True)
class Warned:
    """One warning: about which object (kind and name), why, and how often; `at` is when it was last seen (RFC 3339)."""

    kind: str
    name: str
    reason: str
    message: str
    count: int
    at: str

    def __str__(self) -> str:
        """As one line: `FailedScheduling: 0/1 nodes are available (3 times)`."""
        times = f" ({self.count} times)" if self.count > 1 else ""
        return f"{self.reason}: {self.message}{times}"


def plain(text: object, longest: int = LONGEST) -> str:
    """One printable line of what a server, a container or an event says, cut at `longest` characters.

    Control characters go, because this text is printed on terminals and others choose it.
    """
    line = "".join(one if one.isprintable() else "?" for one in " ".join(str(text).split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"


def warning_of(event: Mapping[str, Any]) -> Warned:
    """Read one Event object, whichever of the two event APIs wrote it."""
    count = field(event, "series", "count") or field(event, "count", default=1)
    at = (
        field(event, "series", "lastObservedTime")
        or field(event, "lastTimestamp")
        or field(event, "eventTime")
        or field(event, "metadata", "creationTimestamp", default="")
    )
    return Warned(
        str(field(event, "involvedObject", "kind", default="")),
        str(field(event, "involvedObject", "name", default="")),
        plain(field(event, "reason", default="")),
        plain(field(event, "message", default="")),
        int(count),
        str(at),
    )


def list_warnings(client: Client, namespace: str) -> list[Warned]:
    """The warnings of a namespace, newest first; one request. Raises `ApiError`."""
    answer = client.get(
        CORE_V1["Event"].path(namespace),
        doing=f"list the events in namespace {namespace}",
        query={"fieldSelector": "type=Warning", "limit": "500"},
    )
    return newest_first(warning_of(one) for one in answer.get("items") or [])


def newest_first(warnings: Iterable[Warned]) -> list[Warned]:
    """Sort by the time of the last occurrence."""
    return sorted(warnings, key=lambda one: one.at, reverse=True)


def about(warnings: Iterable[Warned], kind: str, name: str) -> list[Warned]:
    """The warnings about one object, in the order given."""
    return [one for one in warnings if one.kind == kind and one.name == name]
