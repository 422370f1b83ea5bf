"""When the webhook really worked, judged over lists of answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.judgement import Answer, Kind, contrary_since, first_good, judge, ready_for_good, spans
from tests.bench.answers import contrary, good, pairs

DENIED = 'admission webhook "webhook.cert-manager.io" denied the request: spec: Required value'


def test_ready_is_the_first_start_after_the_last_contrary_one() -> None:
    """A clean change from contrary to good is ready at the first pair that was good."""
    answers = [*pairs(0.0, 1.0, works=False), *pairs(1.02, 3.0, works=True)]
    assert ready_for_good(answers) == 1.02


def test_a_relapse_moves_the_moment_behind_it() -> None:
    """A good answer is not for good where a request that was started later got a contrary one."""
    answers = [
        *pairs(0.0, 1.0, works=False),
        *pairs(1.02, 1.5, works=True),
        contrary(Kind.VALID, 1.52),
        *pairs(1.54, 3.0, works=True),
    ]
    assert ready_for_good(answers) == 1.54
    assert first_good(answers) == 1.02


def test_a_request_that_hung_from_before_does_not_move_it() -> None:
    """A request that was started before, and is known to have failed long after others succeeded, changes nothing."""
    answers = [contrary(Kind.VALID, 1.0, 1.0, "504"), *pairs(1.02, 3.0, works=True)]
    assert ready_for_good(answers) == 1.02


def test_a_request_that_hung_from_after_a_good_one_moves_it() -> None:
    """A request that was started after a good one and failed in the end is contrary from its start on."""
    answers = [*pairs(1.0, 1.1, works=True), contrary(Kind.VALID, 1.12, 1.0, "504"), *pairs(1.14, 3.0, works=True)]
    assert ready_for_good(answers) == 1.14


def test_a_good_answer_that_took_long_does_not_count_from_its_start() -> None:
    """A request that waited until the webhook was there is good, but those started after it were refused."""
    answers = [good(Kind.VALID, 1.0, 0.9), *pairs(1.02, 1.8, works=False), *pairs(1.82, 3.0, works=True)]
    assert ready_for_good(answers) == 1.82


def test_both_kinds_must_work() -> None:
    """Invalid objects that are admitted keep it from being ready, however long valid ones have been admitted."""
    answers = [
        *(good(Kind.VALID, round(0.02 * n, 3)) for n in range(150)),
        *(contrary(Kind.INVALID, round(0.02 * n + 0.001, 3), label="admitted") for n in range(100)),
        *(good(Kind.INVALID, round(0.02 * n + 0.001, 3)) for n in range(100, 150)),
    ]
    assert ready_for_good(answers) == 2.001


def test_it_is_never_ready_where_one_kind_was_not_asked_after_the_last_contrary_answer() -> None:
    """Without an answer of each kind after the last contrary one, nothing is proven."""
    answers = [*pairs(0.0, 1.0, works=False), *(good(Kind.VALID, 1.02 + 0.02 * n) for n in range(100))]
    assert ready_for_good(answers) is None


def test_good_answers_must_go_on_for_a_while() -> None:
    """Good answers for less than half a second after the last contrary one are not for good."""
    answers = [*pairs(0.0, 1.0, works=False), *pairs(1.02, 1.5, works=True)]
    assert ready_for_good(answers) is None
    assert ready_for_good(answers, steady=0.4) == 1.02


def test_no_answers_are_not_ready() -> None:
    """Where nothing was asked nothing is ready."""
    assert ready_for_good([]) is None
    assert first_good([]) is None
    assert spans([]) == []


def test_the_order_of_the_list_does_not_matter() -> None:
    """Answers may come in any order: those that hung come last."""
    answers = [*pairs(0.0, 1.0, works=False), *pairs(1.02, 3.0, works=True)]
    assert ready_for_good(list(reversed(answers))) == ready_for_good(answers)


@given(
    st.lists(
        st.tuples(st.sampled_from(Kind), st.floats(0, 10), st.floats(0, 2), st.booleans()), min_size=1, max_size=60
    )
)
def test_from_the_moment_on_every_start_is_good(entries: list[tuple[Kind, float, float, bool]]) -> None:
    """Whatever the answers are: nothing contrary starts from the moment on, and at it something good does."""
    answers = [(good if works else contrary)(kind, started, seconds) for kind, started, seconds, works in entries]
    ready = ready_for_good(answers, steady=float("-inf"))
    if ready is None:
        last = max((one.started for one in answers if not one.good), default=-1.0)
        assert any(not [one for one in answers if one.kind is kind and one.started > last] for kind in Kind)
    else:
        assert contrary_since(answers, ready) == 0
        assert any(one.good and one.started == ready for one in answers)


def test_contrary_answers_after_a_claim_are_counted_by_their_starts() -> None:
    """A claim is wrong about the requests that were started after it, not about those that were under way."""
    answers = [
        contrary(Kind.VALID, 0.9, 1.0),
        contrary(Kind.VALID, 1.0),
        contrary(Kind.INVALID, 1.2),
        *pairs(1.3, 2, works=True),
    ]
    assert contrary_since(answers, 1.0) == 2


@pytest.mark.parametrize(
    ("kind", "status", "message", "label", "works"),
    [
        (Kind.VALID, 201, "", "admitted", True),
        (Kind.INVALID, 201, "", "admitted", False),
        (Kind.INVALID, 403, DENIED, "denied", True),
        (Kind.VALID, 403, DENIED, "denied", False),
        (Kind.INVALID, 403, 'admission webhook "other.example.com" denied the request', "403", False),
        (Kind.INVALID, 403, 'issuers.cert-manager.io is forbidden: User "x" cannot create', "403", False),
        (Kind.INVALID, 422, "spec: Invalid value", "422", False),
        (Kind.VALID, 404, "the server could not find the requested resource", "404", False),
        (Kind.VALID, 500, "dial tcp 10.96.0.7:443: connect: connection refused", "500 connection refused", False),
        (Kind.VALID, 500, "x509: certificate signed by unknown authority", "500 x509", False),
        (Kind.INVALID, 504, "request did not complete within the allotted timeout", "504", False),
        (Kind.INVALID, 0, "TimeoutError", "TimeoutError", False),
    ],
)
def test_an_answer_is_good_only_where_the_webhook_itself_gave_it(
    kind: Kind, status: int, message: str, label: str, works: bool
) -> None:
    """Only an admitted valid object and an invalid one denied by cert-manager's own webhook are good."""
    assert judge(kind, 1.0, 1.5, status, message) == Answer(kind, 1.0, 1.5, label, works)


def test_equal_answers_in_a_row_are_one_span() -> None:
    """The story of a run has one entry for each change of the answers, by kind and in the order of the starts."""
    answers = [
        contrary(Kind.VALID, 0.02, 0.3),
        contrary(Kind.VALID, 0.0),
        good(Kind.VALID, 0.04),
        contrary(Kind.INVALID, 0.0),
        contrary(Kind.VALID, 0.06),
    ]
    told = [(one.kind, one.label, one.first, one.last, one.count) for one in spans(answers)]
    refused = "500 connection refused"
    assert told == [
        (Kind.VALID, refused, 0.0, 0.02, 2),
        (Kind.VALID, "admitted", 0.04, 0.04, 1),
        (Kind.VALID, refused, 0.06, 0.06, 1),
        (Kind.INVALID, refused, 0.0, 0.0, 1),
    ]
    assert spans(answers)[0].slowest == pytest.approx(0.3)
