"""Reading one repository from a real server: what is asked, what is kept, and what happens when it fails."""

from __future__ import annotations

import gzip
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from base.errors import Cancelled
from base.events import Retried
from repositories.names import index_path
from repositories.problems import Malformed
from repositories.reader import Unread
from tests.repositories.sites import FILES, Desk, Fault, Site, pieces, reset, silence, status

INDEX = "index.yaml"


def test_all_files_of_a_repository_are_read(desk: Desk, shop: Site) -> None:
    """Index, versions, manifest and a file that the manifest refers to, over one connection."""
    with desk.reader(shop.url + "/") as reader:
        assert [one.name for one in reader.index().value.packages] == ["alpha", "beta"]
        assert reader.versions("alpha").value.ahead == "v1.1.0+1"
        manifest = reader.manifest("alpha", "v1.0.0+1").value
        assert reader.file("alpha", "v1.0.0+1", manifest.manifests[0].url).value.startswith(b"apiVersion")
    assert shop.asked == list(FILES)
    assert {one["user-agent"] for one in shop.heard} == {"frit"}
    assert len(set(shop.callers)) == 1
    assert desk.events == []


def test_what_is_fresh_is_not_asked_for(desk: Desk, shop: Site) -> None:
    """The second read comes from the cache, also in another process, and says so."""
    first = desk.reader(shop.url).index()
    again = desk.reader(shop.url).index()
    assert (again.value, again.from_cache, again.stale) == (first.value, True, False)
    assert shop.asked == [INDEX]


@pytest.mark.parametrize("validators", [{"etag"}, {"modified"}, {"etag", "modified"}])
def test_what_is_old_is_asked_for_with_its_validators(desk: Desk, shop: Site, validators: set[str]) -> None:
    """A server that says 304 sends nothing again, and the kept copy is fresh again."""
    shop.validators = validators
    first = desk.reader(shop.url, fresh=0).index()
    again = desk.reader(shop.url, fresh=0).index()
    assert again.value == first.value
    assert shop.status == {200: 1, 304: 1}
    assert not again.stale
    assert desk.reader(shop.url).index().from_cache
    shop.files[INDEX] = b"packages: []\n"
    shop.modified += 60
    assert desk.reader(shop.url, fresh=0).index().value.packages == ()
    assert shop.status == {200: 2, 304: 1}


def test_a_reader_can_insist_on_the_server(desk: Desk, shop: Site) -> None:
    """`fresh` asks also while the kept copy is new enough; the server's word is what counts."""
    desk.reader(shop.url).index()
    assert not desk.reader(shop.url).index(fresh=True).from_cache
    assert shop.status == {200: 1, 304: 1}


@pytest.mark.parametrize(
    ("control", "asked"),
    [("max-age=0", 2), ("public, max-age=600", 1), ("no-cache", 2), ("no-store", 2), ("max-age=banana", 1)],
)
def test_the_servers_word_on_freshness_counts(desk: Desk, shop: Site, control: str, asked: int) -> None:
    """It can shorten the time for which nobody is asked, and forbid to keep anything."""
    shop.headers = {"Cache-Control": control}
    for _ in range(2):
        desk.reader(shop.url).index()
    assert len(shop.asked) == asked
    kept = list(desk.cache.rglob("*.1"))
    assert bool(kept) is (control != "no-store")


def test_a_published_version_is_asked_for_once(desk: Desk, shop: Site) -> None:
    """Its manifest and the files beside it never change, however old they are and whoever insists."""
    for _ in range(2):
        reader = desk.reader(shop.url, fresh=0)
        reader.manifest("alpha", "v1.0.0+1")
        reader.file("alpha", "v1.0.0+1", "all.yaml")
        reader.versions("alpha")
    assert shop.asked.count("alpha/v1.0.0+1/package.yaml") == 1
    assert shop.asked.count("alpha/v1.0.0+1/all.yaml") == 1
    assert shop.asked.count("alpha/versions.yaml") == 2


@pytest.mark.parametrize("fault", [status(503), status(429, Retry_After="60"), reset, status(200, b"<html>log in")])
def test_a_kept_copy_stands_in_for_a_server_that_fails(desk: Desk, shop: Site, fault: Fault) -> None:
    """It is used with a note that says how old it is and why; never silently."""
    first = desk.reader(shop.url).index()
    shop.faults[""] = [fault] * 9
    began = time.monotonic()
    read = desk.reader(shop.url, fresh=0).index()
    assert time.monotonic() - began < 4
    assert (read.value, read.stale, read.from_cache) == (first.value, True, True)
    assert read.note.startswith("index.yaml is the copy of 0 seconds ago: the ")


