"""What pods and events say about why something is not ready, judged over data."""

from __future__ import annotations

from typing import Any

import pytest

from kube.diagnosis import as_data, as_lines, deployment_of, findings_of, last_lines, reason_of_deployment
from kube.objects import Object
from kube.pods import Cause, reason_of_pods, trouble_of
from kube.warnings import Warned, newest_first, plain, warning_of


def pod(name: str = "web-5d9c7b-x", *, owner: str = "web", digest: str = "5d9c7b", **status: Any) -> Object:
    """A pod of a Deployment; `status` as the kubelet would write it."""
    return {
        "metadata": {
            "name": name,
            "labels": {"pod-template-hash": digest},
            "ownerReferences": [{"kind": "ReplicaSet", "name": f"{owner}-{digest}"}],
        },
        "spec": {"containers": [{"name": "main", "image": "registry.example/web:1"}]},
        "status": {"phase": "Pending", **status},
    }


def container(state: Object, **more: Any) -> Object:
    """The status of the pod's one container."""
    image = "registry.example/web:1"
    return {"containerStatuses": [{"name": "main", "image": image, "ready": False, "state": state, **more}]}


def waiting(reason: str, message: str = "", **more: Any) -> Object:
    return container({"waiting": {"reason": reason, "message": message}}, **more)


def warned(reason: str, message: str, kind: str = "Pod", name: str = "web-5d9c7b-x", at: str = "1") -> Warned:
    return Warned(kind, name, reason, message, 1, at)


READY: Object = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
UNSCHEDULABLE: Object = {
    "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    ]
}
CRASHED: Object = {"exitCode": 2, "reason": "Error", "message": "cannot open the database"}


@pytest.mark.parametrize(
    ("status", "cause", "words"),
    [
        (UNSCHEDULABLE, Cause.UNSCHEDULABLE, "0/1 nodes are available"),
        (
            waiting("ErrImagePull", "no such host"),
            Cause.IMAGE_NOT_PULLED,
            "web:1 cannot be pulled: ErrImagePull: no such",
        ),
        (waiting("InvalidImageName"), Cause.IMAGE_NOT_PULLED, "cannot be pulled: InvalidImageName"),
        (
            waiting("CreateContainerConfigError", 'secret "db" not found'),
            Cause.CONFIG_ERROR,
            'container main cannot be started: secret "db" not found',
        ),
        (
            waiting("CrashLoopBackOff", restartCount=4, lastState={"terminated": CRASHED}),
            Cause.CRASHING,
            "container main crashed 4 times: exit code 2: cannot open the database",
        ),
        (
            container({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}),
            Cause.CRASHING,
            "container main crashed: exit code 137, OOMKilled",
        ),
        (
            waiting("CrashLoopBackOff", restartCount=2, lastState={"terminated": {"exitCode": 0}}),
            Cause.CRASHING,
            "container main keeps ending by itself with exit code 0",
        ),
        (waiting("ContainerCreating"), Cause.NOT_READY, "container main is starting"),
        ({}, Cause.NOT_READY, "the pod is starting"),
        ({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}, Cause.NOT_READY, "low on memory"),
    ],
)
def test_a_pods_status_names_the_cause(status: Object, cause: Cause, words: str) -> None:
    """Each way in which a pod is not ready has its cause, and the message holds what Kubernetes said."""
    found = trouble_of(pod(**status))
    assert found is not None
    assert found.cause is cause
    assert words in found.message


def test_a_ready_pod_has_no_trouble() -> None:
    """A ready pod and a completed one are fine, also when they crashed before."""
    assert trouble_of(pod(**READY, **container({"running": {}}, restartCount=3))) is None
    assert trouble_of(pod(phase="Succeeded")) is None


def test_an_init_container_that_has_done_its_work_is_no_crash() -> None:
    """Exit code 0 of an init container says nothing; the container behind it does."""
    done = {"name": "init", "ready": False, "state": {"terminated": {"exitCode": 0}}}
    found = trouble_of(pod(initContainerStatuses=[done], **waiting("ErrImagePull", "denied")))
    assert found is not None
    assert (found.cause, found.container) == (Cause.IMAGE_NOT_PULLED, "main")


def test_the_cause_of_a_back_off_comes_from_the_event() -> None:
    """A kubelet that only says "Back-off" has told the real reason in an event before."""
    events = [warned("Failed", 'Failed to pull image "registry.example/web:1": not found')]
    found = trouble_of(pod(**waiting("ImagePullBackOff", 'Back-off pulling image "registry.example/web:1"')), events)
    assert found is not None
    assert "not found" in found.message


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            'Back-off pulling image "r:5000/web:1": ErrImagePull: failed to pull and unpack image "r:5000/web:1": '
            'failed to resolve reference "r:5000/web:1": failed to do request: Head "https://r:5000/v2/web/1": '
            "dial tcp: lookup r on 10.96.0.10:53: no such host",
            "dial tcp: lookup r on 10.96.0.10:53: no such host",
        ),
        (
            'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/web:1": failed to '
            'resolve reference "docker.io/library/web:1": docker.io/library/web:1: not found',
            "docker.io/library/web:1: not found",
        ),
        ('Back-off pulling image "web:1"', 'Back-off pulling image "web:1"'),
        ("no such host", "no such host"),
    ],
    ids=["containerd", "CRI", "no cause", "bare"],
)
def test_the_cause_of_a_failed_pull_is_what_stands_at_the_end(said: str, cause: str) -> None:
    """What kubelet and the container runtime put around it only names the image again and again."""
    found = trouble_of(pod(**waiting("ImagePullBackOff", said)))
    assert found is not None
    assert found.message == f"image registry.example/web:1 cannot be pulled: ImagePullBackOff: {cause}"


