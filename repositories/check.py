"""Is the package API there, and is it clear where packages come from? Asked without changing anything."""

from __future__ import annotations

from dataclasses import dataclass

from base.errors import CannotTell, PreflightFailed
from kube.client import Client
from kube.discovery import Discovery
from repositories.objects import API_VERSION, GROUP, REPOSITORIES
from repositories.registry import Registered, defaults, registered


@dataclass(frozen=True)
class Finding:
    """The answer to one check. `ok` is false both for no and for unknown; `known` tells the two apart.

    `warning` marks an answer that is right today and deserves attention.
    """

    name: str
    ok: bool
    message: str
    hint: str = ""
    known: bool = True
    warning: bool = False


def repositories_check(client: Client, discovery: Discovery) -> list[Finding]:
    """Two findings, `package API` and `repositories registered`; the second is left out where the first says no.

    One request. Raises `ApiError` for failures that are about the connection and not about repositories.
    """
    if discovery.find(API_VERSION, REPOSITORIES.kind) is None:
        what = "has no PackageRepository" if discovery.serves_group(GROUP) else "is not served"
        return [Finding("package API", False, f"{API_VERSION} {what}", "frit bootstrap   installs it")]
    served = Finding("package API", True, f"{API_VERSION} is served")
    try:
        return [served, judged(registered(client))]
    except PreflightFailed as error:  # the CRD went away after discovery
        return [Finding("package API", False, error.message, error.hint)]
    except CannotTell as error:
        return [served, Finding("repositories registered", False, error.message, error.hint, known=False)]


def judged(repositories: list[Registered]) -> Finding:
    """The finding on what is registered: at least one, at most one default; none or an unready one is a warning."""
    name = "repositories registered"
    if not repositories:
        return Finding(name, False, "no package repository is registered", "frit repo add NAME URL --default")
    names = ", ".join(one.name for one in repositories)
    marked = defaults(repositories)
    if len(marked) > 1:
        return Finding(
            name,
            False,
            f"{len(marked)} repositories are marked as the default: {', '.join(marked)}",
            f"frit repo set-default {marked[0]}   leaves one; name the one that shall stay",
        )
    if not marked:
        hint = f"frit repo set-default {repositories[0].name}"
        return Finding(name, True, f"{names}; none is the default", hint, warning=True)
    for one in repositories:
        if one.ready == "False":
            return Finding(name, True, f"{names}; {one.name} is not ready: {one.message}", warning=True)
    return Finding(name, True, f"{names}; {marked[0]} is the default")
