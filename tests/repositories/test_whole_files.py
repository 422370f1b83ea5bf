"""Files in folders that are published: whole, and with nothing beside them."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from repositories.whole_files import replace


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
