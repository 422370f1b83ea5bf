"""Which package repositories are registered in a cluster, and registering one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from base.budget import Budget
from base.clock import Deadline, Run
from base.errors import PreflightFailed
from base.events import Listener
from base.policy import RetryPolicy
from kube.access import Permission, not_known
from kube.apply import FIELD_MANAGER, Applied, Applier
from kube.client import Client
from kube.failures import ApiError, Kind
from kube.objects import Object, condition, field
from kube.patience import Patience
from repositories.credentials import has_copy, inline_values, places
from repositories.objects import GROUP, REPOSITORIES, Repository, from_object, hide_credentials, one_line, to_object

PERMISSIONS = tuple(Permission(verb, GROUP, REPOSITORIES.plural) for verb in ("list", "get", "create", "patch"))
"""What the account needs to register repositories; `list` alone is enough to list them."""

_CONFLICT = re.compile(r'conflicts? with "([^"]*)"')
_NO_API = "the package API is not installed on this cluster"


@dataclass(frozen=True)
class Registered:
    """One PackageRepository of the cluster.

    `auth` is `none`, or some of `basic`, `bearer` and `certificate` with `+` between them; `inline` means that a user
    name, password or token stands in the object itself; `secrets` are the names of the Secrets that it refers to, also
    for the CA bundle that it is trusted by (`ca`). `ready` is the status of the condition Ready (`True`,
    `False`, `Unknown`), empty where no controller has looked at it; `message` is that condition's, in one line.
    `created` is the creation time in RFC 3339. `url` is as it is stored; what people see is `shown_url`.
    """

    name: str
    url: str
    default: bool = False
    auth: str = "none"
    inline: bool = False
    ready: str = ""
    message: str = ""
    created: str = ""
    secrets: tuple[str, ...] = ()
    ca: bool = False

    @property
    def shown_url(self) -> str:
        """The URL in one line, without credentials."""
        return one_line(hide_credentials(self.url))

    def data(self) -> dict[str, Any]:
        """As JSON types, without credentials."""
        return {
            "name": self.name,
            "url": self.shown_url,
            "default": self.default,
            "auth": {
                "method": self.auth,
                "inline": self.inline,
                "secrets": list(self.secrets),
                "caBundle": self.ca,
            },
            "ready": self.ready,
            "message": self.message,
            "created": self.created,
        }


def registered(client: Client) -> list[Registered]:
    """All PackageRepositories, sorted by name; raises what `listed` raises."""
    return [as_registered(one) for one in listed(client)]


def listed(client: Client) -> list[Object]:
    """All PackageRepositories as they are, sorted by name; one request, which a patient client repeats.

    Raises `PreflightFailed` where the package API is not installed, `CannotTell` where the account may not list
    them, and `ApiError`.
    """
    try:
        answer = client.get(REPOSITORIES.path(), doing="list the package repositories")
    except ApiError as error:
        if error.failure.status == 404:
            raise PreflightFailed(
                f"could not list the package repositories: {_NO_API}", hint="frit bootstrap   installs it"
            ) from None
        if error.failure.kind is Kind.FORBIDDEN:
            raise not_known("could not tell which package repositories there are", PERMISSIONS[0]) from None
        raise
    items: list[Object] = answer.get("items") or []
    return sorted(items, key=lambda one: str(field(one, "metadata", "name", default="")))


def as_registered(obj: Mapping[str, Any]) -> Registered:
    """What a PackageRepository says, as the server returned it."""
    basic, bearer = field(obj, "spec", "auth", "basic"), field(obj, "spec", "auth", "bearer")
    methods = [name for name, given in (("basic", basic), ("bearer", bearer)) if given is not None]
    kept = places(obj)
    methods += ["certificate"] if any(one.what == "client_certificate" for one in kept) else []
    inline = bool(inline_values(obj)) or has_copy(obj)
    ready = condition(obj, "Ready")
    said = from_object(obj)
    return Registered(
        said.name,
        said.url,
        said.default,
        "+".join(methods) or "none",
        inline,
        str(ready.get("status") or ""),
        one_line(str(ready.get("message") or "")),
        str(field(obj, "metadata", "creationTimestamp", default="")),
        tuple(dict.fromkeys(one.secret for one in kept if one.secret)),
        any(one.what == "ca_bundle" for one in kept),
    )


def defaults(existing: Sequence[Registered]) -> list[str]:
    """The names of the repositories that are marked as the default; more than one is a mistake."""
    return [one.name for one in existing if one.default]


def settled(repository: Repository, existing: Sequence[Registered]) -> Repository:
    """What to apply for `repository`, given what is registered; pure.

    A repository that is the default stays it, and a URL that differs only by slashes at its end stays as it is
    written. Raises `PreflightFailed` where `repository` wants to be the default and another one is (frit does not
    move the mark by itself: packages that name no repository would silently come from elsewhere), and where a new
    URL would get the credentials that were stored for the old one.
    """
    others = [name for name in defaults(existing) if name != repository.name]
    if repository.default and others:
        raise PreflightFailed(
            f"could not make {repository.name} the default repository: {' and '.join(others)} is it already",
            hint="leave --default out, or first take the mark away, which changes where packages come from:\n"
            f"kubectl annotate packagerepository {others[0]} packages.glasskube.dev/default-repository-",
        )
    there = next((one for one in existing if one.name == repository.name), None)
    if there is None:
        return repository
    kept = replace(repository, default=repository.default or there.default)
    if there.url.rstrip("/") == repository.url:
        return replace(kept, url=there.url)
    if there.auth != "none":
        raise PreflightFailed(
            f"could not change the URL of repository {there.name}: its credentials, which are meant for"
            f" {there.shown_url}, would be sent to {repository.url}",
            hint="register the new URL under another name, or first take the credentials away:\n"
            f"kubectl patch packagerepository {there.name} --type=json"
            """ -p '[{"op":"remove","path":"/spec/auth"}]'""",
        )
    return kept


def applier_for(client: Client, policy: RetryPolicy, run: Run, deadline: Deadline, emit: Listener) -> Applier:
    """How to register a repository outside of a bootstrap: reads and the write spend one budget together."""
    budget = Budget()
    patient = client.patient(Patience(policy, run, deadline, emit, budget))
    return Applier(patient, policy, run, deadline, emit, budget=budget)


def register(applier: Applier, repository: Repository) -> Applied:
    """Apply one PackageRepository as it is given (see `settled`), in the applier's retry loop.

    Fields that frit does not set, such as credentials, stay as they are. A URL that `frit repo update` has written is
    frit's own, and is taken over. Raises what `Applier.apply` raises.
    """
    try:
        return applier.apply(to_object(repository), REPOSITORIES)
    except ApiError as error:
        # to the API server, an update and an apply of frit are two managers
        if error.failure.kind is not Kind.FIELD_CONFLICT or set(_CONFLICT.findall(error.message)) != {FIELD_MANAGER}:
            raise
    return applier.apply(to_object(repository), REPOSITORIES, force=True)
