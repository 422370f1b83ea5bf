"""`frit repo mirror`: a complete copy, that goes on where it was interrupted, and never lists what it has not."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from base.clock import Run
from base.errors import Cancelled, RepositoryUnusable, WrongUsage
from repositories import names
from repositories.folders import Folder
from repositories.linting import Linter
from repositories.mirror_state import SUMS, State, mirror_folder
from repositories.problems import Malformed
from repositories.serving import serving
from tests.frit.processes import PLAIN, finished
from tests.repositories.origins import WEB, Origin, mirror
from tests.repositories.schemas import SAMPLES, needs_samples
from tests.repositories.shelves import change, write
from web.troubles import TransferError


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(write(tmp_path / "origin"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy"


def contents(folder: Path) -> dict[str, bytes]:
    files = (one for one in folder.rglob("*") if one.is_file() and not one.name.startswith("."))
    return {str(one.relative_to(folder)): one.read_bytes() for one in files}


def test_a_mirror_is_the_same_and_its_checksums_are_right(origin: Origin, copy: Path) -> None:
    """Every file byte by byte, and a list of checksums that sha256sum accepts."""
    tally = mirror(origin, copy)
    made = contents(copy)
    sums = made.pop(SUMS).decode()
    assert made == contents(origin.folder.directory)
    assert (tally.packages, tally.versions, tally.fetched, tally.kept, tally.outside) == (2, 3, len(made), 0, 1)
    assert len(sums.splitlines()) == len(made)
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=copy, check=True)
    assert Linter(Folder(copy), Run()).lint().remarks == ()


def test_what_belongs_to_a_version_is_fetched_once(origin: Origin, copy: Path) -> None:
    """A second mirror asks for the lists only, and for what is new in them."""
    mirror(origin, copy)
    tally = mirror(origin, copy)
    assert sorted(origin.asked) == ["index.yaml", "store/versions.yaml", "web/versions.yaml"]
    assert (tally.fetched, tally.kept) == (3, 5)
    root = origin.folder.directory
    write(root, {"store/v1.1.0+1/package.yaml": "name: store\ndefaultNamespace: store\n"})
    change(root, "store/versions.yaml", "versions:\n", "versions:\n  - version: v1.1.0+1\n")
    mirror(origin, copy)
    assert "store/v1.1.0+1/package.yaml" in origin.asked
    assert len(origin.asked) == 4
    assert contents(copy).keys() == {*contents(root), SUMS}


def test_a_damaged_file_is_fetched_again(origin: Origin, copy: Path) -> None:
    """What is not what its checksum says is replaced; so is what is gone."""
    mirror(origin, copy)
    (copy / WEB).write_text("damaged")
    (copy / "web/v1.0.0+1/manifest.yaml").unlink()
    assert mirror(origin, copy).fetched == 3 + 3  # lists; the file, and the manifest with its package.yaml
    assert (copy / WEB).read_bytes() == (origin.folder.directory / WEB).read_bytes()
    assert (copy / "web/v1.0.0+1/manifest.yaml").exists()


def test_an_interrupted_mirror_goes_on(origin: Origin, copy: Path) -> None:
    """What was complete is not fetched again, and no list was written that names what is missing."""
    run = origin.run = Run()
    origin.workers = 1
    with pytest.raises(Cancelled):
        mirror(origin, copy, run=run)
    there = set(contents(copy))
    assert there
    assert not there & {"index.yaml", "web/versions.yaml", "store/versions.yaml", SUMS}
    origin.run = None
    tally = mirror(origin, copy)
    assert tally.kept == len(there)
    assert contents(copy).keys() == {*contents(origin.folder.directory), SUMS}


def test_a_torn_journal_line_is_no_file(origin: Origin, copy: Path) -> None:
    """A run that was killed while it wrote its journal costs one file, not the mirror."""
    mirror(origin, copy)
    lines = (copy / SUMS).read_text()
    (copy / SUMS).unlink()
    (copy / ".frit-mirror").write_text(lines[: lines.index(WEB) + 5])
    origin.broken = {"store/versions.yaml"}  # so that the journal stays, with the file that it had lost
    mirror(origin, copy)
    origin.broken = set()
    tally = mirror(origin, copy)
    assert not [one for one in origin.asked if "/v1" in one]
    assert (tally.fetched, tally.kept) == (3, 5)
    assert not (copy / ".frit-mirror").exists()


def test_what_fails_keeps_its_lists_back(origin: Origin, copy: Path) -> None:
    """Everything else is copied; the failure is named; the next run completes the mirror."""
    origin.broken = {WEB}
    tally = mirror(origin, copy)
    assert [(one.file, one.message) for one in tally.failed] == [
        (WEB, f"could not read {WEB}: the server answered 500")
    ]
    made = contents(copy)
    assert "store/versions.yaml" in made
    assert not made.keys() & {"index.yaml", "web/versions.yaml", SUMS}
    origin.broken = set()
    assert mirror(origin, copy).failed == []
    assert contents(copy).keys() == {*contents(origin.folder.directory), SUMS}


def test_an_old_mirror_stays_whole_while_a_new_version_fails(origin: Origin, copy: Path) -> None:
    """The lists of the last complete mirror stay, so that clients find all that they name."""
    mirror(origin, copy)
    before = contents(copy)
    root = origin.folder.directory
    change(root, "web/versions.yaml", "versions:\n", "versions:\n  - version: v1.2.0+1\n")
    write(root, {"web/v1.2.0+1/package.yaml": "name: web\ndefaultNamespace: web\n"})
    origin.broken = {"web/v1.2.0+1/package.yaml"}
    assert mirror(origin, copy).failed
    assert contents(copy) == before


def test_what_the_repository_lacks_is_said_and_holds_nothing_back(origin: Origin, copy: Path) -> None:
    """A copy is as good as its origin: a missing file is named, and the lists are written as they are."""
    (origin.folder.directory / WEB).unlink()
    (origin.folder.directory / "store" / "versions.yaml").unlink()
    tally = mirror(origin, copy)
    assert sorted(one.file for one in tally.missing) == ["store/versions.yaml", WEB]
    assert tally.failed == []
    assert (copy / "index.yaml").exists()


def test_a_file_that_cannot_be_read_is_not_mirrored(origin: Origin, copy: Path) -> None:
    """A broken manifest may be a proxy's answer: it is named, and not written."""
    write(origin.folder.directory, {WEB: "<!doctype html><title>login</title>"})
    (failed,) = mirror(origin, copy).failed
    assert "web page" in failed.message
    assert not (copy / WEB).exists()


