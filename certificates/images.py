"""Container images of a manifest: where they are named, where they may come from, and how they move to a mirror.

A pod template names images in its containers, and cert-manager's controller names one more in an argument: the
image of the pods that solve ACME HTTP01 challenges. A mirror that forgets the argument works until the first such
challenge.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from base.errors import WrongUsage
from kube.objects import Object, field, ref_of

UPSTREAM: Final = "quay.io/jetstack"
"""Where the project publishes its images."""

_HOST: Final = r"(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::[0-9]{1,5})?"
_PART: Final = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_REGISTRY: Final = re.compile(rf"{_HOST}(?:/{_PART})*")
_REFERENCE: Final = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PART}(?:/{_PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?"
    r"(?:@(?P<digest>[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True)
class Reference:
    """An image reference in its parts; `tag` and `digest` are empty where there are none."""

    name: str
    tag: str
    digest: str


def parse_reference(text: str) -> Reference | None:
    """The parts of an image reference, or None if it is none. Source: distribution's reference grammar."""
    match = _REFERENCE.fullmatch(text)
    return Reference(match["name"], match["tag"] or "", match["digest"] or "") if match else None


def check_registry(registry: str) -> str:
    """The registry of `--image-registry` without a slash at its end; raises `WrongUsage` if it is none.

    A registry is a host with an optional port and path, such as `my.registry.example:5000/mirror`.
    """
    plain = registry.strip().rstrip("/")
    host = plain.partition("/")[0]
    if "://" in plain:
        problem = "a registry is written without https://"
    elif not _REGISTRY.fullmatch(plain):
        problem = "a registry is a host, with an optional port and a path in lower case"
    elif not _is_host(host):
        problem = f"{host!r} could be a folder of Docker Hub: write a full host name, or add the port"
    else:
        return plain
    raise WrongUsage(
        f"--image-registry {registry!r} cannot be used: {problem}",
        hint="write it as in --image-registry my.registry.example/mirror",
    )


def rewrite(objects: Sequence[Object], registry: str) -> tuple[Object, ...]:
    """The same objects with every image taken from `registry`: its host is replaced, its path is kept.

    `quay.io/jetstack/cert-manager-webhook:v1.21.2` at `my.registry.example/mirror` becomes
    `my.registry.example/mirror/jetstack/cert-manager-webhook:v1.21.2`: what a registry-wide mirror of quay.io serves.
    Tags and digests stay; an image that already comes from `registry` stays. The input is not changed. Raises
    `WrongUsage` if the registry cannot be used.
    """
    prefix = check_registry(registry)

    def moved(reference: str) -> str:
        if reference.startswith(f"{prefix}/"):
            return reference
        host, slash, path = reference.partition("/")
        if not slash:
            return f"{prefix}/library/{reference}"
        return f"{prefix}/{path}" if _is_host(host) else f"{prefix}/{reference}"

    return tuple(_with_images(obj, moved) for obj in objects)


def problems(obj: Object, version: str, registries: Sequence[str]) -> Iterator[str]:
    """What is wrong with the images of one object, one sentence each.

    An image is right if it comes from one of `registries` (a host with an optional path), is one of cert-manager's
    own, and has the tag of `version` or, where there is no tag, a digest.
    """
    for where, text in images(obj):
        place = f"{ref_of(obj)}: {where}"
        reference = parse_reference(text)
        if reference is None:
            yield f"{place} {text[:200]!r} is not an image reference"
        elif not any(reference.name.startswith(f"{one.rstrip('/')}/") for one in registries):
            yield f"{place} {text!r} does not come from {' or '.join(registries)}"
        elif not reference.name.rpartition("/")[2].startswith("cert-manager-"):
            yield f"{place} {text!r} is not an image of cert-manager"
        elif not reference.tag and not reference.digest:
            yield f"{place} {text!r} has neither tag nor digest"
        elif reference.tag and reference.tag.removeprefix("v") != version:
            yield f"{place} {text!r} is not of version {version}"


def images(obj: Object) -> list[tuple[str, str]]:
    """Every image that an object names: where (`container cert-manager-webhook`), and the reference as it stands."""
    found: list[tuple[str, str]] = []

    def note(where: str, reference: str) -> str:
        found.append((where, reference))
        return reference

    _visit(obj, note)
    return found


def _with_images(obj: Object, change: Callable[[str], str]) -> Object:
    """The object with every reference changed; the same object if that changes nothing."""
    if all(change(reference) == reference for _, reference in images(obj)):
        return obj
    changed = copy.deepcopy(obj)
    _visit(changed, lambda _, reference: change(reference))
    return changed


def _visit(obj: Object, change: Callable[[str, str], str]) -> None:
    """Call `change(where, reference)` on every image of a pod template, and put what it gives in its place."""
    pod = field(obj, "spec", "template", "spec", default={})
    for key in _CONTAINERS:
        for container in _dicts(field(pod, key, default=[])):
            name = container.get("name", "?")
            if "image" in container:
                container["image"] = change(f"the image of container {name}", str(container["image"]))
            for part in ("command", "args"):
                words = container.get(part)
                if isinstance(words, list):
                    _visit_words(words, f"an argument of container {name}", change)


def _visit_words(words: list[Any], where: str, change: Callable[[str, str], str]) -> None:
    """The same for a command line, in which an image is the value of an option `--...-image`, or a word of its own."""
    follows = False
    for index, word in enumerate(words):
        if not isinstance(word, str):
            follows = False
            continue
        option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        names_image = option.endswith("-image")
        if (follows and not option) or (value and names_image) or value.startswith(f"{UPSTREAM}/"):
            words[index] = option + equals + change(where, value)
        follows = names_image and not equals


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _is_host(part: str) -> bool:
    """Whether the first part of a reference is a host and not a folder. Source: distribution's reference rules."""
    return "." in part or ":" in part or part == "localhost"
