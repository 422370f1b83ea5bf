"""Rules for the values of a package: what they patch, with what, and whether their defaults are valid.

A value is always a text. Without a template it is written as a text, whatever its type says. Source: the behaviour
of Glasskube's value configuration (number: whole, boolean: as Go's ParseBool, length in bytes, pattern unanchored).
"""

from __future__ import annotations

import functools
import math
import re
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from repositories.lint_manifest import Found
from repositories.names import shown
from repositories.problems import Field
from repositories.wire import Constraints, ObjectRef, PackageManifest, Target, ValueDefinition

_OPERATIONS: Final = ("add", "remove", "replace", "test", "move", "copy")
_NEED_IT: Final = ("replace", "remove", "test")
_BOOLEANS: Final = frozenset(("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"))
_WHOLE: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_PLAIN: Final = re.compile(r"\{\{-?\s*\.\s*-?\}\}")
_TRUTH: Final = re.compile(r"\{\{-?\s*(?:if|with|and|or|not)\s+(?:not\s+)?\.\s*-?\}\}")
_NOT_RE2: Final = re.compile(r"\(\?<?[=!]|\\[1-9]")
_CLASS: Final = re.compile(r"\[\^?\]?[^\]]*\]")
_MOST_STEPS: Final = 100_000
_SECONDS: Final = 0.5
"""Processor time for all patterns of one manifest; those that are left over are not tried."""

_ABSENT: Final = object()
_TEXTS: Final = re.compile(r"/(?:data|stringData|binaryData)/|.*/metadata/(?:labels|annotations)/|.*/env/[^/]+/value$")


@dataclass(frozen=True)
class Contents:
    """What is known of what a package installs.

    `charts` are the values of its charts by name. `objects` are those of its manifests; `complete` says that there
    are no others, because all manifests lie in the repository and could be read.
    """

    charts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    objects: Sequence[Mapping[str, Any]] = ()
    complete: bool = True

    @functools.cached_property
    def by_name(self) -> Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]:
        """The objects by kind and name."""
        found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for one in self.objects:
            found.setdefault((str(one.get("kind")), str(one["metadata"].get("name"))), []).append(one)
        return found

    @functools.cached_property
    def some(self) -> str:
        """A few of the objects, for a message."""
        return ", ".join(sorted(map(_named, self.objects))[:5]) or "none"


def charts_of(manifest: PackageManifest) -> dict[str, Mapping[str, Any]]:
    """The charts of a package by name, with the values that the package sets."""
    helm = manifest.helm
    if helm is None:
        return {}
    shared = dict(helm.values or {})
    found: dict[str, Mapping[str, Any]] = {one.chart_name: {**shared, **(one.values or {})} for one in helm.releases}
    return {**found, helm.chart_name: shared} if helm.chart_name else found


def look(manifest: PackageManifest, contents: Contents, found: Found) -> None:
    """Remark on values and on all targets, those of transformations too."""
    ends = time.thread_time() + _SECONDS
    for name, definition in (manifest.value_definitions or {}).items():
        at: Field = ("valueDefinitions", name)
        patterns = time.thread_time() < ends
        _constraints(definition, at, found, patterns)
        _default(definition, at, found, patterns)
        for number, target in enumerate(definition.targets):
            _target(target, contents, (*at, "targets", number), found)
            _written(definition.type, target, contents, (*at, "targets", number), found)
    for number, transformation in enumerate(manifest.transformations):
        for inner, target in enumerate(transformation.targets):
            _target(target, contents, ("transformations", number, "targets", inner), found)


def _target(target: Target, contents: Contents, at: Field, found: Found) -> None:
    patch = target.patch
    if patch is not None:
        if patch.op and patch.op not in _OPERATIONS:
            found("invalid-value", (*at, "patch", "op"), f"{shown(patch.op)} is none of {', '.join(_OPERATIONS)}")
        if patch.path and not patch.path.startswith("/"):
            found("invalid-value", (*at, "patch", "path"), f"{shown(patch.path)} does not begin with a slash")
    if target.chart_name and target.chart_name not in contents.charts:
        there = ", ".join(map(shown, contents.charts)) or "none"
        found("unmatched-target", (*at, "chartName"), f"no chart {shown(target.chart_name)}; charts: {there}")
    if target.resource is None or not target.resource.name:
        return
    matching = _matching(target.resource, contents)
    if not matching and contents.complete:
        wanted = f"{target.resource.api_group} {target.resource.kind} {target.resource.name}"
        found("unmatched-target", (*at, "resource"), f"no object {shown(wanted)}; objects: {contents.some}")
    if matching and patch is not None and patch.op in _NEED_IT and patch.path.startswith("/"):
        found_there = [one for one in matching if _at(one, patch.path) is not _ABSENT]
        if not found_there:
            found("missing-path", (*at, "patch", "path"), f"the object has nothing at {shown(patch.path)}")


def _matching(wanted: ObjectRef, contents: Contents) -> list[Mapping[str, Any]]:
    return [one for one in contents.by_name.get((wanted.kind, wanted.name), ()) if _is(wanted, one)]


def _is(wanted: ObjectRef, obj: Mapping[str, Any]) -> bool:
    """`apiGroup` is group and version (`apps/v1`) in most packages, and the group alone in some."""
    version = str(obj.get("apiVersion"))
    metadata = obj["metadata"]
    return bool(
        wanted.api_group in (version, version.rpartition("/")[0])
        and (not wanted.namespace or metadata.get("namespace", wanted.namespace) == wanted.namespace)
    )


