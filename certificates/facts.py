"""Everything that the checks need to know about a cluster, read in one go. Only GET, LIST and dry-run requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Generic, TypeVar

from base.clock import Run
from base.parallel import Background
from certificates.installation import CRD_NAMES, PARTS, Installation, installation_of, list_part
from certificates.probe import REQUESTS, Probed, in_a_row
from kube.access import Permission
from kube.client import METADATA_LIST, Client
from kube.diagnosis import Finding, diagnose
from kube.discovery import CORE_V1, ENDPOINT_SLICES, LEASES, Discovery, Resource
from kube.failures import ApiError, Failure, Kind
from kube.objects import Object, field, ref_of
from kube.readiness import readiness_of
from kube.webhook_stale import Calls, ask_calls

T = TypeVar("T")

KINDS = {
    "certificaterequests.cert-manager.io": "CertificateRequest",
    "certificates.cert-manager.io": "Certificate",
    "challenges.acme.cert-manager.io": "Challenge",
    "clusterissuers.cert-manager.io": "ClusterIssuer",
    "issuers.cert-manager.io": "Issuer",
    "orders.acme.cert-manager.io": "Order",
}
"""The kind that each CRD of cert-manager defines."""

REQUESTS_CRD = f"{REQUESTS.plural}.{REQUESTS.group}"

LEASE_NAMES = {"controller": "cert-manager-controller", "cainjector": "cert-manager-cainjector-leader-election"}
"""The Lease of each component that elects a leader. Source: cert-manager, cmd/controller/app and cmd/cainjector/app."""


@dataclass(frozen=True)
class Missed:
    """A question that the server did not let us ask: the permission that is missing, and what the server said."""

    permission: Permission
    failure: Failure


@dataclass(frozen=True)
class Election:
    """How the leader of one component is found: the Lease's namespace and name; `namespace` empty means no election."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Facts:
    """What one look at a cluster showed. `Missed` stands where a permission is missing, None where there is nothing.

    `namespace` is the probe namespace; `now` the server's clock (seconds since the epoch); `served` the CRDs whose
    kinds are served; `missed` the lists that were refused, by their key in `PARTS`; `pods` the names of the pods
    in cert-manager's namespace, None where they may not be listed; `findings` the diagnosis by component; `calls`
    the Services that all webhooks call, None where the lists may not be read.
    """

    namespace: str
    now: float
    served: frozenset[str] = frozenset(CRD_NAMES)
    installation: Installation = dataclass_field(default_factory=Installation)
    missed: Mapping[str, Missed] = dataclass_field(default_factory=dict)
    probe_namespace: Object | Missed | None = None
    service: Object | Missed | None = None
    slices: list[Object] | Missed | None = None
    secret: Object | Missed | None = None
    elections: Mapping[str, Election] = dataclass_field(default_factory=dict)
    leases: Mapping[str, Object | Missed | None] = dataclass_field(default_factory=dict)
    pods: frozenset[str] | None = None
    findings: Mapping[str, tuple[Finding, ...]] = dataclass_field(default_factory=dict)
    calls: Calls | None = None
    probes: tuple[Probed, ...] = ()


def ask(call: Callable[[], T], permission: Permission) -> T | Missed | None:
    """The answer to a question; None where the object does not exist, `Missed` where asking is forbidden.

    Raises `ApiError` for every other failure.
    """
    try:
        return call()
    except ApiError as error:
        if error.failure.kind is Kind.FORBIDDEN:
            return Missed(permission, error.failure)
        if error.failure.kind is Kind.NOT_FOUND:
            return None
        raise


class _Asking(Generic[T]):
    """A question that is being asked on a thread of its own."""

    def __init__(self, call: Callable[[], T], permission: Permission) -> None:
        self._answer: Background[T | Missed | None] = Background(lambda: ask(call, permission), str(permission))

    def result(self) -> T | Missed | None:
        return self._answer.result()


def _get(client: Client, resource: Resource, namespace: str, name: str) -> _Asking[Object]:
    where = f"{namespace}/{name}" if namespace else name

    def call() -> Object:
        found: Object = client.get(resource.path(namespace, name), doing=f"read {resource.kind} {where}")
        return {"apiVersion": resource.api_version, "kind": resource.kind, **found}

    return _Asking(call, Permission("get", resource.group, resource.plural, namespace))


def _list(
    client: Client, resource: Resource, namespace: str, query: Mapping[str, str], **more: Any
) -> _Asking[list[Object]]:
    def call() -> list[Object]:
        doing = f"list {resource.plural} in namespace {namespace}"
        answer = client.get(resource.path(namespace), doing=doing, query=query, **more)
        return list(answer.get("items") or [])

    return _Asking(call, Permission("list", resource.group, resource.plural, namespace))


