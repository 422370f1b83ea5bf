"""What a command is to read: repositories that are registered in the cluster, or that a URL names."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as declared
from typing import TYPE_CHECKING

from base.errors import PreflightFailed, WrongUsage
from kube.objects import field
from repositories.credentials import Credentials

if TYPE_CHECKING:
    from kube.client import Client
    from kube.objects import Object
    from repositories.registry import Registered


def nobody() -> Credentials:
    """No credentials at all."""
    return Credentials()


@dataclass(frozen=True)
class Target:
    """A repository to read. `credentials` are only asked for when it is read, as that may fail too."""

    name: str
    url: str
    credentials: Callable[[], Credentials] = declared(default=nobody, repr=False)
    default: bool = False


def target_of(client: Client, obj: Object, one: Registered) -> Target:
    """A registered repository, with the credentials that its object refers to; they are read once."""
    from repositories.secrets import credentials_of

    return Target(one.name, one.url, functools.cache(lambda: credentials_of(client, obj)), one.default)


def registered_targets(client: Client, names: Sequence[str] = ()) -> list[Target]:
    """All registered repositories by name, or those that are named, in that order, each once.

    Raises `PreflightFailed` for a name that is not registered, and what `registry.listed` raises.
    """
    from repositories.registry import as_registered, listed

    objects = listed(client)
    known: Mapping[str, Target] = {
        one.name: target_of(client, obj, one) for obj, one in ((obj, as_registered(obj)) for obj in objects)
    }
    for name in names:
        if name not in known:
            raise not_registered(name, objects)
    return [known[name] for name in dict.fromkeys(names)] if names else list(known.values())


def chosen_targets(which: Sequence[str], client: Callable[[], Client]) -> list[Target]:
    """What a list of NAME|URL means, each once, and nothing: all registered. `client` is only made for names.

    Raises what `is_url` and `registered_targets` raise.
    """
    urls = [url_target(one) for one in dict.fromkeys(which) if is_url(one)]
    names = [one for one in which if not is_url(one)]
    return urls if urls and not names else [*registered_targets(client(), names), *urls]


def not_registered(name: str, existing: Sequence[Mapping[str, object]]) -> PreflightFailed:
    """The error where a repository is not there; it names those that are written almost alike."""
    import difflib

    names = [str(field(one, "metadata", "name", default="")) for one in existing]
    near = difflib.get_close_matches(name, names)
    meant = f"did you mean {' or '.join(near)}?\n" if near else ""
    return PreflightFailed(
        f"there is no package repository {name}",
        hint=f"{meant}frit repo list   shows those that are registered",
        details={"registered": names},
    )


def is_url(which: str) -> bool:
    """Whether NAME|URL is a URL: no name of an object has a colon. Raises `WrongUsage` for a path, which is neither."""
    if ":" in which:
        return True
    if "/" in which or which.strip(".") == "":
        from pathlib import Path

        raise WrongUsage(
            f"{which!r} is neither the name of a repository nor a URL",
            hint=f"a folder of this machine has the URL {Path(which).resolve().as_uri()}",
        )
    return False


def url_target(url: str, credentials: Callable[[], Credentials] = nobody) -> Target:
    """A repository that a URL names; it is called by what of the URL may be shown."""
    from repositories.objects import hide_credentials

    return Target(hide_credentials(url), url, credentials)
