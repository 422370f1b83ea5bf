"""The plan for the package API's CustomResourceDefinitions, as data."""

from __future__ import annotations

import pytest

from base.clock import Deadline, Run
from base.errors import PreflightFailed
from base.events import Event, GaveUp, Retried
from base.policy import RetryPolicy
from kube.apply import Applier
from kube.client import Client
from kube.failures import ApiError
from kube.objects import Object
from repositories.package_api import NAMES, Action, crds, install, plan
from tests.faults import rules
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy
from tests.kube.conftest import asking, server  # noqa: F401 -- fixtures
from tests.repositories.schemas import crd, glasskube_crd

WINDOW = rules.status(
    500,
    "InternalError",
    'Internal error occurred: failed calling webhook "w.example.com": failed to call webhook: Post '
    '"https://w.ns.svc:443/x?timeout=12s": tls: failed to verify certificate: x509: certificate signed by unknown '
    "authority",
)
DENIED = rules.status(403, "Forbidden", 'admission webhook "w.example.com" denied the request: no')
NAME = "packageinfos.packages.glasskube.dev"
SPEC: Object = {"f:group": {}, "f:names": {"f:kind": {}, "f:plural": {}}, "f:scope": {}, "f:versions": {}}


def managed(obj: Object, **owned: Object) -> Object:
    """The object as a server returns it, with field managers and the spec fields that each owns."""
    entries = [{"manager": name, "operation": "Apply", "fieldsV1": {"f:spec": spec}} for name, spec in owned.items()]
    status = {"manager": "kube-apiserver", "subresource": "status", "fieldsV1": {"f:status": {}, "f:spec": {}}}
    metadata = {**obj["metadata"], "resourceVersion": "7", "managedFields": [*entries, status]}
    return {**obj, "metadata": metadata}


def test_a_cluster_without_the_api_gets_all_of_it() -> None:
    """Missing CRDs, also those whose name was not looked up, are created as the file has them."""
    for existing in ({}, dict.fromkeys(NAMES)):
        steps = plan(existing)
        assert [one.name for one in steps] == list(NAMES)
        assert [one.obj for one in steps] == crds()
        assert {one.action for one in steps} == {Action.CREATE}


def test_a_crd_of_frit_alone_is_applied_as_a_whole() -> None:
    """Where only frit has written to the spec, the newest definition is applied."""
    found = plan({NAME: managed(crd("PackageInfo"), frit=SPEC)})[2]
    assert (found.action, found.obj) == (Action.APPLY, crd("PackageInfo"))


def test_a_crd_of_somebody_else_is_extended() -> None:
    """Versions and short names alone are applied, with the resourceVersion that was read, and the losers named."""
    found = plan({NAME: managed(glasskube_crd("PackageInfo"), glasskube=SPEC)})[2]
    assert found.action is Action.EXTEND
    assert set(found.obj) == {"apiVersion", "kind", "metadata", "spec"}
    assert found.obj["metadata"] == {"name": NAME, "resourceVersion": "7"}
    assert set(found.obj["spec"]) == {"versions", "names"}
    assert found.obj["spec"]["names"] == {"shortNames": ["pkgi"]}
    assert (found.owners, found.losing) == (("glasskube",), ("glasskube",))
    assert "made by glasskube, extended by" in found.summary
    assert "column Desired" in found.additions


def test_short_names_stay_out_of_an_extension_that_does_not_change_them() -> None:
    """frit takes over no field that it does not have to."""
    there = managed(glasskube_crd("Package"), glasskube=SPEC)
    found = plan({"packages.packages.glasskube.dev": there})[1]
    assert set(found.obj["spec"]) == {"versions"}


def test_short_names_that_frit_added_before_are_applied_again() -> None:
    """A list that only frit owns would go away if a later apply left it out."""
    there = glasskube_crd("PackageInfo")
    there["spec"]["names"]["shortNames"] = ["pkgi"]
    ours: Object = {"f:names": {"f:shortNames": {}}, "f:versions": {}}
    rest: Object = {"f:group": {}, "f:names": {"f:kind": {}}, "f:scope": {}}
    found = plan({NAME: managed(there, frit=ours, glasskube=rest)})[2]
    assert found.action is Action.EXTEND
    assert found.obj["spec"]["names"] == {"shortNames": ["pkgi"]}
    assert found.losing == ()


def test_a_complete_crd_of_somebody_else_is_kept() -> None:
    """Nothing is applied where nothing is missing, also after frit has extended it before."""
    for owned in ({"glasskube": SPEC}, {"glasskube": SPEC, "frit": {"f:versions": {}}}):
        found = plan({NAME: managed(crd("PackageInfo"), **owned)})[2]
        assert (found.action, found.owners) == (Action.KEEP, ("glasskube",))
        assert found.summary == f"{NAME}: made by glasskube, kept"


def test_a_crd_without_field_managers_counts_as_somebody_elses() -> None:
    """When nobody can be seen to own it, it is extended, never replaced."""
    found = plan({NAME: glasskube_crd("PackageInfo")})[2]
    assert (found.action, found.owners) == (Action.EXTEND, ())


def test_a_label_by_somebody_else_does_not_make_a_crd_theirs() -> None:
    """Only who has written to the spec counts."""
    there = managed(crd("PackageInfo"), frit=SPEC)
    there["metadata"]["managedFields"].append({"manager": "kubectl-label", "fieldsV1": {"f:metadata": {}}})
    assert plan({NAME: there})[2].action is Action.APPLY


def test_a_crd_that_is_being_deleted_fails_before_anything_is_changed() -> None:
    """Applying to a CRD on its way out would be lost."""
    there = managed(crd("PackageInfo"), frit=SPEC)
    there["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(PreflightFailed, match="being deleted") as caught:
        plan({NAME: there})
    assert f"kubectl wait --for=delete crd/{NAME}" in caught.value.hint


def test_an_extension_is_told_of_like_any_write(
    server: FaultProxy,  # noqa: F811 -- the fixture
    asking: Client,  # noqa: F811 -- the fixture
) -> None:
    """A window in front of a definition is watched, waited for and told; the refusal behind it is the end."""
    there = managed(glasskube_crd("PackageInfo"), glasskube=SPEC)
    step = plan({NAME: there})[2]
    assert step.action is Action.EXTEND
    server.on(WINDOW, method="PATCH")
    server.on(DENIED, method="PATCH", times=None)
    server.on(ok(there), method="GET", path="/customresourcedefinitions/", times=None)
    server.on(ok({"items": []}), times=None)
    told: list[Event] = []
    policy = RetryPolicy(first_pause=0.3)
    with pytest.raises(ApiError):
        install(Applier(asking, policy, Run(), Deadline.after(20), told.append), [step])
    assert [one.kind for one in told if isinstance(one, Retried | GaveUp)] == ["certificate-rotation", "denied"]
    assert any(one.path.endswith("/validatingwebhookconfigurations") for one in server.seen)
    told.clear()
    with pytest.raises(ApiError):
        install(Applier(asking, policy, Run(), Deadline.after(20), told.append), [step])
    assert [one.kind for one in told if isinstance(one, Retried | GaveUp)] == ["denied"]
