"""Which kinds a server serves, read from aggregated discovery and from definitions."""

from __future__ import annotations

from typing import Any

import pytest

from base.errors import PreflightFailed
from kube.client import Client
from kube.discovery import CORE_V1, DEPLOYMENTS, Discovery, Resource, discover, path_of, resources_of
from kube.objects import Ref
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy

ISSUERS = Resource("cert-manager.io", "v1", "issuers", "Issuer", True)


def served(kind: str, plural: str, scope: str = "Namespaced") -> dict[str, Any]:
    return {"resource": plural, "responseKind": {"group": "x", "version": "y", "kind": kind}, "scope": scope}


GROUPS = {
    "kind": "APIGroupDiscoveryList",
    "apiVersion": "apidiscovery.k8s.io/v2",
    "items": [
        {
            "metadata": {"name": "apps"},
            "versions": [{"version": "v1", "resources": [served("Deployment", "deployments")]}],
        },
        {
            "metadata": {"name": "example.com"},
            "versions": [
                {"version": "v2", "resources": [served("Thing", "things", "Cluster")]},
                {"version": "v1", "resources": [served("Thing", "things"), {"resource": "odd"}]},
                {"version": "v0", "freshness": "Stale"},
            ],
        },
    ],
}

DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "issuers.cert-manager.io"},
    "spec": {
        "group": "cert-manager.io",
        "scope": "Namespaced",
        "names": {"plural": "issuers", "kind": "Issuer"},
        "versions": [{"name": "v1", "served": True}, {"name": "v1alpha1", "served": False}],
    },
}


def test_discovery_is_one_request(server: FaultProxy, asking: Client) -> None:
    """The aggregated document has every group; the core group needs no request."""
    server.on(ok(GROUPS))
    found = discover(asking)
    assert [one.path for one in server.seen] == ["/apis"]
    assert "apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" in server.seen[0].headers["accept"]
    assert found.find("apps/v1", "Deployment") == DEPLOYMENTS
    assert found.find("v1", "Namespace") == CORE_V1["Namespace"]
    assert found.find("example.com/v2", "Thing") == Resource("example.com", "v2", "things", "Thing", False)
    assert found.find("example.com/v1", "Thing") == Resource("example.com", "v1", "things", "Thing", True)
    assert found.find("example.com/v0", "Thing") is None
    assert found.serves_group("example.com")
    assert not found.serves_group("cert-manager.io")


def test_a_server_without_aggregated_discovery_is_too_old(server: FaultProxy, asking: Client) -> None:
    """A server that falls back to the old document is refused before anything is written."""
    server.on(ok({"kind": "APIGroupList", "groups": []}))
    with pytest.raises(PreflightFailed, match=r"older than Kubernetes 1\.27"):
        discover(asking)


def test_a_kind_that_is_not_served_is_named() -> None:
    """The message has kind and version, the hint the command that lists the group."""
    found = Discovery([DEPLOYMENTS])
    with pytest.raises(PreflightFailed, match=r"Issuer in cert-manager\.io/v1") as raised:
        found.of(Ref("cert-manager.io/v1", "Issuer", "a", "b"))
    assert raised.value.hint == "kubectl api-resources --api-group=cert-manager.io"


def test_definitions_are_learned(server: FaultProxy) -> None:
    """What definitions define is known without a second discovery; versions that are not served stay unknown."""
    found = Discovery([])
    found.learn([DEFINITION])
    assert found.find("cert-manager.io/v1", "Issuer") == ISSUERS
    assert found.find("cert-manager.io/v1alpha1", "Issuer") is None
    assert resources_of(DEFINITION) == [ISSUERS]
    obj = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "b", "namespace": "a"}}
    assert path_of(found, obj) == "/apis/cert-manager.io/v1/namespaces/a/issuers/b"


@pytest.mark.parametrize(
    ("resource", "namespace", "name", "path"),
    [
        (CORE_V1["Pod"], "", "", "/api/v1/pods"),
        (CORE_V1["Pod"], "a", "", "/api/v1/namespaces/a/pods"),
        (CORE_V1["Pod"], "a", "b", "/api/v1/namespaces/a/pods/b"),
        (CORE_V1["Namespace"], "", "a", "/api/v1/namespaces/a"),
        (CORE_V1["Namespace"], "ignored", "a", "/api/v1/namespaces/a"),
        (DEPLOYMENTS, "a", "b", "/apis/apps/v1/namespaces/a/deployments/b"),
        (ISSUERS, "a/b", "c?d", "/apis/cert-manager.io/v1/namespaces/a%2Fb/issuers/c%3Fd"),
    ],
)
def test_paths_are_those_of_the_api(resource: Resource, namespace: str, name: str, path: str) -> None:
    """Core and named groups, collections and objects; names are escaped."""
    assert resource.path(namespace, name) == path
