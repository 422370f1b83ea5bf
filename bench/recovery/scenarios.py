"""Which faults are opened, for how long, and who tries to get through them: plain data."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from bench.recovery.faults import Faults

FRIT_REPO, FRIT_BOOTSTRAP, GLASSKUBE, UNTIL = "frit-repo-add", "frit-bootstrap", "glasskube", "until-apply"

APPLIES = (FRIT_REPO, GLASSKUBE, UNTIL)
EVERYBODY = (FRIT_REPO, FRIT_BOOTSTRAP, GLASSKUBE, UNTIL)
"""A bootstrap takes part only where no object of the release was changed by hand: it would refuse to undo that."""


def _nothing(_faults: Faults) -> None:
    """The fault closes by itself."""


@dataclass(frozen=True)
class Scenario:
    """One kind of fault.

    `lowest` and `highest` are seconds from the contestants' start until `close` is called; both 0 where the fault
    closes by itself. `rounds` limits how often it is run, where it takes long.
    """

    key: str
    title: str
    open: Callable[[Faults], None]
    close: Callable[[Faults], None] = _nothing
    lowest: float = 0.0
    highest: float = 0.0
    contestants: tuple[str, ...] = EVERYBODY
    rounds: int = 1000

    def length(self, chance: random.Random) -> float:
        """How long to keep it open: drawn anew each time, so that nobody's fixed pauses happen to fit."""
        return chance.uniform(self.lowest, self.highest)


SCENARIOS = (
    Scenario("window-5", "certificate window, about 5 s", Faults.window, Faults.close_window, 3.0, 7.0, APPLIES),
    Scenario("window-12", "certificate window, about 12 s", Faults.window, Faults.close_window, 10.0, 14.0, APPLIES),
    Scenario(
        "held-8", "certificate window, cainjector stopped", Faults.held_window, Faults.close_held_window, 6.0, 10.0
    ),
    Scenario("restarted", "webhook restarted", Faults.restart),
    Scenario("scaled", "webhook scaled to 0 and back", Faults.away, Faults.back, 3.0, 7.0, APPLIES),
    Scenario("rotated", "CA rotated, webhook restarted", Faults.rotate),
    Scenario("leader", "CA rotated, cainjector's leader killed", Faults.kill_leader, rounds=1),
)
