"""`frit repo index`: the same folders give the same bytes, and nothing else is touched."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from base.clock import Run
from base.errors import RepositoryUnusable
from repositories import indexing
from repositories.folders import Folder
from repositories.linting import Linter
from repositories.problems import Malformed
from tests.frit.processes import PLAIN, finished
from tests.packages_server import PACKAGES
from tests.repositories.shelves import change, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "shelf")


def index(folder: Path, latest: str = "keep") -> indexing.Plan:
    made = indexing.plan(Folder(folder), latest)
    indexing.write(Folder(folder), made.changes)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_the_packages_of_this_project_are_indexed() -> None:
    """The lists in tests/packages are those that the command writes."""
    assert indexing.plan(Folder(PACKAGES)).changes == []


def test_an_index_says_what_the_latest_manifests_say(folder: Path) -> None:
    """Names in order, a value a line, absent fields left out, and the scope always there."""
    (folder / "index.yaml").unlink()
    (folder / "web" / "versions.yaml").unlink()
    change(folder, "store/v1.0.0+1/package.yaml", "iconUrl: https://example.com/store.svg\n", "")
    change(folder, "web/v1.1.0+1/package.yaml", "Says hello", '"Says: hello # äöü"')
    made = index(folder)
    assert {one.file: one.change for one in made.files} == {
        "store/versions.yaml": "unchanged",
        "web/versions.yaml": "created",
        "index.yaml": "created",
    }
    assert (folder / "web" / "versions.yaml").read_text() == (
        "latestVersion: v1.1.0+1\nversions:\n  - version: v1.0.0+1\n  - version: v1.1.0+1\n"
    )
    assert (folder / "index.yaml").read_text() == (
        "packages:\n"
        "  - name: store\n"
        "    shortDescription: Keeps things\n"
        "    latestVersion: v1.0.0+1\n"
        "    scope: Cluster\n"
        "  - name: web\n"
        '    shortDescription: "Says: hello # äöü"\n'
        "    iconUrl: https://example.com/web.svg\n"
        "    latestVersion: v1.1.0+1\n"
        "    scope: Namespaced\n"
    )
    assert not [one for one in Linter(Folder(folder), Run()).lint().remarks if "index" in one.rule]


def test_the_same_folders_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """A second run changes nothing and touches no file, and a copy made in another order gives the same."""
    index(folder)
    before = {one: one.stat().st_mtime_ns for one in folder.rglob("*")}
    assert index(folder).changes == []
    assert {one: one.stat().st_mtime_ns for one in folder.rglob("*")} == before
    other = tmp_path / "other"
    for path, content in sorted(contents(folder).items(), reverse=True):
        if Path(path).name == "package.yaml":
            write(other, {path: content})
    index(other)
    listed = ("index.yaml", "web/versions.yaml", "store/versions.yaml")
    assert [contents(other)[one] for one in listed] == [contents(folder)[one] for one in listed]


def test_versions_are_in_their_order_and_the_pointer_stays(folder: Path) -> None:
    """v1.10 comes after v1.9, +10 after +9; latestVersion stays where a maintainer put it, unless newest is asked."""
    for version in ("v1.9.0+1", "v1.10.0+9", "v1.10.0+10", "v2.0.0-rc.1+1"):
        shutil.copytree(folder / "web" / "v1.1.0+1", folder / "web" / version)
    made = index(folder)
    listed = yaml.safe_load((folder / "web" / "versions.yaml").read_text())
    assert [one["version"] for one in listed["versions"]] == [
        "v1.0.0+1",
        "v1.1.0+1",
        "v1.9.0+1",
        "v1.10.0+9",
        "v1.10.0+10",
        "v2.0.0-rc.1+1",
    ]
    assert listed["latestVersion"] == "v1.1.0+1"
    assert made.behind == {"web": ("v1.1.0+1", "v1.10.0+10")}
    assert index(folder, "newest").behind == {}
    assert yaml.safe_load((folder / "index.yaml").read_text())["packages"][1]["latestVersion"] == "v1.10.0+10"


def test_a_pointer_to_a_version_that_is_gone_moves(folder: Path) -> None:
    """Where latestVersion names no version any more, the newest takes its place."""
    shutil.rmtree(folder / "web" / "v1.1.0+1")
    index(folder)
    assert yaml.safe_load((folder / "web" / "versions.yaml").read_text()) == {
        "latestVersion": "v1.0.0+1",
        "versions": [{"version": "v1.0.0+1"}],
    }


def test_a_package_without_versions_is_not_listed(folder: Path) -> None:
    """A folder that only has a versions.yaml is named, and left out of the index."""
    shutil.rmtree(folder / "store" / "v1.0.0+1")
    made = index(folder)
    assert made.empty == ("store",)
    assert [one["name"] for one in yaml.safe_load((folder / "index.yaml").read_text())["packages"]] == ["web"]


def test_an_empty_folder_gets_an_empty_index(tmp_path: Path) -> None:
    """Nothing to list is a list with nothing in it."""
    index(tmp_path)
    assert (tmp_path / "index.yaml").read_text() == "packages: []\n"


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("web/v1.1.0+1/package.yaml", "name: [", "line 2"),
        ("web/v1.1.0+1/package.yaml", "name: web\n", "defaultNamespace is missing"),
        ("web/v1.1.0+1/package.yaml", "defaultNamespace: a\nname: wib\n", "line 2: name: it is 'wib'"),
        ("web/versions.yaml", "<<<<<<< ours\n", "web/versions.yaml"),
        ("web/v1 copy/package.yaml", "name: web\n", "'v1 copy' cannot be a version"),
        ("my web/v1.0.0/package.yaml", "name: web\n", "'my web' cannot be the name of a package"),
    ],
)
def test_what_clients_would_refuse_is_not_indexed(folder: Path, path: str, text: str, why: str) -> None:
    """One message with file and reason, and no file is written, not even those that are right."""
    (folder / "index.yaml").unlink()
    write(folder, {path: text})
    before = contents(folder)
    with pytest.raises(RepositoryUnusable) as caught:
        index(folder)
    assert why in caught.value.message
    assert caught.value.hint
    assert contents(folder) == before


def test_a_broken_list_can_be_written_anew(folder: Path) -> None:
    """With `newest` the old versions.yaml is not looked at, which is the way out of a merge conflict."""
    before = (folder / "web" / "versions.yaml").read_bytes()
    write(folder, {"web/versions.yaml": "<<<<<<< ours\n"})
    with pytest.raises(Malformed) as caught:
        index(folder)
    assert "--latest newest" in caught.value.hint
    index(folder, "newest")
    assert (folder / "web" / "versions.yaml").read_bytes() == before


def test_nothing_is_written_through_a_link_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    """A package folder that is a link to elsewhere is refused."""
    shutil.move(folder / "web", tmp_path / "elsewhere")
    (folder / "web").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "versions.yaml").unlink()
    with pytest.raises(Malformed, match="link that leads out"):
        index(folder)
    assert not (tmp_path / "elsewhere" / "versions.yaml").exists()


def test_a_file_is_written_whole_or_not_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing fails, the old file stays, no other file is left, and the message names the file."""
    write(folder, {"index.yaml": "packages: []\n"})
    before = contents(folder)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")  # a disk cannot be filled in a test

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RepositoryUnusable, match=r"could not write .*index\.yaml: No space left on device"):
        index(folder)
    assert contents(folder) == before


