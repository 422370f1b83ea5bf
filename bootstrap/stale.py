"""What uninstalled products have left behind: webhooks whose Service is gone, and what they are in the way of.

The check `stale-webhooks`, and a warning before a bootstrap writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from certificates.checks import Check, failed, passed, skipped, warning
from certificates.facts import Facts
from certificates.installation import GROUPS
from certificates.probe import excluded
from kube.client import Client
from kube.discovery import Discovery
from kube.objects import Object, field, ref_of
from kube.webhook_registrations import CONVERSION_NONE, Registration, listed, registrations_of, removals
from kube.webhook_stale import Calls, ask_calls
from repositories.objects import GROUP

NAME = "stale-webhooks"

OURS = (*GROUPS, GROUP)
"""The API groups that frit answers for: a stale webhook in their way is an error, any other is a warning."""

BEHIND = (("", "pods"), ("apps", "replicasets"))
"""What controllers write because of what frit writes."""


def stale_check(
    calls: Calls | None,
    namespace: Object | None = None,
    known: Collection[Registration] = (),
    groups: Sequence[str] = OURS,
) -> Check:
    """Whether every webhook calls a Service that exists.

    `calls` is None where the configurations may not be listed; `namespace` is the one that objects will be created
    in, if it is known; `known` are registrations that another check has reported already; in the way of `groups` a
    stale webhook is an error.
    """
    if calls is None:
        return skipped(NAME, "webhook configurations may not be listed")
    stale = [one for one in calls.stale if one not in known]
    if stale:
        message = "; ".join(told(one, namespace) for one in stale[:3])
        more = f"; and {len(stale) - 3} more" if len(stale) > 3 else ""
        if any(blocks(one, namespace, groups) for one in stale):
            return failed(NAME, message + more, "\n".join(steps(stale)))
        return warning(NAME, message + more, "\n".join(steps(stale)))
    if calls.unread:
        unread = listed([str(one) for one in calls.unread])
        hint = "\n".join(one.command for one in calls.unread[:3])
        return warning(NAME, f"not every webhook could be looked at: not allowed to {unread}", hint)
    other = "other " if any(one in known for one in calls.stale) else ""
    count = len({one.owner for one in calls.registrations if not other or one not in known})
    what = f"{count} {other}configuration{'s' * (count != 1)} of webhooks: each Service that they call exists"
    return passed(NAME, what if count else f"there is no {other}webhook configuration")


def check_of(facts: Facts, groups: Sequence[str] = OURS) -> Check:
    """The check from one look at a cluster, without what `webhook-configurations` says about cert-manager's own."""
    calls, own = facts.calls, facts.installation
    if calls is None:
        return stale_check(None)
    if facts.service is None and own.service[1]:
        calls = Calls(calls.registrations, calls.missing | {own.service}, calls.unread)
    both = (own.mutating, own.validating)
    reported = {ref_of(one) for one in both if one} if all(both) else set()  # else it says which one is missing
    known = [one for one in calls.registrations if one.service == own.service and one.owner in reported]
    space = facts.probe_namespace if isinstance(facts.probe_namespace, dict) else None
    return stale_check(calls, space, known, groups)


def told(stale: Registration, namespace: Object | None = None) -> str:
    """One stale webhook in a sentence: whose it is, what it calls, and what that means."""
    product = f", of {stale.product.name}," if stale.product.name else ""
    if stale.conversion:
        effect = f"{stale.owner.name} cannot be read or written in every version"
    elif stale.policy == "Ignore":
        effect = f"nothing of it is enforced any more on {stale.catch}"
    else:
        where = "" if catches_all(stale, namespace) else " where its selectors match"
        effect = f"it blocks {stale.catch}{where}"
    return f"{stale.title}{product} calls {stale.target}, which does not exist: {effect}"


def blocks(stale: Registration, namespace: Object | None, groups: Sequence[str]) -> bool:
    """Whether a stale webhook surely stops creates or updates of a kind of these API groups."""
    in_the_way = any(stale.catches(group) for group in groups)
    return in_the_way and (stale.conversion or (stale.policy != "Ignore" and catches_all(stale, namespace)))


def catches_all(stale: Registration, namespace: Object | None) -> bool:
    """Whether nothing of a webhook's selectors and conditions leaves objects of a namespace out.

    Source: Kubernetes documentation, "Dynamic Admission Control", matching requests.
    """
    webhook = field(stale.obj, "webhooks", stale.index, default={})
    if webhook.get("matchConditions") or any((webhook.get("objectSelector") or {}).values()):
        return False
    if namespace is None:
        return not any((webhook.get("namespaceSelector") or {}).values())
    return not excluded({"webhooks": [webhook]}, namespace)


def steps(stale: Iterable[Registration]) -> list[str]:
    """The commands that take stale webhooks out, one a line, and what it means for a CRD."""
    lines: list[str] = []
    stale = list(stale)
    for owner, command in removals(stale).items():
        lines.append(command)
        if any(one.conversion for one in stale if one.owner == owner):
            lines.append(f"  beware: {CONVERSION_NONE}")
    return lines


def blocking(
    client: Client, configurations: Sequence[Object], writes: Iterable[Object], discovery: Discovery
) -> list[Registration]:
    """Stale webhooks that will stop what frit is going to write; no request where no webhook is in its way.

    `configurations` are those that do not belong to cert-manager; `writes` the objects of a manifest. Raises
    `ApiError`, but not for a missing permission.
    """
    served = [discovery.find(str(one.get("apiVersion")), str(one.get("kind"))) for one in writes]
    written = {(one.group, one.plural) for one in served if one} | {(group, "*") for group in OURS} | {*BEHIND}
    near = [
        obj
        for obj in configurations
        for one in registrations_of(obj)
        if one.policy != "Ignore" and any(one.catches(group, resource) for group, resource in written)
    ]
    if not near:
        return []
    calls = ask_calls(client, {str(ref_of(one)): one for one in near}.values())
    return [one for one in calls.stale if any(one.catches(*each) for each in written) and one.policy != "Ignore"]
