"""Extending CustomResourceDefinitions that somebody else made."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from base.errors import PreflightFailed
from kube.objects import Object
from repositories.schema_extension import Extension, extend
from tests.repositories.schemas import KINDS, TEXT, crd, fields, glasskube_crd, nodes

RULES = {"required", "enum", "pattern", "format", "maxLength", "maxItems", "maxProperties", "x-kubernetes-validations"}


def extended(existing: Object, kind: str) -> Extension:
    return extend(existing, crd(kind), "v1alpha1")


def schema_of(versions: list[Object]) -> Object:
    found: Object = versions[0]["schema"]["openAPIV3Schema"]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_was_there_stays(kind: str) -> None:
    """Each schema node, column and short name of the old CRD is in the extended one, unchanged."""
    old = glasskube_crd(kind)
    before = copy.deepcopy(old)
    result = extended(old, kind)
    assert old == before
    after = dict(nodes(schema_of(result.versions)))
    for path, node in nodes(schema_of(old["spec"]["versions"])):
        for key, value in node.items():
            if key not in ("properties", "items", "additionalProperties"):
                assert after[path][key] == value, (path, key)
    columns = old["spec"]["versions"][0].get("additionalPrinterColumns", [])
    assert result.versions[0]["additionalPrinterColumns"][: len(columns)] == columns
    short = old["spec"]["names"].get("shortNames", [])
    assert result.short_names[: len(short)] == short


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_is_added_can_refuse_an_object(kind: str) -> None:
    """The extended schema has no rule that the old one did not have at the same place."""
    old = dict(nodes(schema_of(glasskube_crd(kind)["spec"]["versions"])))
    for path, node in nodes(schema_of(extended(glasskube_crd(kind), kind).versions)):
        assert RULES & set(node) == RULES & set(old.get(path, {})), path


def test_missing_fields_columns_and_short_names_are_added() -> None:
    """What frit's own CRD has more, and only that, is listed as an addition."""
    additions = extended(glasskube_crd("PackageRepository"), "PackageRepository").additions
    assert "field .spec.auth.bearer.tokenSecretRef" in additions
    assert "field .spec.url" not in additions
    assert "column Default" in additions
    package = extended(glasskube_crd("Package"), "Package").additions
    assert "field .spec.values[].valueFrom" in package
    assert "field .status.ownedPackages" in package
    assert "column Desired version" not in package
    info = extended(glasskube_crd("PackageInfo"), "PackageInfo")
    assert info.short_names == ["pkgi"]
    assert "short name pkgi" in info.additions


@pytest.mark.parametrize("kind", KINDS)
def test_extending_twice_adds_nothing(kind: str) -> None:
    """An extended CRD, and frit's own, need no extension."""
    once = glasskube_crd(kind)
    result = extended(once, kind)
    once["spec"]["versions"] = result.versions
    once["spec"]["names"]["shortNames"] = result.short_names
    assert extended(once, kind).additions == ()
    assert extended(crd(kind), kind).additions == ()


def test_nothing_is_added_below_a_field_that_admits_anything() -> None:
    """Naming fields inside a free-form object would limit what was free, so it stays as it is."""
    result = extended(glasskube_crd("PackageInfo"), "PackageInfo")
    manifest = schema_of(result.versions)["properties"]["status"]["properties"]["manifest"]
    assert manifest == {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def test_other_versions_and_flags_stay() -> None:
    """Versions that frit does not know keep their place, their schema and the storage mark."""
    old = glasskube_crd("Package")
    newer = {**copy.deepcopy(old["spec"]["versions"][0]), "name": "v1beta1"}
    old["spec"]["versions"][0]["storage"] = False
    old["spec"]["versions"].insert(0, newer)
    result = extended(old, "Package")
    assert result.versions[0] == newer
    assert (result.versions[1]["name"], result.versions[1]["storage"]) == ("v1alpha1", False)


def _set(path: list[str | int], value: Any) -> Callable[[Object], None]:
    def change(obj: Object) -> None:
        here: Any = obj
        for step in path[:-1]:
            here = here[step]
        if value is None:
            del here[path[-1]]
        else:
            here[path[-1]] = value

    return change


SPEC: list[str | int] = ["spec", "versions", 0, "schema", "openAPIV3Schema", "properties", "spec", "properties"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_set(["spec", "scope"], "Cluster"), "spec.scope is Cluster, frit needs Namespaced"),
        (_set(["spec", "names", "kind"], "Parcel"), "spec.names.kind is Parcel"),
        (_set(["spec", "names", "plural"], "parcels"), "spec.names.plural is parcels"),
        (_set(["spec", "versions", 0, "name"], "v2"), "spec.versions has no v1alpha1"),
        (_set(["spec", "versions", 0, "served"], False), r"spec.versions\[v1alpha1\].served is false"),
        (_set(["spec", "versions", 0, "subresources"], None), "subresources.status is missing"),
        (_set(["spec", "versions", 0, "schema"], None), "openAPIV3Schema is missing"),
        (_set([*SPEC, "packageInfo"], TEXT), "the type of .spec.packageInfo is string, frit needs object"),
        (_set([*SPEC, "suspend"], TEXT), "the type of .spec.suspend is string, frit needs boolean"),
        (_set([*SPEC, "values"], fields(a=TEXT)), ".spec.values has fixed fields"),
        (_set([*SPEC, "packageInfo"], {"type": "object", "additionalProperties": TEXT}), ".spec.packageInfo is a map"),
    ],
)
def test_what_does_not_go_together_fails_before_anything_is_changed(change: Callable[[Object], None], why: str) -> None:
    """A CRD that cannot be extended compatibly is a preflight failure that names the CRD and the path."""
    old = glasskube_crd("Package")
    change(old)
    with pytest.raises(PreflightFailed, match=why) as caught:
        extended(old, "Package")
    assert "packages.packages.glasskube.dev" in caught.value.message
    assert "kubectl get crd packages.packages.glasskube.dev" in caught.value.hint
