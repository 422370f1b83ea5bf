"""Bytes to objects: what is accepted, what is refused, and what a hostile file can cost."""

from __future__ import annotations

import time
import tracemalloc

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import PreflightFailed
from certificates.parsing import parse
from tests.certificates import builders
from web import plain_yaml
from web.plain_yaml import MAX_DEPTH

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def refused(content: bytes | str) -> str:
    """The message with which some content is refused."""
    with pytest.raises(PreflightFailed) as caught:
        parse(content.encode() if isinstance(content, str) else content, "the file")
    assert caught.value.exit_code == 3
    assert caught.value.hint
    return caught.value.message


def refusal(content: bytes) -> str | None:
    """The message with which some content is refused, or None if it is not."""
    try:
        parse(content, "x")
    except PreflightFailed as error:
        return error.message
    return None


def value_of(text: str) -> object:
    """What a value written in YAML is read as."""
    return parse(f"{HEAD}value: {text}\n".encode(), "x")[0]["value"]


def test_yaml_and_json_give_the_same_objects() -> None:
    """A release reads the same from YAML documents and from a JSON List."""
    objects = builders.release()
    assert list(parse(builders.as_yaml(objects), "x")) == objects
    assert list(parse(builders.as_json(objects), "x")) == objects
    assert list(parse(b"\xef\xbb\xbf" + builders.as_yaml(objects), "x")) == objects


def test_the_python_parser_gives_the_same_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML came without libyaml, the result is the same."""
    monkeypatch.setattr(plain_yaml, "LOADER", yaml.SafeLoader)
    objects = builders.release()
    assert list(parse(builders.as_yaml(objects), "x")) == objects
    assert "line 5" in refused(HEAD + "a: [\n")


def test_empty_documents_and_comments_are_left_out() -> None:
    """Separators without content between them are no objects."""
    content = f"# a comment\n---\n---\n# nothing\n---\n{HEAD}---\n...\n---\n{HEAD}"
    assert len(parse(content.encode(), "x")) == 2


def test_lists_are_flattened_in_order() -> None:
    """The items of a List, also of a list of one kind and of a List in a List, take its place."""
    inner = {"apiVersion": "v1", "kind": "ConfigMapList", "items": [_named("b"), _named("c")]}
    content = builders.as_json([_named("a"), inner, _named("d")])
    assert [obj["metadata"]["name"] for obj in parse(content, "x")] == ["a", "b", "c", "d"]


def _named(name: str) -> builders.Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", True),
        ("off", False),
        ('"yes"', "yes"),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-7", -7),
        ("1_000", 1000),
        ("0644", 420),
        ("0o644", 420),
        ("0x1F", 31),
        ("0b101", 5),
        ("0", 0),
        ("089", 89),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("0E0", 0.0),
        (".5", 0.5),
        ("1:30", "1:30"),
        ("2026-11-21", "2026-11-21"),
        ("v1.21.2", "v1.21.2"),
        ("1.21.2", "1.21.2"),
        ("'012'", "012"),
        ("!!str 12", "12"),
        ("..", ".."),
        ("0x", "0x"),
        ("0b_", "0b_"),
        ("y", "y"),
        ("=", "="),
    ],
)
def test_scalars_mean_what_they_mean_to_kubectl(text: str, expected: object) -> None:
    """Numbers, booleans, nulls and texts are told apart as kubectl tells them apart."""
    value = value_of(text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "9" * 5000, "!!binary aGk=", "!!int '3'", "!x y"])
def test_values_that_json_cannot_carry_are_refused_with_their_line(text: str) -> None:
    """Infinity, absurd numbers and explicit types are no part of a manifest."""
    assert "(document 1, line 4)" in refused(f"{HEAD}value: {text}\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it holds no object"),
        ("---\n# only a comment\n", "it holds no object"),
        ("just text", "an object was expected"),
        ("- a\n- b\n", "an object was expected"),
        ("[1, 2]", "an object was expected"),
        ('{"apiVersion": "v1", "kind": "List", "items": [1]}', "an object was expected"),
        ("kind: X\nmetadata: {name: a}\n", "without apiVersion"),
        ("apiVersion: v1\nmetadata: {name: a}\n", "without kind"),
        ("apiVersion: v1\nkind: 3\nmetadata: {name: a}\n", "without kind"),
        ("apiVersion: v1\nkind: X\n", "X without metadata.name"),
        ("apiVersion: v1\nkind: X\nmetadata: {name: 5}\n", "X without metadata.name"),
        ("apiVersion: v1\nkind: X\nmetadata: [name]\n", "X without metadata.name"),
        ("apiVersion: v1\nkind: X\nmetadata: {generateName: a-}\n", "X without metadata.name"),
        ("apiVersion: v1\nkind: X\nmetadata: {name: a, namespace: 3}\n", "metadata.namespace"),
        ('apiVersion: v1\nkind: "X\\e[2J"\nmetadata: {name: a}\n', "without kind"),
        ('apiVersion: v1\nkind: X\nmetadata: {name: "a\\e[2J"}\n', "X without metadata.name"),
        ("<!DOCTYPE html><html><body>Please log in</body></html>", "web page"),
        (b"\xff\xfeh\x00i\x00", "not valid UTF-8"),
        (b"apiVersion: v1\nkind: \xc3\x28\n", "not valid UTF-8 (line 2)"),
        (b"\x1f\x8b\x08\x00binary", "not valid UTF-8"),
        ("a: b\x00c", "its YAML is broken"),
        (HEAD + "value: {a: 1, a: 2}\n", "key 'a' occurs twice in one mapping (document 1, line 4)"),
        (HEAD + "---\n" + HEAD + "kind: again\n", "key 'kind' occurs twice in one mapping (document 2, line 8)"),
        (HEAD + "value: {5: a}\n", "a key is not a text"),
        (HEAD + "value: {on: a}\n", "a key is not a text"),
        (HEAD + "? [a]\n: b\n", "a key is not a text"),
        (HEAD + "a: &x {b: c}\nd: {<<: *x}\n", "merge keys"),
        (HEAD + "value: *nothing\n", "stands for nothing"),
        (HEAD + "value: &a [*a]\n", "stands for nothing"),
        (HEAD + "---\nvalue: [\n", "(document 2, line 6)"),
        (HEAD + "\tvalue: 1\n", "its YAML is broken"),
        ('{"a": 1, "a": 2}', "key 'a' occurs twice"),
        ('{"a": NaN}', "NaN is a number that JSON cannot carry"),
        ('{"a": 1e999}', "1e999"),
        ('{"apiVersion": "v1", "kind":', "its YAML is broken"),
    ],
)
def test_what_is_no_manifest_is_refused_with_the_reason(content: bytes | str, words: str) -> None:
    """Each kind of broken content has its own words, with document and line where they are known."""
    message = refused(content)
    assert message.startswith("the file is not a usable manifest: ")
    assert words in message


def test_a_list_of_a_kind_needs_no_name_but_an_object_called_list_does() -> None:
    """Only what has items is a list."""
    assert "metadata.name" in refused("apiVersion: v1\nkind: PlayList\n")


def test_few_aliases_are_copies() -> None:
    """An alias gives the same value, and changing one place leaves the other alone."""
    (obj,) = parse(f"{HEAD}a: &x {{b: [1]}}\nc: *x\nd: &y text\ne: *y\n".encode(), "x")
    assert obj["a"] == obj["c"] == {"b": [1]}
    assert obj["e"] == "text"
    obj["c"]["b"].append(2)
    assert obj["a"] == {"b": [1]}


def test_anchors_end_with_their_document() -> None:
    """An alias cannot reach into another document."""
    assert "stands for nothing" in refused(f"{HEAD}a: &x 1\n---\n{HEAD}b: *x\n")


def test_a_bomb_of_aliases_ends_early_and_cheap() -> None:
    """Nine levels of nine aliases, a billion values, are refused in little time and memory."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert _cost(f"{HEAD}{chr(10).join(lines)}\n") < 120e6