def _named(obj: Mapping[str, Any]) -> str:
    return shown(f"{str(obj.get('kind'))[:60]} {str(obj['metadata'].get('name'))[:60]}")[1:-1]


def _written(kind: str, target: Target, contents: Contents, at: Field, found: Found) -> None:
    """Whether what is written has the type that is needed."""
    template, patch = target.value_template.strip(), target.patch
    if kind in ("boolean", "number"):
        as_text = not template or (template.startswith('"') and template.endswith('"') and _PLAIN.search(template))
        if as_text and patch is not None and patch.op in ("add", "replace") and not _takes_text(target, contents):
            how = "without a valueTemplate" if not template else "its template has quotes, so"
            found("string-patch", at, f"{how} the {kind} is written as a text")
        if _TRUTH.search(template) and kind == "boolean":
            found("always-true", (*at, "valueTemplate"), 'the value is a text, and "false" counts as true')
    elif kind == "text" and _PLAIN.fullmatch(template):
        found("text-without-quotes", (*at, "valueTemplate"), "the output is no JSON text unless the user quotes it")


def _takes_text(target: Target, contents: Contents) -> bool:
    """Whether the place that is patched holds a text now, or is one of those that hold nothing else."""
    assert target.patch is not None
    path = target.patch.path
    if not path.startswith("/"):
        return True  # it is no path, which is said already
    if target.chart_name:
        values = contents.charts.get(target.chart_name)
        return values is None or isinstance(_at(values, path), str)  # of a chart that is not there nothing is known
    if target.resource is None or _TEXTS.match(path):
        return True
    return any(isinstance(_at(one, path), str) for one in _matching(target.resource, contents))


def _at(value: Any, pointer: str) -> Any:
    """What a JSON pointer leads to, or `_ABSENT`. Source: RFC 6901."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isascii() and key.isdigit() and len(key) < 9 and int(key) < len(value):
            value = value[int(key)]
        else:
            return _ABSENT
    return value


def _constraints(definition: ValueDefinition, at: Field, found: Found, patterns: bool) -> None:
    limits, at = definition.constraints or Constraints(), (*at, "constraints")
    for low, high, names in (
        (limits.min, limits.max, ("min", "max")),
        (limits.min_length, limits.max_length, ("minLength", "maxLength")),
    ):
        if low is not None and high is not None and low > high:
            found("invalid-constraint", (*at, names[0]), f"{names[0]} {low} is more than {names[1]} {high}")
    if limits.pattern and patterns and (why := _no_pattern(limits.pattern)):
        found("invalid-constraint", (*at, "pattern"), f"{shown(limits.pattern)} {why}")
    if definition.type == "options" and not definition.options:
        found("invalid-constraint", at[:-1], "the type is options, and there are none")


def _no_pattern(pattern: str) -> str:
    """Why a pattern is none for Go, whose expressions know no looking around and no references back."""
    if _NOT_RE2.search(pattern):
        return "looks around or refers back, which clients do not understand"
    if "[[:" in pattern or re.search(r"\\[pPzQC]", pattern) or len(pattern) > 1000:
        return ""  # right in Go, and different in Python
    try:
        _compiled(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}"
    return ""


def _compiled(pattern: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's warnings about expressions that will mean something else one day
        return re.compile(pattern)


def _default(definition: ValueDefinition, at: Field, found: Found, patterns: bool) -> None:
    value, limits = definition.default_value, definition.constraints or Constraints()
    if not value:
        return
    why = ""
    match definition.type:
        case "boolean":
            why = "" if value in _BOOLEANS else "is neither true nor false"
        case "number":
            if not _WHOLE.fullmatch(value) or len(value) > 18:
                why = "is not a whole number"
            elif limits.min is not None and int(value) < limits.min:
                why = f"is less than {limits.min}"
            elif limits.max is not None and int(value) > limits.max:
                why = f"is more than {limits.max}"
        case "options":
            why = "" if not definition.options or value in definition.options else "is not one of the options"
        case "text":
            why = _bad_text(value, limits, patterns)
    if why:
        found("invalid-default", (*at, "defaultValue"), f"{shown(value)} {why}")


def _bad_text(value: str, limits: Constraints, patterns: bool) -> str:
    size = len(value.encode())
    if limits.min_length is not None and size < limits.min_length:
        return f"is shorter than {limits.min_length} bytes"
    if limits.max_length is not None and size > limits.max_length:
        return f"is longer than {limits.max_length} bytes"
    if limits.pattern and patterns and _quick(limits.pattern, value) and not _no_pattern(limits.pattern):
        return "" if _compiled(limits.pattern).search(value) else f"does not match {shown(limits.pattern)}"
    return ""


def _quick(pattern: str, value: str) -> bool:
    """Whether matching surely takes no time: Python's expressions can take for ever, and anybody may write one."""
    if len(value) > 200 or len(pattern) > 200 or "[[:" in pattern:
        return False
    plain = _CLASS.sub("x", pattern)
    if re.search(r"\)[*+{]", plain):
        return False
    repeats = len(re.findall(r"[*+{?]", plain))
    ways = math.prod(part.count("|") + 1 for part in plain.split(")"))
    steps: int = ways * (len(value) + 1) ** (repeats + 1)
    return steps <= _MOST_STEPS
