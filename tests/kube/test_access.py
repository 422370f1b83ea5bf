"""Asking what the caller may do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kube.access import Permission, allowed, is_administrator, missing
from kube.client import Answer, Client
from kube.failures import ApiError
from tests.faults import rules
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy


class Sent(Client):
    """A client that keeps the bodies of what it sends, and answers yes to what is allowed."""

    def __init__(self, *yes: Permission) -> None:
        self.asked: list[dict[str, Any]] = []
        self._yes = yes

    def request(self, method: str, path: str, *, body: Any = None, **_: Any) -> Answer:
        """Answer a review as the server does."""
        about = body["spec"]["resourceAttributes"]
        self.asked.append(about)
        data = {"status": {"allowed": any(one.resource == about["resource"] for one in self._yes)}}
        return Answer(201, {}, json.dumps(data).encode(), data)


PODS = Permission("get", "", "pods", "a")
SCALE = Permission("patch", "apps", "deployments", "a", "scale")


@pytest.mark.parametrize(
    ("permission", "text", "command"),
    [
        (PODS, "get pods in namespace a", "kubectl auth can-i get pods -n a"),
        (
            SCALE,
            "patch deployments.apps/scale in namespace a",
            "kubectl auth can-i patch deployments.apps --subresource=scale -n a",
        ),
        (Permission("list", "", "nodes"), "list nodes", "kubectl auth can-i list nodes"),
    ],
)
def test_a_permission_reads_as_kubectl_writes_it(permission: Permission, text: str, command: str) -> None:
    """In messages, and as the command that asks the same question."""
    assert (str(permission), permission.command) == (text, command)


def test_a_question_has_only_what_it_is_about() -> None:
    """Empty parts are left out: an empty namespace means all of them."""
    client = Sent(PODS)
    assert allowed(client, PODS)
    assert not allowed(client, Permission("list", "", "nodes"))
    assert client.asked == [
        {"verb": "get", "resource": "pods", "namespace": "a"},
        {"verb": "list", "resource": "nodes"},
    ]


def test_each_permission_is_asked_about_once() -> None:
    """The missing ones come sorted, whatever the order of the questions."""
    client = Sent(PODS)
    nodes, secrets = Permission("list", "", "nodes"), Permission("get", "", "secrets")
    assert missing(client, [nodes, PODS, secrets, nodes]) == [secrets, nodes]
    assert len(client.asked) == 3


def test_no_answer_is_no_permission(server: FaultProxy, asking: Client) -> None:
    """A server that says nothing about it does not allow it; one that fails is an error."""
    server.on(ok({}, 201))
    assert not is_administrator(asking)
    server.on(rules.UNAUTHORIZED)
    with pytest.raises(ApiError, match=r"could not ask whether this account may \* \*\.\*: Unauthorized"):
        is_administrator(asking)
