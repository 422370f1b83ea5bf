"""Webhooks as the API server knows them: where each is registered, what it calls, and how to take it out.

Source: Kubernetes API reference, ValidatingWebhookConfiguration v1, MutatingWebhookConfiguration v1 and
CustomResourceDefinition v1 (conversion), and "Dynamic Admission Control" for their defaults.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kube.objects import Object, Ref, field, ref_of
from kube.webhook_products import Product, product_of
from kube.x509 import decoded

CONVERSION = -1
"""The `index` of a conversion webhook: a CRD has one, in no list."""

NAME_LIMIT = 3
"""Names that a sentence lists before it says how many more there are."""


@dataclass(frozen=True)
class Registration:
    """One webhook in a configuration (`index` in its list, of `count`), or the conversion webhook of a CRD.

    `service` is namespace and name, empty texts where a `url` is called instead; `bundle` the decoded caBundle;
    `policy` Fail or Ignore; `timeout` in seconds; `obj` the configuration or CRD as it was read.
    """

    owner: Ref
    obj: Object
    name: str
    index: int
    count: int
    service: tuple[str, str]
    port: int
    path: str
    url: str
    policy: str
    timeout: int
    bundle: bytes
    rules: tuple[Mapping[str, Any], ...]
    product: Product

    @property
    def conversion(self) -> bool:
        """Whether it converts objects between versions instead of admitting them."""
        return self.index == CONVERSION

    @property
    def title(self) -> str:
        """For people: `webhook a.b.c of ValidatingWebhookConfiguration x`, or `the conversion webhook of ...`."""
        return f"the conversion webhook of {self.owner}" if self.conversion else f"webhook {self.name} of {self.owner}"

    @property
    def target(self) -> str:
        """What it calls: `Service cert-manager/cert-manager-webhook`, or a URL."""
        return f"Service {'/'.join(self.service)}" if self.service[1] else self.url

    @property
    def host(self) -> str:
        """The name that the served certificate must be valid for, where a Service is called.

        Source: apiserver, pkg/util/webhook/client.go: NAME.NAMESPACE.svc.
        """
        namespace, name = self.service
        return f"{name}.{namespace}.svc"

    def catches(self, group: str, resource: str = "*") -> bool:
        """Whether its rules cover creates or updates of a group's resource (`*`: of any of the group's resources).

        A conversion webhook is in the way of every request for its kind.
        """
        if self.conversion:
            crd_group, plural = field(self.obj, "spec", "group"), field(self.obj, "spec", "names", "plural")
            return bool(crd_group == group and resource in ("*", plural))
        return any(_covers(rule, group, resource) for rule in self.rules)

    @property
    def catch(self) -> str:
        """What it is in the way of, in a few words: `every request`, `pods and deployments.apps`."""
        if self.conversion:
            return f"{self.owner.name} in any version but the stored one"
        names: dict[str, None] = {}
        for rule in self.rules:
            groups, resources = rule.get("apiGroups") or [], rule.get("resources") or []
            every = any(one in ("*", "*/*") for one in resources)
            if "*" in groups and every:
                return "every kind"
            for group in groups:
                for resource in ["*"] if every else resources:
                    names[f"everything of {group or 'the core group'}" if every else _joined(resource, group)] = None
        return listed(list(names)) or "nothing"


def _covers(rule: Mapping[str, Any], group: str, resource: str) -> bool:
    groups, operations = rule.get("apiGroups") or [], rule.get("operations") or []
    if not ("*" in groups or group in groups):
        return False
    if not any(one in ("*", "CREATE", "UPDATE") for one in operations):
        return False
    resources = [str(one) for one in rule.get("resources") or []]
    if resource == "*":
        return any(not one.partition("/")[2] or one == "*/*" for one in resources)
    return any(one in ("*", "*/*", resource) for one in resources)


def _joined(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group and group != "*" else resource


def listed(names: Sequence[str], limit: int = NAME_LIMIT) -> str:
    """Names for people: `a, b and c`, `a, b, c and 4 more`."""
    shown = list(names[:limit])
    if len(names) > limit:
        return f"{', '.join(shown)} and {len(names) - limit} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def registrations_of(obj: Object) -> list[Registration]:
    """The webhooks that a webhook configuration or a CustomResourceDefinition registers, in its order."""
    owner = ref_of(obj)
    if owner.kind == "CustomResourceDefinition":
        conversion = field(obj, "spec", "conversion", default={})
        client = field(conversion, "webhook", "clientConfig", default={})
        if field(conversion, "strategy") != "Webhook":
            return []
        return [_registration(obj, {"clientConfig": client, "timeoutSeconds": 30}, CONVERSION, 1)]
    webhooks = [one for one in field(obj, "webhooks", default=[]) if isinstance(one, Mapping)]
    return [_registration(obj, one, number, len(webhooks)) for number, one in enumerate(webhooks)]


def _registration(obj: Object, webhook: Mapping[str, Any], index: int, count: int) -> Registration:
    client = field(webhook, "clientConfig", default={})
    service = field(client, "service", default={})
    name = str(webhook.get("name", ""))
    service_name = str(service.get("name") or "")
    return Registration(
        owner=ref_of(obj),
        obj=obj,
        name=name,
        index=index,
        count=count,
        service=(str(service.get("namespace") or ""), service_name),
        port=int(service.get("port") or 443),
        path=str(service.get("path") or "/"),
        url=str(client.get("url") or ""),
        policy=str(webhook.get("failurePolicy") or "Fail"),
        timeout=int(webhook.get("timeoutSeconds") or 10),
        bundle=decoded(client.get("caBundle")),
        rules=tuple(webhook.get("rules") or ()),
        product=product_of(obj, name, service_name),
    )


def removals(stale: Iterable[Registration]) -> dict[Ref, str]:
    """The exact commands that take webhooks out: one for each configuration or CRD, by its identity.

    A configuration goes as a whole where all of its webhooks are named. Else a JSON patch takes out single ones, the
    last first, and checks each name before, so that it does nothing where the list has changed. A CRD is set back to
    conversion strategy None.
    """
    by_owner: dict[Ref, list[Registration]] = {}
    for one in stale:
        by_owner.setdefault(one.owner, []).append(one)
    return {owner: _removal(owner, several) for owner, several in by_owner.items()}


def _removal(owner: Ref, several: Sequence[Registration]) -> str:
    if several[0].conversion:
        patch: Any = {"spec": {"conversion": {"strategy": "None", "webhook": None}}}
        return f"kubectl patch crd {owner.name} --type=merge -p '{_compact(patch)}'"
    kind = owner.kind.lower()
    if len(several) == several[0].count:
        return f"kubectl delete {kind} {owner.name}"
    patch = []
    for one in sorted(several, key=lambda one: -one.index):
        patch.append({"op": "test", "path": f"/webhooks/{one.index}/name", "value": one.name})
        patch.append({"op": "remove", "path": f"/webhooks/{one.index}"})
    return f"kubectl patch {kind} {owner.name} --type=json -p '{_compact(patch)}'"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


CONVERSION_NONE = (
    "it makes the server only rewrite apiVersion: fields that differ between the versions of a stored object are lost "
    "at its next write"
)
"""What it means to set the conversion strategy to None. Source: Kubernetes documentation, "Versions in CRDs"."""
