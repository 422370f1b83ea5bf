"""Build the wheel and the sdist, install the wheel into an environment of its own, and run the tests against it.

The tests are copied away from the working tree first, so that nothing but the installed wheel can be imported.
Tests that need a cluster, and those about the tree itself, are left out: `make test` runs them. Arguments go to pytest,
such as the folders of the tests to run; without any, all are.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ABOUT_THE_TREE = ("test_floors.py", "test_tree.py", "test_docs.py")


def main() -> int:
    """Build, install, test; returns pytest's exit code."""
    with tempfile.TemporaryDirectory(prefix="frit-wheel-") as folder:
        there = Path(folder)
        subprocess.run(
            [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(there / "dist"), str(ROOT)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        wheel = next((there / "dist").glob("*.whl"))
        print(f"built {wheel.name} and {next((there / 'dist').glob('*.tar.gz')).name}", flush=True)
        venv.create(there / "venv", with_pip=True)
        python = there / "venv" / "bin" / "python"
        install = [str(python), "-m", "pip", "install", "--quiet"]
        locked = ["--require-hashes", "--requirement", str(ROOT / "requirements" / "dev.txt")]
        subprocess.run([*install, *locked], check=True)
        subprocess.run([*install, "--no-deps", str(wheel)], check=True)
        shutil.copytree(ROOT / "tests", there / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", there / "pyproject.toml")
        # Some tests compare a page with what frit says; pages can't be imported in place of the wheel
        shutil.copytree(ROOT / "docs", there / "docs")
        shutil.copytree(ROOT / "bench", there / "bench", ignore=shutil.ignore_patterns("__pycache__", "results"))
        leave_out = [f"--ignore=tests/{name}" for name in ABOUT_THE_TREE]
        at_once = ["--dist", "worksteal", "--numprocesses", "3"]
        pytest = [str(python), "-m", "pytest", "--no-cluster", "-q", *at_once, *leave_out, *sys.argv[1:]]
        return subprocess.run(pytest, cwd=there).returncode


if __name__ == "__main__":
    raise SystemExit(main())
