"""How the commands look at a repository: its index, from its server or from the cache."""

from __future__ import annotations

from base.clock import Deadline, Run
from repositories.credentials import Credentials
from repositories.looking import Seen


def reader(url: str, credentials: Credentials, *, run: Run, deadline: Deadline, fresh: bool) -> Seen:
    """What the index of a repository says. Raises `RepositoryUnusable`, `WrongUsage` and `Cancelled`."""
    from repositories.objects import hide_credentials
    from repositories.reader import Origin, Reader, ReadOptions  # not at the top: help and completion need no reader

    with Reader(Origin(hide_credentials(url), url, credentials), ReadOptions(), run) as opened:
        read = opened.index(fresh=fresh, deadline=deadline)
    return Seen(len(read.value.packages), read.updated, read.stale, read.note)
