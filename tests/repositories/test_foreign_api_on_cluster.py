"""The package API where somebody was there before: Glasskube, a person with kubectl, or nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from base.errors import CannotTell, PreflightFailed
from base.events import Said
from kube.apply import Change
from kube.connection import ConnectionOptions, connect
from kube.objects import Object, managers
from repositories import package_api
from repositories.objects import API_VERSION
from repositories.package_api import NAMES, Action
from tests.repositories.conftest import Room
from tests.repositories.schemas import KINDS, TEXT, fields, glasskube_crd

if TYPE_CHECKING:
    from tests.conftest import Kubectl

pytestmark = pytest.mark.cluster

AsGlasskube = Callable[..., None]

OLD_OBJECTS: list[Object] = [
    {
        "kind": "PackageRepository",
        "metadata": {"name": "odd"},
        "spec": {"url": "not a url", "auth": {"basic": {"username": "u"}, "bearer": {"token": "t"}}},
    },
    {
        "kind": "ClusterPackage",
        "metadata": {"name": "cache"},
        "spec": {"packageInfo": {"name": "small-cache", "version": ""}, "values": {"size": {"value": "1"}}},
    },
    {
        "kind": "PackageInfo",
        "metadata": {"name": "cache--v1"},
        "spec": {"name": "cache", "version": "v1", "repositoryUrl": "odd"},
    },
]
"""Objects of an old Glasskube, some of which frit's own CRDs would refuse."""


def old_glasskube(as_glasskube: AsGlasskube, room: Room) -> None:
    as_glasskube(*(glasskube_crd(kind) for kind in KINDS))
    room.established()


def versions_of_crds(kubectl: Kubectl) -> dict[str, str]:
    found = kubectl.json("get", "crd", *NAMES)["items"]
    return {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in found}


def test_a_second_install_changes_nothing(room: Room, kubectl: Kubectl) -> None:
    """The CRDs are created, established, and left alone by the next run."""
    assert {one.change for one in room.install()} == {Change.CREATED}
    before = versions_of_crds(kubectl)
    steps = package_api.plan(package_api.read(room.client))
    assert {one.action for one in steps} == {Action.APPLY}
    assert {one.change for one in room.install()} == {Change.UNCHANGED}
    assert versions_of_crds(kubectl) == before
    assert room.events == []


def test_old_crds_are_extended_and_objects_stay(room: Room, kubectl: Kubectl, as_glasskube: AsGlasskube) -> None:
    """Every CRD of Glasskube gets what it lacks; its objects do not change and can still be updated."""
    old_glasskube(as_glasskube, room)
    stored = [room.create({"apiVersion": API_VERSION, **one}) for one in OLD_OBJECTS]
    assert {one.change for one in room.install()} == {Change.CHANGED}
    said = [one.text for one in room.events if isinstance(one, Said) and one.level == "warning"]
    assert sorted(said) == sorted(f"{name}: frit took over the field spec.versions from glasskube" for name in NAMES)
    for one in stored:
        kind, name = one["kind"], one["metadata"]["name"]
        assert kubectl.json("get", kind, name, "--show-managed-fields") == one
        kubectl("annotate", kind, name, "example.org/touched=yes")
    patch = {"spec": {"url": "still not a url"}}
    kubectl("patch", "packagerepository", "odd", "--type=merge", "-p", json.dumps(patch))
    crd = kubectl.json("get", "crd", NAMES[3], "--show-managed-fields")
    assert crd["metadata"]["labels"] == {"example.org/made-by": "glasskube"}
    assert {"glasskube", "frit"} <= set(managers(crd))


def test_added_fields_can_be_used(room: Room, kubectl: Kubectl, as_glasskube: AsGlasskube) -> None:
    """What an old Glasskube would have pruned is stored after the extension; short names and columns work."""
    old_glasskube(as_glasskube, room)
    room.install()
    auth = {"bearer": {"tokenSecretRef": {"name": "login", "key": "token"}}}
    spec = {"url": "https://example.com", "auth": auth}
    obj = {"apiVersion": API_VERSION, "kind": "PackageRepository", "metadata": {"name": "new"}, "spec": spec}
    room.until_nothing(lambda: room.refusal(obj))
    assert room.create(obj)["spec"]["auth"] == auth
    assert "URL" in kubectl("get", "packagerepositories")
    room.create({"apiVersion": API_VERSION, **OLD_OBJECTS[2]})
    assert "CURRENT" in kubectl("get", "pkgi")


