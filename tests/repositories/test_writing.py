"""Changing one object: the patch is exact, and what somebody else applies is left alone."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from repositories.writing import declared_by, difference

values = st.recursive(
    st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abcd"), values, max_size=4)


def patched(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2, as it is written there."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), value)
    return result


@given(objects, objects)
@settings(max_examples=300, deadline=None)
def test_a_patch_makes_what_is_wanted(before: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Whatever two objects are, the patch turns one into the other, and is empty only where they are equal."""
    patch = difference(before, wanted)
    assert patched(before, patch) == wanted
    assert (patch == {}) == (before == wanted)


ENTRY = {
    "manager": "gitops",
    "operation": "Apply",
    "fieldsV1": {
        "f:metadata": {"f:annotations": {"f:example.com/a": {}}},
        "f:spec": {"f:url": {}, "f:auth": {"f:basic": {"f:passwordSecretRef": {}}}},
    },
}


def managed(**changes: Any) -> dict[str, Any]:
    return {"metadata": {"managedFields": [{**ENTRY, **changes}]}}


def test_fields_that_somebody_applies_are_known() -> None:
    """The field itself, a part of an atomic one, and a whole that holds one are found; others are free."""
    assert declared_by(managed(), {"spec": {"url": "x"}}) == {"spec.url": "gitops"}
    inside = {"spec": {"auth": {"basic": {"passwordSecretRef": {"name": "x"}}}}}
    assert declared_by(managed(), inside) == {"spec.auth.basic.passwordSecretRef.name": "gitops"}
    assert declared_by(managed(), {"spec": {"auth": None}}) == {"spec.auth": "gitops"}
    assert declared_by(managed(), {"metadata": {"annotations": {"example.com/b": "x"}}}) == {}
    assert declared_by(managed(), {"spec": {"auth": {"basic": {"username": "x"}}}}) == {}


def test_only_an_apply_would_come_back() -> None:
    """What was written once, by frit or of the status, is nobody's claim."""
    for changes in ({"operation": "Update"}, {"manager": "frit"}, {"subresource": "status"}):
        assert declared_by(managed(**changes), {"spec": {"url": "x"}}) == {}
