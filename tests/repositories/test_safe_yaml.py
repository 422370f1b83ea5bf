"""Hostile files: each ends in a clear error, in little time and memory."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repositories import safe_yaml
from repositories.problems import Malformed, field_text
from repositories.safe_yaml import Bounds, Places, load
from repositories.wire import read_index, read_manifest, read_versions
from tests.repositories.hostile import TEXTS, mutated

SMALL = Bounds(1 << 20, 1000)


def refused(content: bytes, bounds: Bounds = SMALL) -> str:
    """The message with which a file is refused: exit code 8, with the file's name and a hint."""
    with pytest.raises(Malformed) as caught:
        load(content, "a/versions.yaml", bounds)
    assert caught.value.exit_code == 8
    assert caught.value.hint
    assert caught.value.message.startswith("a/versions.yaml")
    assert len(caught.value.message) < 200
    return caught.value.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\n  <?xml version='1.0'?>", "web page"),
        (b"a: b\nc: \xff\n", "line 2: it is not valid UTF-8"),
        (b"\x1f\x8b\x08\x00", "not valid UTF-8"),
        (b"a: 1\na: 2\n", "line 2: key 'a' occurs twice in one mapping"),
        (b'{"a": 1,\n"a": 2}', "key 'a' occurs twice in one mapping"),
        (b'{"a": "\\ud800"}', "half of a character"),
        (b'{"\\udfff": 1}', "half of a character"),
        (b'a: "\\ud800"', "line 1: its YAML is broken"),
        (b"a: 1\n---\nb: 2\n", "line 3: it holds more than one document"),
        (b"a: !!python/object:os.system x\n", "not used in package repositories"),
        (b"a: !" + b"x" * 5000 + b" b\n", "...' is not used in package repositories"),
        (b"a: &x 1\nb: {<<: *x}\n", "line 2: merge keys (<<) are not used in package repositories"),
        (b"a: *b\n", "stands for nothing"),
        (b"1: a\n", "a key is not a text"),
        (b"a: .nan\n", "a number that JSON cannot carry"),
        (b"a: [\n", "its YAML is broken"),
        (b"a:\n\t- b\n", "line 2: its YAML is broken"),
        (b"a: b: c\n", "its YAML is broken"),
        (b"[" * 150 + b"]" * 150, "nested deeper than 100"),
        (b"[" + b"1, " * 1500 + b"]", "it holds more than 1000 values"),
        (b'{"a": [' + b"1, " * 1500 + b"1]}", "it holds more than 1000 values"),
        (b"a: " + b"x" * (1 << 20), "it is larger than 1 MiB"),
    ],
)
def test_what_is_no_file_of_a_repository_is_refused_with_the_reason(content: bytes, words: str) -> None:
    """Each kind of broken content has its own words, with the line where it is known."""
    assert words in refused(content)


def test_good_files_are_read_in_yaml_and_json() -> None:
    """Both are the same to whoever reads, with or without a byte order mark; an empty file is nothing."""
    assert load(b"a: [1, yes]\n", "x", SMALL) == load(b'{"a": [1, true]}', "x", SMALL) == {"a": [1, True]}
    assert load(b"\xef\xbb\xbf---\na: \xc3\xa4\n", "x", SMALL) == {"a": "ä"}
    assert load(b"", "x", SMALL) is None
    assert load(b"# nothing\n", "x", SMALL) is None


def test_slow_reading_ends() -> None:
    """A file that takes longer than its time is given up, whatever it holds."""
    from web.plain_yaml import BadText, Limits, documents

    with pytest.raises(BadText, match=r"it takes longer than 0\.0 s to read"):
        list(documents(b"[" + b"1, " * 5000 + b"]", Limits(seconds=0.0)))


PROGRAM = """
import pathlib, re, resource, sys, time
from repositories import indexes
from base.errors import RepositoryUnusable
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

def memory(name):
    return int(re.search(name + r":\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1024

before, began = memory("VmRSS"), time.process_time()
try:
    indexes.read_index(pathlib.Path(sys.argv[1]).read_bytes())
except RepositoryUnusable as error:
    print(time.process_time() - began, memory("VmHWM") - before, len(error.message))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("name", TEXTS)
def test_refusing_costs_little(name: str, tmp_path: Path) -> None:
    """Two seconds and 100 MB are the most that a hostile file costs, itself included, whatever it pretends to be."""
    file = tmp_path / "hostile"
    file.write_bytes(TEXTS[name]())
    done = subprocess.run([sys.executable, "-c", PROGRAM, file], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    seconds, mib, length = map(float, done.stdout.split())
    print(f"{name}: {seconds:.2f} s, {mib:.0f} MiB")
    assert seconds < 2.5  # the bound and what it takes to notice it
    assert mib < 100
    assert length < 400


def test_lines_are_known_for_every_field() -> None:
    """A field's line is the one of its key; a missing one has that of what is around it."""
    places = Places(b"# head\na:\n  - b: 1\n    c: {d: 2}\n  - *x\ne: &x\n  - 3\n")
    assert places.line(("a",)) == 2
    assert places.line(("a", 0, "b")) == 3
    assert places.line(("a", 0, "c", "d")) == 4
    assert places.line(("a", 1)) == 5
    assert places.line(("a", 0, "missing", "x")) == 3
    assert places.line(("e", 0)) == 7
    assert places.line(()) == 2
    assert Places(b"{broken").line(("a",)) == 0


def test_fields_are_written_as_people_write_them() -> None:
    """Positions in brackets, keys with points, odd keys quoted and cut."""
    assert field_text(("packages", 3, "name")) == "packages[3].name"
    assert field_text(("values", "a.b", "c")) == "values['a.b'].c"
    assert field_text(("x" * 100,)) == f"['{'x' * 57}...']"
    assert field_text(("\x1b[2J",)) == "['\\x1b[2J']"


SEEDS = {
    "index": (read_index, b"packages:\n- name: a\n  latestVersion: v1.0.0+1\n  shortDescription: some\n    text\n"),
    "versions": (read_versions, b"latestVersion: v1.0.0+1\nversions:\n- version: v1.0.0+1\n- version: v1.1.0\n"),
    "manifest": (
        read_manifest,
        b"name: a\ndefaultNamespace: a\nhelm: {repositoryUrl: 'https://x', chartName: a, chartVersion: '1'}\n"
        b"valueDefinitions:\n  x: &d\n    type: text\n    targets:\n    - chartName: a\n"
        b"      patch: {op: add, path: /x}\n"
        b"  y: *d\nlongDescription: |\n  many\n\n  lines\n",
    ),
}


@pytest.mark.parametrize("kind", SEEDS)
@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_read_or_refused(kind: str, seed: int) -> None:
    """Nothing but the error for broken repositories escapes, and its message is one line that can be shown."""
    read, content = SEEDS[kind]
    read(content)
    refusals = []
    for text in mutated(content, seed, 400):
        try:
            read(text)
        except Malformed as error:
            refusals.append(error.message)
    assert refusals
    assert all(message.isprintable() for message in refusals)


@given(content=st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
@settings(max_examples=300, deadline=None)  # no deadline: the machine may be busy
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """The same for bytes that nobody thought of."""
    with contextlib.suppress(Malformed):
        load(content, "x", safe_yaml.MANIFEST)
