"""The floors of the house: a room imports rooms below it, never beside it, never above, and no circle inside."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS = {
    "manifests": -1,
    "base": 0,
    "kube": 1,
    "web": 1,
    "certificates": 2,
    "repositories": 2,
    "packages": 3,
    "bootstrap": 4,
    "frit": 5,
}
"""Rooms by floor. `manifests` is data, which every room may read."""

OUTSIDE = ("tests", "bench")
"""What stands outside of the house and may look into every room; nothing inside imports it."""


def imports(source: str, module: str) -> Iterator[tuple[int, str]]:
    """The modules that a module's source imports, wherever in it, with line numbers; relative ones resolved."""
    package = module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            # `from room import module` imports the module, `from module import name` only the first part exists
            yield from ((node.lineno, f"{name}.{alias.name}") for alias in node.names)


def modules(*rooms: str) -> dict[str, str]:
    """The sources of rooms by module name."""
    found = {}
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return found


def wrong_ways(sources: Mapping[str, str]) -> list[str]:
    """Imports that lead up, sideways or out of the house."""
    wrong = []
    for module, source in sources.items():
        room = module.split(".")[0]
        for line, name in imports(source, f"{module}.x" if module in FLOORS else module):
            other = name.split(".")[0]
            if other in OUTSIDE or (other in FLOORS and other != room and FLOORS[other] >= FLOORS[room]):
                wrong.append(f"{module}:{line} imports {name}")
    return wrong


def circle(sources: Mapping[str, str]) -> list[str]:
    """One circle of modules that import each other, or an empty list."""
    edges: dict[str, set[str]] = {module: set() for module in sources}
    for module, source in sources.items():
        for _, name in imports(source, f"{module}.x" if module in FLOORS else module):
            for target in (name, name.rpartition(".")[0]):
                if target in sources and target != module:
                    edges[module].add(target)
                    break
    done: set[str] = set()

    def visit(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for target in sorted(edges[module]):
            if found := visit(target, [*way, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(sources) if (found := visit(module, []))), [])


def rooms() -> list[str]:
    return [room for room in FLOORS if (ROOT / room).is_dir()]


def test_rooms_import_only_rooms_below() -> None:
    """No import leads up, to a room on the same floor, or into tests."""
    assert wrong_ways(modules(*rooms())) == []


@pytest.mark.parametrize("room", rooms())
def test_no_modules_of_a_room_import_each_other_in_a_circle(room: str) -> None:
    """Inside of a room modules have an order too, also with imports that happen later or only for types."""
    assert circle(modules(room)) == []


def test_every_room_has_a_floor() -> None:
    """A folder that is installed with frit, and so can be imported, is one of the rooms."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert sorted(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == sorted(rooms())


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("kube.client", "from base.clock import Run", False),
        ("kube.client", "import manifests", False),
        ("kube.client", "import json, frit.cli", True),
        ("base.clock", "def f():\n    from kube import client", True),
        ("certificates.probe", "if TYPE_CHECKING:\n    from repositories.objects import Repository", True),
        ("bootstrap.run", "from tests.faults import proxy", True),
        ("frit.cli", "from .render import render", False),
        ("manifests", "from base.clock import Run", True),
    ],
)
def test_the_rule_sees_what_it_should(module: str, source: str, wrong: bool) -> None:
    """The check itself finds imports of every form, at every place."""
    assert bool(wrong_ways({module: source})) is wrong


def test_circles_are_seen() -> None:
    """Over two and three steps, by name or relative, and through a package's own file."""
    assert circle({"kube.a": "from kube.b import x", "kube.b": "from kube import a"}) == ["kube.a", "kube.b", "kube.a"]
    three = {"kube.a": "import kube.b", "kube.b": "from .c import x", "kube.c": "def f():\n    from kube.a import y"}
    assert circle(three) == ["kube.a", "kube.b", "kube.c", "kube.a"]
    assert circle({"kube.a": "import kube.b", "kube.b": "import json", "kube.c": "import kube.a, kube.b"}) == []
    assert circle({"kube": "from .a import x", "kube.a": "import kube"}) == ["kube", "kube.a", "kube"]
