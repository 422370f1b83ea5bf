"""What a repository may try with the folder that it is copied into."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from base.errors import RepositoryUnusable
from repositories.localizing import localized
from repositories.mirror_state import SUMS
from tests.repositories.origins import WEB, Origin, mirror
from tests.repositories.shelves import change, write


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """A repository with what `shelves` has."""
    return Origin(write(tmp_path / "origin"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The folder of the mirror."""
    return tmp_path / "copy"


def test_a_url_is_replaced_where_it_stands() -> None:
    """Whatever is written around it, and quickly: the file may have 2 MiB."""
    text = "name: a\nlongDescription: '\u00e9 \U0001f600 {}'\nmanifests: [{{url: https://x/}}, {{url: b}}] # end\n"
    long = text.format("x\n\n" * 400_000).encode()
    began = time.thread_time()
    assert localized(long, {0: "./y"}) == long.replace(b"https://x/", b'"./y"')
    assert time.thread_time() - began < 1.0


def test_a_manifest_that_fits_no_schema_is_copied_as_it_is(origin: Origin, copy: Path) -> None:
    """Its positions cannot be relied on, and clients refuse it wherever its manifests lie."""
    before = origin.folder.directory.joinpath(WEB).read_bytes()
    change(origin.folder.directory, WEB, "  - url: manifest.yaml", "  - x\n  - url: https://example.com/m.yaml")
    mirror(origin, copy, lambda _: b"")
    assert (copy / WEB).read_bytes() == (origin.folder.directory / WEB).read_bytes() != before


def test_a_mirror_keeps_what_is_its_own(origin: Origin, copy: Path) -> None:
    """Hidden files, such as those of git, are not written, and its list of checksums by nobody else."""
    url = "  - url: manifest.yaml"
    change(origin.folder.directory, WEB, url, f"  - url: ../../.git/config\n  - url: ../../.frit-mirror\n{url}")
    origin.folder.directory.joinpath(".git").mkdir()
    origin.folder.directory.joinpath(".git", "config").write_text("[core]\n")
    assert [one.file for one in mirror(origin, copy).missing] == [WEB, WEB]
    assert not copy.joinpath(".git").exists()
    change(origin.folder.directory, WEB, "../../.git/config", "../../SHA256SUMS")
    origin.folder.directory.joinpath(SUMS).write_text("")
    with pytest.raises(RepositoryUnusable, match="keeps its checksums there"):
        mirror(origin, copy)
