"""What a pod's status says about why it is not ready. Data in, words out; no requests.

Sources: Kubernetes documentation, "Pod Lifecycle" and "Debug Pods"; the waiting reasons are those of the kubelet
(pkg/kubelet/images/types.go, pkg/kubelet/container/sync_result.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kube.objects import Object, condition, field
from kube.warnings import Warned, plain

IMAGE_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
CONFIG_REASONS = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "PostStartHookError",
        "RunContainerError",
    }
)
# what kubelet, containerd and the registry client put around the cause of a failed pull, each naming the image again
_PULLING = re.compile(
    r'^(?:(?:Back-off pulling image|[Ff]ailed to pull(?: and unpack)? image|failed to resolve reference) "[^"]*": '
    r'|(?:ErrImagePull|failed to do request): |rpc error: code = \w+ desc = |(?:Head|Get) "[^"]*": )+'
)
STARTING_REASONS = frozenset({"", "ContainerCreating", "PodInitializing"})


class Cause(StrEnum):
    """Why something is not ready, as reports and messages name it."""

    UNSCHEDULABLE = "unschedulable"
    IMAGE_NOT_PULLED = "image-not-pulled"
    CRASHING = "crashing"
    CONFIG_ERROR = "config-error"
    POD_REFUSED = "pod-refused"
    NO_PODS = "no-pods"
    NOT_READY = "not-ready"
    PROBE_FAILING = "probe-failing"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Trouble:
    """Why one pod is not ready.

    `message` is one sentence, `short` a few words for a waiting line. `container` is the one it is about, empty
    where it is about the whole pod; `crashed` says that its log tells more, and `previous` that this is the log of
    the instance before the current one.
    """

    cause: Cause
    message: str
    short: str
    container: str = ""
    crashed: bool = False
    previous: bool = False


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is ready, or has completed its work."""
    return condition(pod, "Ready").get("status") == "True" or field(pod, "status", "phase") == "Succeeded"