def test_nothing_is_written_outside_of_the_folder(origin: Origin, copy: Path) -> None:
    """Names and versions that lead elsewhere end in an error, and relative files in a note."""
    change(origin.folder.directory, WEB, "url: manifest.yaml", "url: ../../../outside.yaml")
    assert [one.file for one in mirror(origin, copy).missing] == [WEB]
    change(origin.folder.directory, "web/versions.yaml", "version: v1.0.0+1", "version: ../../v1")
    assert [one.file for one in mirror(origin, copy).failed] == ["web/versions.yaml"]
    change(origin.folder.directory, "index.yaml", "name: web", "name: ../web")
    with pytest.raises(Malformed):
        mirror(origin, copy)
    assert {one.name for one in copy.parent.iterdir()} == {"origin", "copy"}


def test_manifests_from_elsewhere_are_copied_on_request(origin: Origin, copy: Path) -> None:
    """package.yaml refers to the copies, keeps its comments, and the second run fetches nothing again."""
    url = "https://example.com/releases/v1/install.yaml?x=1"
    change(origin.folder.directory, WEB, "  - url: manifest.yaml", f"  - url: {url}  # pinned\n  - url: manifest.yaml")
    asked: list[str] = []

    def fetch(wanted: str) -> bytes:
        asked.append(wanted)
        return b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: x\n"

    assert mirror(origin, copy).outside == 2
    tally = mirror(origin, copy, fetch)
    name = f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-install.yaml"
    assert (copy / WEB).read_text() == (origin.folder.directory / WEB).read_text().replace(url, f'"./manifests/{name}"')
    assert (copy / "web/v1.1.0+1/manifests" / name).read_bytes() == fetch(url)
    assert tally.outside == 1  # the chart
    asked.clear()
    again = mirror(origin, copy, fetch)
    assert asked == []
    assert not [one for one in origin.asked if "/v1" in one]
    assert again.fetched == 3
    (copy / "web/v1.1.0+1/manifests" / name).unlink()
    mirror(origin, copy, fetch)
    assert asked == [url]
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=copy, check=True)


