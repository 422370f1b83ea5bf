"""The fast way to read an index says what the strict way says, or nothing; and what is kept is what was read."""

from __future__ import annotations

import random
import time

import pytest
import yaml

from repositories import plain_index, wire
from repositories.indexes import from_kept_form, kept_form, read_index
from repositories.plain_index import quick_index
from repositories.problems import Malformed
from repositories.shapes import Parsed, sound
from repositories.wire import Index
from tests.repositories.hostile import mutated
from tests.repositories.schemas import SAMPLES, needs_samples

PLAIN = b"""# an index
packages:
  - name: a
    shortDescription: A text that goes on
      in the next line
    iconUrl: https://example.org/a.png#x
    latestVersion: v1.0.0+1
    scope: Cluster
  - shortDescription: 'it''s quoted: yes'
    name: b-2
  - name: "c"
    latestVersion: 1.2.3+1
  - name: 3d
"""

ODD = b"""packages:
- name: a
  shortDescription: >-
    folded

    text
- name: b
  maintainer: me
- {name: c, latestVersion: v1}
- name: d # a comment
- name: e
  shortDescription: "caf\\u00e9"
- name: f
  iconUrl:
"""


def strictly(content: bytes) -> Parsed[Index] | str:
    """What the strict way says: the index, or its refusal."""
    try:
        return wire.read_index(content)
    except Malformed as error:
        return error.message


def agrees(content: bytes) -> bool:
    """Whether the fast way has an answer; then it has to be that of the strict way."""
    quick = quick_index(content, "index.yaml")
    if quick is not None:
        strict = strictly(content)
        if quick.errors:
            with pytest.raises(Malformed) as caught:
                sound(quick)
            assert caught.value.message == strict
        else:
            assert quick == strict, content
    return quick is not None


@pytest.mark.parametrize(
    "content", [PLAIN, ODD, PLAIN[:-1], ODD[:-1], PLAIN.replace(b"  - ", b"- ").replace(b"    ", b"  ")]
)
def test_usual_forms_take_the_fast_way(content: bytes) -> None:
    """Lines of `key: text` are taken by a pattern; entries with anything else go through the strict way alone."""
    assert agrees(content)
    assert read_index(content) == strictly(content)


@needs_samples
def test_the_public_index_takes_the_fast_way() -> None:
    """The public repository's index is in the usual form, as published and as PyYAML writes it."""
    content = (SAMPLES / "index.yaml").read_bytes()
    assert agrees(content)
    for options in ({}, {"sort_keys": False}, {"width": 9999}, {"indent": 4}):
        assert agrees(str(yaml.safe_dump(yaml.safe_load(content), **options)).encode())


@pytest.mark.parametrize(
    "line",
    [
        "name: a\n  name: b",
        "name: yes",
        "name: 12",
        "name: 0x1f",
        "name: 1e3",
        "name: a: b",
        "name: a #b",
        "name: a#b",
        "name: a:",
        "name: ../a",
        "name: &x a",
        "name: *x",
        "name: !!str a",
        "name: |\n    a",
        "name: a\n\n    b",
        "name: a\n   b",
        "name: a\n  b",
        "name: a\n    # no comment",
        "name: a\n    b: c",
        "name: a\n    - b",
        "name: 'a\n- name: b'",
        "name: 'a\n\n  b'",
        'name: "a\\nb"',
        "name: a\n  scope: cluster",
        "name: a\n  scope: Cluster",
        "name: a\n  scope: ''",
        "name: a\n  latestVersion: 1.2",
        "name: a\n  latestVersion: null",
        "name: a\n  iconUrl: https://x/#y",
        "name: a\n  iconUrl: a:b",
        "name: a\n  shortDescription: [a, b]",
        "name: a\n  shortDescription: a\u2028b",
        "name: a\n  shortDescription: a\u0085b",
        "name: a\n  shortDescription: \u00a0a\u00a0",
        "name: a\n  shortDescription: caf\u00e9 \U0001f600",
        "name: a\n  shortDescription: a\tb",
        "name: a\n  shortDescription: a ",
        f"name: a\n  shortDescription: {'x' * 65536}",
        f"name: a\n  shortDescription: {'x' * 65537}",
        f"name: a\n  iconUrl: '{chr(233) * 40000}'",
        "name: a\n  shortDescription: 1 2",
        "name: a\n  shortDescription: 9\n    9",
        "name: a\n  shortDescription: 2 # two",
        "name: a\r",
        "name: a\n  ? b",
        "name: a\n--- ",
        "name: a\n...",
        "name: a\nextra: 1",
        "name: a\n  extra: {b: [1]}",
        "name: a\n- a",
        "name: a\n-",
        "name: a\n  - b",
        "name: a\n%YAML 1.1",
        "scope: Cluster",
        "name: a\n- name: a",
    ],
)
def test_every_odd_line_means_what_it_means_strictly(line: str) -> None:
    """Whatever stands in an entry, the fast way agrees or leaves it to the strict one, in front and behind others."""
    entry = f"- {line}\n"
    for text in (f"packages:\n{entry}", f"packages:\n- name: z\n{entry}- name: y\n", f"packages:\n{entry}{entry}"):
        agrees(text.encode())
        agrees(text.removesuffix("\n").encode())
        agrees(text.replace("\n", "\n ").encode())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("content", [PLAIN, ODD], ids=["plain", "odd"])
