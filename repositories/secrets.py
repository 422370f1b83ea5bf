"""The Secret that holds a repository's credentials: its name, whose it is, and how it changes together with the object.

A repository and its Secret are two objects, and nothing writes both at once. There are two names for the Secret of a
repository, `frit-repository-1-NAME` and `frit-repository-2-NAME`. Values that change while URL and kind of
authentication stay are written in place, in one write. Anything else goes to the name that is not in use; then one
write switches the object, URL and references together; then the old Secret goes. So no moment shows old credentials to
a new URL or new ones to the old URL, and whatever is interrupted leaves one that works, and at most a Secret that
nobody refers to, which the next write of this repository clears away.

A Secret of frit carries a label and the repository's name in an annotation. Without both it is somebody else's: it may
be referred to, and is never changed or deleted. The repository owns its Secret, so deleting the repository with any
client takes the Secret along (Kubernetes documentation, "Garbage Collection": a cluster-scoped owner may own
namespaced objects).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as declared
from typing import Any, Final

from base.errors import PreflightFailed, RepositoryUnusable, ServerRefused
from kube.access import Permission, not_known
from kube.apply import Applier
from kube.client import Client
from kube.discovery import CORE_V1
from kube.failures import ApiError, Kind
from kube.objects import Object, Ref, field
from repositories.credentials import KEYS, NAMESPACE, Credentials, Place, places, stored
from repositories.objects import API_VERSION, GROUP, REPOSITORIES
from repositories.writing import Written, delete, ensure_namespace, write

SECRETS: Final = CORE_V1["Secret"]
READ: Final = Permission("get", "", SECRETS.plural, NAMESPACE)

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
OF: Final = f"{GROUP}/repository"
"""Annotation: the repository that a Secret of frit belongs to."""

_LONGEST = 253


@dataclass(frozen=True)
class Kept:
    """One Secret of frit, read: its name, its entries as text, its uid, and that of the repository that owns it."""

    name: str
    entries: Mapping[str, str] = declared(repr=False)
    uid: str
    owner: str = ""


def names_for(repository: str) -> tuple[str, str]:
    """The two names that the Secret of a repository can have."""
    made = [f"frit-repository-{n}-{repository}" for n in (1, 2)]
    if len(made[0]) > _LONGEST:
        digest = hashlib.sha256(repository.encode()).hexdigest()[:16]
        made = [f"{one[:200]}-{digest}" for one in made]
    return made[0], made[1]


def ref_for(name: str) -> Ref:
    """The identity of a Secret in the namespace of the repositories' Secrets."""
    return Ref("v1", "Secret", NAMESPACE, name)


def get(client: Client, name: str) -> Object | None:
    """A Secret as it is, None where it does not exist.

    Raises `CannotTell` where the account may not read it, and `ApiError`.
    """
    try:
        found: Object = client.get(SECRETS.path(NAMESPACE, name), doing=f"read {ref_for(name)}")
    except ApiError as error:
        if error.failure.kind is Kind.NOT_FOUND:
            return None
        if error.failure.kind is Kind.FORBIDDEN:
            raise not_known(f"could not read the credentials in {ref_for(name)}", READ) from None
        raise
    return found


def entries(secret: Mapping[str, Any]) -> dict[str, str]:
    """The entries of a Secret as text; those that are no text are left out."""
    found = {}
    for key, value in (field(secret, "data", default={})).items():
        try:
            found[str(key)] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, TypeError):
            continue
    return found


def read_entries(client: Client, name: str) -> dict[str, str] | None:
    """The entries of a Secret, None where it does not exist. Raises what `get` raises."""
    secret = get(client, name)
    return None if secret is None else entries(secret)


def credentials_of(client: Client, obj: Mapping[str, Any]) -> Credentials:
    """The credentials that a PackageRepository refers to; a request a Secret, none where it refers to none.

    Raises `CannotTell` where a Secret may not be read, `MissingCredentials`, and `ApiError`.
    """
    return stored(obj, lambda name: read_entries(client, name))


def is_ours(secret: Mapping[str, Any], repository: str) -> bool:
    """Whether frit made this Secret for this repository."""
    labelled = field(secret, "metadata", "labels", MANAGED_BY) == "frit"
    return bool(labelled and field(secret, "metadata", "annotations", OF) == repository)


