"""Many repositories at once: what is down hides nothing and holds nothing up, and partial results are told as such."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from base.clock import Run
from base.errors import Cancelled, RepositoryUnusable
from repositories.reader import ReadOptions
from repositories.reading import Outcome, demand, read_indexes
from repositories.targets import Target
from repositories.wire import Index
from tests.repositories.sites import Desk, Site, basic, closed_port, desk_in, silence, site, status


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Readers with a cache of their own."""
    with desk_in(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def shops() -> Iterator[list[Site]]:
    """Three repositories."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(site()) for _ in range(3)]


@contextlib.contextmanager
def deaf() -> Iterator[str]:
    """The URL of a server that lets nobody in: it accepts no connection, and its queue is full."""
    with socket.socket() as server, contextlib.ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):  # Linux accepts one or two more than it was told
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_one_broken_repository_hides_no_other(desk: Desk, shops: list[Site]) -> None:
    """Each has its own result, in the order asked for: read, refused, unreachable, broken, and read again."""
    shops[1].login = basic("me", "secret")
    shops[2].files["index.yaml"] = b"packages: [\n"
    targets = [
        Target("good", shops[0].url),
        Target("private", shops[1].url),
        Target("down", f"http://127.0.0.1:{closed_port()}"),
        Target("broken", shops[2].url),
        Target("odd", "gopher://127.0.0.1"),
        Target("again", shops[0].url),
    ]
    outcomes = read_indexes(targets, desk.options(), desk.run)
    assert [one.target.name for one in outcomes] == [one.name for one in targets]
    assert [one.read is not None for one in outcomes] == [True, False, False, False, False, True]
    messages = [one.error.message if one.error else "" for one in outcomes]
    for message, words in zip(
        messages, ["", "answered 401", "Connection refused", "YAML", "does not begin with https", ""], strict=True
    ):
        assert words in message
    demand(outcomes)
    with pytest.raises(RepositoryUnusable) as caught:
        demand(outcomes, strict=True)
    assert caught.value.message.startswith("could not read 4 of 6 repositories:\nprivate: ")
    assert caught.value.exit_code == 8


def test_nothing_at_all_is_an_error(desk: Desk) -> None:
    """Where no repository could be read there is no result; where there is none to read there is nothing to say."""
    targets = [Target(name, f"http://127.0.0.1:{closed_port()}") for name in ("a", "b")]
    outcomes = read_indexes(targets, desk.options(), desk.run)
    with pytest.raises(RepositoryUnusable, match=r"could not read any repository:\na: .*\nb: ") as caught:
        demand(outcomes)
    assert caught.value.hint
    with pytest.raises(RepositoryUnusable, match=r"^a: could not read 127"):
        demand(outcomes[:1])
    demand([])
    assert read_indexes([], desk.options(), desk.run) == []


def test_twenty_repositories_of_which_two_are_down_take_less_than_three_seconds(desk: Desk) -> None:
    """With the default time limits, and each a second away from a server that never lets anybody in."""
    with contextlib.ExitStack() as stack:
        good = [stack.enter_context(site()) for _ in range(18)]
        until = threading.Event()
        silent = stack.enter_context(site())
        silent.faults[""] = [silence(until)] * 9
        targets = [Target(f"good-{n}", one.url) for n, one in enumerate(good)]
        targets += [Target("deaf", stack.enter_context(deaf())), Target("silent", silent.url)]
        began = time.monotonic()
        outcomes = read_indexes(targets, ReadOptions(cache_dir=desk.cache), desk.run, seconds=2.0)
        took = time.monotonic() - began
        until.set()
    assert took < 2.6
    assert [one.target.name for one in outcomes if one.error] == ["deaf", "silent"]


def test_a_request_to_stop_ends_all(desk: Desk) -> None:
    """Nobody waits for servers that say nothing."""
    until = threading.Event()
    with site() as shop:
        shop.faults[""] = [silence(until)] * 9
        threading.Timer(0.2, desk.run.cancel).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            read_indexes([Target("a", shop.url), Target("b", shop.url)], desk.options(), desk.run)
        assert time.monotonic() - began < 1.5
        until.set()


def test_readers_at_the_same_time_do_not_disturb_each_other(desk: Desk, shops: list[Site]) -> None:
    """Forty reads of one repository into one cache all say the same, also while it changes."""
    targets = [Target(f"r{n}", shops[0].url) for n in range(40)]
    outcomes = read_indexes(targets, desk.options(fresh=0), Run())
    assert {len(one.read.value.packages) for one in outcomes if one.read} == {2}
    assert not [one for one in outcomes if one.error]
    shops[0].faults[""] = [status(503)] * 200
    stale: list[Outcome[Index]] = read_indexes(targets[:5], desk.options(fresh=0), Run())
    assert [one.read.stale for one in stale if one.read] == [True] * 5


def test_a_warm_cache_loads_no_library_for_http_or_yaml(desk: Desk, shops: list[Site]) -> None:
    """An answer out of the cache costs neither httpx nor YAML nor a cluster's client, which take longer to load."""
    target = Target("good", shops[0].url)
    read_indexes([target], desk.options(), desk.run)
    program = (
        "import sys, pathlib\n"
        "from base.clock import Run\n"
        "from repositories.reader import ReadOptions\n"
        "from repositories.targets import Target\n"
        "from repositories.reading import read_indexes\n"
        "options = ReadOptions(cache_dir=pathlib.Path(sys.argv[2]))\n"
        "one, = read_indexes([Target('good', sys.argv[1])], options, Run())\n"
        "print(len(one.read.value.packages), one.read.from_cache)\n"
        "import repositories.searching, repositories.package_commands\n"
        "print(*{name.split('.')[0] for name in sys.modules}, 'kube.client' in sys.modules and 'kube.client')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, target.url, desk.cache], capture_output=True, text=True, check=True, timeout=60
    )
    said, loaded = done.stdout.splitlines()
    assert said == "2 True"
    heavy = {"httpx", "httpcore", "ssl", "truststore", "yaml", "kubernetes", "kube.client", "tenacity", "email"}
    assert heavy & set(loaded.split()) == set()
