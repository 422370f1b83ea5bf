"""Finding packages by words or by name, over data."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repositories.searching import NEAR_AMONG, named, near, search
from repositories.targets import Target
from repositories.wire import Index, IndexEntry


def repository(name: str, *packages: str, default: bool = False) -> tuple[Target, Index]:
    """A repository whose packages are written `NAME: DESCRIPTION`."""
    entries = [one.partition(": ") for one in packages]
    index = Index(tuple(IndexEntry(entry, about, latest_version="v1.0.0+1") for entry, _, about in entries))
    return Target(name, f"https://{name}.example.com", default=default), index


TEAM = repository("team", "sql: A store", "postgresql: Relational database", "psql-tools: Tools", "web: Uses SQL")
OTHER = repository("other", "postgresql: Another build", "mysql: Relational, too", default=True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sql"], ["team/sql", "team/mysql", "other/postgresql", "team/postgresql", "team/psql-tools", "team/web"]),
        (["SQL", "relational"], ["other/mysql", "team/postgresql"]),
        (["postgresql"], ["other/postgresql", "team/postgresql"]),
        (["p"], ["other/postgresql", "team/postgresql", "team/psql-tools"]),
        (["store"], ["team/sql"]),
        (["nowhere"], []),
    ],
)
def test_names_come_before_descriptions(words: list[str], expected: list[str]) -> None:
    """The name itself, then its begin, then its inside, then the description; by name and repository among equals."""
    found = [f"{one.target.name}/{one.entry.name}" for one in search(words, [TEAM, OTHER])]
    assert found[: len(expected)] == [one.replace("team/mysql", "other/mysql") for one in expected]
    assert words != ["nowhere"] or found == []


def test_without_a_word_all_packages_are_listed() -> None:
    """By name, each repository's."""
    found = [(one.entry.name, one.target.name) for one in search([], [TEAM, OTHER])]
    assert found == sorted(found)
    assert len(found) == 6


@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(["sql", "p", "a", "o", "rel", "too"]), max_size=3))
def test_the_order_does_not_depend_on_who_answered_first(dice: random.Random, words: list[str]) -> None:
    """The same packages in the same order, whatever the order of the repositories and of their entries."""
    shuffled = []
    for target, index in dice.sample([TEAM, OTHER], 2):
        shuffled.append((target, Index(tuple(dice.sample(index.packages, len(index.packages))))))
    straight = [one.data() for one in search(words, [TEAM, OTHER])]
    assert [one.data() for one in search(words, shuffled)] == straight


def test_a_package_of_several_repositories_is_the_default_ones_first() -> None:
    """Then by the name of the repository."""
    third = repository("a", "postgresql: A third")
    assert [one.target.name for one in named("postgresql", [TEAM, OTHER, third])] == ["other", "a", "team"]
    assert named("postgres", [TEAM, OTHER]) == []


def test_a_slip_of_the_keyboard_is_recognised() -> None:
    """Among a bounded number of names, each once."""
    assert near("postgresq", [TEAM, OTHER]) == ["postgresql"]
    many = repository("many", *(f"p{n}: x" for n in range(NEAR_AMONG + 1)))
    assert near("p1", [many]) == []


def test_a_description_cannot_control_a_terminal() -> None:
    """What is printed is one line; what scripts get is what the index has."""
    (found,) = search([], [repository("team", "a: \x1b[31mred\nsecond\u202eline")])
    assert found.description == "?[31mred second?line"
    assert found.data()["shortDescription"] == "\x1b[31mred\nsecond\u202eline"
