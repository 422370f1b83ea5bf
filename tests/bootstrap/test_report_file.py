"""Where the report of a run is written: whole, never in the place of a device, and never instead of a failure."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import click
import pytest

from base import exits
from base.errors import NotReady, WrongUsage
from base.events import silent
from base.session import Session
from bootstrap import report as reports
from bootstrap.report import Recorder
from frit.invocation import run_command

REPORT: dict[str, Any] = Recorder(silent).report("unchanged", exits.OK)


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """The file holds the report as it was given, and nothing else is left in its folder."""
    path = tmp_path / "report.json"
    path.write_text("an old one")
    reports.write(path, REPORT)
    assert json.loads(path.read_text()) == json.loads(json.dumps(REPORT))
    with pytest.raises(TypeError):
        reports.write(path, {"bad": object()})
    assert json.loads(path.read_text())["outcome"] == "unchanged"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_takes_the_place_of_files_only(tmp_path: Path) -> None:
    """A device, a pipe or a link is still one afterwards: root may say `--report /dev/null`."""
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target"
    os.mkfifo(pipe)
    link.symlink_to(target)
    told: list[str] = []
    reading = threading.Thread(target=lambda: told.append(pipe.read_text()), daemon=True)
    reading.start()
    for path in (pipe, link):
        reports.check_writable(path)
        reports.write(path, REPORT)
    reading.join(10)
    assert [json.loads(told[0]), json.loads(target.read_text())] == [json.loads(json.dumps(REPORT))] * 2
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, pipe, target]


def test_what_the_shell_has_opened_is_written_to(tmp_path: Path) -> None:
    """`--report /dev/fd/3 3>>log` keeps what stands in the log."""
    log = tmp_path / "log"
    log.write_text("before\n")
    with log.open("a") as opened:
        path = Path(f"/dev/fd/{opened.fileno()}")
        reports.check_writable(path)
        reports.write(path, REPORT)
    before, _, report = log.read_text().partition("\n")
    assert (before, json.loads(report)["outcome"]) == ("before", "unchanged")


def test_a_place_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    """A folder, and a file in a folder that is not there, are wrong usage."""
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for path in (tmp_path, tmp_path / "missing" / "report.json", tmp_path / "circle"):
        with pytest.raises(WrongUsage, match="--report"):
            reports.check_writable(path)
    reports.check_writable(tmp_path / "report.json")


def test_a_report_that_cannot_be_written_hides_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk that is full in the end: what went wrong is told and its exit code counts; a good run says that it was."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fails(*_: object) -> None:
        raise NotReady("not ready after 3 m")

    monkeypatch.setattr("bootstrap.report.write", full)
    for run, code, words in (
        (fails, exits.NOT_READY, "error: not ready after 3 m"),
        (lambda *_: [], exits.BUG, "the run itself ended well: unchanged"),
    ):
        monkeypatch.setattr("bootstrap.run.bootstrap", run)
        assert run_command(["bootstrap", "--report", str(tmp_path / "report.json")], Session()) == code
        said = capsys.readouterr().err
        assert "could not write the report" in said
        assert "No space left on device" in said
        assert words in click.unstyle(said)
        assert "bug" not in said