def test_a_file_keeps_its_mode(folder: Path) -> None:
    """Who may read a list stays as it was; a new one can be read by everybody, as a web server needs it."""
    (folder / "index.yaml").write_text("packages: []\n")
    (folder / "index.yaml").chmod(0o640)
    (folder / "web" / "versions.yaml").unlink()
    index(folder)
    assert (folder / "index.yaml").stat().st_mode & 0o777 == 0o640
    assert (folder / "web" / "versions.yaml").stat().st_mode & 0o777 == 0o644


@given(
    st.text(max_size=40) | st.sampled_from(["yes", "No", "null", "~", "1.0", "0x1", "a: b", "a #b", "- a", "a:", "é"])
)
def test_every_text_survives_as_a_scalar(text: str) -> None:
    """Whatever a description holds is one line of YAML and reads back as the same text."""
    text = text.encode("utf-8", "replace").decode()
    written = indexing.scalar(text)
    assert len(written.splitlines()) == 1
    assert yaml.safe_load(f"a: {written}\n") == {"a": text}
    assert yaml.load(f"- b: {written}\n", getattr(yaml, "CSafeLoader", yaml.SafeLoader)) == [{"b": text}]  # noqa: S506


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    return finished("repo", "index", folder.name, *arguments, program=PLAIN, cwd=folder.parent)


