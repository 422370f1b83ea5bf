"""A package manifest whose own manifests lie beside it: absolute URLs become paths, and nothing else changes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from repositories import safe_yaml
from repositories.names import is_relative
from repositories.problems import Malformed
from repositories.wire import PackageManifest
from web.plain_yaml import LOADER

FOLDER: Final = "manifests"
"""The folder beside package.yaml that holds what was fetched."""


def absolute(manifest: PackageManifest) -> dict[int, str]:
    """The absolute URLs of a package's manifests, by their position."""
    return {n: one.url for n, one in enumerate(manifest.manifests) if one.url and not is_relative(one.url)}


def local_name(url: str) -> str:
    """The file name for what a URL gives: the last part of its path, made unique by the URL's checksum."""
    path = re.split("[?#]", url, maxsplit=1)[0]
    last = re.sub(r"[^A-Za-z0-9._-]+", "-", path.rsplit("/", 1)[-1]).strip(".-")[-80:]
    return f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{last or 'manifest.yaml'}"


def localized(content: bytes, paths: Mapping[int, str]) -> bytes:
    """The package.yaml with other URLs of its manifests, by position; `content` is one that could be read.

    The URLs are replaced in the text, so that comments and form stay. Where that does not give exactly what is meant,
    as with anchors, the whole file is written anew from its data.
    """
    data = safe_yaml.load(content, "package.yaml", safe_yaml.MANIFEST)
    for number, path in paths.items():
        data["manifests"][number]["url"] = path
    replaced = _replaced(content.decode("utf-8-sig"), paths)
    try:
        same = safe_yaml.load(replaced, "package.yaml", safe_yaml.MANIFEST) == data
    except Malformed:
        same = False
    return replaced if same else yaml.safe_dump(data, sort_keys=False, allow_unicode=True).encode()


def _replaced(text: str, paths: Mapping[int, str]) -> bytes:
    root = yaml.compose(text, LOADER)
    listed = _value(root, "manifests")
    places = [(_value(listed.value[number], "url"), path) for number, path in paths.items()]
    for node, path in sorted(places, key=lambda one: -one[0].start_mark.index):
        text = f'{text[: node.start_mark.index]}"{path}"{text[node.end_mark.index :]}'
    return text.encode()


def _value(node: Any, key: str) -> Any:
    return next(value for name, value in node.value if name.value == key)
