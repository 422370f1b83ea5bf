"""The CustomResourceDefinitions of the package API, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from repositories.package_api import NAMES, crds
from tests.packages_server import PACKAGES
from tests.repositories.schemas import KINDS, SAMPLES, crd, errors, needs_samples, nodes, schema

TYPES = {"object", "array", "string", "integer", "number", "boolean"}


def test_names_scopes_and_short_names_are_those_of_the_wire_format() -> None:
    """Objects and commands that were made for Glasskube find the same kinds under the same names."""
    seen = {}
    for one in crds():
        names = one["spec"]["names"]
        seen[names["kind"]] = (one["metadata"]["name"], one["spec"]["scope"], names.get("shortNames", []))
        assert one["spec"]["group"] == "packages.glasskube.dev"
        assert [version["name"] for version in one["spec"]["versions"]] == ["v1alpha1"]
        assert one["spec"]["versions"][0]["subresources"] == {"status": {}}
        assert one["metadata"]["labels"] == {"app.kubernetes.io/part-of": "frit"}
    assert seen == {
        "ClusterPackage": ("clusterpackages.packages.glasskube.dev", "Cluster", ["clpkg"]),
        "Package": ("packages.packages.glasskube.dev", "Namespaced", ["pkg"]),
        "PackageInfo": ("packageinfos.packages.glasskube.dev", "Cluster", ["pkgi"]),
        "PackageRepository": ("packagerepositories.packages.glasskube.dev", "Cluster", []),
    }
    assert {name for name, _, _ in seen.values()} == set(NAMES)


@pytest.mark.parametrize("kind", KINDS)
def test_schemas_are_structural(kind: str) -> None:
    """Every node has a type, says fields or map but not both, and requires only fields that it has."""
    for path, node in nodes(schema(kind)):
        assert node.get("type") in TYPES, path
        assert not ("properties" in node and "additionalProperties" in node), path
        assert ("items" in node) == (node["type"] == "array"), path
        assert set(node.get("required", [])) <= set(node.get("properties", {})), path
        assert not {"$ref", "oneOf", "anyOf", "allOf", "not", "default", "nullable"} & set(node), path
        if path != ".metadata" and node["type"] == "object":
            free = node.get("x-kubernetes-preserve-unknown-fields")
            assert free or node.get("properties") or node.get("additionalProperties"), path


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_explained(kind: str) -> None:
    """`kubectl explain` has a sentence on every named field."""
    for path, node in nodes(schema(kind)):
        if not path.endswith("[]") and path not in (".", ".metadata"):
            assert node.get("description", "").endswith("."), path


@pytest.mark.parametrize("kind", KINDS)
def test_columns_read_fields_that_exist(kind: str) -> None:
    """A printer column that reads a field of spec or status reads one that the schema has."""
    columns = crd(kind)["spec"]["versions"][0]["additionalPrinterColumns"]
    assert len({column["name"] for column in columns}) == len(columns)
    for column in columns:
        path = column["jsonPath"].lstrip(".").split("[")[0].split(".")
        if path[0] in ("spec", "status"):
            assert schema(kind, *path)["type"] in TYPES


def test_package_and_cluster_package_are_the_same() -> None:
    """The two kinds differ in their scope only."""
    for field in ("spec", "status"):
        assert schema("Package", field) == schema("ClusterPackage", field)


def test_the_name_of_the_repository_is_called_url_on_the_wire() -> None:
    """PackageInfo names its repository in `repositoryUrl`, as Glasskube's objects do."""
    assert set(schema("PackageInfo", "spec")["properties"]) == {"name", "version", "repositoryUrl"}
    assert schema("PackageInfo", "spec")["required"] == ["name"]


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@needs_samples
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*/*/package.yaml")), ids=lambda one: "/".join(one.parts[-3:-1]))
def test_a_public_package_fits_the_manifest_schema(path: Path) -> None:
    """A manifest of the public repository fits PackageInfo.status.manifest, and nothing of it would be pruned."""
    assert errors(_load(path), schema("PackageInfo", "status", "manifest")) == []


@needs_samples
def test_the_public_packages_are_there() -> None:
    """The slice of the public repository holds package manifests at all."""
    assert len(list(SAMPLES.glob("*/*/package.yaml"))) >= 20


def test_our_own_packages_are_a_repository() -> None:
    """Index, version lists and manifests of the test packages agree, fit the schema, and refer to files that exist."""
    manifest = schema("PackageInfo", "status", "manifest")
    index = _load(PACKAGES / "index.yaml")["packages"]
    assert sorted(one["name"] for one in index) == sorted(one.name for one in PACKAGES.iterdir() if one.is_dir())
    counts = []
    for entry in index:
        versions = _load(PACKAGES / entry["name"] / "versions.yaml")
        listed = [one["version"] for one in versions["versions"]]
        counts.append(len(listed))
        assert entry["latestVersion"] == versions["latestVersion"]
        assert versions["latestVersion"] in listed
        assert sorted(listed) == sorted(one.name for one in (PACKAGES / entry["name"]).iterdir() if one.is_dir())
        for version in listed:
            folder = PACKAGES / entry["name"] / version
            package = _load(folder / "package.yaml")
            assert errors(package, manifest) == []
            assert (package["name"], package["scope"]) == (entry["name"], entry["scope"])
            for file in package["manifests"]:
                assert list(yaml.safe_load_all((folder / file["url"]).read_text()))
    assert sorted(counts) == [1, 1, 2]


def test_a_field_that_nobody_knows_is_an_error() -> None:
    """The check that the tests above rely on notices a misspelt field, a wrong type and a missing field."""
    manifest = schema("PackageInfo", "status", "manifest")
    assert errors({"name": "x", "defaultNamespace": "y", "entrypoint": []}, manifest)
    assert errors({"name": "x", "defaultNamespace": "y", "manifests": {}}, manifest)
    assert errors({"name": "x"}, manifest)