def test_a_failing_probe_is_told_from_a_slow_start() -> None:
    """A running container that is not ready is a failing probe where an event says so."""
    status: Object = {"phase": "Running", **container({"running": {}})}
    quiet = trouble_of(pod(**status))
    loud = trouble_of(pod(**status), [warned("Unhealthy", "Readiness probe failed: HTTP 500")])
    assert quiet is not None
    assert quiet.cause is Cause.NOT_READY
    assert loud is not None
    assert (loud.cause, loud.container) == (Cause.PROBE_FAILING, "main")


def test_a_volume_that_cannot_be_mounted_is_a_configuration_error() -> None:
    """While a container is being created, a FailedMount event explains why it takes so long."""
    events = [warned("FailedMount", 'secret "tls" not found')]
    found = trouble_of(pod(**waiting("ContainerCreating")), events)
    later = trouble_of(pod(phase="Running", **container({"running": {}})), events)
    assert found is not None
    assert later is not None
    assert later.cause is Cause.NOT_READY
    assert (found.cause, found.message) == (Cause.CONFIG_ERROR, 'secret "tls" not found')


def test_the_log_of_the_right_instance_is_asked_for() -> None:
    """A restarted container's crash is in the previous log, one that has just ended in the current one."""
    restarted = trouble_of(pod(**container({"running": {}}, restartCount=1, lastState={"terminated": CRASHED})))
    ended = trouble_of(pod(**container({"terminated": CRASHED})))
    assert restarted is not None
    assert ended is not None
    assert (restarted.crashed, restarted.previous) == (True, True)
    assert (ended.crashed, ended.previous) == (True, False)


def test_a_waiting_line_names_the_worst_cause_in_a_few_words() -> None:
    """The reason of several pods is the most telling one; ready pods and leftovers do not count."""
    old = pod("web-old", **waiting("ErrImagePull"))
    old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    image = pod(**waiting("ErrImagePull", "no such host"))
    assert reason_of_pods([]) == ""
    assert reason_of_pods([pod(**READY), old]) == ""
    assert reason_of_pods([pod(**waiting("ContainerCreating")), image]) == (
        "image registry.example/web:1 cannot be pulled: ErrImagePull"
    )


def test_a_waiting_line_about_a_deployment_is_about_its_own_pods() -> None:
    """The image of another Deployment of the same namespace is not named beside it."""
    mine = pod(**waiting("ContainerCreating"))
    other = pod("other-5d9c7b-a", owner="other", **waiting("ErrImagePull", "no such host"))
    assert reason_of_deployment("web", [other, mine]) == "container main is starting"
    assert "cannot be pulled" in reason_of_deployment("other", [other, mine])
    assert reason_of_deployment("gone", [other, mine]) == ""


def test_a_deployments_name_is_read_from_its_pods() -> None:
    """The ReplicaSet's name without the hash is the Deployment's, also where that holds dashes."""
    assert deployment_of(pod(owner="cert-manager-webhook")) == "cert-manager-webhook"
    assert deployment_of({"metadata": {"name": "bare"}}) == ""


def deployment(replicas: int = 1, **status: Any) -> Object:
    return {"metadata": {"name": "web"}, "spec": {"replicas": replicas}, "status": status}


def test_a_deployment_without_pods_says_why() -> None:
    """Scaled to 0, refused by a quota, not there, or simply not made yet: four different answers."""
    zero = findings_of("ns", [], [deployment(0)], [])
    quota = 'pods "web-" is forbidden: exceeded quota: none'
    refused = findings_of("ns", [], [deployment()], [warned("FailedCreate", quota, "ReplicaSet", "web-5d9c7b")])
    absent = findings_of("ns", [], [], [], names=["web"])
    none_yet = findings_of("ns", [], [deployment()], [])
    assert [one.cause for one in zero + refused + absent + none_yet] == [
        Cause.NO_PODS,
        Cause.POD_REFUSED,
        Cause.NO_PODS,
        Cause.NO_PODS,
    ]
    assert zero[0].message == "it is scaled to 0"
    assert "exceeded quota" in refused[0].message
    assert refused[0].command == "kubectl -n ns describe resourcequota"
    assert absent[0].message == "it does not exist"
    assert "wants 1 pod" in none_yet[0].message


def test_a_refusal_outlives_its_event() -> None:
    """Events end after an hour; the Deployment's ReplicaFailure condition says the same for as long as it is true."""
    failure = {"type": "ReplicaFailure", "status": "True", "message": 'violates PodSecurity "restricted:latest"'}
    found = findings_of("ns", [], [deployment(conditions=[failure])], [])
    assert found[0].cause is Cause.POD_REFUSED
    assert found[0].command == "kubectl get namespace ns --show-labels"


