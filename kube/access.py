"""What the caller may do, asked before the first write.

Source: Kubernetes Authorization, "Checking API access" (SelfSubjectAccessReview).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from base.errors import CannotTell
from base.parallel import each
from kube.client import Client
from kube.discovery import ACCESS_REVIEWS


@dataclass(frozen=True, order=True)
class Permission:
    """One verb on one resource; `namespace` empty means cluster-wide, `subresource` may be empty."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        """As `kubectl auth can-i` writes it."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {resource}{'/' + self.subresource if self.subresource else ''}{where}"

    @property
    def command(self) -> str:
        """The kubectl command that asks the same question."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        tail = f" --subresource={self.subresource}" if self.subresource else ""
        return f"kubectl auth can-i {self.verb} {resource}{tail}" + (f" -n {self.namespace}" if self.namespace else "")


def not_known(what: str, permission: Permission) -> CannotTell:
    """The error where something could not be done for want of a permission; `what` begins with `could not`."""
    return CannotTell(
        f"{what}: this account may not {permission}",
        hint=f"{permission.command}   asks the server; an administrator can grant it",
    )


EVERYTHING = Permission("*", "*", "*")


def allowed(client: Client, permission: Permission) -> bool:
    """Whether the caller holds a permission. Raises `ApiError` when the server does not say."""
    attributes = {
        "verb": permission.verb,
        "group": permission.group,
        "resource": permission.resource,
        "namespace": permission.namespace,
        "subresource": permission.subresource,
    }
    answer = client.request(
        "POST",
        ACCESS_REVIEWS.path(),
        doing=f"ask whether this account may {permission}",
        read=True,
        body={
            "apiVersion": ACCESS_REVIEWS.api_version,
            "kind": ACCESS_REVIEWS.kind,
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        },
    )
    return bool((answer.json().get("status") or {}).get("allowed"))


def is_administrator(client: Client) -> bool:
    """Whether the caller holds every verb on everything, which saves asking about each permission."""
    return allowed(client, EVERYTHING)


def missing(client: Client, wanted: Iterable[Permission]) -> list[Permission]:
    """The permissions that the caller lacks, sorted; one question each."""
    asked = sorted(set(wanted))
    answers = each(lambda one: allowed(client, one), asked, workers=8)
    return [one for one, yes in zip(asked, answers, strict=True) if not yes]