def test_a_kept_copy_stands_in_for_a_broken_file(desk: Desk, shop: Site) -> None:
    """A publisher's mistake does not take the repository away from those who have read it before."""
    desk.reader(shop.url).index()
    shop.files[INDEX] = b"packages: [\n"
    read = desk.reader(shop.url, fresh=0).index()
    assert read.stale
    assert "its YAML is broken" in read.note
    assert len(read.value.packages) == 2


@pytest.mark.parametrize(
    ("code", "kind"), [(404, "not-found"), (410, "not-found"), (401, "forbidden"), (403, "forbidden")]
)
def test_a_server_that_says_no_is_believed(desk: Desk, shop: Site, code: int, kind: str) -> None:
    """A repository that is gone, or not ours any more, is not shown from the cache."""
    desk.reader(shop.url).index()
    shop.faults[""] = [status(code)]
    with pytest.raises(Unread) as caught:
        desk.reader(shop.url, fresh=0).index()
    assert (caught.value.kind, caught.value.exit_code) == (kind, 8)
    assert f"answered {code}" in caught.value.message
    assert caught.value.hint


def test_a_damaged_entry_is_read_again(desk: Desk, shop: Site) -> None:
    """Whatever happened to the cache's files, the answer is right; a damaged entry is never confirmed by a 304."""
    first = desk.reader(shop.url).index()
    for one in desk.cache.rglob("*.[12]"):
        content = bytearray(one.read_bytes())
        content[-3] ^= 1
        one.write_bytes(content)
    assert desk.reader(shop.url).index().value == first.value
    assert shop.status[200] >= 2
    assert desk.reader(shop.url).index().from_cache


def test_faults_that_pass_are_waited_out(desk: Desk, shop: Site) -> None:
    """429, 5xx and reset connections are tried again, and each attempt is told."""
    shop.faults[INDEX] = [status(503), reset]
    assert len(desk.reader(shop.url).index().value.packages) == 2
    assert [type(one) for one in desk.events] == [Retried, Retried]
    shop.faults[INDEX] = [status(429, Retry_After="1")]
    began = time.monotonic()
    desk.reader(shop.url, use_cache=False).index()
    assert time.monotonic() - began >= 1.0


def endless() -> Iterator[bytes]:
    """Bytes without end."""
    return itertools.repeat(b"# nothing\n" * 1000)


def slow() -> Iterator[bytes]:
    """One byte now and then, so that no read ever times out."""
    for _ in range(200):
        time.sleep(0.05)  # this is the server's slowness that the test is about
        yield b"#"


HUGE = gzip.compress(b"#" * (64 << 20), 1)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (pieces(endless), "the answer is larger than 28 MiB"),
        (status(200, b"", Content_Length="99999999999999999999"), "the answer is larger than 28 MiB"),
        (status(200, HUGE, Content_Encoding="gzip"), "the answer is larger than 28 MiB"),
        (status(200, HUGE[:-9], Content_Encoding="gzip"), "the answer is larger than 28 MiB"),
        (status(200, b"\x1f\x8bnot", Content_Encoding="gzip"), "not what gzip makes"),
        (status(200, b"x", Content_Encoding="br"), "in the coding 'br'"),
        (status(200, b"  <!doctype html>"), "a web page, not a file of a package repository"),
        (status(302, Location="//[::1"), "redirects to something that is no"),
        (status(302, Location="file:///etc/passwd"), "redirects to something that is no web address"),
        (status(302, Location="/index.yaml"), "redirects more than 5 times"),
        (status(304), "answered 304"),
        (status(204), "answered 204"),
        (status(500), "(3 attempts in"),
        (pieces(slow), "did not end in time"),
    ],
)
def test_hostile_servers_end_in_a_clear_error(desk: Desk, shop: Site, fault: Fault, words: str) -> None:
    """Endless, huge, packed and slow answers cost neither much memory nor more time than is given."""
    from base.clock import Deadline

    shop.faults[""] = [fault] * 9
    began = time.monotonic()
    with pytest.raises(Unread) as caught:
        desk.reader(shop.url).index(deadline=Deadline.after(3.0))
    assert time.monotonic() - began < 5.0
    assert words in caught.value.message
    assert caught.value.message.startswith(f"could not read 127.0.0.1:{shop.server_port}/index.yaml: ")
    assert list(desk.cache.rglob("*.1")) == []