def test_refusals_that_differ_only_in_the_pods_name_are_one_event() -> None:
    """Every attempt to make a pod is refused in the same words about another name; one of them is evidence enough."""
    refusals = [
        warned(
            "FailedCreate", f'Error creating: pods "web-{n}" is forbidden: exceeded quota', "ReplicaSet", "web-5d9c7b"
        )
        for n in range(4)
    ]
    found = findings_of("ns", [], [deployment()], refusals)[0]
    assert len(found.events) == 1
    assert len(as_lines(found)) == 2


def test_an_old_refusal_is_no_news_once_there_are_pods() -> None:
    """A FailedCreate event of a Deployment that meanwhile has its pods is not a finding."""
    old = warned("FailedCreate", "exceeded quota", "ReplicaSet", "web-5d9c7b")
    assert findings_of("ns", [pod(**READY)], [deployment()], [old]) == []


def test_equal_troubles_of_one_deployment_are_one_finding() -> None:
    """Three pods with the same cause make one finding that counts them; others stay apart."""
    pods = [pod(f"web-5d9c7b-{n}", **UNSCHEDULABLE) for n in range(3)] + [
        pod("web-5d9c7b-c", **waiting("ErrImagePull"))
    ]
    found = findings_of("ns", pods, [deployment(4)], [])
    assert [one.cause for one in found] == [Cause.UNSCHEDULABLE, Cause.IMAGE_NOT_PULLED]
    assert found[0].message.endswith("(and 2 more pods like it)")
    assert found[0].owner == "Deployment ns/web"


def test_names_narrow_the_findings_down() -> None:
    """Only the Deployments that were asked about are judged."""
    other = pod("api-5d9c7b-x", owner="api", **UNSCHEDULABLE)
    assert findings_of("ns", [pod(**READY), other], [deployment()], [], names=["web"]) == []


def test_pods_without_a_deployment_are_judged_too() -> None:
    """A bare pod that is not ready is a finding without an owner."""
    bare = {"metadata": {"name": "job"}, "spec": {}, "status": {"phase": "Pending", **UNSCHEDULABLE}}
    found = findings_of("ns", [bare], None, [])
    assert [(one.object, one.owner) for one in found] == [("Pod ns/job", "")]


def test_events_are_newest_first_and_at_most_five() -> None:
    """A finding carries the last five warnings of its pod, with their counts."""
    events = [
        warning_of(
            {
                "involvedObject": {"kind": "Pod", "name": "web-5d9c7b-x"},
                "reason": f"R{n}",
                "message": "m",
                "count": n,
                "lastTimestamp": f"2026-01-01T00:00:0{n}Z",
            }
        )
        for n in range(1, 8)
    ]
    found = findings_of("ns", [pod(**UNSCHEDULABLE)], [deployment()], newest_first(events))
    assert found[0].events[0] == "R7: m (7 times)"
    assert len(found[0].events) == 5


def test_the_new_event_api_is_read_too() -> None:
    """Events with a series and eventTime count and sort like the old ones."""
    one = warning_of({"series": {"count": 9, "lastObservedTime": "2026-01-02T00:00:00Z"}, "reason": "R"})
    assert (one.count, one.at) == (9, "2026-01-02T00:00:00Z")


def test_texts_of_others_cannot_steer_a_terminal() -> None:
    """Control characters are replaced, lines folded, and long texts cut."""
    assert plain("a\x1b[31mb\nc") == "a?[31mb c"
    assert len(plain("x" * 1000)) == 500
    assert last_lines(b"one\n\x1b]0;title\x07two\n\xff") == "one\n?]0;title?two\n\ufffd"


def test_a_log_is_cut_to_its_last_lines() -> None:
    """At most 20 lines and 2000 characters, the newest; a single long line keeps its end."""
    assert last_lines(b"\n".join(b"%d" % n for n in range(100))).splitlines() == [str(n) for n in range(80, 100)]
    assert last_lines(b"x" * 300 + b"\n" + b"y" * 1900) == "y" * 1900
    assert last_lines(b"a" + b"z" * 5000) == "z" * 2000
    assert last_lines(b"") == ""


def test_a_finding_reads_well_and_is_data() -> None:
    """For people: the reason, the evidence, the next command. For scripts: the same under stable keys."""
    events = [warned("FailedScheduling", "taints"), warned("FailedScheduling", "0/1 nodes are available (3 times)")]
    found = findings_of("ns", [pod(**UNSCHEDULABLE)], [deployment()], events)[0]
    assert as_lines(found) == [
        "Pod ns/web-5d9c7b-x: no node takes the pod: 0/1 nodes are available",
        "  event: FailedScheduling: taints",
        "  next: kubectl -n ns describe pod web-5d9c7b-x",
    ]
    assert len(as_data(found)["events"]) == 2
    assert list(as_data(found)) == ["object", "owner", "cause", "message", "command", "log", "events", "notes"]
