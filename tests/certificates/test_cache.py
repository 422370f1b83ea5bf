"""The cache: what is kept, when it is used, and what a crash or a stranger can do to it."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from base.events import Said
from certificates import cache
from certificates.download import Fetched, remember
from tests.certificates.downloads import Downloads
from tests.certificates.servers import Server, answer, serving
from web.urls import key_of

BODY = b"apiVersion: v1\nkind: Namespace\n"
DIGEST = hashlib.sha256(BODY).hexdigest()


def kept(downloads: Downloads, server: Server, path: str = "/v1.21.2/x") -> Path:
    """Download something and remember it; the file that holds it."""
    fetched = downloads.fetch(server.url(path))
    assert remember(fetched, options=downloads.options(), emit=downloads.events.append)
    return downloads.cache / "downloads" / fetched.cache_key


def test_a_kept_release_asks_nobody(downloads: Downloads) -> None:
    """The second download of a release is answered from the cache, also when the server is gone."""
    with serving(answer(BODY)) as server:
        kept(downloads, server)
    again = downloads.fetch(server.url("/v1.21.2/x"))
    assert (again.content, again.sha256, again.from_cache) == (BODY, DIGEST, True)
    assert again.origin == f"127.0.0.1:{server.server_port}/v1.21.2/x"
    assert len(server.asked) == 1
    assert remember(again, options=downloads.options(), emit=downloads.events.append)
    assert downloads.events == []


def test_only_what_was_found_good_is_kept(downloads: Downloads) -> None:
    """A download that nobody remembered is downloaded again."""
    with serving(answer(BODY)) as server:
        downloads.fetch(server.url())
        downloads.fetch(server.url())
    assert len(server.asked) == 2
    assert not downloads.cache.exists()


def test_a_url_without_a_version_is_never_taken_from_the_cache(downloads: Downloads) -> None:
    """What may change under its name is asked for every time, unless a digest says what it has to be."""
    with serving(answer(BODY)) as server:
        fetched = downloads.fetch(server.url("/latest/x"))
        assert not remember(fetched, options=downloads.options(), emit=downloads.events.append)
        pinned = downloads.fetch(server.url("/latest/x"), sha256=DIGEST)
        assert remember(pinned, options=downloads.options(), emit=downloads.events.append)
        assert downloads.fetch(server.url("/latest/x"), sha256=f"sha256:{DIGEST.upper()}").from_cache
        assert not downloads.fetch(server.url("/latest/x")).from_cache
    assert len(server.asked) == 3


def test_a_kept_copy_with_another_digest_is_not_used(downloads: Downloads) -> None:
    """When other bytes are asked for than were kept, the server is asked."""
    with serving(answer(BODY)) as server:
        kept(downloads, server)
        assert not downloads.fetch(server.url("/v1.21.2/x"), sha256="0" * 64).from_cache
    assert len(server.asked) == 2


def test_the_cache_can_be_switched_off(downloads: Downloads) -> None:
    """Without the cache nothing is read from it and nothing is written to it."""
    with serving(answer(BODY)) as server:
        file = kept(downloads, server)
        fetched = downloads.fetch(server.url("/v1.21.2/x"), use_cache=False)
    assert not fetched.from_cache
    file.unlink()
    assert not remember(fetched, options=downloads.options(), emit=downloads.events.append)
    assert not file.exists()


@pytest.mark.parametrize("part", ["content", "digest", "no digest", "no content", "empty"])
def test_a_damaged_entry_is_thrown_away_and_downloaded_again(downloads: Downloads, part: str) -> None:
    """Content and digest have to fit together; else both go, and the next good download takes their place."""
    with serving(answer(BODY)) as server:
        file = kept(downloads, server)
        digest = file.with_name(f"{file.name}.sha256")
        damage: dict[str, Callable[[], object]] = {
            "content": lambda: file.write_bytes(BODY[:-1]),
            "digest": lambda: digest.write_bytes(b"0" * 64),
            "no digest": digest.unlink,
            "no content": file.unlink,
            "empty": lambda: file.write_bytes(b""),
        }
        damage[part]()
        fetched = downloads.fetch(server.url("/v1.21.2/x"))
        assert (fetched.content, fetched.from_cache) == (BODY, False)
        assert not file.exists()
        assert not digest.exists()
        kept(downloads, server)
        assert downloads.fetch(server.url("/v1.21.2/x")).from_cache


def test_what_a_killed_run_left_is_no_entry_and_goes_away(downloads: Downloads) -> None:
    """A temporary file is never read; an old one is removed, a young one may belong to a run that goes on."""
    folder = downloads.cache / "downloads"
    folder.mkdir(parents=True)
    with serving(answer(BODY)) as server:
        key = key_of(server.url("/v1.21.2/x"))
        young, old = folder / f".{key}.abc.tmp", folder / f".{key}.def.tmp"
        young.write_bytes(BODY[:5])
        old.write_bytes(BODY[:5])
        os.utime(old, (time.time() - 7200,) * 2)
        assert not downloads.fetch(server.url("/v1.21.2/x")).from_cache
        kept(downloads, server)
        assert downloads.fetch(server.url("/v1.21.2/x")).from_cache
    assert young.exists()
    assert not old.exists()


def test_a_failing_write_leaves_the_old_entry_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full, the entry is as it was before."""
    where = tmp_path / "downloads"
    cache.store(where, "key", BODY)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)  # no disk of the machine is full on demand
    with pytest.raises(OSError, match="No space left"):
        cache.store(where, "key", b"new")
    assert cache.load(where, "key") == BODY
    assert sorted(file.name for file in where.iterdir()) == ["key", "key.sha256"]


