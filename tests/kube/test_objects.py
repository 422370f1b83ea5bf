"""Objects as plain data: identity, nested fields, conditions, managers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube.objects import Ref, condition, field, managers, ref_of

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abc"), below, max_size=3),
    max_leaves=10,
)
OBJ: dict[str, Any] = {"a": {"b": [{"c": 1}, {"c": 0}], "none": None, "empty": {}}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("a", "b", 0, "c"), 1),
        (("a", "b", -1, "c"), 0),
        (("a", "empty"), {}),
        (("a", "none"), "default"),
        (("a", "gone", "further"), "default"),
        (("a", "b", 5), "default"),
        (("a", "b", "c"), "default"),
        (("a", 0), "default"),
        ((), OBJ),
    ],
)
def test_a_field_is_its_value_or_the_default(path: tuple[str | int, ...], value: Any) -> None:
    """Missing steps, wrong types and null give the default; 0 and empty ones are values."""
    assert field(OBJ, *path, default="default") == value


@given(JSON, st.lists(st.sampled_from(["a", "b", "c", 0, 1, -1]), max_size=4))
def test_no_object_breaks_the_reading_of_a_field(obj: Any, path: list[str | int]) -> None:
    """Whatever stands there, the answer is a value, never an error and never None with a default."""
    assert field(obj, *path, default="default") is not None


@given(JSON)
def test_no_object_breaks_the_reading_of_a_condition(conditions: Any) -> None:
    """A status of another form has no condition."""
    found = condition({"status": {"conditions": conditions}}, "Ready")
    assert found == {} or found.get("type") == "Ready"


def test_a_condition_is_found_by_its_type() -> None:
    """The first of that type counts; none is an empty mapping."""
    obj = {"status": {"conditions": [{"type": "A"}, {"type": "Ready", "status": "True"}, {"type": "Ready"}]}}
    assert condition(obj, "Ready") == {"type": "Ready", "status": "True"}
    assert condition(obj, "Gone") == {}
    assert condition({}, "Ready") == {}


@pytest.mark.parametrize(
    ("obj", "ref", "text", "group"),
    [
        (
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "b"}},
            Ref("apps/v1", "Deployment", "b", "a"),
            "Deployment b/a",
            "apps",
        ),
        (
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "namespace": None}},
            Ref("v1", "Namespace", "", "a"),
            "Namespace a",
            "",
        ),
        ({}, Ref("", "", "", ""), " ", ""),
    ],
)
def test_an_object_is_identified_as_people_write_it(obj: dict[str, Any], ref: Ref, text: str, group: str) -> None:
    """Kind, namespace and name; the group is what stands before the version."""
    assert ref_of(obj) == ref
    assert str(ref_of(obj)) == text
    assert ref.group == group


def test_managers_are_told_once_each() -> None:
    """In the order of the entries, whatever they did."""
    entries = [{"manager": "b"}, {"manager": "a", "operation": "Apply"}, {"manager": "b", "subresource": "status"}]
    assert managers({"metadata": {"managedFields": entries}}) == ["b", "a"]
    assert managers({}) == []
