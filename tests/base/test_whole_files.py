"""Files of people: whole, and with nothing beside them."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from base.whole_files import replace


def test_what_a_killed_run_left_behind_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle of a write, a run leaves a file that the next write uses up, however long it is."""
    target = tmp_path / "index.yaml"
    with monkeypatch.context() as killed:
        killed.setattr(Path, "replace", lambda *_: None)
        replace(target, b"much longer than what comes next")
    assert not target.exists()
    assert len(list(tmp_path.iterdir())) == 1
    replace(target, b"new")
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_has_the_mode_that_the_umask_leaves_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    """As every program of a shell does it."""
    before = os.umask(0o077)
    try:
        replace(tmp_path / "new", b"x")
        (tmp_path / "old").touch()
        (tmp_path / "old").chmod(0o664)
        replace(tmp_path / "old", b"x")
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("new", "old")] == [0o600, 0o664]


def _write(target: Path, letter: bytes) -> None:
    for _ in range(200):
        replace(target, letter * 100_000, durable=False)


def test_runs_at_the_same_time_write_whole_files(tmp_path: Path) -> None:
    """Whoever reads meanwhile sees the file of one of them, complete; none of them fails."""
    target = tmp_path / "index.yaml"
    replace(target, b"a" * 100_000)
    context = multiprocessing.get_context("fork")
    runs = [context.Process(target=_write, args=(target, letter)) for letter in (b"a", b"b")]
    for one in runs:
        one.start()
    while any(one.is_alive() for one in runs):
        assert target.read_bytes() in (b"a" * 100_000, b"b" * 100_000)
    assert [one.exitcode for one in runs] == [0, 0]
    assert list(tmp_path.iterdir()) == [target]