def test_broken_files_are_refused_with_their_address(desk: Desk, shop: Site) -> None:
    """The error names the file as it was asked for, the line and the field, and nothing is kept."""
    shop.files["alpha/versions.yaml"] = b"latestVersion: v1\nversions:\n- version: ../../x\n"
    with pytest.raises(Malformed) as caught:
        desk.reader(shop.url).versions("alpha")
    where = f"127.0.0.1:{shop.server_port}/alpha/versions.yaml, line 3: versions[0].version: "
    assert caught.value.message.startswith(where)
    assert caught.value.exit_code == 8
    assert list(desk.cache.rglob("*.1")) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda reader: reader.versions("../x"),
        lambda reader: reader.manifest("alpha", ".."),
        lambda reader: reader.file("alpha", "v1", "../../../etc/passwd"),
        lambda reader: reader.file("alpha", "v1", "%2e%2e/%2e%2e/%2e%2e/x"),
    ],
)
def test_names_that_lead_elsewhere_ask_nobody(desk: Desk, shop: Site, ask: Callable[[object], object]) -> None:
    """They are refused before a request is made."""
    with pytest.raises(Unread) as caught:
        ask(desk.reader(shop.url))
    assert caught.value.kind == "bad-name"
    assert shop.asked == []


def test_a_request_to_stop_is_heard_at_once(desk: Desk, shop: Site) -> None:
    """Also while a server says nothing."""
    until = threading.Event()
    shop.faults[""] = [silence(until)]
    threading.Timer(0.3, desk.run.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        desk.reader(shop.url).index()
    assert time.monotonic() - began < 1.5
    until.set()


def test_offline_asks_nobody(desk: Desk, shop: Site) -> None:
    """What is kept is used however old it is; what is not cannot be read."""
    desk.reader(shop.url).index()
    assert len(desk.reader(shop.url, offline=True, fresh=0).index().value.packages) == 2
    with pytest.raises(Unread) as caught:
        desk.reader(shop.url, offline=True).versions("alpha")
    assert caught.value.kind == "offline"
    assert shop.asked == [INDEX]


def test_raw_files_are_never_kept(desk: Desk, shop: Site) -> None:
    """Whoever looks for mistakes sees what the server has now."""
    reader = desk.reader(shop.url)
    for _ in range(2):
        assert reader.raw(index_path(), 1000).value == FILES[INDEX]
    assert len(shop.asked) == 2
    with pytest.raises(Unread, match="larger than"):
        reader.raw(index_path(), 10)
    assert not desk.cache.exists()


def test_a_clock_that_was_set_back_makes_nothing_fresh(desk: Desk, shop: Site) -> None:
    """An entry from the future is asked for again."""
    desk.reader(shop.url).index()
    for one in desk.cache.rglob("*.1"):
        os.utime(one, (time.time() + 9000,) * 2)
    desk.reader(shop.url).index()
    assert shop.status == {200: 1, 304: 1}


def test_a_cache_that_cannot_be_used_is_no_failure(desk: Desk, shop: Site) -> None:
    """Where nothing can be written, everything is read from the server."""
    desk.cache.write_text("a file where the folder should be")
    for _ in range(2):
        assert len(desk.reader(shop.url).index().value.packages) == 2
    assert len(shop.asked) == 2


def test_folders_are_read_like_servers(desk: Desk, tmp_path: Path) -> None:
    """A file URL reads a folder of this machine, follows no link out of it, and keeps nothing."""
    root = tmp_path / "my repository"
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    reader = desk.reader(root.as_uri())
    read = reader.index()
    assert [one.name for one in read.value.packages] == ["alpha", "beta"]
    assert read.updated.endswith("Z")
    assert reader.file("alpha", "v1.0.0+1", "./all.yaml").value == FILES["alpha/v1.0.0+1/all.yaml"]
    with pytest.raises(Unread) as caught:
        reader.versions("beta")
    assert caught.value.kind == "not-found"
    (tmp_path / "secret").write_text("latestVersion: v1")
    (root / "beta").mkdir()
    (root / "beta" / "versions.yaml").symlink_to(tmp_path / "secret")
    with pytest.raises(Unread):
        reader.versions("beta")
    assert not desk.cache.exists()
