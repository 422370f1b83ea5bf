"""Lint, index and mirror on damaged repositories: whatever a file holds, it ends in remarks or in one error."""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from base.clock import Run
from base.errors import RepositoryUnusable
from base.events import silent
from repositories import indexing
from repositories.folders import Folder
from repositories.linting import MOST, Linter
from repositories.mirror_state import mirror_folder
from repositories.mirroring import Mirror
from tests.repositories.shelves import write

ROUNDS = 60
PIECES: tuple[bytes, ...] = (
    *(b"\x00", b"\xff\xfe", b"\r", b"\t", b": ", b"- ", b"&a ", b"*a", b"<<: *a\n", b"{", b"[", b"'", b"{{"),
    *(b"---\n", b"...\n", b"%YAML 9.9\n", b"1e999", b".nan", b"0x" + b"f" * 400, b"http://[", b"../" * 30),
    b"!!python/name:os.system ",
)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 10**30, 1.5, "", " ", "a" * 5000, "http://[::1", "../../x", "%2e%2e/x", "//host/x"),
    *([], [None], [[]], ["a", 1], {}, {"": ""}, {"a": {"b": []}}, "/a/b~1c", "(", "[[:alpha:]]+", "\x85", "+"),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in some data, without the data itself."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, one in inside for found in [(*path, key), *places(one, (*path, key))]]


def cut(content: bytes, dice: random.Random) -> bytes:
    """A few pieces taken away, doubled or put in."""
    for _ in range(dice.randint(1, 4)):
        at, size = dice.randrange(len(content) + 1), dice.randint(0, 40)
        new = dice.choice([b"", dice.choice(PIECES), content[at : at + size] * 2])
        content = content[:at] + new + content[at + size :]
    return content


def changed(content: bytes, dice: random.Random) -> bytes:
    """The same data with a few values replaced by others, of other types mostly."""
    data = yaml.safe_load(content)
    for _ in range(dice.randint(1, 3)):
        *way, last = dice.choice(places(data) or [(None,)])
        if last is None:
            break
        here = data
        for key in way:
            here = here[key]
        here[last] = copy.deepcopy(dice.choice(VALUES))
    return yaml.safe_dump(data, sort_keys=False).encode()


@pytest.mark.parametrize("damage", [cut, changed])
def test_a_damaged_repository_never_ends_in_anything_else(
    tmp_path: Path, damage: Callable[[bytes, random.Random], bytes]
) -> None:
    """Damage in one to three files: lint gives its remarks, index and mirror succeed or raise their one error."""
    dice = random.Random(20)
    clean = write(tmp_path / "clean")
    said = 0
    for number in range(ROUNDS):
        folder, target = tmp_path / f"{number}", tmp_path / f"{number}-copy"
        shutil.copytree(clean, folder)
        files = sorted(one for one in folder.rglob("*.yaml"))
        for file in dice.sample(files, dice.randint(1, 3)):
            file.write_bytes(damage(file.read_bytes(), dice))
        report = Linter(Folder(folder), Run()).lint()
        said += bool(report.remarks)
        assert len(report.remarks) <= MOST * len(files)
        with suppress(RepositoryUnusable):
            indexing.plan(Folder(folder), dice.choice(["keep", "newest"]))
        with suppress(RepositoryUnusable), mirror_folder(target) as state:
            Mirror(Folder(folder), state, Run(), silent, lambda url: b"a: b\n").make()
        shutil.rmtree(folder)
    assert said > ROUNDS / 2
    assert {one.name.partition("-")[2] for one in tmp_path.iterdir()} <= {"", "copy"}
