"""Early wakes: what is watched for a failure, what rings, and what happens where nothing may be watched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from base.clock import Deadline, Run
from base.policy import RetryPolicy
from kube.apply import Applier
from kube.client import Client
from kube.discovery import CORE_V1, CRDS, MUTATING, VALIDATING, Resource
from kube.failures import ApiError, from_answer, from_text
from kube.wakes import Topic, Wakes, topic_of
from kube.watch import Wake
from tests.faults import rules
from tests.faults.answers import events, ok
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Delay

CALL = 'failed calling webhook "w.example.com": failed to call webhook: Post "https://svc.ns.svc:443/x?timeout=1s": '
X509 = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
ROTATION = ApiError("x", from_text(CALL + X509))
SLICES = "/apis/discovery.k8s.io/v1/namespaces/ns/endpointslices"
SERVICE = ("ns", "svc")


@pytest.fixture(autouse=True)
def nobody_watches_on(asking: Client) -> Iterator[None]:
    """The watches of a test end with it: one that outlives its server would fail in the middle of the next test."""
    yield
    until(lambda: not any(one.name == "early wake" for one in threading.enumerate()))


def configuration(name: str, webhook: str, service: tuple[str, str] | None = SERVICE) -> dict[str, Any]:
    called: dict[str, Any] = {"url": "https://elsewhere.example.com"}
    if service is not None:
        called = {"service": {"namespace": service[0], "name": service[1]}}
    return {"metadata": {"name": name}, "webhooks": [{"name": webhook, "clientConfig": called}]}


def listed(*items: Any) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "7"}, "items": list(items)}


def until(question: Callable[[], bool]) -> None:
    limit = time.monotonic() + 5
    while not question():
        assert time.monotonic() < limit
        time.sleep(0.01)  # until the watches are there


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        (CALL + X509, Topic(webhook="w.example.com", service=SERVICE)),
        (CALL + "dial tcp 10.0.0.1:443: connect: connection refused", Topic("w.example.com", service=SERVICE)),
        (CALL + "context deadline exceeded", Topic(webhook="w.example.com", service=SERVICE)),
        (
            'Internal error occurred: failed calling webhook "w.example.com": failed to call webhook: '
            f'Post "https://203.0.113.1/x?timeout=1s": {X509}',
            Topic(webhook="w.example.com"),
        ),
        (
            "Internal error occurred: conversion webhook for example.com/v1, Kind=Thing failed: "
            f'Post "https://svc.ns.svc:443/convert?timeout=30s": {X509}',
            Topic(converted="example.com/Thing", service=SERVICE),
        ),
        ('no matches for kind "Thing" in version "example.com/v1"', Topic(definition="things.example.com")),
        ('admission webhook "w.example.com" denied the request: no', None),
        ("etcdserver: leader changed", None),
    ],
    ids=["x509", "refused", "silent", "by URL", "conversion", "kind", "denied", "etcd"],
)
def test_a_failure_says_what_to_watch(text: str, topic: Topic | None) -> None:
    """The webhook's name and Service, the kind to convert, or the definition of what is written; else nothing."""
    assert topic_of(from_text(text), "things.example.com") == topic


def test_only_what_the_failure_is_about_is_watched(server: FaultProxy, asking: Client) -> None:
    """Of all configurations those with the webhook's name, and the endpoints of its Service; as metadata, by name."""
    server.on(ok(listed(configuration("other", "o.example.com"))), path=f"{MUTATING.path()}\\?timeout", times=1)
    theirs = listed(configuration("mine", "w.example.com", ("ns2", "svc2")), configuration("else", "e.example.com"))
    server.on(ok(theirs), path=f"{VALIDATING.path()}\\?timeout", times=1)
    server.on(Delay(3), path="watch=true", times=None)
    server.on(events(), path="watch=true", times=None)
    server.on(ok(listed()), times=None)
    run = Run()
    waker = Wakes(asking, run).waker()
    assert waker.bell(ROTATION) is not None
    until(lambda: len(server.seen) >= 5)
    waker.close()
    run.cancel()
    found = [(one.path, one.query.get("fieldSelector") or one.query.get("labelSelector")) for one in server.seen]
    assert found[:2] == [(MUTATING.path(), None), (VALIDATING.path(), None)]
    assert sorted(found[2:5]) == sorted(
        [
            (VALIDATING.path(), "metadata.name=mine"),
            (SLICES, "kubernetes.io/service-name=svc"),
            (SLICES.replace("/ns/", "/ns2/"), "kubernetes.io/service-name=svc2"),
        ]
    )
    assert all("as=PartialObjectMetadata" in one.headers["accept"] for one in list(server.seen)[2:])


