"""Exit codes: frit's contract with scripts. docs/exit-codes.md explains them; a test keeps the two equal."""

from __future__ import annotations

from typing import Final

OK: Final = 0
BUG: Final = 1
USAGE: Final = 2
PREFLIGHT: Final = 3
UNREACHABLE: Final = 4
REFUSED: Final = 5
NOT_READY: Final = 6
CERTIFICATE_WINDOW: Final = 7
REPOSITORY: Final = 8
CANNOT_TELL: Final = 9
CHANGES: Final = 10
INTERRUPTED: Final = 130
TERMINATED: Final = 143

MEANINGS: Final[dict[int, str]] = {
    OK: "done",
    BUG: "a bug in frit, or no room left on the machine that it runs on",
    USAGE: "wrong usage",
    PREFLIGHT: "preflight failed: nothing was changed",
    UNREACHABLE: "cluster not reachable, or not authenticated",
    REFUSED: "the server refused: denied, invalid, forbidden, conflict of field managers",
    NOT_READY: "not ready in time",
    CERTIFICATE_WINDOW: "the certificate window did not close in time",
    REPOSITORY: "a package repository is not usable",
    CANNOT_TELL: "frit cannot tell: not enough permission, or a failure that it does not recognise",
    CHANGES: "`--dry-run --exit-code`, or `--check` of an index: there are changes",
    INTERRUPTED: "interrupted (Ctrl-C)",
    TERMINATED: "terminated (SIGTERM)",
}
"""Every code that frit can end with, and what it means in one line."""
