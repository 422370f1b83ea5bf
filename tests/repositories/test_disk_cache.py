"""What is kept of repositories: whole, private, bounded, apart from each other, and without secrets."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from repositories.carriers import identity
from repositories.credentials import Credentials
from repositories.disk_cache import DiskCache, Head

PATH = ("alpha", "versions.yaml")
CONTENT = b"first line\nsecond line\n"
HEAD = Head(hashlib.sha256(CONTENT).hexdigest(), '"etag"', "Sat, 21 Nov 2026 10:00:00 GMT", 60.0)


def filled(root: Path, identity: str = "one", most: int = 1 << 20) -> DiskCache:
    """A cache with one entry and its second form."""
    cache = DiskCache(root, identity, most)
    assert cache.keep(PATH, CONTENT, HEAD)
    assert cache.keep_second(PATH, HEAD.sha256, b"the form")
    return cache


def test_an_entry_is_what_was_kept(tmp_path: Path) -> None:
    """Content and what is known of it come back, in this process and in another one; other files are not there."""
    filled(tmp_path)
    cache = DiskCache(tmp_path, "one")
    assert cache.head(PATH) == HEAD
    assert cache.content(PATH) == CONTENT
    assert cache.second(PATH, HEAD.sha256) == b"the form"
    assert cache.head(("alpha",)) is None
    assert cache.content(("index.yaml",)) is None
    assert cache.second(PATH, "0" * 64) is None
    assert DiskCache(tmp_path, "two").head(PATH) is None


def test_the_age_is_counted_from_the_last_question(tmp_path: Path) -> None:
    """A confirmed entry is young again, and one from the future is infinitely old."""
    cache = filled(tmp_path)
    (place,) = tmp_path.rglob("*.1")
    os.utime(place, (time.time() - 500,) * 2)
    head = cache.head(PATH)
    assert head is not None
    assert 499 < head.age() < 510
    cache.confirm(PATH)
    head = cache.head(PATH)
    assert head is not None
    assert head.age() < 5
    os.utime(place, (time.time() + 500,) * 2)
    head = cache.head(PATH)
    assert head is not None
    assert head.age() == float("inf")


@pytest.mark.parametrize("damage", ["content", "head", "empty", "no line", "another head", "list", "deep", "no digest"])
def test_a_damaged_entry_is_none(tmp_path: Path, damage: str) -> None:
    """Whatever is wrong with the file, nothing of it is used, and a new entry takes its place."""
    cache = filled(tmp_path)
    (place,) = tmp_path.rglob("*.1")
    raw = place.read_bytes()
    place.write_bytes(
        {
            "content": raw[:-1],
            "head": raw[3:],
            "empty": b"",
            "no line": raw.replace(b"\n", b""),
            "another head": b'{"sha256":"x","unknown":1}\n' + CONTENT,
            "list": b"[1]\n" + CONTENT,
            "deep": b"[" * 4000 + b"\n" + CONTENT,
            "no digest": b'{"sha256":1}\n' + CONTENT,
        }[damage]
    )
    assert cache.content(PATH) is None
    assert cache.keep(PATH, CONTENT, HEAD)
    assert cache.content(PATH) == CONTENT


def test_a_damaged_second_form_is_none(tmp_path: Path) -> None:
    """The entry itself is still there."""
    cache = filled(tmp_path)
    (place,) = tmp_path.rglob("*.2")
    place.write_bytes(place.read_bytes() + b"x")
    assert cache.second(PATH, HEAD.sha256) is None
    assert cache.content(PATH) == CONTENT


def test_nobody_else_can_read_it_or_could_have_written_it(tmp_path: Path) -> None:
    """Folders are 0700, files 0600 whatever the umask is; what others may write to is neither read nor used."""
    before = os.umask(0)
    try:
        cache = filled(tmp_path / "cache")
    finally:
        os.umask(before)
    for path in (tmp_path / "cache").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    (place,) = tmp_path.rglob("*.1")
    place.chmod(0o622)
    assert cache.content(PATH) is None
    place.chmod(0o600)
    place.rename(place.with_suffix(".real"))
    place.symlink_to(place.with_suffix(".real"))
    assert cache.content(PATH) is None
    place.parent.chmod(0o777)
    assert not DiskCache(tmp_path / "cache", "one").keep(PATH, CONTENT, HEAD)


def test_the_oldest_goes_when_it_is_full(tmp_path: Path) -> None:
    """The bound holds for all repositories together, and what was asked for last stays."""
    now = time.time()
    for n in range(10):
        cache = DiskCache(tmp_path, f"repository-{n % 2}", most=12_000)
        assert cache.keep((f"file-{n}",), b"x" * 3000, HEAD)
        for one in tmp_path.rglob("*.1"):
            if time.time() - one.stat().st_mtime < 1:
                os.utime(one, (now - 1000 + n,) * 2)
    sizes = [one.stat().st_size for one in tmp_path.rglob("*.1")]
    assert 0 < sum(sizes) <= 12_000
    assert DiskCache(tmp_path, "repository-1").head(("file-9",)) is not None
    assert DiskCache(tmp_path, "repository-0").head(("file-0",)) is None


def test_it_can_be_forgotten(tmp_path: Path) -> None:
    """Nothing of the repository is left; others stay."""
    filled(tmp_path, "other")
    filled(tmp_path).forget()
    assert DiskCache(tmp_path, "one").head(PATH) is None
    assert DiskCache(tmp_path, "other").head(PATH) is not None


def test_what_writes_at_the_same_time_leaves_one_whole_entry(tmp_path: Path) -> None:
    """Readers see one content or the other, never a mixture."""
    contents = [bytes([65 + n]) * 50_000 for n in range(4)]
    seen: set[bytes | None] = set()
    stop = threading.Event()

    def write(content: bytes) -> None:
        cache = DiskCache(tmp_path, "one")
        while not stop.is_set():
            cache.keep(PATH, content, Head(hashlib.sha256(content).hexdigest()))

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    reader = DiskCache(tmp_path, "one")
    ends = time.monotonic() + 1.0
    while time.monotonic() < ends:
        seen.add(reader.content(PATH))
    stop.set()
    for thread in threads:
        thread.join()
    assert seen - {None} <= set(contents)
    assert len(seen - {None}) > 1


def test_other_credentials_have_other_files() -> None:
    """Origin, user, secret and certificates all count; and no secret can be read from a name."""
    nobody = Credentials()
    ones = [
        ("https://a", nobody),
        ("https://b", nobody),
        ("https://a", Credentials(username="u", password="one")),
        ("https://a", Credentials(username="u", password="two")),
        ("https://a", Credentials(username="v", password="one")),
        ("https://a", Credentials(token="one")),
        ("https://a", Credentials(ca_bundle="pem")),
        ("https://a", Credentials(client_certificate="pem", client_key="key")),
    ]
    names = [identity(*one) for one in ones]
    assert len(set(names)) == len(ones)
    assert all(name == identity(*one) for name, one in zip(names, ones, strict=True))
    same = {identity("https://a", Credentials(username="u", password=f"guess {n}")) for n in range(3000)}
    assert len(same) < 3000  # two of them share a name, so a name does not prove a guess
