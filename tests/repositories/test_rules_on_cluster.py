"""The rules of the package API, asked of a real API server."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kube.objects import Object, field
from repositories.objects import API_VERSION, checked_url
from tests.repositories.conftest import Room
from tests.repositories.schemas import SAMPLES, needs_samples

if TYPE_CHECKING:
    from tests.conftest import Kubectl

pytestmark = pytest.mark.cluster

SECRET = {"name": "repository-login", "key": "it"}
NAMED = {"name": "settings", "namespace": "default", "key": "size"}


def repository(url: str = "https://example.com", auth: Any = None) -> Object:
    spec: Object = {"url": url} if auth is None else {"url": url, "auth": auth}
    return {"apiVersion": API_VERSION, "kind": "PackageRepository", "metadata": {"name": "team"}, "spec": spec}


def package(kind: str, **spec: Any) -> Object:
    whole = {"packageInfo": {"name": "small-cache", "version": "v0.4.2+1"}, **spec}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "cache"}, "spec": whole}


GOOD_URLS = [
    "https://packages.dl.glasskube.dev/packages",
    "http://127.0.0.1:8080",
    "http://[::1]:8080/a",
    "https://example.com/@team/a",
    "https://example.com/a%20b+c=d",
    "https://under_score.example.com/~a",
    "oci://ghcr.io/team/packages:v1@sha256:" + "0" * 64,
]


@pytest.mark.parametrize("url", [*GOOD_URLS, "https://example.com/" + "a" * 8000, "HTTPS://EXAMPLE.COM/packages/"])
def test_usable_urls_are_admitted(installed: Room, url: str) -> None:
    """A URL that a repository can have passes, whatever its port, path or length."""
    assert installed.refusal(repository(url)) == ""


@pytest.mark.parametrize("url", GOOD_URLS)
def test_what_the_command_line_admits_the_server_admits(installed: Room, url: str) -> None:
    """frit never sends a URL that its own rules refuse."""
    assert installed.refusal(repository(checked_url(url))) == ""


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "must be a URL"),
        ("example.com", "must be a URL"),
        ("https://exa mple.com", "must be a URL"),
        ("https://example.com/%zz", "must be a URL"),
        ("/packages", "must begin with https://, http:// or oci://"),
        ("ftp://example.com", "must begin with https://, http:// or oci://"),
        ("file:///srv/packages", "must begin with https://, http:// or oci://"),
        ("oci:///packages", "must name a host"),
        ("oci://user:pw@example.com/packages", "must not hold credentials"),
        ("https:///packages", "must name a host"),
        ("https://:8080/packages", "must name a host"),
        ("https://user:pw@example.com", "must not hold credentials"),
        ("https://token@example.com/a", "must not hold credentials"),
        ("https://@example.com/a", "must not hold credentials"),
        ("https://example.com/" + "a" * 9000, "Too long"),
    ],
)
def test_unusable_urls_are_refused(installed: Room, url: str, why: str) -> None:
    """Each URL that no repository can have is refused with the reason."""
    assert why in installed.refusal(repository(url))


@pytest.mark.parametrize(
    "auth",
    [
        None,
        {},
        {"basic": {"username": "u", "password": "p"}},
        {"basic": {"username": "", "password": ""}},
        {"basic": {"username": "u", "passwordSecretRef": SECRET}},
        {"basic": {"usernameSecretRef": SECRET, "password": "p"}},
        {"basic": {"usernameSecretRef": SECRET, "passwordSecretRef": {**SECRET, "optional": True}}},
        {"bearer": {"token": "t"}},
        {"bearer": {"tokenSecretRef": SECRET}},
    ],
)
def test_one_way_to_authenticate_is_admitted(installed: Room, auth: Any) -> None:
    """No authentication, or one complete method, passes in every form that Glasskube writes."""
    assert installed.refusal(repository(auth=auth)) == ""


@pytest.mark.parametrize(
    ("auth", "why"),
    [
        ({"basic": {"username": "u", "password": "p"}, "bearer": {"token": "t"}}, "at most one of basic and bearer"),
        ({"basic": {}}, "exactly one of username and usernameSecretRef"),
        ({"basic": {"username": "u"}}, "exactly one of password and passwordSecretRef"),
        ({"basic": {"username": "u", "usernameSecretRef": SECRET, "password": "p"}}, "exactly one of username"),
        ({"basic": {"username": "u", "password": "p", "passwordSecretRef": SECRET}}, "exactly one of password"),
        ({"bearer": {}}, "exactly one of token and tokenSecretRef"),
        ({"bearer": {"token": "t", "tokenSecretRef": SECRET}}, "exactly one of token and tokenSecretRef"),
        ({"bearer": {"tokenSecretRef": {"name": "s"}}}, "key: Required value"),
        ({"digest": {"username": "u"}}, "unknown field"),
    ],
)
def test_unclear_authentication_is_refused(installed: Room, auth: Any, why: str) -> None:
    """Two methods, or a part given twice or not at all, are refused with the reason."""
    assert why in installed.refusal(repository(auth=auth))


@pytest.mark.parametrize("kind", ["Package", "ClusterPackage"])
@pytest.mark.parametrize(
    "value",
    [
        {"value": "10Gi"},
        {"value": ""},
        {"valueFrom": {"configMapRef": NAMED}},
        {"valueFrom": {"secretRef": {"name": "s", "key": "k"}}},
        {"valueFrom": {"packageRef": {"name": "postgresql", "value": "size"}}},
    ],
)
def test_a_value_from_one_source_is_admitted(installed: Room, kind: str, value: Any) -> None:
    """A literal, also an empty one, and each kind of reference pass."""
    spec = {"values": {"size": value}, "suspend": True}
    assert installed.refusal(package(kind, **spec)) == ""


@pytest.mark.parametrize("kind", ["Package", "ClusterPackage"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({}, "exactly one of value and valueFrom"),
        ({"value": "a", "valueFrom": {"configMapRef": NAMED}}, "exactly one of value and valueFrom"),
        ({"valueFrom": {}}, "exactly one source"),
        ({"valueFrom": {"configMapRef": NAMED, "secretRef": NAMED}}, "exactly one source"),
        ({"valueFrom": {"packageRef": {"name": "postgresql"}}}, "value: Required value"),
        ({"value": 3}, "Invalid value"),
    ],
)
def test_a_value_from_no_or_two_sources_is_refused(installed: Room, kind: str, value: Any, why: str) -> None:
    """A value that comes from nowhere or from two places is refused with the reason."""
    assert why in installed.refusal(package(kind, values={"size": value}))


def test_many_and_long_values_are_admitted(installed: Room) -> None:
    """The bounds that CEL needs lie above what anybody writes: a thousand values, and one of 300 kB."""
    values: Object = {f"value-{number}": {"value": "x" * 100} for number in range(1000)}
    values["long"] = {"value": "x" * 300_000}
    assert installed.refusal(package("Package", values=values)) == ""


@pytest.mark.parametrize("left_out", ["name", "version"])
def test_a_package_needs_name_and_version(installed: Room, left_out: str) -> None:
    """packageInfo is complete or refused."""
    obj = package("ClusterPackage")
    del obj["spec"]["packageInfo"][left_out]
    assert f"packageInfo.{left_out}: Required value" in installed.refusal(obj)


def test_columns_show_what_people_look_for(installed: Room, kubectl: Kubectl) -> None:
    """`kubectl get` shows URL, default, readiness and age, and finds packages by their short names."""
    obj = repository("https://columns.example.com")
    obj["metadata"] = {"name": "columns", "annotations": {"packages.glasskube.dev/default-repository": "true"}}
    stored = installed.create(obj)
    ready = {"type": "Ready", "status": "True", "reason": "SyncCompleted", "message": "repo has 3 packages"}
    stored["status"] = {"conditions": [{**ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}
    kubectl("replace", "--subresource=status", "-f-", stdin=yaml.safe_dump(stored))
    header, line = kubectl("get", "packagerepositories", "columns").splitlines()
    assert header.split() == ["NAME", "URL", "DEFAULT", "READY", "AGE"]
    assert line.split()[:4] == ["columns", "https://columns.example.com", "true", "True"]
    assert "repo has 3 packages" in kubectl("get", "packagerepositories", "columns", "-o", "wide")
    for short in ("pkg", "clpkg"):
        kind = {"pkg": "Package", "clpkg": "ClusterPackage"}[short]
        installed.create(package(kind))
        header, line = kubectl("get", short, "cache").splitlines()
        assert "DESIRED VERSION   INSTALLED VERSION" in header
        assert line.split()[:3] == ["cache", "small-cache", "v0.4.2+1"]
    assert "LAST UPDATED" in _info(installed, kubectl, "columns", {"name": "x", "defaultNamespace": "y"})[1]


@needs_samples
def test_public_packages_fit_into_a_package_info(installed: Room, kubectl: Kubectl) -> None:
    """Every manifest of the public repository is stored in a PackageInfo's status whole: nothing is pruned."""
    paths = sorted(SAMPLES.glob("*/*/package.yaml"))
    assert len(paths) >= 20
    for number, path in enumerate(paths):
        manifest = yaml.safe_load(path.read_text())
        stored, _ = _info(installed, kubectl, f"public-{number}", manifest)
        assert field(stored, "status", "manifest") == manifest, path


def _info(installed: Room, kubectl: Kubectl, name: str, manifest: Object) -> tuple[Object, str]:
    """Store a manifest in a PackageInfo as Glasskube's controller would; the object, and what kubectl lists."""
    spec = {"name": manifest["name"], "version": "v1.0.0+1", "repositoryUrl": "glasskube"}
    metadata = {"name": name}
    obj = installed.create({"apiVersion": API_VERSION, "kind": "PackageInfo", "metadata": metadata, "spec": spec})
    conditions = [
        {"type": kind, "status": status, "reason": "SyncCompleted", "message": "", "lastTransitionTime": NOW}
        for kind, status in (("Ready", "True"), ("Failed", "False"))
    ]
    status = {"conditions": conditions, "resolvedUrl": "https://x", "version": "v1.0.0+1", "lastUpdateTimestamp": NOW}
    path = f"/apis/{API_VERSION}/packageinfos/{name}"
    answer = installed.client.request(
        "PUT",
        f"{path}/status",
        doing="store the status",
        query={"fieldValidation": "Strict"},
        body={**copy.deepcopy(obj), "status": {**status, "manifest": manifest}},
    )
    return answer.json(), kubectl("get", "pkgi", name)


NOW = "2026-01-01T00:00:00Z"
