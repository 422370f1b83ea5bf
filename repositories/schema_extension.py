"""Adding to a CustomResourceDefinition that somebody else made, without taking anything away.

Only what is missing and optional is added: fields, printer columns, short names. An added field comes without any
rule (required, enum, pattern, limits, CEL), so every object that was valid stays valid.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from base.errors import PreflightFailed
from kube.objects import Object, field

_KEPT_IN_ADDED_FIELDS = ("type", "description", "nullable", "x-kubernetes-preserve-unknown-fields")
_ADMITS_ANYTHING = ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string")
_OF_EVERY_OBJECT = ("apiVersion", "kind", "metadata")


@dataclass(frozen=True)
class Extension:
    """The merged versions and short names of a CRD, and what was added, each as a short text."""

    versions: list[Object]
    short_names: list[str]
    additions: tuple[str, ...]


def extend(existing: Mapping[str, Any], ours: Mapping[str, Any], version: str) -> Extension:
    """Merge what `ours` has more in one version into `existing`; both are CustomResourceDefinitions.

    Raises `PreflightFailed`, naming the CRD and the path, where the two do not go together: other scope or names,
    the version missing, not served or without status subresource, fields of another type.
    """
    name = str(field(existing, "metadata", "name", default=""))
    for path in (("scope",), ("group",), ("names", "kind"), ("names", "plural")):
        have, want = field(existing, "spec", *path), field(ours, "spec", *path)
        if have != want:
            raise _incompatible(name, f"spec.{'.'.join(path)} is {have}, frit needs {want}")
    versions: list[Object] = copy.deepcopy(field(existing, "spec", "versions", default=[]))
    target = _version(versions, version)
    wanted = _version(field(ours, "spec", "versions", default=[]), version)
    if target is None or wanted is None:
        raise _incompatible(name, f"spec.versions has no {version}")
    if not target.get("served"):
        raise _incompatible(name, f"spec.versions[{version}].served is false")
    if field(target, "subresources", "status") is None:
        raise _incompatible(name, f"spec.versions[{version}].subresources.status is missing")
    additions: list[str] = []
    schema = field(target, "schema", "openAPIV3Schema")
    if schema is None:
        raise _incompatible(name, f"spec.versions[{version}].schema.openAPIV3Schema is missing")
    _merge(name, schema, wanted["schema"]["openAPIV3Schema"], "", additions)
    _add_columns(target, wanted, additions)
    short_names = list(field(existing, "spec", "names", "shortNames", default=[]))
    for short in field(ours, "spec", "names", "shortNames", default=[]):
        if short not in short_names:
            short_names.append(short)
            additions.append(f"short name {short}")
    return Extension(versions, short_names, tuple(additions))


def _version(versions: Any, name: str) -> Object | None:
    return next((one for one in versions if one.get("name") == name), None)


def _add_columns(target: Object, wanted: Mapping[str, Any], additions: list[str]) -> None:
    columns = list(target.get("additionalPrinterColumns") or [])
    known = {str(one["name"]).casefold() for one in columns}
    for column in wanted.get("additionalPrinterColumns") or []:
        if str(column["name"]).casefold() not in known:
            columns.append(copy.deepcopy(column))
            additions.append(f"column {column['name']}")
    if columns:
        target["additionalPrinterColumns"] = columns


def _merge(crd: str, have: Object, want: Mapping[str, Any], path: str, additions: list[str]) -> None:
    """Add to the schema `have`, in place, the fields that only `want` has."""
    if any(have.get(key) for key in _ADMITS_ANYTHING):
        return  # a field named here would put limits on what was free before
    shown = path or "the object"
    if have.get("type") != want.get("type") and (have.get("type"), want.get("type")) != ("number", "integer"):
        raise _incompatible(crd, f"the type of {shown} is {have.get('type')}, frit needs {want.get('type')}")
    if want.get("type") == "array":
        _merge(crd, have.get("items") or {}, want["items"], f"{path}[]", additions)
    elif want.get("type") == "object":
        _merge_object(crd, have, want, path, additions)


def _merge_object(crd: str, have: Object, want: Mapping[str, Any], path: str, additions: list[str]) -> None:
    of_map, of_fields = have.get("additionalProperties"), have.get("properties")
    if "additionalProperties" in want:
        if of_fields:
            raise _incompatible(crd, f"{path} has fixed fields, frit needs a map")
        if of_map is None:
            have["additionalProperties"] = _loosened(want["additionalProperties"])
            additions.append(f"field {path}[]")
        elif isinstance(of_map, dict):
            _merge(crd, of_map, want["additionalProperties"], f"{path}[]", additions)
    elif want.get("properties"):
        if of_map:
            raise _incompatible(crd, f"{path} is a map, frit needs fixed fields")
        fields = have.setdefault("properties", {})
        for name, schema in want["properties"].items():
            if not path and name in _OF_EVERY_OBJECT:
                continue
            if name in fields:
                _merge(crd, fields[name], schema, f"{path}.{name}", additions)
            else:
                fields[name] = _loosened(schema)
                additions.append(f"field {path}.{name}")


def _loosened(schema: Mapping[str, Any]) -> Object:
    """A copy of a schema that admits every value of its type."""
    loose: Object = {key: schema[key] for key in _KEPT_IN_ADDED_FIELDS if key in schema}
    if "properties" in schema:
        loose["properties"] = {name: _loosened(one) for name, one in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            loose[key] = _loosened(schema[key])
    return loose


def _incompatible(crd: str, why: str) -> PreflightFailed:
    return PreflightFailed(
        f"could not extend CustomResourceDefinition {crd}, which somebody else made: {why}",
        hint=f"kubectl get crd {crd} -o yaml --show-managed-fields   shows it and who made it\n"
        "nothing was changed; if nobody uses it, delete it and run frit again (this deletes its objects too)",
    )