def kept_for(client: Client, repository: str) -> dict[str, Kept]:
    """The Secrets that frit has made for a repository, by name: usually one. Two requests.

    Raises `PreflightFailed` where another's Secret has such a name, `CannotTell`, and `ApiError`.
    """
    found = {}
    for name in names_for(repository):
        secret = get(client, name)
        if secret is not None:
            _refuse_another(secret, repository)
            uid, owner = field(secret, "metadata", "uid"), field(secret, "metadata", "ownerReferences", 0, "uid")
            found[name] = Kept(name, entries(secret), str(uid or ""), str(owner or ""))
    return found


def in_use(obj: Mapping[str, Any] | None, repository: str) -> str:
    """Which of its own Secrets a repository refers to; empty for none."""
    named = {one.secret for one in places(obj or {})}
    return next((name for name in names_for(repository) if name in named), "")


def save(
    applier: Applier, repository: str, name: str, values: Mapping[str, str], owner: str, known: Mapping[str, str]
) -> Written:
    """Create or change a Secret so that it holds exactly `values`; `owner` is the repository's uid, or empty.

    Creates the namespace where it is missing. Raises `PreflightFailed` where the Secret is somebody else's,
    `ServerRefused` where it is there and holds neither these values nor those that are `known`, and what `write`
    raises.
    """
    if not applier.dry_run:
        ensure_namespace(applier, NAMESPACE)

    def edit(before: Object | None) -> Object:
        if before is None:
            before = {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "type": "Opaque"}
        else:
            _refuse_another(before, repository)
            if entries(before) not in (values, known):
                raise ServerRefused(
                    f"could not keep credentials in {ref_for(name)}: somebody else has changed it at the same moment",
                    hint=f"frit repo show {repository}   shows what is there now; run this again if it is still wanted",
                )
        metadata = before["metadata"]
        metadata.update({"name": name, "namespace": NAMESPACE})
        metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED_BY: "frit"}
        metadata["annotations"] = {**(metadata.get("annotations") or {}), OF: repository}
        # exactly this one: an owner of before that is gone would take the Secret with it
        if owners := _owners(repository, owner):
            metadata["ownerReferences"] = owners
        else:
            metadata.pop("ownerReferences", None)
        before["data"] = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        return before

    return write(applier, SECRETS, ref_for(name), edit)


def discard(applier: Applier, kept: Kept) -> bool:
    """Delete a Secret of frit; False where it was gone already. Raises what `delete` raises."""
    return delete(applier, SECRETS, ref_for(kept.name), kept.uid)


def _owners(repository: str, uid: str) -> list[Object]:
    if not uid:
        return []
    return [{"apiVersion": API_VERSION, "kind": REPOSITORIES.kind, "name": repository, "uid": uid}]


def _refuse_another(secret: Mapping[str, Any], repository: str) -> None:
    if not is_ours(secret, repository):
        name = str(field(secret, "metadata", "name", default=""))
        raise PreflightFailed(
            f"could not keep credentials in {ref_for(name)}: it exists already, and frit did not make it for"
            f" {repository}",
            hint=f"refer to it as it is: --credentials-secret {name}\nor, if nobody needs it: "
            f"kubectl delete secret {name} -n {NAMESPACE}",
        )


def check_existing(client: Client, name: str) -> list[Place]:
    """The places that somebody's own Secret offers: `username` and `password`, or `token`; `tls.crt` and `tls.key`;
    `ca.crt`.

    Raises `RepositoryUnusable` where it does not exist or holds none or half of them, `CannotTell`, and `ApiError`.
    """
    found = read_entries(client, name)
    if found is None:
        raise RepositoryUnusable(
            f"could not use the credentials in {ref_for(name)}: it does not exist",
            hint=f"kubectl get secrets -n {NAMESPACE}   lists those that repositories can refer to",
        )
    groups = (("token",), ("username", "password"), ("client_certificate", "client_key"), ("ca_bundle",))
    offered: list[Place] = []
    for group in groups:
        there = [what for what in group if KEYS[what] in found]
        if len(there) == len(group):
            offered += [Place(what, name, KEYS[what]) for what in group]
        elif there:
            missing = next(KEYS[what] for what in group if what not in there)
            raise RepositoryUnusable(
                f"could not use the credentials in {ref_for(name)}: it has {KEYS[there[0]]} and no {missing}"
            )
    whats = {one.what for one in offered}
    if {"token", "password"} <= whats:
        raise RepositoryUnusable(
            f"could not use the credentials in {ref_for(name)}: it holds both a password and a token"
        )
    if not offered:
        raise RepositoryUnusable(
            f"could not use the credentials in {ref_for(name)}: it has none of the keys username and password, token, "
            "tls.crt and tls.key, ca.crt"
        )
    return offered
