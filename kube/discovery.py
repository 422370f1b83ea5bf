"""Which kinds a server serves, and under which paths: one request with aggregated discovery.

Source: Kubernetes API Concepts, "Aggregated discovery" (beta and on since 1.27, stable since 1.30).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from base.errors import PreflightFailed
from kube.objects import Object, Ref, field, ref_of

if TYPE_CHECKING:
    from kube.client import Client

AGGREGATED = ",".join(
    [
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        "application/json",
    ]
)


@dataclass(frozen=True)
class Resource:
    """One served resource: its group (empty for core), version, plural name, kind and scope."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """Group and version as objects carry it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of a collection or, with `name`, of one object. An empty `namespace` spans all of them."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if self.namespaced and namespace:
            root += f"/namespaces/{quote(namespace, safe='')}"
        root += f"/{self.plural}"
        return f"{root}/{quote(name, safe='')}" if name else root


class Discovery:
    """The served resources by apiVersion and kind. CRDs that frit has applied are added with `learn`."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._resources = {(one.api_version, one.kind): one for one in resources}

    def find(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind, or None where the server does not serve it."""
        return self._resources.get((api_version, kind))

    def of(self, ref: Ref) -> Resource:
        """The resource of an object's kind. Raises `PreflightFailed` where the server does not serve it."""
        found = self.find(ref.api_version, ref.kind)
        if found is None:
            raise PreflightFailed(
                f"could not find kind {ref.kind} in {ref.api_version}: the server does not serve it",
                hint=f"kubectl api-resources --api-group={ref.group or chr(39) * 2}",
            )
        return found

    def serves_group(self, group: str) -> bool:
        """Whether any version of an API group is served."""
        return any(one.group == group for one in self._resources.values())

    def learn(self, crds: Iterable[Object]) -> None:
        """Add the kinds that CustomResourceDefinitions define, so that no second discovery is needed."""
        for crd in crds:
            for resource in resources_of(crd):
                self._resources[(resource.api_version, resource.kind)] = resource


def resources_of(crd: Mapping[str, Any]) -> list[Resource]:
    """The served resources that one CustomResourceDefinition defines, a version each."""
    group = field(crd, "spec", "group", default="")
    names = field(crd, "spec", "names", default={})
    namespaced = field(crd, "spec", "scope") == "Namespaced"
    return [
        Resource(group, version["name"], names["plural"], names["kind"], namespaced)
        for version in field(crd, "spec", "versions", default=[])
        if version.get("served")
    ]


def discover(client: Client) -> Discovery:
    """Ask the server for its kinds, in one request; the core group is the same everywhere and is not asked for.

    Raises `ApiError` when the server cannot be asked and `PreflightFailed` when it is too old for aggregated
    discovery.
    """
    answer = client.request("GET", "/apis", doing="discover the served kinds", accept=AGGREGATED).json()
    if answer.get("kind") != "APIGroupDiscoveryList":
        raise PreflightFailed(
            "this API server does not answer aggregated discovery: it is older than Kubernetes 1.27",
            hint="upgrade the cluster; frit needs Kubernetes 1.27 or newer",
        )
    groups = [one for group in answer.get("items") or [] for one in _resources_in(group)]
    return Discovery([*CORE_V1.values(), *groups])


def _resources_in(group: Mapping[str, Any]) -> Iterable[Resource]:
    for version in group.get("versions") or []:
        for one in version.get("resources") or []:
            kind = field(one, "responseKind", "kind")
            if kind:
                yield Resource(
                    field(group, "metadata", "name", default=""),
                    version["version"],
                    one["resource"],
                    kind,
                    one.get("scope") == "Namespaced",
                )


CORE_V1 = {
    kind: Resource("", "v1", plural, kind, namespaced)
    for kind, plural, namespaced in [
        ("Namespace", "namespaces", False),
        ("Node", "nodes", False),
        ("Pod", "pods", True),
        ("Secret", "secrets", True),
        ("Event", "events", True),
        ("Service", "services", True),
        ("ConfigMap", "configmaps", True),
        ("ServiceAccount", "serviceaccounts", True),
        ("Endpoints", "endpoints", True),
        ("LimitRange", "limitranges", True),
        ("PersistentVolume", "persistentvolumes", False),
        ("PersistentVolumeClaim", "persistentvolumeclaims", True),
        ("PodTemplate", "podtemplates", True),
        ("ReplicationController", "replicationcontrollers", True),
        ("ResourceQuota", "resourcequotas", True),
    ]
}
"""The resources of the core group by kind; every cluster serves them."""

DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment", True)
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", True)
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease", True)
CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False)
MUTATING = Resource(
    "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", False
)
VALIDATING = Resource(
    "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", False
)
ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False)


def path_of(discovery: Discovery, obj: Mapping[str, Any]) -> str:
    """The URL path of one object. Raises `PreflightFailed` where its kind is not served."""
    ref = ref_of(obj)
    return discovery.of(ref).path(ref.namespace, ref.name)