def is_leftover(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is on its way out or ended long ago (evicted, shut down), so that another one counts."""
    return bool(field(pod, "metadata", "deletionTimestamp")) or field(pod, "status", "phase") in ("Failed", "Succeeded")


def current(pods: Iterable[Object]) -> list[Object]:
    """The pods that count: leftovers only where there is nothing else."""
    everything = list(pods)
    return [one for one in everything if not is_leftover(one)] or everything


def trouble_of(pod: Mapping[str, Any], warnings: Sequence[Warned] = ()) -> Trouble | None:
    """Why a pod is not ready, or None when it is. `warnings` are those about this pod, newest first."""
    if is_ready(pod):
        return None
    if field(pod, "metadata", "deletionTimestamp"):
        return Trouble(Cause.NOT_READY, "the pod is being deleted", "a pod is being deleted")
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        reason = plain(scheduled.get("message") or scheduled.get("reason") or "no node takes it")
        return Trouble(Cause.UNSCHEDULABLE, f"no node takes the pod: {reason}", f"no node takes the pod: {reason}")
    found = [one for status in _statuses(pod) if (one := _container(pod, status, warnings))]
    # what cannot start at all explains the containers that merely wait behind it
    order = [Cause.IMAGE_NOT_PULLED, Cause.CONFIG_ERROR, Cause.CRASHING]
    for cause in order:
        for one in found:
            if one.cause is cause:
                return one
    return _whole_pod(pod, warnings)


def reason_of_pods(pods: Iterable[Object]) -> str:
    """A few words on why pods are not ready, for a waiting line; empty when they are, or when nothing is known."""
    order = list(Cause)
    found = [one for pod in current(pods) if (one := trouble_of(pod))]
    found.sort(key=lambda one: order.index(one.cause))
    return found[0].short if found else ""


def _statuses(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in ("initContainerStatuses", "containerStatuses"):
        for one in field(pod, "status", key, default=[]):
            if isinstance(one, Mapping):
                yield one


def _container(pod: Mapping[str, Any], status: Mapping[str, Any], warnings: Sequence[Warned]) -> Trouble | None:
    name = str(status.get("name", ""))
    reason = str(field(status, "state", "waiting", "reason", default=""))
    words = str(field(status, "state", "waiting", "message", default=""))
    said = plain(words)
    if reason in IMAGE_REASONS:
        image = str(status.get("image") or _image(pod, name))
        if "Back-off" in words and ": " not in words:  # older kubelets keep the cause in the event only
            words = next((one.message for one in warnings if one.reason == "Failed" and image in one.message), words)
        said = plain(_PULLING.sub("", words))
        return Trouble(
            Cause.IMAGE_NOT_PULLED,
            f"image {image} cannot be pulled: {reason}" + (f": {said}" if said else ""),
            f"image {image} cannot be pulled: {reason}",
            name,
        )
    if reason in CONFIG_REASONS:
        text = f"container {name} cannot be started: {said or reason}"
        return Trouble(Cause.CONFIG_ERROR, text, text, name)
    return _crash(status, name, waiting=reason)


def _crash(status: Mapping[str, Any], name: str, *, waiting: str) -> Trouble | None:
    if status.get("ready") is True:
        return None
    now = field(status, "state", "terminated", default={})
    before = field(status, "lastState", "terminated", default={})
    ended = now or before
    if not ended and waiting != "CrashLoopBackOff":
        return None
    if now and now.get("exitCode") == 0:  # an init container that has done its work
        return None
    restarts = int(status.get("restartCount") or 0)
    times = restarts + 1 if now else max(restarts, 1)
    words = str(ended.get("reason") or "")
    code = f"exit code {ended['exitCode']}" if "exitCode" in ended else ""
    how = ", ".join(one for one in (code, words if words not in ("Error", "Completed") else "") if one)
    text = f"container {name} crashed{f' {times} times' if times > 1 else ''}" + (f": {how}" if how else "")
    if ended.get("exitCode") == 0:
        text = f"container {name} keeps ending by itself with exit code 0"
    last_words = plain(ended.get("message") or "")
    return Trouble(
        Cause.CRASHING, text + (f": {last_words}" if last_words else ""), text, name, crashed=True, previous=not now
    )


def _image(pod: Mapping[str, Any], container: str) -> str:
    for key in ("initContainers", "containers"):
        for one in field(pod, "spec", key, default=[]):
            if one.get("name") == container:
                return str(one.get("image", ""))
    return ""


def _whole_pod(pod: Mapping[str, Any], warnings: Sequence[Warned]) -> Trouble:
    by_reason: dict[str, Warned] = {}
    for one in warnings:
        by_reason.setdefault(one.reason, one)
    started = [one for one in _statuses(pod) if field(one, "state", "running") is not None]
    if (failed := by_reason.get("FailedMount") or by_reason.get("FailedAttachVolume")) and not started:
        return Trouble(Cause.CONFIG_ERROR, failed.message, "a volume cannot be mounted")
    if (sandbox := by_reason.get("FailedCreatePodSandBox")) and not started:
        return Trouble(Cause.NOT_READY, sandbox.message, "the pod's sandbox cannot be created")
    if unhealthy := by_reason.get("Unhealthy"):
        return Trouble(Cause.PROBE_FAILING, unhealthy.message, unhealthy.message, _unready_name(started))
    said = field(pod, "status", "message") or field(pod, "status", "reason")
    if said:
        text = f"the pod is {field(pod, 'status', 'phase', default='not ready')}: {plain(said)}"
        return Trouble(Cause.NOT_READY, text, text)
    waiting = next((one for one in _statuses(pod) if field(one, "state", "waiting") is not None), None)
    if waiting is not None or not started:
        name = str((waiting or {}).get("name", ""))
        reason = str(field(waiting, "state", "waiting", "reason", default=""))
        what = f"container {name}" if name else "the pod"
        text = f"{what} is starting" if reason in STARTING_REASONS else f"{what} is waiting: {plain(reason)}"
        return Trouble(Cause.NOT_READY, text, text, name)
    unready = plain(condition(pod, "Ready").get("message") or "the pod runs and is not ready")
    name = _unready_name(started)
    return Trouble(Cause.NOT_READY, unready, f"container {name} runs and is not ready" if name else unready, name)


def _unready_name(started: Sequence[Mapping[str, Any]]) -> str:
    return next((str(one.get("name", "")) for one in started if not one.get("ready")), "")
