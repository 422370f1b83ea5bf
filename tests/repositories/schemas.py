"""What several test files need of the package API: its schemas, and a picture of what Glasskube installs.

``glasskube_crd`` is written from what is known of Glasskube's wire format; it is looser than frit's own.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kube.objects import Object
from repositories.package_api import crds

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "repository"

needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the slice of the public repository lies beside the checkout, not in it"
)


def crd(kind: str) -> Object:
    """Our CustomResourceDefinition of a kind."""
    return next(one for one in crds() if one["spec"]["names"]["kind"] == kind)


def schema(kind: str, *fields: str) -> Object:
    """The schema at a path of fields of a kind; ``[]`` steps into a list or a map."""
    here: Object = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name in fields:
        here = here.get("items") or here["additionalProperties"] if name == "[]" else here["properties"][name]
    return here


def nodes(node: Object, path: str = "") -> Iterator[tuple[str, Object]]:
    """Every schema at and below a schema, with its path."""
    yield path or ".", node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from nodes(node[key], f"{path}[]")


def errors(value: Any, node: Object) -> list[str]:
    """Why a value does not fit a schema; a field that the API server would prune counts too."""
    strict = copy.deepcopy(node)
    for _, one in nodes(strict):
        if "properties" in one and not one.get("x-kubernetes-preserve-unknown-fields"):
            one["additionalProperties"] = False
    return [one.message for one in jsonschema.Draft202012Validator(strict).iter_errors(value)]


TEXT: Object = {"type": "string"}


def fields(required: list[str] | None = None, **properties: Object) -> Object:
    """An object schema."""
    made: Object = {"type": "object", "properties": properties}
    return {**made, "required": required} if required else made


def glasskube_crd(kind: str) -> Object:
    """One CRD as an old Glasskube has it: without frit's rules and columns, and with less in it."""
    conditions: Object = {"type": "array", "items": fields(["type", "status"], type=TEXT, status=TEXT)}
    value = {**fields(value=TEXT), "maxProperties": 1, "minProperties": 1}
    package_spec = fields(
        ["packageInfo"],
        packageInfo=fields(["name", "version"], name=TEXT, version=TEXT),
        values={"type": "object", "additionalProperties": value},
    )
    package_status = fields(version=TEXT, conditions=conditions)
    desired = {"name": "Desired version", "type": "string", "jsonPath": ".spec.packageInfo.version"}
    free: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    shapes: dict[str, tuple[str, str, list[str], list[Object], Object, Object]] = {
        "ClusterPackage": ("clusterpackages", "Cluster", ["clpkg"], [desired], package_spec, package_status),
        "Package": ("packages", "Namespaced", ["pkg"], [desired], package_spec, package_status),
        "PackageInfo": (
            "packageinfos",
            "Cluster",
            [],
            [],
            fields(["name"], name=TEXT, version=TEXT, repositoryUrl=TEXT),
            fields(conditions=conditions, manifest=free),
        ),
        "PackageRepository": (
            "packagerepositories",
            "Cluster",
            [],
            [],
            fields(
                ["url"], url=TEXT, auth=fields(basic=fields(username=TEXT, password=TEXT), bearer=fields(token=TEXT))
            ),
            fields(conditions=conditions),
        ),
    }
    plural, scope, short, columns, spec, status = shapes[kind]
    version: Object = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": fields(spec=spec, status=status)},
    }
    names: Object = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.packages.glasskube.dev", "labels": {"example.org/made-by": "glasskube"}},
        "spec": {
            "group": "packages.glasskube.dev",
            "scope": scope,
            "names": {**names, "shortNames": short} if short else names,
            "versions": [{**version, "additionalPrinterColumns": columns} if columns else version],
        },
    }


KINDS = ("ClusterPackage", "Package", "PackageInfo", "PackageRepository")
