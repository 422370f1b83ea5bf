"""Recovery from faults: what is judged over data, without a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.judgement import Answer, Kind
from bench.recovery import figures, records, tables
from bench.recovery.glasskube import Backoff, persist, reason_of
from bench.recovery.rivals import RIVALS, Ended
from bench.recovery.rounds import outcome as judged
from bench.recovery.scenarios import FRIT_BOOTSTRAP, FRIT_REPO, GLASSKUBE, SCENARIOS, UNTIL
from bench.recovery.witness import failing, first_success, healthy
from tests.bench.answers import contrary, good
from tests.bench.recoveries import fault, outcome, recovery
from tests.cluster.api import Answer as ApiAnswer


def at(started: float, *, works: bool, seconds: float = 0.005, label: str = "500 x509") -> Answer:
    return good(Kind.VALID, started, seconds) if works else contrary(Kind.VALID, started, seconds, label)


def test_the_first_success_is_the_first_that_was_known() -> None:
    """A request that hung and was admitted late does not count from its start, nor before others that were faster."""
    answers = [at(1.0, works=False), at(1.5, works=True, seconds=0.9), at(2.0, works=True, seconds=0.01)]
    assert first_success(answers, 1.2) == 2.01


def test_a_success_from_before_the_contestants_began_does_not_count() -> None:
    """An answer from before the fault says nothing about its end."""
    answers = [at(1.0, works=True), at(2.0, works=False), at(3.0, works=True)]
    assert first_success(answers, 1.5) == pytest.approx(3.005)
    assert first_success(answers[:2], 1.5) is None


def test_a_fault_is_open_when_the_last_answers_say_why() -> None:
    """As many contrary answers in a row as were asked for, each with the word, and nothing good among them."""
    untrusted = [at(1.0 + n / 100, works=False) for n in range(4)]
    assert failing("x509", 4)(untrusted)
    assert not failing("x509", 4)(untrusted[:3])
    assert not failing("x509", 4)([*untrusted[:3], at(2.0, works=False, label="500 connection refused")])
    assert failing("", 4)([*untrusted[:3], at(2.0, works=False, label="500 connection refused")])
    assert not failing("x509", 4)([*untrusted, at(2.0, works=True)])


def test_a_webhook_works_when_nothing_contrary_came_for_a_second() -> None:
    """Good answers must have come for long enough, and what failed must lie before them."""
    fine = [at(1.0 + n / 10, works=True) for n in range(20)]
    assert healthy(1.0)(fine)
    assert healthy(1.0)([at(0.5, works=False), *fine])
    assert not healthy(1.0)(fine[:5])
    assert not healthy(1.0)([*fine, at(3.0, works=False)])
    assert not healthy(1.0)([])


def ended(code: int | None, seconds: float = 8.0) -> Ended:
    return Ended(RIVALS[0], 100.0, 100.0 + seconds, code, 5, "the last line")


def test_recovery_counts_from_the_witness_s_first_success() -> None:
    """Not from the start, and also where the contestant was a moment earlier than the witness."""
    assert judged(ended(0), 107.25).recovery == 0.75
    assert judged(ended(0), 108.5).recovery == -0.5


@pytest.mark.parametrize(
    ("code", "told"), [(7, "exit code 7 after 8.0 s: the last line"), (None, "ended after the limit")]
)
def test_a_contestant_that_fails_or_takes_too_long_gave_up(code: int | None, told: str) -> None:
    """It has no recovery, and the results say how it ended."""
    found = judged(ended(code), 107.0)
    assert found.recovery is None
    assert told in found.gave_up


def answered(status: int, reason: str = "") -> ApiAnswer:
    return ApiAnswer(status, json.dumps({"reason": reason}).encode())


def persisting(*answers: ApiAnswer) -> tuple[bool, list[float], int]:
    """Whether it ended well, its pauses without jitter, and how many attempts failed."""
    pauses: list[float] = []
    failed: list[ApiAnswer] = []
    coming: Iterator[ApiAnswer] = iter(answers)
    ended_well = persist(lambda: next(coming), failed.append, pauses.append, Backoff(jitter=0.0))
    return ended_well, pauses, len(failed)


def test_glasskube_s_policy_is_five_attempts_with_growing_pauses() -> None:
    """InternalError is repeated after 2, 6, 18 and 54 s, and the fifth failure ends it."""
    failure = answered(500, "InternalError")
    assert persisting(failure, failure, answered(200)) == (True, [2.0, 6.0], 2)
    assert persisting(*[failure] * 5) == (False, [2.0, 6.0, 18.0, 54.0], 5)


@pytest.mark.parametrize("answer", [answered(504, "Timeout"), answered(403, "Forbidden"), ApiAnswer(503, b"busy")])
def test_glasskube_s_policy_repeats_nothing_else(answer: ApiAnswer) -> None:
    """Whatever is no InternalError ends it at once."""
    assert persisting(answer, answered(200)) == (False, [], 1)


def test_glasskube_s_jitter_makes_pauses_longer_only() -> None:
    """Up to a tenth is added, as its library does it."""
    assert list(Backoff().pauses(lambda: 1.0)) == pytest.approx([2.2, 6.6, 19.8, 59.4])
    assert list(Backoff().pauses(lambda: 0.0)) == [2.0, 6.0, 18.0, 54.0]


def test_a_status_without_a_reason_has_none() -> None:
    """A list or a text is no Status."""
    assert [reason_of(ApiAnswer(500, body)) for body in (b"[]", b"no JSON", b"{}")] == ["", "", ""]


def test_failed_attempts_are_counted_in_what_each_contestant_prints() -> None:
    """frit's JSON has a list of them, the loops print a line for each; nothing printed is none."""
    count = {one.key: one.failed for one in RIVALS}
    assert count[FRIT_REPO]('{"failedAttempts": [{"number": 1}, {"number": 2}]}') == 2
    assert count[FRIT_BOOTSTRAP]('{"failures": [{"count": 3}, {"count": 1}]}') == 4
    assert count[GLASSKUBE]("failed attempt: 500 x\nfailed attempt: 500 y\n") == 2
    assert count[UNTIL]("failed attempt\npackagerepository created\n") == 1
    assert [one.failed("") for one in RIVALS] == [0, 0, 0, 0]


