"""Whether an object is ready, in progress or beyond hope: the rules of kstatus, with its holes closed.

Source: kubernetes-sigs/cli-utils, pkg/kstatus. Closed here: kinds for which an expected condition is known are not
ready without it; a Job is ready when it completed, not when it started; an observedGeneration that is not a number
is ignored instead of waited for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kube.objects import condition, field


class Readiness(StrEnum):
    """The verdict on one object."""

    READY = "ready"
    IN_PROGRESS = "in progress"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """Readiness and, unless ready, the reason in a few words."""

    readiness: Readiness
    reason: str = ""

    @property
    def ready(self) -> bool:
        """Whether nothing is left to wait for."""
        return self.readiness is Readiness.READY


READY = Verdict(Readiness.READY)


def waiting(reason: str) -> Verdict:
    """Not there yet, for this reason."""
    return Verdict(Readiness.IN_PROGRESS, reason)


def failed(reason: str) -> Verdict:
    """Waiting is useless, for this reason."""
    return Verdict(Readiness.FAILED, reason)


EXPECTED_CONDITION = {
    ("packages.glasskube.dev", "Package"): "Ready",
    ("packages.glasskube.dev", "ClusterPackage"): "Ready",
    ("cert-manager.io", "Certificate"): "Ready",
    ("cert-manager.io", "CertificateRequest"): "Ready",
    ("cert-manager.io", "Issuer"): "Ready",
    ("cert-manager.io", "ClusterIssuer"): "Ready",
    ("apiregistration.k8s.io", "APIService"): "Available",
}
"""Kinds whose controller always sets a condition: without it they are not ready."""


def readiness_of(obj: Mapping[str, Any]) -> Verdict:
    """Judge one object as the server returned it."""
    if field(obj, "metadata", "deletionTimestamp"):
        return waiting("it is being deleted")
    observed = field(obj, "status", "observedGeneration")
    generation = field(obj, "metadata", "generation")
    if isinstance(observed, int) and observed != generation:
        return waiting("its controller has not seen the last change")
    if condition(obj, "Stalled").get("status") == "True":
        return failed(str(condition(obj, "Stalled").get("message") or "stalled"))
    if condition(obj, "Reconciling").get("status") == "True":
        return waiting(str(condition(obj, "Reconciling").get("message") or "reconciling"))
    group, _, _ = str(obj.get("apiVersion", "")).rpartition("/")
    rule = _RULES.get((group, str(obj.get("kind", ""))))
    return rule(obj) if rule else _by_condition(obj, group)


def _by_condition(obj: Mapping[str, Any], group: str) -> Verdict:
    expected = EXPECTED_CONDITION.get((group, str(obj.get("kind", ""))))
    found = condition(obj, expected or "Ready")
    if not found:
        return waiting(f"it has no condition {expected} yet") if expected else READY
    if found.get("status") == "True":
        return READY
    return waiting(str(found.get("message") or found.get("reason") or "not ready"))


def _deployment(obj: Mapping[str, Any]) -> Verdict:
    if not isinstance(field(obj, "status", "observedGeneration"), int):
        return waiting("its controller has not seen it yet")
    progressing = condition(obj, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return failed(str(progressing.get("message") or "its progress deadline is exceeded"))
    wanted = field(obj, "spec", "replicas", default=1)
    status = field(obj, "status", default={})
    have = {
        name: status.get(name) or 0 for name in ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")
    }
    if have["updatedReplicas"] < wanted:
        return waiting(f"{have['updatedReplicas']} of {wanted} replicas updated")
    if have["replicas"] > have["updatedReplicas"]:
        return waiting(f"{have['replicas'] - have['updatedReplicas']} old replicas still there")
    if have["availableReplicas"] < wanted or have["readyReplicas"] < wanted:
        return waiting(f"{min(have['availableReplicas'], have['readyReplicas'])} of {wanted} replicas available")
    if condition(obj, "Available").get("status") != "True":
        return waiting(str(condition(obj, "Available").get("message") or "not available"))
    return READY


def _stateful_set(obj: Mapping[str, Any]) -> Verdict:
    status = field(obj, "status", default={})
    if not isinstance(field(status, "observedGeneration"), int):
        return waiting("its controller has not seen it yet")
    wanted = field(obj, "spec", "replicas", default=1)
    ready, updated = (field(status, name, default=0) for name in ("readyReplicas", "updatedReplicas"))
    if ready < wanted:
        return waiting(f"{ready} of {wanted} replicas ready")
    strategy = field(obj, "spec", "updateStrategy", default={})
    new = wanted - field(strategy, "rollingUpdate", "partition", default=0)
    if field(strategy, "type") != "OnDelete" and updated < new:  # with OnDelete, whoever deletes the pods decides
        return waiting(f"{updated} of {new} replicas updated")
    return READY


def _daemon_set(obj: Mapping[str, Any]) -> Verdict:
    status = field(obj, "status", default={})
    wanted = field(status, "desiredNumberScheduled")
    if not isinstance(field(status, "observedGeneration"), int) or wanted is None:
        return waiting("its controller has not seen it yet")
    available, updated = (field(status, name, default=0) for name in ("numberAvailable", "updatedNumberScheduled"))
    if field(obj, "spec", "updateStrategy", "type") != "OnDelete" and updated < wanted:
        return waiting(f"{updated} of {wanted} pods updated")
    return READY if available >= wanted else waiting(f"{available} of {wanted} pods available")


def _pod(obj: Mapping[str, Any]) -> Verdict:
    phase = field(obj, "status", "phase", default="not scheduled")
    if phase == "Succeeded":
        return READY
    if phase == "Failed":
        return failed(str(field(obj, "status", "message") or field(obj, "status", "reason") or "failed"))
    if condition(obj, "Ready").get("status") == "True":
        return READY
    return waiting(str(condition(obj, "Ready").get("message") or f"it is {phase}"))


def _claim(obj: Mapping[str, Any]) -> Verdict:
    phase = field(obj, "status", "phase", default="Pending")
    if phase == "Lost":
        return failed("its volume is lost")
    return READY if phase == "Bound" else waiting(f"it is {phase}")


def _job(obj: Mapping[str, Any]) -> Verdict:
    if condition(obj, "Failed").get("status") == "True":
        return failed(str(condition(obj, "Failed").get("message") or "failed"))
    return READY if condition(obj, "Complete").get("status") == "True" else waiting("not complete")


def _crd(obj: Mapping[str, Any]) -> Verdict:
    names = condition(obj, "NamesAccepted")
    if names.get("status") == "False":
        return failed(str(names.get("message") or "its names are not accepted"))
    established = condition(obj, "Established")
    if established.get("status") == "True":
        return READY
    return waiting(str(established.get("message") or "not established"))


_RULES = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("", "Pod"): _pod,
    ("", "PersistentVolumeClaim"): _claim,
    ("batch", "Job"): _job,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _crd,
}
