"""The order of versions: what semantic versioning says, what the packaging revision adds, and that it is an order."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repositories.versions import MAX_LENGTH, ahead, newest, ordered, version

IN_ORDER = [
    "latest",
    "main",
    "v0.0.9",
    "v1.0.0-0",
    "v1.0.0-2",
    "v1.0.0-11",
    "v1.0.0-alpha",
    "v1.0.0-alpha.1",
    "v1.0.0-alpha.beta",
    "v1.0.0-beta.2",
    "v1.0.0-beta.11",
    "v1.0.0-rc.1",
    "v1.0.0-rc.1+3",
    "v1.0.0",
    "v1.0.0+dirty",
    "v1.0.0+0",
    "v1.0.0+1",
    "v1.0.0+2",
    "v1.0.0+10",
    "v1.0.1",
    "v1.2.0+1",
    "v1.10.0+1",
    "v2.0.0-rc.1+1",
    "v2.0.0+1",
]
"""Each is later than the one before."""


def test_the_order_is_the_one_that_publishers_mean() -> None:
    """Numbers count as numbers, pre-releases come before releases, revisions after what they package."""
    assert ordered(reversed(IN_ORDER)) == IN_ORDER
    assert ordered(IN_ORDER, newest_first=True) == IN_ORDER[::-1]
    semantic = IN_ORDER[2:]
    for early, late in itertools.combinations(semantic, 2):
        assert version(late).newer_than(version(early)), (early, late)
        assert not version(early).newer_than(version(late))


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.0.0", "v1.0.0"), ("v1.0", "v1.0.0"), ("v1", "v1.0.0"), ("v1.0.0+01", "v1.0.0+1"), ("a", "b")],
)
def test_what_differs_in_writing_only_is_not_newer(one: str, other: str) -> None:
    """Two ways to write a version are told apart and sorted, and neither is an update of the other."""
    assert not version(one).newer_than(version(other))
    assert not version(other).newer_than(version(one))
    assert version(one) != version(other)
    assert (version(one) < version(other)) != (version(other) < version(one))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "latest",
        "v",
        "v1.2.3.4",
        "1.2.x",
        "v1.0.0-",
        "v1.0.0+",
        "v1.0.0-a..b",
        "V1.0.0",
        " v1.0.0",
        "v1.0.0\n",
        "v١.0.0",
    ],
)
def test_what_is_no_semantic_version_is_older_than_all_that_are(text: str) -> None:
    """Odd tags are kept, say so, and never count as an update of a version that can be read."""
    assert not version(text).semantic
    assert version("v0.0.0-0").newer_than(version(text))
    assert not version(text).newer_than(version("v0.0.0-0"))


def test_absurdly_long_versions_cost_nothing() -> None:
    """A version of a million digits is not read as a number."""
    assert not version("9" * 1_000_000).semantic
    assert version("9" * MAX_LENGTH).semantic


def test_a_revision_is_read() -> None:
    """The packaging revision is there as a number where it is one."""
    assert [version(text).revision for text in ("v1.0.0+12", "v1.0.0", "v1.0.0+dirty")] == [12, None, None]


def test_the_newest_is_a_release_where_there_is_one() -> None:
    """Pre-releases count only among themselves."""
    assert newest(["v1.0.0+1", "v2.0.0-rc.1", "main"]) == "v1.0.0+1"
    assert newest(["v1.0.0-rc.1", "v1.0.0-rc.2", "main"]) == "v1.0.0-rc.2"
    assert newest([]) == ""


def test_the_maximum_is_told_where_the_pointer_lags() -> None:
    """latestVersion is a pointer; only a newer version is worth a word."""
    assert ahead("v2.14.1+1", ["v2.14.1+1", "v3.2.0+1"]) == "v3.2.0+1"
    assert ahead("v3.2.0+1", ["v2.14.1+1", "v3.2.0+1"]) == ""
    assert ahead("v3.2.0+1", ["3.2.0+1"]) == ""
    assert ahead("v2.0.0-rc.1", ["v1.0.0"]) == ""
    assert ahead("v1.0.0", []) == ""


IDENTIFIER = st.text("0129abZ-", min_size=1, max_size=3)
IDENTIFIERS = st.lists(IDENTIFIER, min_size=1, max_size=3).map(".".join)
NUMBER = st.sampled_from(["0", "1", "2", "10", "01"])
SEMANTIC = st.builds(
    lambda v, core, before, build: (
        v + ".".join(core) + (f"-{before}" if before else "") + (f"+{build}" if build else "")
    ),
    st.sampled_from(["", "v"]),
    st.lists(NUMBER, min_size=1, max_size=3),
    st.none() | IDENTIFIERS,
    st.none() | NUMBER | IDENTIFIERS,
)
TEXTS = SEMANTIC | st.text(max_size=6)


@given(one=TEXTS, other=TEXTS)
@example("v1.0.0+a", "v1.0.0+1")
@settings(max_examples=300, deadline=None)  # no deadline: the machine may be busy
def test_the_order_is_total(one: str, other: str) -> None:
    """Of any two texts exactly one of smaller, equal and larger holds."""
    a, b = version(one), version(other)
    assert [a < b, a == b, a > b].count(True) == 1
    assert (a <= b, a >= b) == (a < b or a == b, a > b or a == b)
    assert a != b or hash(a) == hash(b)
    if a.newer_than(b):
        assert a > b


@given(texts=st.tuples(TEXTS, TEXTS, TEXTS))
@settings(max_examples=300, deadline=None)  # no deadline: the machine may be busy
def test_the_order_is_transitive(texts: tuple[str, str, str]) -> None:
    """What is smaller than something smaller is smaller; the same holds for newer."""
    for a, b, c in itertools.permutations(map(version, texts)):
        if a < b < c:
            assert a < c
        if a.newer_than(b) and b.newer_than(c):
            assert a.newer_than(c)
        if not a.newer_than(b) and not b.newer_than(c):
            assert not a.newer_than(c)


@given(texts=st.lists(TEXTS, max_size=8))
@settings(max_examples=200, deadline=None)  # no deadline: the machine may be busy
def test_sorting_does_not_depend_on_where_it_begins(texts: list[str]) -> None:
    """Any arrangement of the same versions is sorted to the same list."""
    assert ordered(texts) == ordered(texts[::-1]) == ordered(ordered(texts))
    if texts:
        assert newest(texts) == newest(texts[::-1])