def test_a_change_rings(server: FaultProxy, asking: Client) -> None:
    """An event after the list rings; the list itself does not."""
    server.on(Delay(0.5), path="watch=true")
    server.on(events(("MODIFIED", {"metadata": {"resourceVersion": "8"}})), path="watch=true")
    server.on(Delay(3), path="watch=true", times=None)
    server.on(events(), path="watch=true", times=None)
    server.on(ok(listed()), times=None)
    run, resource = Run(), Resource("example.com", "v1", "things", "Thing", False)
    missing = ApiError("x", from_answer(404, b"404 page not found\n", {}))
    waker = Wakes(asking, run).waker(resource)
    bell = waker.bell(missing)
    assert isinstance(bell, Wake)
    until(lambda: len(server.seen) >= 1)
    assert bell.rings == 0
    bell.wait(0, 3, run)
    assert bell.rings == 1
    assert (server.seen[0].path, server.seen[0].query["limit"]) == (CRDS.path(), "1")
    run.cancel()


def test_a_watch_is_shared_and_ends_with_the_last_loop(server: FaultProxy, asking: Client) -> None:
    """Two loops that wait for one webhook listen to one bell; afterwards the next one begins anew."""
    server.on(rules.status(403, "Forbidden", "no"), times=None)
    wakes = Wakes(asking, Run())
    first, second = wakes.waker(), wakes.waker()
    bell = first.bell(ROTATION)
    assert second.bell(ROTATION) is bell
    assert first.bell(ROTATION) is bell
    first.close()
    assert second.bell(ROTATION) is bell
    second.close()
    assert wakes.waker().bell(ROTATION) is not bell


def test_a_timeout_leaves_the_watch_as_it_is(server: FaultProxy, asking: Client) -> None:
    """A 504 in the middle of a window is no reason to watch something else, or nothing."""
    server.on(rules.status(403, "Forbidden", "no"), times=None)
    waker = Wakes(asking, Run()).waker()
    bell = waker.bell(ROTATION)
    assert waker.bell(ApiError("x", from_answer(504, rules.GATEWAY_TIMEOUT.body, {}))) is bell
    assert waker.bell(ApiError("x", from_answer(503, rules.UNAVAILABLE.body, {}))) is None
    assert waker.bell(ROTATION) is bell
    waker.close()


def test_without_permission_the_pauses_take_their_time(server: FaultProxy, asking: Client) -> None:
    """An account that may not look at configurations or endpoints waits by the policy, and nothing is told of it."""
    server.on(rules.status(500, "InternalError", CALL + X509), method="PATCH", times=2)
    server.on(ok({"metadata": {}}, 201), method="PATCH", times=None)
    server.on(rules.status(403, "Forbidden", 'User "x" cannot list'), method="GET", times=None)
    policy = RetryPolicy(first_pause=0.3, growth=1.0, jitter=0.0)
    applier = Applier(asking, policy, Run(), Deadline.after(20), lambda _: None, compare=False)
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "namespace": "a"}}
    began = time.monotonic()
    done = applier.apply(wanted, CORE_V1["ConfigMap"])
    assert [one.kind for one in done.history.attempts] == ["certificate-rotation"] * 2
    assert 0.6 <= time.monotonic() - began < 1.5
    until(lambda: sum(one.method == "GET" for one in server.seen) == 3)  # both kinds of configurations, the endpoints
