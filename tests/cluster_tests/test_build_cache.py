"""The cache of built programs: built once, never seen half-written."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster import build, locks, paths, progress


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def _make_slowly(folder: Path) -> None:
    with (paths.cache() / "built").open("a") as record:
        record.write("x")
    (folder / "first").write_text("1")
    time.sleep(0.3)  # the time in which another process could see half of it
    (folder / "second").write_text("2")


def _ask(results: multiprocessing.Queue[list[str]]) -> None:
    folder = build.cached("thing-1-abc", "building thing", progress.quiet, _make_slowly)
    results.put(sorted(file.name for file in folder.iterdir()))


def test_two_processes_build_once_and_both_see_everything() -> None:
    """Of two processes that want the same programs one builds, and both get the complete folder."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[list[str]] = context.Queue()
    workers = [context.Process(target=_ask, args=(results,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    seen = [results.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join(timeout=30)
    assert seen == [["first", "second"], ["first", "second"]]
    assert (paths.cache() / "built").read_text() == "x"


def test_failed_build_leaves_nothing_and_is_tried_again() -> None:
    """A build that fails leaves no folder, so that the next run builds anew."""

    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise ValueError("no compiler")

    with pytest.raises(ValueError, match="no compiler"):
        build.cached("thing-1-abc", "building thing", progress.quiet, fail)
    assert build.find("thing-1-abc") is None
    folder = build.cached("thing-1-abc", "building thing", progress.quiet, lambda out: (out / "whole").touch())
    assert [file.name for file in folder.iterdir()] == ["whole"]


def test_what_a_killed_build_left_is_not_taken_for_a_result() -> None:
    """The remains of a killed build are removed, and its lock has gone with it."""
    script = (
        "import os, signal\n"
        "from tests.cluster import build, progress\n"
        "def make(folder):\n"
        "    (folder / 'half').write_text('')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "build.cached('thing-1-abc', 'building thing', progress.quiet, make)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], cwd=paths.SOURCES.parent.parent, check=False)
    assert killed.returncode == -9
    assert list(paths.binaries().glob(".thing-1-abc.building/half"))
    folder = build.cached("thing-1-abc", "building thing", progress.quiet, lambda out: (out / "whole").touch())
    assert [file.name for file in folder.iterdir()] == ["whole"]
    assert not list(paths.binaries().glob(".thing-1-abc.building"))


def test_waiting_for_a_lock_is_said(tmp_path: Path) -> None:
    """Who has to wait for another run says so, once, and goes on when it is free."""
    said: list[str] = []
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with locks.exclusive(tmp_path / "lock"):
            held.set()
            release.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)

    def waiting() -> None:
        said.append("waiting")
        release.set()

    with locks.exclusive(tmp_path / "lock", waiting):
        assert said == ["waiting"]
    holder.join()


def test_lock_is_exclusive_though_its_file_goes(tmp_path: Path) -> None:
    """Many who take the same lock in turn are never in it together, and no file stays."""
    inside: list[int] = []
    together: list[int] = []

    def work() -> None:
        for _ in range(50):
            with locks.exclusive(tmp_path / "lock"):
                inside.append(1)
                together.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [1] * 200
    assert list(tmp_path.iterdir()) == []


def test_key_changes_with_inputs_and_only_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed source, flag or go.mod gives another folder; the go.mod of another release doesn't."""
    module = tmp_path / "go" / "thing"
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module a")
    (module / "go-1.20.mod").write_text("module b")
    (module / "main.go").write_text("package main")
    monkeypatch.setattr(paths, "SOURCES", tmp_path)
    target = build.Target(what="thing", version="1", module="thing", packages=(".",))
    first = build.key(target)
    assert first.startswith("thing-1-")
    (module / "go-1.20.mod").write_text("module c")
    assert build.key(target) == first
    assert build.key(replace(target, ldflags="-X a.b=c")) != first
    assert build.key(replace(target, modfile="go-1.20.mod")) != first
    (module / "main.go").write_text("package main // changed")
    assert build.key(target) != first


def test_versions_that_are_built_are_those_of_the_modules() -> None:
    """The versions that programs report are those that their go.mod pins."""
    from tests.cluster import certmanager

    for target, module in (
        (build.KUBERNETES, "k8s.io/kubernetes"),
        (build.HELM, "helm.sh/helm/v3"),
        *((target, "github.com/cert-manager/cert-manager") for target in certmanager.TARGETS.values()),
    ):
        pinned = (target.source / target.modfile).read_text()
        assert f"\t{module} v{target.version}" in pinned, target
        assert f"v{target.version}" in target.ldflags


def test_failing_compiler_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that fails shows the compiler's last lines and where it happened."""
    from tests.cluster import toolchain

    fake = tmp_path / "go"
    fake.write_text("#!/bin/sh\necho 'main.go:3: undefined: x' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(toolchain, "go", lambda: fake)
    with pytest.raises(paths.ClusterError, match=r"(?s)pause 1 could not be built.*undefined: x"):
        build.compile_(build.PAUSE, tmp_path)