def test_the_command_says_what_it_wrote(folder: Path) -> None:
    """A line for each file, then a count; a second time there is nothing to say but that."""
    (folder / "index.yaml").unlink()
    assert run(folder) == (0, "created: index.yaml\n2 packages, 3 versions\n", "")
    assert run(folder) == (0, "2 packages, 3 versions; unchanged\n", "")


def test_a_check_writes_nothing_and_ends_with_10(folder: Path) -> None:
    """CI learns by the exit code and the lines whether somebody forgot to run the command."""
    assert run(folder, "--check")[0] == 10  # the scope of store is not written down yet
    run(folder)
    assert run(folder, "--check") == (0, "2 packages, 3 versions; unchanged\n", "")
    shutil.copytree(folder / "web" / "v1.1.0+1", folder / "web" / "v1.2.0+1")
    before = contents(folder)
    code, out, err = run(folder, "--check")
    assert (code, out) == (10, "to be updated: web/versions.yaml\n2 packages, 4 versions\n")
    assert "web: latestVersion stays v1.1.0+1; v1.2.0+1 is newer, and --latest newest takes it" in err
    assert contents(folder) == before
    data = json.loads(run(folder, "--check", "-o", "json")[1])
    assert data["written"] is False
    assert data["files"][1] == {"file": "web/versions.yaml", "change": "updated"}
    assert data["behind"] == [{"package": "web", "latestVersion": "v1.1.0+1", "newest": "v1.2.0+1"}]


def test_a_broken_manifest_is_exit_code_8(folder: Path) -> None:
    """One message with file and line."""
    write(folder, {"web/v1.1.0+1/package.yaml": "name: web\nname: web\n"})
    code, out, err = run(folder)
    assert (code, out) == (8, "")
    assert "web/v1.1.0+1/package.yaml, line 2: key 'name' occurs twice" in err


def test_links_and_pipes_hold_nobody_up(folder: Path, tmp_path: Path) -> None:
    """What is no regular file in the repository counts as not there, and a link in a circle as no folder."""
    index(folder)
    before = contents(folder)
    for name in ("round", "web/round"):
        (folder / name).symlink_to("round")
    (folder / "index.yaml").unlink()
    (folder / "index.yaml").symlink_to("/dev/zero")
    (folder / "web" / "versions.yaml").unlink()
    os.mkfifo(folder / "web" / "versions.yaml")
    assert {one.file: one.change for one in index(folder).changes} == {
        "index.yaml": "created",
        "web/versions.yaml": "created",
    }
    assert contents(folder) == before
    (folder / "web" / "v0.0.1").symlink_to(tmp_path)
    (tmp_path / "package.yaml").write_text("name: web\n")
    with pytest.raises(Malformed, match="link that leads out"):
        index(folder)


def test_a_folder_that_is_no_package_is_named_on_one_line(folder: Path) -> None:
    """Its name comes from whoever made it."""
    (folder / "\x1b[31m" / "v1").mkdir(parents=True)
    (folder / "\x1b[31m" / "v1" / "package.yaml").write_text("")
    with pytest.raises(RepositoryUnusable, match="cannot be the name of a package") as caught:
        index(folder)
    assert caught.value.message.isprintable()