def test_an_extended_api_is_kept(room: Room, kubectl: Kubectl, as_glasskube: AsGlasskube) -> None:
    """The next run finds nothing to add, and after Glasskube took its fields back it extends again."""
    old_glasskube(as_glasskube, room)
    room.install()
    before = versions_of_crds(kubectl)
    assert {one.action for one in package_api.plan(package_api.read(room.client))} == {Action.KEEP}
    assert {one.change for one in room.install()} == {Change.UNCHANGED}
    assert versions_of_crds(kubectl) == before
    old_glasskube(as_glasskube, room)
    assert {one.action for one in package_api.plan(package_api.read(room.client))} == {Action.EXTEND}
    assert {one.change for one in room.install()} == {Change.CHANGED}


def test_frits_own_crds_that_glasskube_took_are_not_made_strict_again(room: Room, as_glasskube: AsGlasskube) -> None:
    """Where Glasskube was installed over frit, its looser rules stay, because its objects rely on them."""
    room.install()
    old_glasskube(as_glasskube, room)
    odd = {"apiVersion": API_VERSION, **OLD_OBJECTS[0]}
    room.until_nothing(lambda: room.refusal(odd))
    room.create(odd)
    assert {one.change for one in room.install()} == {Change.CHANGED}
    auth = {"basic": {"usernameSecretRef": {"name": "only-the-user", "key": "it"}}}
    newer = {**odd, "metadata": {"name": "newer"}, "spec": {"url": "odd too", "auth": auth}}
    room.until_nothing(lambda: room.refusal(newer))


def test_what_somebody_writes_meanwhile_is_not_lost(room: Room, kubectl: Kubectl, as_glasskube: AsGlasskube) -> None:
    """A change between reading and extending leads to a second look, not to a lost change."""
    old_glasskube(as_glasskube, room)
    steps = package_api.plan(package_api.read(room.client))
    column = {"name": "Theirs", "type": "string", "jsonPath": ".spec.url"}
    patch = [{"op": "add", "path": "/spec/versions/0/additionalPrinterColumns", "value": [column]}]
    kubectl("patch", "crd", NAMES[3], "--type=json", "-p", json.dumps(patch))
    done = package_api.install(room.applier, steps)
    assert [attempt.kind for attempt in done[3].history.attempts] == ["conflict"]
    version = kubectl.json("get", "crd", NAMES[3])["spec"]["versions"][0]
    names = [one["name"] for one in version["additionalPrinterColumns"]]
    assert names[0] == "Theirs"
    assert "Default" in names
    said = [one.text for one in room.events if isinstance(one, Said) and NAMES[3] in one.text]
    assert said == [f"{NAMES[3]}: frit took over the field spec.versions from kubectl-patch"]


def test_a_dry_run_changes_nothing(room: Room, kubectl: Kubectl, as_glasskube: AsGlasskube) -> None:
    """An extension can be tried out: the server says changed, and nothing is."""
    old_glasskube(as_glasskube, room)
    before = versions_of_crds(kubectl)
    applier = replace(room.applier, dry_run=True)
    done = package_api.install(applier, package_api.plan(package_api.read(room.client)))
    assert {one.change for one in done} == {Change.CHANGED}
    assert versions_of_crds(kubectl) == before
    assert room.events == []


def _other_scope(crd: Object) -> None:
    crd["spec"]["scope"] = "Namespaced"


def _other_version(crd: Object) -> None:
    crd["spec"]["versions"][0]["name"] = "v1alpha0"


def _other_type(crd: Object) -> None:
    spec: Any = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["url"] = fields(host=TEXT)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_other_scope, "spec.scope is Namespaced, frit needs Cluster"),
        (_other_version, "spec.versions has no v1alpha1"),
        (_other_type, "the type of .spec.url is object, frit needs string"),
    ],
)
def test_what_does_not_go_together_stops_before_any_write(
    room: Room, kubectl: Kubectl, as_glasskube: AsGlasskube, change: Callable[[Object], None], why: str
) -> None:
    """One CRD that cannot be extended compatibly ends the plan, and no CRD is touched."""
    crd = glasskube_crd("PackageRepository")
    change(crd)
    as_glasskube(glasskube_crd("Package"), crd)
    before = {name: kubectl.json("get", "crd", name)["spec"] for name in (NAMES[1], NAMES[3])}
    with pytest.raises(PreflightFailed, match=why) as caught:
        room.install()
    assert NAMES[3] in caught.value.message
    assert {name: kubectl.json("get", "crd", name)["spec"] for name in before} == before
    assert kubectl("get", "crd", NAMES[0], "--ignore-not-found") == ""


def test_without_permission_to_read_frit_cannot_tell(powerless: Path) -> None:
    """An account that may not read CRDs gets the permission that it lacks, and exit code 9."""
    client = connect(ConnectionOptions(kubeconfig=str(powerless)), user_agent="frit-test").client
    with pytest.raises(CannotTell, match=r"may not get customresourcedefinitions\.apiextensions\.k8s\.io") as caught:
        package_api.read(client)
    assert "kubectl auth can-i get customresourcedefinitions" in caught.value.hint