def test_damaged_indexes_mean_what_they_mean_strictly(content: bytes, seed: int) -> None:
    """The same for thousands of damaged indexes; of these, some still take the fast way."""
    answers = [agrees(text) for text in mutated(content, seed, 500)]
    assert any(answers)


@pytest.mark.parametrize("seed", range(4))
def test_random_scalars_mean_what_they_mean_strictly(seed: int) -> None:
    """The same for scalars of all characters that mean something in YAML."""
    chance = random.Random(seed)
    letters = "ab1 0.:#-'\"\n,[]{}&*!|>%@`?~/()\u00e9\t\\=<"
    answers = []
    for _ in range(1500):
        texts = ["".join(chance.choices(letters, k=chance.randint(1, 9))) for _ in range(2)]
        answers.append(
            agrees(f"packages:\n- name: a\n  shortDescription: {texts[0]}\n  iconUrl: {texts[1]}\n".encode())
        )
    assert answers.count(True) > 200


def test_what_is_kept_is_what_was_read() -> None:
    """The form for the cache gives the same index with its unknown fields and warnings."""
    for content in (PLAIN, ODD, b"packages: []\nx-more: {a: 1}\n"):
        parsed = read_index(content, "there/index.yaml")
        assert from_kept_form(kept_form(parsed), "there/index.yaml") == parsed
    assert read_index(ODD).warnings[0].line == 8


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"1",
        b"\xff",
        b"[" * 90_000,
        b'{"form":0}',
        b'{"form":1,"name":["a"]}',
        b'{"form":1,"name":1}',
        b'{"form":1,"name":[],"shortDescription":[],"iconUrl":[],"latestVersion":[],"scope":[],"extras":[]}',
    ],
)
def test_what_was_not_kept_by_this_version_is_no_index(content: bytes) -> None:
    """Another form, or a damaged one, is read anew from the repository's own file."""
    assert from_kept_form(content, "x") is None


def test_many_odd_entries_are_left_to_the_strict_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast way does not spend more on odd entries than it may save."""
    monkeypatch.setattr(plain_index, "ODD_SECONDS", 0.02)
    content = b"packages:\n" + b"".join(b"- {name: a%d}\n" % n for n in range(2000))
    began = time.thread_time()
    assert quick_index(content, "x") is None
    assert time.thread_time() - began < 1.0
    assert len(read_index(content).value.packages) == 2000


def test_the_number_of_packages_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More packages than fit into the memory that an index may cost are left to the strict way, which counts too."""
    monkeypatch.setattr(plain_index, "MOST_PACKAGES", 10)
    assert quick_index(b"packages:\n" + b"".join(b"- name: a%d\n" % n for n in range(11)), "x") is None
    assert quick_index(b"packages:\n" + b"".join(b"- name: a%d\n" % n for n in range(10)), "x") is not None