def test_a_manifest_that_cannot_be_fetched_is_named(origin: Origin, copy: Path) -> None:
    """The package is not listed then: it could not be installed without it."""
    change(origin.folder.directory, WEB, "url: manifest.yaml", "url: https://example.com/m.yaml")

    def fetch(url: str) -> bytes:
        raise TransferError("server", "the server answered 500")

    (failed,) = mirror(origin, copy, fetch).failed
    assert failed.file.startswith("web/v1.1.0+1/manifests/")
    assert not (copy / WEB).exists()


def test_two_mirrors_do_not_share_a_folder(copy: Path) -> None:
    """The second is refused while the first goes on, and welcome afterwards."""
    with mirror_folder(copy), pytest.raises(WrongUsage, match="another mirror is being made"), mirror_folder(copy):
        pass
    with mirror_folder(copy):
        pass


def test_a_folder_that_cannot_be_written_to_ends_it(
    origin: Origin, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is one error, not one for each file."""

    def full(state: State, path: names.Path, content: bytes) -> None:
        raise RepositoryUnusable("could not write: No space left on device")

    monkeypatch.setattr(State, "put", full)
    with pytest.raises(RepositoryUnusable, match="No space"):
        mirror(origin, copy)
    monkeypatch.undo()
    copy.joinpath("file").write_text("")
    with pytest.raises(WrongUsage, match="could not use the folder"), mirror_folder(copy / "file" / "below"):
        pass
    copy.joinpath(SUMS).mkdir()
    with pytest.raises(WrongUsage, match=rf"could not use .*{SUMS}: Is a directory"):
        mirror(origin, copy)


@needs_samples
def test_the_public_repository_is_mirrored(copy: Path) -> None:
    """What the slice of the public catalogue lists and lacks is named; all that is there is copied."""
    tally = mirror(Origin(SAMPLES), copy)
    made = contents(copy)
    del made[SUMS]
    assert tally.failed == []
    assert len(tally.missing) > 100
    assert made.items() <= contents(SAMPLES).items()


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The URL of a real server and the lines of its requests."""
    lines: list[str] = []
    with serving(folder, tell=lines.append) as server:
        yield server.url, lines


def run(*arguments: str) -> tuple[int, str, str]:
    return finished("repo", "mirror", *arguments, program=PLAIN)


def test_the_command_mirrors_a_url(origin: Origin, copy: Path) -> None:
    """One line says what was done; data has the numbers; a second time most is kept."""
    with served(origin.folder.directory) as (url, lines):
        code, out, err = run(url, str(copy))
        assert (code, out) == (
            0,
            f"{copy}: 2 packages, 3 versions; 8 files fetched, 0 kept (0.0 MB); checksums in SHA256SUMS\n",
        )
        assert "versions that also need charts or manifests from elsewhere: 1" in err
        lines.clear()
        code, out, _ = run(url, str(copy), "-o", "json")
    data = json.loads(out)
    assert (code, data["complete"], data["fetched"], data["kept"]) == (0, True, 3, 5)
    assert len(lines) == 3


def test_the_command_says_what_is_not_complete(origin: Origin, copy: Path) -> None:
    """Exit code 8, the file and the reason; nobody answering is the same code, and nothing is written."""
    write(origin.folder.directory, {WEB: "name: ["})
    with served(origin.folder.directory) as (url, _):
        code, out, err = run(url, str(copy), "-o", "json")
    assert code == 8
    assert json.loads(out)["complete"] is False
    assert f"is not complete: could not fetch {WEB}" in err
    code, out, err = run(url, str(copy / "other"))
    assert (code, out) == (8, "")
    assert f"could not read {url.removeprefix('http://')}/index.yaml" in err
    assert not contents(copy / "other")
