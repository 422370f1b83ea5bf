"""How repositories are shown: status in a word, rows of tables, ages, and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from base.errors import RepositoryUnusable
from repositories.wording import counted

if TYPE_CHECKING:
    from repositories.credentials import Place
    from repositories.looking import Look
    from repositories.registry import Registered

STATUS = {"True": "ready", "False": "not ready"}


def warnings(found: Sequence[Registered], looks: Mapping[str, Look]) -> list[str]:
    """What deserves attention, a sentence each."""
    from repositories.registry import defaults

    marked = defaults(found)
    said = []
    if len(marked) > 1:
        said.append(
            f"{len(marked)} repositories are marked as the default ({', '.join(marked)}):"
            " where packages come from that name none is not certain; frit repo set-default NAME chooses one"
        )
    said += [f"{one.name} is not ready: {one.message}" for one in found if one.ready == "False"]
    for look in looks.values():
        if look.error is not None:
            said.append(f"{look.name}: {look.message}")
        elif look.seen is not None and look.seen.stale:
            said.append(f"{look.name} answers from the cache: {look.message}")
    return said


def status(one: Registered, looks: Mapping[str, Look]) -> str:
    """What a controller says of a repository, else what frit saw; `-` where nobody looked."""
    if one.ready:
        return STATUS.get(one.ready, one.ready.lower())
    look = looks.get(one.name)
    if look is None:
        return "-"
    if look.error is not None:
        return "unreachable" if isinstance(look.error, RepositoryUnusable) else "unknown"
    return "old" if look.seen and look.seen.stale else "reachable"


def row(one: Registered, looks: Mapping[str, Look], now: datetime) -> tuple[str, ...]:
    """The columns of a list: name, url, default, auth, status, packages, age."""
    auth = f"{one.auth} (inline)" if one.inline else one.auth
    look = looks.get(one.name)
    packages = str(look.seen.packages) if look and look.seen else "-"
    default = "yes" if one.default else ""
    return (one.name, one.shown_url, default, auth, status(one, looks), packages, age_text(one.created, now))


def more(one: Registered, looks: Mapping[str, Look], now: datetime) -> tuple[str, ...]:
    """The further columns of a wide list: written, secret, message."""
    look = looks.get(one.name)
    written = age_text(look.seen.updated, now) if look and look.seen else "-"
    message = one.message or (look.message if look else "")
    return (written, ", ".join(one.secrets) or "-", message)


def as_data(one: Registered, looks: Mapping[str, Look]) -> dict[str, Any]:
    """A repository and what frit saw of it, as JSON types."""
    look = looks.get(one.name)
    return {**one.data(), "status": status(one, looks), "seen": look.data() if look else None}


def age_text(created: str, now: datetime) -> str:
    """How long ago an RFC 3339 time was, in one unit: `45s`, `12m`, `5h`, `40d`; `-` for no time at all."""
    try:
        seconds = max(0, int((now - datetime.fromisoformat(created)).total_seconds()))
    except (ValueError, TypeError):
        return "-"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def seen_text(look: Look, now: datetime) -> str:
    """What frit saw, in a sentence's words."""
    if look.seen is None:
        return look.message
    written = f", written {age_text(look.seen.updated, now)} ago" if look.seen.updated else ""
    note = f" ({look.message})" if look.message else ""
    return f"{counted(look.seen.packages, 'package')}{written}{note}"


COPIED = "a copy in the annotation of kubectl apply (inline)"
"""What is said of a login that an annotation of the object holds."""


def place_text(place: Place) -> str:
    """Where one value is kept."""
    from repositories.credentials import NAMESPACE

    what = place.what.replace("_", " ")
    if place.inline:
        return f"{what} in the object itself (inline)"
    return f"{what} in Secret {NAMESPACE}/{place.secret}, key {place.key}"
