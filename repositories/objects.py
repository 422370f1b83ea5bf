"""PackageRepository objects: what frit writes into one, and what it accepts as a name and a URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from base.errors import WrongUsage
from kube.discovery import Resource
from kube.objects import Object, field
from repositories.artifacts import ADDRESS, EXAMPLE

GROUP: Final = "packages.glasskube.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
REPOSITORIES: Final = Resource(GROUP, VERSION, "packagerepositories", "PackageRepository", False)

DEFAULT_NAME: Final = "glasskube"
DEFAULT_URL: Final = "https://packages.dl.glasskube.dev/packages"
"""The public repository that Glasskube registers on every cluster, and frit too."""

DEFAULT_ANNOTATION: Final = f"{GROUP}/default-repository"
"""Marks the repository of packages that name none. Only the value `true` counts."""

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_HOST = re.compile(r"[A-Za-z0-9._~-]+|[0-9A-Fa-f:.]+")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USERINFO = re.compile(r"^((?:[^/@]*:)?/+)?[^/?#]*@")  # also in a URL that is not quite one
_EMBEDDED = re.compile(r"(?<=://)[^\s/@\"']{1,500}@")
_MOST_URL = 8192  # as in manifests/package-api.yaml


@dataclass(frozen=True)
class Repository:
    """A package repository that shall be registered. `url` is the folder of index.yaml, without a slash at its end."""

    name: str
    url: str
    default: bool = False


def parse(text: str) -> Repository:
    """Read `NAME=URL`, as options take it. Raises `WrongUsage`."""
    name, sign, url = text.partition("=")
    if not sign:
        # the text may be a URL with credentials in it, so it is not repeated
        raise WrongUsage("a repository is written as NAME=URL", hint=f"for example: {DEFAULT_NAME}={DEFAULT_URL}")
    return repository(name, url)


def repository(name: str, url: str, *, default: bool = False) -> Repository:
    """A repository with a checked name and a checked, normalised URL. Raises `WrongUsage`."""
    return Repository(checked_name(name), checked_url(url), default)


def checked_name(name: str) -> str:
    """The name as it is, if an object can have it. Raises `WrongUsage`.

    Source: Kubernetes documentation, "Object Names and IDs" (DNS subdomain names, RFC 1123).
    """
    if len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        raise WrongUsage(
            f"{hide_credentials(name)!r} cannot be the name of a repository",
            hint="use lower-case letters, digits, '-' and '.', and begin and end with a letter or a digit",
        )
    return name


def checked_url(url: str) -> str:
    """The URL without slashes at its end. Raises `WrongUsage` for one that no repository can have.

    What passes here also passes the rules of the CustomResourceDefinition. An error text never repeats credentials.
    """
    shown = repr(hide_credentials(url))
    if _USERINFO.search(url):
        raise WrongUsage(
            f"the URL {shown} holds credentials, which everybody who may read the object could read",
            hint="leave them out of the URL, and name a Secret in spec.auth of the PackageRepository",
        )
    if not _PRINTABLE.fullmatch(url) or _BAD_ESCAPE.search(url):
        raise WrongUsage(
            f"{shown} is not a URL: it is empty, or holds blanks or characters that a URL cannot hold",
            hint="write such characters percent-encoded, for example %20 for a blank",
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise WrongUsage(f"{shown} is not a URL: {error}") from None
    if parts.scheme == "file":
        raise WrongUsage(
            f"the URL {shown} is a folder of this machine, which others who use the cluster do not have",
            hint="frit repo serve DIR   serves it under a URL",
        )
    if parts.scheme not in ("http", "https", "oci"):
        raise WrongUsage(
            f"the URL {shown} does not begin with https://, http:// or oci://", hint=f"for example: {DEFAULT_URL}"
        )
    if not _HOST.fullmatch(host):
        raise WrongUsage(f"the URL {shown} does not name a host", hint=f"for example: {DEFAULT_URL}")
    if parts.scheme == "oci" and not ADDRESS.fullmatch(url):
        raise WrongUsage(f"{shown} is not the address of an artifact", hint=f"for example: {EXAMPLE}")
    if "?" in url or "#" in url:
        raise WrongUsage(
            f"the URL {shown} has a part after '?' or '#', which the names of files cannot be added to",
            hint="name the folder that holds index.yaml",
        )
    if len(url) > _MOST_URL:
        raise WrongUsage(f"the URL is {len(url)} characters long; {_MOST_URL} are the most")
    return url.rstrip("/")


def hide_credentials(url: str) -> str:
    """A URL for people's eyes: user name and password, and all of a query, are replaced by `***`."""
    shown = _USERINFO.sub(r"\1***@", url)
    before, sign, _ = shown.partition("?")
    return f"{before}?***" if sign else before


def one_line(text: str) -> str:
    """A text out of the cluster for a terminal: one line, nothing that could control it, no credentials in URLs."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(one if one.isprintable() else "?" for one in line)
    return _EMBEDDED.sub("***@", line)


def to_object(repository: Repository) -> Object:
    """The PackageRepository to apply. It has only the fields that frit means to own."""
    metadata: dict[str, Any] = {"name": repository.name}
    if repository.default:
        metadata["annotations"] = {DEFAULT_ANNOTATION: "true"}
    return {
        "apiVersion": API_VERSION,
        "kind": REPOSITORIES.kind,
        "metadata": metadata,
        "spec": {"url": repository.url},
    }


def from_object(obj: Mapping[str, Any]) -> Repository:
    """The repository that an object registers, as it is: nothing is checked, an absent URL is empty."""
    return Repository(
        str(field(obj, "metadata", "name", default="")), str(field(obj, "spec", "url", default="")), is_default(obj)
    )


def is_default(obj: Mapping[str, Any]) -> bool:
    """Whether packages that name no repository come from this one."""
    return bool(field(obj, "metadata", "annotations", DEFAULT_ANNOTATION) == "true")
