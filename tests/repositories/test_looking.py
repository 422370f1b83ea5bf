"""Looking at many repositories at once: none hides, delays or leaks another."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from base.clock import Deadline, Run
from base.errors import Cancelled, CannotTell, RepositoryUnusable
from repositories.credentials import Credentials
from repositories.looking import Look, Seen, look, look_at_all
from repositories.registry import Registered
from repositories.targets import Target
from repositories.views import as_data, row, status, warnings

NONE = Credentials()


def target(name: str) -> Target:
    return Target(name, f"https://{name}.example.com", lambda: NONE)


def test_a_broken_one_hides_no_other() -> None:
    """Each look has its own result, in the order of the repositories."""

    def reader(url: str, credentials: Credentials, *, run: Run, deadline: Deadline, fresh: bool) -> Seen:
        if "down" in url:
            raise RepositoryUnusable("no connection")
        return Seen(len(url))

    found = look_at_all(reader, [target("a"), target("down"), target("b")], run=Run())
    assert [one.name for one in found] == ["a", "down", "b"]
    assert [one.seen is not None for one in found] == [True, False, True]
    assert found[1].message == "no connection"
    assert found[1].data() == {
        "reachable": False,
        "packages": None,
        "updated": "",
        "stale": False,
        "message": "no connection",
    }


def test_all_are_asked_at_the_same_time() -> None:
    """Twenty looks that wait for each other can only end where they go on at once, and each has its own limit."""
    together = threading.Barrier(20, timeout=10)
    left: list[float] = []

    def reader(url: str, credentials: Credentials, *, run: Run, deadline: Deadline, fresh: bool) -> Seen:
        left.append(deadline.remaining())
        together.wait()
        return Seen(1)

    began = time.monotonic()
    found = look_at_all(reader, [target(f"r{n}") for n in range(20)], run=Run(), limit=2.0)
    assert time.monotonic() - began < 5.0
    assert all(one.seen for one in found)
    assert max(left) <= 2.0
    assert min(left) > 0.0


def test_credentials_that_cannot_be_had_are_one_repositorys_fate() -> None:
    """A Secret that may not be read ends that look, before anything is asked; a stop ends everything."""

    def credentials() -> Credentials:
        raise CannotTell("this account may not read it")

    def never(url: str, credentials: Credentials, *, run: Run, deadline: Deadline, fresh: bool) -> Seen:
        raise Cancelled("stopped")

    found = look_at_all(never, [Target("a", "https://a.example", credentials)], run=Run())
    assert isinstance(found[0].error, CannotTell)
    with pytest.raises(Cancelled):
        look_at_all(never, [target("a")], run=Run())


def test_a_server_that_quotes_a_secret_is_not_quoted() -> None:
    """What a server says about a login never repeats it."""

    def reader(url: str, credentials: Credentials, *, run: Run, deadline: Deadline, fresh: bool) -> Seen:
        raise RepositoryUnusable(f"the server says: wrong password {credentials.password}")

    one = Target("a", "https://a.example", lambda: Credentials("ci", "hunter2"))
    found = look(reader, one, run=Run(), deadline=Deadline.after(1))
    assert found.message == "the server says: wrong password ***"
    assert "hunter2" not in repr(found) + str(found.error) + str(found.data())


def test_what_is_shown_is_what_is_known() -> None:
    """A controller's word counts first, then what frit saw, and nothing is made up."""
    ready = Registered("a", "u", ready="True")
    plain = Registered("a", "u")
    good, old = Look("a", Seen(3)), Look("a", Seen(3, stale=True, note="the server is away"))
    lost, unknown = Look("a", error=RepositoryUnusable("no route")), Look("a", error=CannotTell("may not"))
    assert [status(ready, {"a": lost}), status(Registered("a", "u", ready="False"), {})] == ["ready", "not ready"]
    shown = [status(plain, {"a": one}) for one in (good, old, lost, unknown)]
    assert shown == ["reachable", "old", "unreachable", "unknown"]
    assert status(plain, {}) == "-"
    assert as_data(plain, {})["seen"] is None
    assert warnings([plain], {"a": old}) == ["a answers from the cache: the server is away"]
    assert warnings([plain], {"a": lost}) == ["a: no route"]
    assert row(plain, {"a": good}, datetime.now(UTC))[4:6] == ("reachable", "3")
