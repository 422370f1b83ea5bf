"""Why the workloads of a namespace are not ready, in Kubernetes' own words, with the next command to type.

Three lists (deployments, pods, warnings), and the log of each container that crashed. It explains a failure, so it
never is one: what may not be read becomes a note.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from base.errors import Cancelled, FritError
from base.parallel import Background
from kube.access import Permission
from kube.client import Client
from kube.discovery import CORE_V1, DEPLOYMENTS, Resource
from kube.objects import Object, condition, field
from kube.pods import Cause, Trouble, current, reason_of_pods, trouble_of
from kube.warnings import Warned, about, list_warnings, plain

__all__ = ["Cause", "Finding", "as_data", "as_lines", "diagnose", "findings_of", "reason_of_deployment"]

T = TypeVar("T")

MOST_EVENTS = 5
_NAMES = re.compile(r'"[^"]*"')
_OF_PULLING = ("Failed: Failed to pull image ", "Failed: Error: ", "BackOff: Back-off pulling image ")
COMBINED = "(combined from similar events): "
LOG_LINES = 20
LOG_CHARACTERS = 2000


@dataclass(frozen=True)
class Finding:
    """One reason why something is not ready.

    `object` and `owner` name the object and the Deployment that it belongs to, as people write them (`owner` is
    empty where there is none). `message` is one or two sentences, `command` the next thing to type, `log` the last
    lines of a container that crashed, `events` the last warnings, newest first, and `notes` what could not be read.
    """

    object: str
    cause: Cause
    message: str
    command: str
    log: str = ""
    events: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    owner: str = ""


@dataclass(frozen=True)
class _Found:
    """A finding whose log is still to be read, if its container crashed."""

    finding: Finding
    pod: str = ""
    trouble: Trouble | None = None


def as_data(finding: Finding) -> dict[str, Any]:
    """A finding as JSON data, for reports."""
    return {
        "object": finding.object,
        "owner": finding.owner,
        "cause": str(finding.cause),
        "message": finding.message,
        "command": finding.command,
        "log": finding.log.splitlines(),
        "events": list(finding.events),
        "notes": list(finding.notes),
    }


def as_lines(finding: Finding) -> list[str]:
    """A finding for people: the reason first, then evidence that adds to it, then the next command."""
    lines = [f"{finding.object}: {finding.message}"]
    lines += [f"  event: {one}" for one in finding.events if not _repeats(one, finding)]
    lines += [f"  log: {one}" for one in finding.log.splitlines()]
    lines += [f"  note: {one}" for one in finding.notes]
    return [*lines, f"  next: {finding.command}"]


def _repeats(event: str, finding: Finding) -> bool:
    """Whether an event only says what the message says already (without its reason and count)."""
    if finding.cause is Cause.IMAGE_NOT_PULLED and event.startswith(_OF_PULLING):
        return True
    said = event.partition(": ")[2].removeprefix("Error: ").removeprefix("Error creating: ")
    return _NAMES.sub("", said.partition(" (")[0]) in _NAMES.sub("", finding.message)


def diagnose(
    client: Client, namespace: str, *, selector: str = "", deployments: Sequence[str] | None = None
) -> list[Finding]:
    """What is wrong with the workloads of a namespace: a finding for each pod and Deployment that is not ready.

    `selector` (labels) or `deployments` (names) narrow it down. Raises only `Cancelled`: a permission that is
    missing or a request that fails becomes a note or, for the pods themselves, the finding `unknown`.
    """

    def listed(resource: Resource) -> list[Object]:
        query = {"labelSelector": selector} if selector else {}
        doing = f"list {resource.plural} in namespace {namespace}"
        answer = client.get(resource.path(namespace), doing=doing, query=query)
        return list(answer.get("items") or [])

    reading_owners = Background(lambda: _or_note(lambda: listed(DEPLOYMENTS)), "diagnosis-deployments")
    reading_warnings = Background(lambda: _or_note(lambda: list_warnings(client, namespace)), "diagnosis-events")
    pods, unknown = _or_note(lambda: listed(CORE_V1["Pod"]))
    owners, no_owners = reading_owners.result()
    warnings, no_warnings = reading_warnings.result()
    if unknown:
        command = Permission("list", "", "pods", namespace).command
        return [Finding(f"Namespace {namespace}", Cause.UNKNOWN, unknown, command)]
    found = _judged(namespace, pods, None if no_owners else owners, warnings, deployments)
    notes = tuple(one for one in (no_owners, no_warnings) if one)
    return [_with_log(client, namespace, one, notes) for one in found]


def _or_note(call: Callable[[], list[T]]) -> tuple[list[T], str]:
    """The list that a call gives, or an empty one and why it could not be had."""
    try:
        return call(), ""
    except Cancelled:
        raise
    except FritError as error:
        return [], error.message


def findings_of(
    namespace: str,
    pods: Iterable[Object],
    deployments: Iterable[Object] | None,
    warnings: Sequence[Warned],
    names: Sequence[str] | None = None,
) -> list[Finding]:
    """The findings that lists alone tell, without logs. `deployments` is None where they could not be read."""
    return [one.finding for one in _judged(namespace, pods, deployments, warnings, names)]


def _judged(
    namespace: str,
    pods: Iterable[Object],
    deployments: Iterable[Object] | None,
    warnings: Sequence[Warned],
    names: Sequence[str] | None,
) -> list[_Found]:
    by_owner: dict[str, list[Object]] = {}
    for pod in pods:
        by_owner.setdefault(deployment_of(pod), []).append(pod)
    known = {str(field(one, "metadata", "name", default="")): one for one in deployments or []}
    wanted = list(dict.fromkeys([*known, *by_owner])) if names is None else list(names)
    found: list[_Found] = []
    for name in wanted:
        mine = by_owner.get(name, [])
        if name:
            found += _without_pods(namespace, name, known.get(name), deployments is not None, mine, warnings)
        found += _of_pods(namespace, name, mine, warnings)
    return found


def reason_of_deployment(name: str, pods: Iterable[Object]) -> str:
    """A few words on why the pods of a Deployment are not ready; `pods` may be all those of its namespace."""
    return reason_of_pods(one for one in pods if deployment_of(one) == name)


def deployment_of(pod: Object) -> str:
    """The name of the Deployment that a pod belongs to, or an empty text.

    A ReplicaSet of a Deployment is named after it, with the hash that its pods carry as a label (pod-template-hash).
    """
    digest = field(pod, "metadata", "labels", "pod-template-hash", default="")
    for owner in field(pod, "metadata", "ownerReferences", default=[]):
        if owner.get("kind") == "ReplicaSet" and digest and str(owner.get("name", "")).endswith(f"-{digest}"):
            return str(owner["name"]).removesuffix(f"-{digest}")
    return ""


def _without_pods(
    namespace: str, name: str, deployment: Object | None, readable: bool, pods: list[Object], warnings: Sequence[Warned]
) -> list[_Found]:
    """What keeps a Deployment from having the pods that it wants; nothing where it has them."""
    title = f"Deployment {namespace}/{name}"
    describe = f"kubectl -n {namespace} describe deployment {name}"
    if deployment is None and readable:
        return [_Found(Finding(title, Cause.NO_PODS, "it does not exist", f"kubectl -n {namespace} get deployments"))]
    wants = field(deployment, "spec", "replicas", default=1)
    if deployment is not None and wants == 0:
        command = f"kubectl -n {namespace} scale deployment {name} --replicas=1"
        return [_Found(Finding(title, Cause.NO_PODS, "it is scaled to 0", command, owner=title))]
    failure = condition(deployment or {}, "ReplicaFailure")
    refusals = [
        one
        for one in warnings
        if one.reason == "FailedCreate" and one.kind == "ReplicaSet" and one.name.rpartition("-")[0] == name
    ]
    refused = failure.get("status") == "True" or (not pods and bool(refusals))
    if refused:
        said = plain(failure.get("message") or (refusals[0].message if refusals else failure.get("reason", "")))
        command = _refusal_command(namespace, said, describe)
        # each refusal names another pod that was not made; apart from that they are one event
        different = {_NAMES.sub("", one.message.removeprefix(COMBINED)): one for one in reversed(refusals)}
        events = tuple(str(one) for one in list(reversed(different.values()))[:MOST_EVENTS])
        text = f"its pods are refused: {said}"
        return [_Found(Finding(title, Cause.POD_REFUSED, text, command, events=events, owner=title))]
    if pods:
        return []
    message = f"it wants {wants} pod{'s' if wants != 1 else ''} and has none yet"
    return [_Found(Finding(title, Cause.NO_PODS, message, describe, owner=title))]


def _refusal_command(namespace: str, said: str, otherwise: str) -> str:
    if "exceeded quota" in said or "failed quota" in said:
        return f"kubectl -n {namespace} describe resourcequota"
    if "PodSecurity" in said:
        return f"kubectl get namespace {namespace} --show-labels"
    return otherwise


def _of_pods(namespace: str, deployment: str, pods: list[Object], warnings: Sequence[Warned]) -> list[_Found]:
    """A finding for each different trouble of a Deployment's pods, or of pods that belong to none."""
    owner = f"Deployment {namespace}/{deployment}" if deployment else ""
    found: dict[tuple[str, Cause], _Found] = {}
    more: dict[tuple[str, Cause], int] = {}
    for pod in current(pods) if deployment else pods:
        name = str(field(pod, "metadata", "name", default=""))
        mine = about(warnings, "Pod", name)
        trouble = trouble_of(pod, mine)
        if trouble is None:
            continue
        key = (deployment or name, trouble.cause)
        if key in found:
            more[key] = more.get(key, 0) + 1
            continue
        events = tuple(str(one) for one in mine[:MOST_EVENTS])
        command = _pod_command(namespace, name, trouble)
        finding = Finding(
            f"Pod {namespace}/{name}", trouble.cause, trouble.message, command, events=events, owner=owner
        )
        found[key] = _Found(finding, name, trouble)
    for key, count in more.items():
        one = found[key]
        text = f"{one.finding.message} (and {count} more pod{'s' if count > 1 else ''} like it)"
        found[key] = replace(one, finding=replace(one.finding, message=text))
    return list(found.values())


