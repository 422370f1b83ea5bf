"""Every module of every room is there and can be imported by itself, also from an installed wheel."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

import manifests

ROOMS = ("base", "kube", "web", "certificates", "repositories", "bootstrap", "frit")
DATA = ("cert-manager-releases.json", "package-api.yaml", "report.schema.json")


def modules() -> Iterator[str]:
    """The names of all modules but the one that runs the program when it is imported."""
    for room in ROOMS:
        package = importlib.import_module(room)
        yield from (
            one.name for one in pkgutil.walk_packages(package.__path__, f"{room}.") if one.name != "frit.__main__"
        )


def test_all_modules_import() -> None:
    """In one process, in the order of their names."""
    names = list(modules())
    assert len(names) > 100
    done = subprocess.run(
        [sys.executable, "-c", "import sys, importlib; [importlib.import_module(one) for one in sys.argv[1:]]", *names],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", DATA)
def test_the_data_is_there(name: str) -> None:
    """What frit applies and validates with is read from where frit is installed."""
    assert len(manifests.read(name)) > 100