@pytest.mark.parametrize("content", ["[" * 3_000_000, "{a: " * 1_000_000, "[" + "[], " * 3_000_000])
def test_deep_and_wide_flow_values_end_early_and_cheap(content: str) -> None:
    """A file of brackets is refused in little time and memory."""
    assert _cost(f"{HEAD}value: {content}") < 120e6


@pytest.mark.parametrize(
    "content",
    ['{"a": ' + "[" * 200_000, '{"a": [' + "[]," * 3_000_000 + "[]]}", '{"a": ' * 900 + "1" + "}" * 900],
)
def test_deep_and_wide_json_ends_early_and_cheap(content: str) -> None:
    """The same holds for JSON."""
    assert _cost(content) < 120e6


def _cost(content: str) -> int:
    """The peak of memory, in bytes, that refusing some content takes; it has to be quick as well."""
    encoded = content.encode()
    began = time.monotonic()
    tracemalloc.start()
    try:
        assert "more than" in refused(encoded) or "deeper than" in refused(encoded)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < 20.0  # generous: tracing makes everything several times slower
    return peak


def test_depth_is_bounded_exactly() -> None:
    """Values may be nested up to the limit, and not one deeper, however they are written."""
    for opening, closing in (("[", "]"), ("{a: ", "}")):
        fits = MAX_DEPTH - 1  # the document itself is one level
        assert value_of(opening * fits + "1" + closing * fits)
        assert "deeper" in refused(f"{HEAD}value: {opening * MAX_DEPTH}1{closing * MAX_DEPTH}\n")
    half = MAX_DEPTH // 2
    nested = f"{HEAD}a: &x {'[' * half}{']' * half}\nb: {'[' * half}*x{']' * half}\n"
    assert "deeper" in refused(nested)


def test_long_texts_of_the_file_are_cut_in_messages() -> None:
    """A message stays readable whatever the file holds."""
    assert len(refused(f"{HEAD}value: {{? {'k' * 500} : 1, ? {'k' * 500} : 2}}\n")) < 250


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    # YAML has no way to write these characters unescaped, and PyYAML refuses them even where they are escaped
    | st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"], exclude_characters="\ufeff\x85\u2028\u2029")),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1), children),
    max_leaves=20,
)


class Quoting(yaml.SafeDumper):
    """Quotes every text. PyYAML leaves `0E0` bare, because it takes it for a text; kubectl takes it for a number."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@given(value=JSON)
@settings(max_examples=150, deadline=None)  # no deadline: the machine may be busy
def test_any_value_survives_yaml(value: object) -> None:
    """What a YAML writer writes is read as what went in."""
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "value": value}
    assert parse(yaml.dump(obj, Dumper=Quoting).encode(), "x") == (obj,)
    assert parse(builders.as_json([obj]), "x") == (obj,)


@given(content=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)  # no deadline: the machine may be busy
def test_any_bytes_end_in_objects_or_a_clear_refusal(content: bytes) -> None:
    """Whatever the bytes are, nothing but a refusal escapes."""
    message = refusal(content)
    assert message is None or message.startswith("x is not a usable manifest: ")