def _pod_command(namespace: str, name: str, trouble: Trouble) -> str:
    if trouble.cause in (Cause.CRASHING, Cause.PROBE_FAILING) and trouble.container:
        previous = " --previous" if trouble.previous else ""
        return f"kubectl -n {namespace} logs {name} -c {trouble.container}{previous}"
    return f"kubectl -n {namespace} describe pod {name}"


def _with_log(client: Client, namespace: str, found: _Found, notes: tuple[str, ...]) -> Finding:
    """Add the last lines of a container that crashed, or a note on why they cannot be read."""
    finding, trouble = replace(found.finding, notes=notes), found.trouble
    if trouble is None or not trouble.crashed:
        return finding
    query = {"container": trouble.container, "tailLines": str(LOG_LINES), "limitBytes": "65536"}
    if trouble.previous:
        query["previous"] = "true"
    try:
        answer = client.request(
            "GET",
            CORE_V1["Pod"].path(namespace, found.pod) + "/log",
            doing=f"read the log of {finding.object}",
            query=query,
            accept="*/*",
        )
    except Cancelled:
        raise
    except FritError as error:
        return replace(finding, notes=(*notes, error.message))
    return replace(finding, log=last_lines(answer.body))


def last_lines(log: bytes) -> str:
    """The end of a log as printable text: at most 20 lines and 2000 characters, whole lines where that fits."""
    lines = [plain(one, len(one)) for one in log.decode("utf-8", "replace").splitlines() if one.strip()]
    kept: list[str] = []
    left = LOG_CHARACTERS
    for one in reversed(lines[-LOG_LINES:]):
        if len(one) + 1 > left:
            if not kept:
                kept.append(one[-left:])
            break
        kept.append(one)
        left -= len(one) + 1
    return "\n".join(reversed(kept))
