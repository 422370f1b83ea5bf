"""Manifests as bytes to objects as plain data: the rules of `web.plain_yaml`, and what makes an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from base.errors import PreflightFailed
from kube.objects import Object
from web.plain_yaml import BadText, Limits, documents

MAX_VALUES: Final = 100_000
"""How many values (mappings, lists, scalars) a manifest may hold with its aliases expanded; releases need 18,000."""


def parse(content: bytes, origin: str) -> tuple[Object, ...]:
    """The objects of a manifest: YAML documents or JSON, UTF-8, with lists flattened and empty documents left out.

    Every object has apiVersion, kind and metadata.name. Raises `PreflightFailed` for anything else, with the
    origin, and with document and line where they are known.
    """
    objects: list[Object] = []
    try:
        for number, line, document in documents(content, Limits(MAX_VALUES)):
            objects.extend(_objects_in(document, number, line))
        if not objects:
            raise BadText("it holds no object")
    except BadText as bad:
        where = [f"document {bad.document}"] if bad.document else []
        where += [f"line {bad.line}"] if bad.line else []
        place = f" ({', '.join(where)})" if where else ""
        raise PreflightFailed(
            f"{origin} is not a usable manifest: {bad.problem}{place}",
            hint="look at the file: is it complete, and is it a manifest at all?",
        ) from None
    return tuple(objects)


def _objects_in(document: Any, number: int, line: int) -> Iterator[Object]:
    """The object of a document, or those of a List. Source: API conventions, "Lists and simple kinds"."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if not isinstance(value, dict):
            raise BadText("an object was expected, but this is a list or a single value", number, line)
        kind = value.get("kind")
        for key in ("apiVersion", "kind"):
            if not _is_word(value.get(key)):
                raise BadText(f"an object without {key}", number, line)
        if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
            waiting.extend(reversed(value["items"]))
            continue
        metadata = value.get("metadata")
        if not isinstance(metadata, dict) or not _is_word(metadata.get("name")):
            raise BadText(f"{kind} without metadata.name", number, line)
        if not _is_word(metadata.get("namespace", "none")):
            raise BadText(f"{kind} {metadata['name']} has a metadata.namespace that is no name", number, line)
        yield value


def _is_word(value: Any) -> bool:
    """Whether a value can be a name, and can be shown: control characters could rewrite a terminal."""
    return isinstance(value, str) and value != "" and value.isprintable()