def test_every_fault_has_contestants_and_lengths_that_differ() -> None:
    """Keys are unique, and a length is drawn from a span unless the fault closes by itself."""
    assert len({one.key for one in SCENARIOS}) == len(SCENARIOS)
    known = {one.key for one in RIVALS}
    for one in SCENARIOS:
        assert set(one.contestants) <= known
        assert one.lowest < one.highest or one.highest == 0


MADE = recovery(
    fault("window", 1, outcome(FRIT_REPO, 0.4), outcome(GLASSKUBE, 8.0), outcome(UNTIL, 2.0)),
    fault("window", 2, outcome(FRIT_REPO, 0.6), outcome(GLASSKUBE, None, 90.0, "exit code 1"), outcome(UNTIL, 4.0)),
    fault("restarted", 1, outcome(FRIT_REPO, 0.2), outcome(FRIT_BOOTSTRAP, 2.5), outcome(GLASSKUBE, 1.0)),
)


def test_a_table_has_a_row_for_each_fault_and_a_column_for_each_contestant() -> None:
    """Medians with their spread, who gave up, and a dash for who took no part."""
    lines = tables.markdown(MADE).splitlines()
    assert lines[0] == "| fault | rounds | open for (s) | repo add (s) | bootstrap (s) | glasskube (s) | until (s) |"
    assert "| a window | 2 | 5.0 | 0.50 (0.40 to 0.60) | - | 8.00; gave up in 1 of 2 | 3.00 (2.00 to 4.00) |" in lines
    assert "| a restart | 1 | 5.0 | 0.20 | 2.50 | 1.00 | - |" in lines
    assert lines[4].startswith("| all | 3 | 5.0 | 0.40 (0.20 to 0.60) | 2.50 |")


def test_targets_are_the_median_and_the_worst_of_frit() -> None:
    """Others have no targets; what is missed says by how much."""
    found = {one.what: one for one in figures.targets(MADE)}
    assert found["repo add: success after the witness's, median"].measured == 0.4
    assert found["repo add: success after the witness's, worst"].met
    assert found["bootstrap: success after the witness's, worst"].missed_by == 0.5
    assert not any("glasskube" in what for what in found)


def test_giving_up_can_never_meet_a_target() -> None:
    """A run in which frit gave up counts with all its seconds, and is counted by itself."""
    made = recovery(fault("window", 1, outcome(FRIT_REPO, None, 60.0, "exit code 7 after 60.0 s")))
    assert [one.met for one in figures.targets(made)] == [False, False, False]
    assert "| a window | 1 | 5.0 | gave up in 1 of 1 | - | - | - |" in tables.markdown(made)
    assert "Gave up: repo add, a window, round 1: exit code 7 after 60.0 s." in tables.text(made)


def test_others_are_compared_over_the_faults_that_both_got_through() -> None:
    """A fault in which one of the two gave up, or took no part, is in neither median."""
    found = {one.theirs: one for one in figures.comparisons(MADE)}
    assert (found[GLASSKUBE].faults, found[GLASSKUBE].their_median) == (2, 4.5)
    assert found[GLASSKUBE].our_median == pytest.approx(0.3)
    assert found[GLASSKUBE].times == pytest.approx(15.0)
    assert found[UNTIL].faults == 2
    assert "glasskube: a median of 4.50 s over 2 faults, where repo add took 0.30 s; 15 times as long." in tables.text(
        MADE
    )


def test_a_ratio_to_nothing_is_none() -> None:
    """Where frit was not later than the witness, nobody is so many times as slow."""
    (found,) = figures.comparisons(recovery(fault("window", 1, outcome(FRIT_REPO, -0.02), outcome(UNTIL, 2.0))))
    assert found.times is None


def test_results_without_any_fault_still_make_a_table() -> None:
    """When no fault could be opened, that is what is told."""
    assert "Failed: window, round 1: not seen" in tables.text(recovery(failures=("window, round 1: not seen",)))


def test_results_are_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    """The JSON file holds everything that the tables need."""
    records.write(tmp_path / "one.json", MADE)
    assert records.read(tmp_path / "one.json") == MADE
    (tmp_path / "other.json").write_text('{"format": "other/1"}')
    with pytest.raises(ValueError, match=r"other\.json is not a result"):
        records.read(tmp_path / "other.json")
