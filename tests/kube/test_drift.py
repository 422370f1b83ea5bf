"""Whether an object is in place already, over objects as servers write them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kube.drift import in_place

WANTED: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "a", "namespace": "b", "labels": {"app": "a"}, "finalizers": ["x/y"]},
    "spec": {"type": "ClusterIP", "ports": [{"port": 443, "targetPort": "https"}], "selector": {"app": "a"}},
}
OWNED: dict[str, Any] = {
    "f:metadata": {"f:labels": {"f:app": {}}, "f:finalizers": {'v:"x/y"': {}}},
    "f:spec": {
        "f:type": {},
        "f:ports": {'k:{"port":443,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:targetPort": {}}},
        "f:selector": {},
    },
}


def live(**managers: Any) -> dict[str, Any]:
    """The object as the server returns it: with defaults, a status, and what each manager has applied."""
    obj = copy.deepcopy(WANTED)
    obj["metadata"] |= {"uid": "1", "resourceVersion": "7"}
    obj["metadata"]["managedFields"] = [
        {"manager": name, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": owned}
        for name, owned in managers.items()
    ]
    obj["spec"]["ports"][0]["protocol"] = "TCP"
    obj["spec"]["clusterIP"] = "10.0.0.1"
    obj["status"] = {"loadBalancer": {}}
    return obj


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    obj = live(frit=OWNED)
    at: Any = obj
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return obj


def test_what_was_applied_is_in_place() -> None:
    """Defaults, a status and fields of others do not matter."""
    assert in_place(live(frit=OWNED), WANTED, "frit")
    assert in_place(live(frit=OWNED, other={"f:spec": {"f:clusterIP": {}}}), WANTED, "frit")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["spec", "type"], "NodePort"),
        (["spec", "ports", 0, "targetPort"], 8443),
        (["spec", "ports"], []),
        (["spec", "selector"], None),
        (["metadata", "labels"], {}),
        (["metadata", "finalizers"], "x/y"),
    ],
)
def test_a_value_that_differs_is_not_in_place(path: list[Any], value: Any) -> None:
    """Another value, another type, another length or a missing field all mean an apply."""
    assert not in_place(changed(path, value), WANTED, "frit")


def test_values_of_another_type_differ() -> None:
    """1 and true, or 1 and "1", are not the same field value."""
    for there, ours in ((1, True), (1, "1"), (0, False)):
        assert not in_place(changed(["spec", "type"], there), {**WANTED, "spec": {"type": ours}}, "frit")


def test_an_object_of_somebody_else_is_not_in_place() -> None:
    """Only what this manager applied itself is known to stay when it no longer wants it."""
    assert not in_place(live(other=OWNED), WANTED, "frit")
    updated = live(frit=OWNED)
    updated["metadata"]["managedFields"][0]["operation"] = "Update"
    assert not in_place(updated, WANTED, "frit")
    assert not in_place({key: value for key, value in live().items() if key != "metadata"}, WANTED, "frit")


@pytest.mark.parametrize(
    "more",
    [
        {"f:metadata": {"f:annotations": {"f:old": {}}}},
        {"f:metadata": {"f:labels": {"f:app": {}, "f:old": {}}}},
        {"f:metadata": {"f:finalizers": {'v:"gone"': {}}}},
        {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {"f:port": {}}}}},
        {"f:spec": {"f:ports": {'k:{"port":443,"protocol":"TCP"}': {"f:name": {}}}}},
        {"f:spec": {"f:externalName": {}}},
        {"f:spec": {"f:ports": {"i:0": {}}}},
    ],
)
def test_a_field_that_is_no_longer_wanted_needs_an_apply(more: dict[str, Any]) -> None:
    """What the manager applied once and leaves out now has to go, which only an apply does."""
    assert not in_place(live(frit=more), WANTED, "frit")


def test_who_applies_only_an_identity_is_not_recorded() -> None:
    """A bare namespace that is there is in place, whoever made it."""
    wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}
    there = {**wanted, "metadata": {"name": "a", "labels": {"kubernetes.io/metadata.name": "a"}}, "spec": {"x": 1}}
    assert in_place(there, wanted, "frit")


def test_empty_and_missing_are_the_same() -> None:
    """Servers leave out what is empty."""
    wanted = {**WANTED, "spec": {**WANTED["spec"], "externalIPs": [], "sessionAffinityConfig": {}}}
    assert in_place(live(frit=OWNED), wanted, "frit")
