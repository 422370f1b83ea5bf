"""What has to be imported before the threads of a bootstrap begin."""

from __future__ import annotations

import subprocess
import sys

KNOT = ("importlib.abc", "importlib.metadata", "importlib.resources", "importlib.resources.abc")
"""Modules that import each other; two threads that load them from different ends can end in a deadlock."""


def test_modules_that_import_each_other_are_loaded_first() -> None:
    """They are there with the module that begins the threads; without it, what is tested here would mean nothing."""
    ask = f"import sys; print(*[name for name in {KNOT} if name in sys.modules])"
    for first, loaded in (("bootstrap.run", list(KNOT)), ("base.parallel", [])):
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; import {first}; {ask}"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout.split() == loaded
