"""Readiness over objects as servers return them: the rules of kstatus, with its holes closed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube.readiness import Readiness, readiness_of

READY, WAITING, FAILED = Readiness.READY, Readiness.IN_PROGRESS, Readiness.FAILED


def obj(api_version: str, kind: str, *, generation: int = 1, **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "generation": generation}, **more}


def conditions(*told: tuple[str, str] | tuple[str, str, str, str]) -> list[dict[str, str]]:
    return [dict(zip(("type", "status", "reason", "message"), one, strict=False)) for one in told]


def deployment(*told: Any, replicas: int | None = 1, spec: dict[str, Any] | None = None, **status: Any) -> Any:
    have = replicas if replicas is not None else 1
    numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), have)
    full = {"observedGeneration": 1, **numbers, "conditions": conditions(*(told or (("Available", "True"),))), **status}
    wanted = {} if replicas is None else {"replicas": replicas}
    return obj("apps/v1", "Deployment", spec=spec or wanted, status={k: v for k, v in full.items() if v is not None})


@pytest.mark.parametrize(
    ("found", "readiness", "reason"),
    [
        (deployment(), READY, ""),
        (deployment(replicas=None), READY, ""),
        (deployment(replicas=0), READY, ""),
        (obj("apps/v1", "Deployment", spec={"replicas": 1}), WAITING, "its controller has not seen it yet"),
        (deployment(observedGeneration=0), WAITING, "its controller has not seen the last change"),
        (deployment(observedGeneration=None), WAITING, "its controller has not seen it yet"),
        (deployment(observedGeneration="1"), WAITING, "its controller has not seen it yet"),
        (deployment(updatedReplicas=None), WAITING, "0 of 1 replicas updated"),
        (deployment(replicas=2, updatedReplicas=1), WAITING, "1 of 2 replicas updated"),
        (deployment(spec={"replicas": 1}, replicas=1) | {}, READY, ""),
        (deployment(availableReplicas=0), WAITING, "0 of 1 replicas available"),
        (deployment(readyReplicas=None), WAITING, "0 of 1 replicas available"),
        (deployment(("Available", "False", "Minimum", "no minimum")), WAITING, "no minimum"),
        (deployment(("Progressing", "True")), WAITING, "not available"),
        (
            deployment(("Progressing", "False", "ProgressDeadlineExceeded", "has timed out"), availableReplicas=0),
            FAILED,
            "has timed out",
        ),
    ],
)
def test_a_deployment_is_ready_when_its_newest_pods_are_available(
    found: dict[str, Any], readiness: Readiness, reason: str
) -> None:
    """Seen by its controller, all replicas updated and available, none of the old left, and no deadline exceeded."""
    verdict = readiness_of(found)
    assert (verdict.readiness, verdict.reason) == (readiness, reason)
    assert verdict.ready is (readiness is READY)


def test_old_replicas_are_not_ready() -> None:
    """A rollout that still has pods of the old version goes on."""
    found = deployment()
    found["status"]["replicas"] = 3
    assert readiness_of(found).reason == "2 old replicas still there"


@pytest.mark.parametrize(
    ("found", "readiness"),
    [
        (obj("batch/v1", "Job"), WAITING),
        (obj("batch/v1", "Job", status={"active": 1, "startTime": "now"}), WAITING),
        (obj("batch/v1", "Job", status={"conditions": conditions(("SuccessCriteriaMet", "True"))}), WAITING),
        (obj("batch/v1", "Job", status={"conditions": conditions(("Complete", "True"))}), READY),
        (obj("batch/v1", "Job", status={"conditions": conditions(("Failed", "True", "Backoff", "too often"))}), FAILED),
    ],
)
def test_a_job_is_ready_when_it_completed(found: dict[str, Any], readiness: Readiness) -> None:
    """kstatus calls a Job current once it started; only its end says that it worked."""
    assert readiness_of(found).readiness is readiness


@pytest.mark.parametrize(
    ("told", "readiness", "reason"),
    [
        ((), WAITING, "not established"),
        ((("NamesAccepted", "True"), ("Established", "False", "x", "installing")), WAITING, "installing"),
        ((("NamesAccepted", "True"), ("Established", "True")), READY, ""),
        ((("NamesAccepted", "False", "x", "taken by another"), ("Established", "False")), FAILED, "taken by another"),
    ],
)
def test_a_definition_is_ready_when_it_is_established(told: Any, readiness: Readiness, reason: str) -> None:
    """Names that are taken are beyond hope."""
    found = obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", status={"conditions": conditions(*told)})
    verdict = readiness_of(found)
    assert (verdict.readiness, verdict.reason) == (readiness, reason)


def stateful_set(*, strategy: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    spec = {"replicas": 3, "updateStrategy": strategy or {"type": "RollingUpdate"}}
    return obj("apps/v1", "StatefulSet", spec=spec, status={"observedGeneration": 1, **status})


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (obj("apps/v1", "StatefulSet", spec={"replicas": 1}), "its controller has not seen it yet"),
        (stateful_set(), "0 of 3 replicas ready"),
        (stateful_set(readyReplicas=2, updatedReplicas=3), "2 of 3 replicas ready"),
        (stateful_set(readyReplicas=3, updatedReplicas=1), "1 of 3 replicas updated"),
        (stateful_set(readyReplicas=3, updatedReplicas=3), ""),
        (stateful_set(readyReplicas=3, updatedReplicas=1, strategy={"rollingUpdate": {"partition": 2}}), ""),
        (stateful_set(readyReplicas=3, strategy={"type": "OnDelete"}), ""),
        (obj("apps/v1", "DaemonSet"), "its controller has not seen it yet"),
        (obj("apps/v1", "DaemonSet", status={"observedGeneration": 1}), "its controller has not seen it yet"),
        (
            obj("apps/v1", "DaemonSet", status={"observedGeneration": 1, "desiredNumberScheduled": 2}),
            "0 of 2 pods updated",
        ),
        (
            obj(
                "apps/v1",
                "DaemonSet",
                status={"observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2},
            ),
            "0 of 2 pods available",
        ),
        (obj("apps/v1", "DaemonSet", status={"observedGeneration": 1, "desiredNumberScheduled": 0}), ""),
        (obj("v1", "Pod"), "it is not scheduled"),
        (obj("v1", "Pod", status={"phase": "Running"}), "it is Running"),
        (obj("v1", "Pod", status={"phase": "Running", "conditions": conditions(("Ready", "True"))}), ""),
        (obj("v1", "Pod", status={"phase": "Succeeded", "conditions": conditions(("Ready", "False"))}), ""),
        (obj("v1", "Pod", status={"phase": "Failed", "reason": "Evicted"}), "Evicted"),
        (obj("v1", "PersistentVolumeClaim"), "it is Pending"),
        (obj("v1", "PersistentVolumeClaim", status={"phase": "Bound"}), ""),
        (obj("v1", "PersistentVolumeClaim", status={"phase": "Lost"}), "its volume is lost"),
        (obj("apiregistration.k8s.io/v1", "APIService"), "it has no condition Available yet"),
    ],
)
def test_other_workloads_are_not_ready_before_their_controllers_say_so(found: dict[str, Any], reason: str) -> None:
    """An object without a status is never taken for a finished one."""
    verdict = readiness_of(found)
    assert (verdict.reason, verdict.ready) == (reason, not reason)
    assert (verdict.readiness is FAILED) == (reason in ("Evicted", "its volume is lost"))


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("packages.glasskube.dev/v1alpha1", "Package"),
        ("packages.glasskube.dev/v1alpha1", "ClusterPackage"),
        ("cert-manager.io/v1", "Certificate"),
        ("cert-manager.io/v1", "Issuer"),
    ],
)
def test_a_kind_that_always_gets_a_condition_is_not_ready_without_it(api_version: str, kind: str) -> None:
    """For kstatus an object without conditions is current; here its controller just has not come to it yet."""
    assert readiness_of(obj(api_version, kind)).reason == "it has no condition Ready yet"
    told = obj(api_version, kind, status={"conditions": conditions(("Ready", "False", "Pending", "is being issued"))})
    assert (readiness_of(told).readiness, readiness_of(told).reason) == (WAITING, "is being issued")
    told["status"]["conditions"][0]["status"] = "True"
    assert readiness_of(told).ready


@pytest.mark.parametrize(
    ("found", "readiness", "reason"),
    [
        (obj("v1", "ConfigMap"), READY, ""),
        (obj("example.com/v1", "Thing"), READY, ""),
        (obj("example.com/v1", "Thing", status={"conditions": conditions(("Ready", "True"))}), READY, ""),
        (
            obj("example.com/v1", "Thing", status={"conditions": conditions(("Ready", "Unknown", "Working", ""))}),
            WAITING,
            "Working",
        ),
        (
            obj("example.com/v1", "Thing", status={"conditions": conditions(("Stalled", "True", "", "bad spec"))}),
            FAILED,
            "bad spec",
        ),
        (
            obj("example.com/v1", "Thing", status={"conditions": conditions(("Reconciling", "True", "", "at work"))}),
            WAITING,
            "at work",
        ),
    ],
)
def test_other_kinds_are_judged_by_the_usual_conditions(
    found: dict[str, Any], readiness: Readiness, reason: str
) -> None:
    """Ready, Stalled and Reconciling, where there are any."""
    verdict = readiness_of(found)
    assert (verdict.readiness, verdict.reason) == (readiness, reason)


def test_a_change_that_the_controller_has_not_seen_is_waited_for() -> None:
    """A status about an older generation says nothing about this one, for any kind."""
    found = obj("example.com/v1", "Thing", generation=2)
    found["status"] = {"observedGeneration": 1, "conditions": conditions(("Ready", "True"))}
    assert readiness_of(found).readiness is WAITING
    found["status"]["observedGeneration"] = 2
    assert readiness_of(found).ready


def test_an_observed_generation_that_is_no_number_is_not_waited_for() -> None:
    """Some controllers write a text, which would never be equal: the condition decides."""
    found = obj("example.com/v1", "Thing", generation=2)
    found["status"] = {"observedGeneration": "2", "conditions": conditions(("Ready", "True"))}
    assert readiness_of(found).ready


def test_an_object_that_is_being_deleted_is_not_ready() -> None:
    """Whatever its conditions say, it is on its way out."""
    found = deployment()
    found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert (readiness_of(found).readiness, readiness_of(found).reason) == (WAITING, "it is being deleted")


@given(
    st.sampled_from(
        [
            ("apps/v1", "Deployment"),
            ("apps/v1", "StatefulSet"),
            ("apps/v1", "DaemonSet"),
            ("v1", "Pod"),
            ("v1", "PersistentVolumeClaim"),
            ("batch/v1", "Job"),
            ("cert-manager.io/v1", "Issuer"),
            ("", ""),
        ]
    ),
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=3),
        lambda below: (
            st.lists(below, max_size=2)
            | st.dictionaries(
                st.sampled_from(["conditions", "observedGeneration", "type", "status"]), below, max_size=3
            )
        ),
        max_leaves=8,
    ),
)
def test_no_status_breaks_the_judgement(kind: tuple[str, str], status: Any) -> None:
    """Whatever a controller wrote, there is a verdict, and a reason where it is not ready."""
    verdict = readiness_of(obj(*kind, status=status))
    assert verdict.ready or verdict.reason