def look(client: Client, discovery: Discovery, namespace: str, run: Run) -> Facts:
    """Read everything that the checks need; what does not depend on each other is asked at the same time.

    `namespace` is the one to probe in. Raises `ApiError` where the API server itself fails, and `Cancelled`.
    """
    served = frozenset(name for name in CRD_NAMES if _is_served(discovery, name))
    probing = Background(lambda: _probes(client, namespace, run), "probes") if REQUESTS_CRD in served else None
    space = _get(client, CORE_V1["Namespace"], "", namespace)
    parts = {part: _Asking(lambda part=part: list_part(client, part), _listing(part)) for part in PARTS}  # type: ignore[misc]
    answers = {part: asking.result() for part, asking in parts.items()}
    missed = {part: answer for part, answer in answers.items() if isinstance(answer, Missed)}
    lists = {part: [] if isinstance(answer, Missed) else answer or [] for part, answer in answers.items()}
    installation = installation_of(**lists)

    service_in, service_name = installation.service
    secret_in, secret_name = installation.ca_secret
    service = _get(client, CORE_V1["Service"], service_in, service_name) if service_name else None
    configurations = [*lists["mutating"], *lists["validating"]]
    calling = Background(
        lambda: ask_calls(client, configurations, lists["crds"], asked=[installation.service]), "services of webhooks"
    )
    by_service = {"labelSelector": f"kubernetes.io/service-name={service_name}"}
    slices = _list(client, ENDPOINT_SLICES, service_in, by_service) if service_name else None
    secret = _get(client, CORE_V1["Secret"], secret_in, secret_name) if secret_name else None
    elections = {
        one: election_of(one, installation.deployments[one]) for one in LEASE_NAMES if one in installation.deployments
    }
    leases = {key: _get(client, LEASES, one.namespace, one.name) for key, one in elections.items() if one.namespace}
    pods = _list(client, CORE_V1["Pod"], installation.namespace, {}, accept=METADATA_LIST) if leases else None
    findings = _diagnosis(client, installation)
    return Facts(
        namespace=namespace,
        served=served,
        installation=installation,
        missed=missed,
        probe_namespace=space.result(),
        service=service.result() if service else None,
        slices=slices.result() if slices else None,
        secret=secret.result() if secret else None,
        elections=elections,
        leases={component: asking.result() for component, asking in leases.items()},
        pods=_names(pods.result()) if pods else None,
        findings=findings,
        calls=None if {"mutating", "validating"} & missed.keys() else calling.result(),
        probes=probing.result() if probing else (),
        now=time.time() + (client.skew or 0.0),
    )


def _is_served(discovery: Discovery, crd: str) -> bool:
    group = crd.partition(".")[2]
    return discovery.find(f"{group}/v1", KINDS[crd]) is not None


def _listing(part: str) -> Permission:
    resource = PARTS[part][0]
    return Permission("list", resource.group, resource.plural)


def _names(pods: list[Object] | Missed | None) -> frozenset[str] | None:
    return frozenset(ref_of(one).name for one in pods) if isinstance(pods, list) else None


def _probes(client: Client, namespace: str, run: Run) -> tuple[Probed, ...]:
    """Pairs of probes in a row, and once more where the first one hung."""
    found = in_a_row(client, namespace, run)
    if found[0].hung:  # it may have met the moment in which endpoints change, and hides the cause in any case
        found = in_a_row(client, namespace, run)
    return found


def _diagnosis(client: Client, installation: Installation) -> dict[str, tuple[Finding, ...]]:
    """Findings for the Deployments that should run and are not ready; no request where there is none."""
    unwell = {
        component: deployment
        for component, deployment in installation.deployments.items()
        if field(deployment, "spec", "replicas", default=1) and not readiness_of(deployment).ready
    }
    if not unwell:
        return {}
    names = {component: ref_of(deployment).name for component, deployment in unwell.items()}
    found = diagnose(client, installation.namespace, deployments=sorted(names.values()))
    return {
        component: tuple(one for one in found if not one.owner or one.owner.endswith(f"/{name}"))
        for component, name in names.items()
    }


def election_of(component: str, deployment: Object) -> Election:
    """Where a component elects its leader, by the arguments of its container.

    Source: cert-manager's command-line reference, --leader-elect and --leader-election-namespace.
    """
    arguments = [str(one) for one in field(deployment, "spec", "template", "spec", "containers", 0, "args", default=[])]
    namespace = ref_of(deployment).namespace
    if _argument(arguments, "--leader-elect") == "false":
        return Election("", "")
    chosen = _argument(arguments, "--leader-election-namespace") or "kube-system"
    return Election(chosen.replace("$(POD_NAMESPACE)", namespace), LEASE_NAMES[component])


def _argument(arguments: list[str], flag: str) -> str:
    for number, one in enumerate(arguments):
        name, equals, value = one.partition("=")
        if name == flag:
            return value if equals else next(iter(arguments[number + 1 : number + 2]), "")
    return ""