def test_a_crash_between_the_two_files_is_noticed(tmp_path: Path) -> None:
    """New content beside an old digest is no entry."""
    where = tmp_path / "downloads"
    cache.store(where, "key", BODY)
    (where / "key").write_bytes(b"new content")
    assert cache.load(where, "key") is None
    assert list(where.iterdir()) == []


def test_nobody_else_can_read_or_write(downloads: Downloads) -> None:
    """The folder is 0700 and files are 0600, whatever the umask is."""
    before = os.umask(0)
    try:
        with serving(answer(BODY)) as server:
            file = kept(downloads, server)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (file.parent, *file.parent.iterdir())}
    assert modes == {"downloads": 0o700, file.name: 0o600, f"{file.name}.sha256": 0o600}


@pytest.mark.parametrize("mode", [0o720, 0o702])
def test_a_folder_that_others_may_write_to_is_not_used(downloads: Downloads, mode: int) -> None:
    """What a stranger could have put there is neither read nor added to, and that is told."""
    with serving(answer(BODY)) as server:
        file = kept(downloads, server)
        file.parent.chmod(mode)
        fetched = downloads.fetch(server.url("/v1.21.2/x"))
        assert not fetched.from_cache
        assert not remember(fetched, options=downloads.options(), emit=downloads.events.append)
    (said,) = downloads.events
    assert isinstance(said, Said)
    assert said.level == "warning"
    assert "others may write to it" in said.text


def test_links_and_files_that_others_may_write_are_no_entries(tmp_path: Path) -> None:
    """Only a private regular file counts."""
    where = tmp_path / "downloads"
    cache.store(where, "key", BODY)
    (where / "key").chmod(0o666)
    assert cache.load(where, "key") is None
    cache.store(where, "key", BODY)
    (where / "key").rename(tmp_path / "elsewhere")
    (where / "key").symlink_to(tmp_path / "elsewhere")
    assert cache.load(where, "key") is None
    assert (tmp_path / "elsewhere").exists()


def test_a_cache_that_cannot_be_used_is_no_failure(downloads: Downloads) -> None:
    """Where a file stands in the way of the folder, the download counts all the same."""
    downloads.cache.write_text("in the way")
    with serving(answer(BODY)) as server:
        fetched = downloads.fetch(server.url("/v1.21.2/x"))
        assert fetched.content == BODY
        assert not remember(fetched, options=downloads.options(), emit=downloads.events.append)
    (said,) = downloads.events
    assert isinstance(said, Said)
    assert "is not kept in" in said.text


def test_the_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option comes before FRIT_CACHE_DIR, and that before the user's own cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("FRIT_CACHE_DIR", raising=False)
    assert cache.folder(None).parts[-2:] == ("frit", "downloads")
    monkeypatch.setenv("FRIT_CACHE_DIR", str(tmp_path / "env"))
    assert cache.folder(None) == tmp_path / "env" / "downloads"
    assert cache.folder(tmp_path / "option") == tmp_path / "option" / "downloads"


def test_names_in_the_cache_tell_nothing(downloads: Downloads) -> None:
    """Neither a name nor a file holds anything of a URL's login or query; who asks makes no difference."""
    with serving(answer(BODY)) as server:
        url = server.url("/v1.21.2/x?token=geheim").replace("http://", "http://anna:geheim@")
        fetched = downloads.fetch(url)
        assert remember(fetched, options=downloads.options(), emit=downloads.events.append)
    files = list((downloads.cache / "downloads").iterdir())
    assert len(files) == 2
    assert all("geheim" not in file.name and b"geheim" not in file.read_bytes() for file in files)
    assert key_of(url) == key_of(server.url("/v1.21.2/x?token=geheim"))
    assert key_of(url) != key_of(server.url("/v1.21.2/x?token=other"))


def test_runs_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Many writers of one entry leave it whole, and readers see all of it or none."""
    where = tmp_path / "downloads"
    cache.store(where, "key", BODY)
    seen: set[bytes | None] = set()

    def work() -> None:
        for _ in range(20):
            cache.store(where, "key", BODY)
            seen.add(cache.load(where, "key"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {BODY}
    assert sorted(file.name for file in where.iterdir()) == ["key", "key.sha256"]


def test_bytes_are_no_part_of_what_a_download_looks_like() -> None:
    """A representation in a log does not hold a megabyte."""
    assert "content" not in repr(Fetched(b"x" * 1000, "origin", DIGEST))
