"""What every file of the tree has to keep to: its size, its docstrings, and no traces of a particular machine."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("base", "kube", "web", "certificates", "repositories", "packages", "bootstrap", "frit", "manifests", "bench")
MOST_LINES = 350

# written in parts, so that this file does not hold what it looks for
MACHINES = ("/" + "work/", "/" + "root/", "/tmp/" + "venv")
REGISTRIES = ("pypi." + "org", "python" + "hosted.org", "proxy.golang" + ".org", "deb.debian" + ".org")


def tracked() -> list[Path]:
    """The files of the tree that belong to the project: those that git knows or would take; without git, all."""
    if not (ROOT / ".git").exists():
        files = (path for room in (*ROOMS, "tests", "docs") for path in (ROOT / room).rglob("*.*") if path.is_file())
        return [path for path in files if path.suffix != ".pyc"]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


FILES = tracked()
PYTHON = [path for path in FILES if path.suffix == ".py"]


def undocumented(source: str, tests: bool) -> Iterator[str]:
    """Public classes, functions and methods without a docstring; of tests, only test functions."""

    def inside(node: ast.AST, where: str) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            name = f"{where}{child.name}"
            if not tests and child.name.startswith("_"):
                continue
            if (not tests or child.name.startswith("test_")) and not ast.get_docstring(child):
                yield name
            if isinstance(child, ast.ClassDef):
                yield from inside(child, f"{name}.")

    tree = ast.parse(source)
    if not tests and tree.body and not ast.get_docstring(tree):
        yield "the module"
    yield from inside(tree, "")


def test_no_file_is_too_long() -> None:
    """A file has one subject; beyond so many lines it has more."""
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in PYTHON}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


@pytest.mark.parametrize("path", [path for path in PYTHON if path.relative_to(ROOT).parts[0] in ROOMS], ids=named)
def test_everything_public_says_what_it_is(path: Path) -> None:
    """Modules, classes, functions and methods have docstrings."""
    assert list(undocumented(path.read_text(encoding="utf-8"), tests=False)) == []


def test_every_test_says_what_behaviour_it_states() -> None:
    """A test function has a docstring."""
    tests = [path for path in PYTHON if path.name.startswith("test_")]
    missing = {named(path): list(undocumented(path.read_text(encoding="utf-8"), tests=True)) for path in tests}
    assert {name: without for name, without in missing.items() if without} == {}


@pytest.mark.parametrize("patterns", [MACHINES, REGISTRIES], ids=["machines", "registries"])
def test_no_file_speaks_of_a_machine_or_a_registry(patterns: tuple[str, ...]) -> None:
    """Paths of one machine and hosts of package registries belong into no file: both differ elsewhere."""
    found = []
    for path in FILES:
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{named(path)}: {pattern}" for pattern in patterns if pattern in text]
    assert found == []


@pytest.mark.parametrize(
    ("source", "tests", "found"),
    [
        ('"""m"""\ndef f():\n    """d"""\n', False, []),
        ('"""m"""\ndef f(): ...\nclass C:\n    """c"""\n    def g(self): ...\n', False, ["f", "C.g"]),
        ('"""m"""\ndef _f(): ...\nclass _C:\n    def g(self): ...\n', False, []),
        ("x = 1\n", False, ["the module"]),
        ("", False, []),
        (
            "def helper(): ...\ndef test_a(): ...\nclass TestB:\n    def test_b(self): ...\n",
            True,
            ["test_a", "TestB.test_b"],
        ),
    ],
)
def test_the_check_sees_what_has_no_docstring(source: str, tests: bool, found: list[str]) -> None:
    """The check itself finds what it should, and leaves private things and helpers alone."""
    assert list(undocumented(source, tests)) == found
