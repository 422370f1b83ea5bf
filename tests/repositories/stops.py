"""Stopping a command of a test in the middle, and what is there then."""

from __future__ import annotations

import time
from typing import Final

from tests.faults.rules import Rule
from tests.forked import Forked
from tests.repositories.conftest import Repo

WRITES: Final = r"(packagerepositories|secrets|namespaces)[/?](?!.*dryRun)"
"""The paths of requests that write for `frit repo`, with the right method."""


def marked(repo: Repo) -> list[str]:
    return [name for name, one in repo.listed().items() if one["default"]]


def ended(process: Forked) -> tuple[int, str, str]:
    code, out, err = process.ended()
    assert "Traceback" not in err
    return code, out, err


def reached(rule: Rule, process: Forked) -> bool:
    """Wait until a request met the rule; false where the command ended without."""
    until = time.monotonic() + 40
    while not rule.hits:
        if process.poll() is not None:
            return False
        assert time.monotonic() < until, "the request did not come"
        time.sleep(0.02)  # requests of another process show in the proxy only
    return True
