"""Which cert-manager is on a cluster: where, which version, who installed it. Reads, never writes.

How an installation is recognised, and by which labels an owner is told, follows cert-manager's chart and static
manifest (labels app.kubernetes.io/*) and the marks that Helm, OLM, Argo CD and Flux leave on objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from base.parallel import each
from kube.client import JSON, METADATA_LIST, Client
from kube.discovery import CRDS, DEPLOYMENTS, MUTATING, VALIDATING, Resource
from kube.objects import Object, field, managers, ref_of
from kube.readiness import Readiness, readiness_of

GROUPS = ("cert-manager.io", "acme.cert-manager.io")
WEBHOOK_NAME = "webhook.cert-manager.io"
CRD_NAMES = (
    "certificaterequests.cert-manager.io",
    "certificates.cert-manager.io",
    "challenges.acme.cert-manager.io",
    "clusterissuers.cert-manager.io",
    "issuers.cert-manager.io",
    "orders.acme.cert-manager.io",
)
COMPONENTS = ("controller", "webhook", "cainjector")
INJECT_ANNOTATION = "cert-manager.io/inject-ca-from-secret"
VERSION_LABEL = "app.kubernetes.io/version"


@dataclass(frozen=True)
class Owner:
    """Who installed it: `kind` is frit, helm, olm, argocd, flux, kubectl or other; `name` says which one."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        """For people: `Helm release cert-manager`."""
        titles = {
            "helm": "Helm release",
            "olm": "OLM",
            "argocd": "Argo CD application",
            "flux": "Flux kustomization",
            "kubectl": "kubectl",
            "frit": "frit",
        }
        return f"{titles.get(self.kind, 'field manager')} {self.name}".strip()


@dataclass(frozen=True)
class Installation:
    """What is there of cert-manager. Empty texts and missing keys mean: not found.

    `deployments` is by component (controller, webhook, cainjector); `crds` holds the metadata of its CRDs by name;
    `mutating` and `validating` are the webhook configurations that call cert-manager's webhook, `others` all else
    that were listed.
    """

    namespace: str = ""
    version: str = ""
    owner: Owner | None = None
    deployments: Mapping[str, Object] = dataclass_field(default_factory=dict)
    crds: Mapping[str, Object] = dataclass_field(default_factory=dict)
    mutating: Object | None = None
    validating: Object | None = None
    namespaces: tuple[str, ...] = ()
    others: tuple[Object, ...] = ()

    @property
    def absent(self) -> bool:
        """Whether nothing at all of cert-manager was found."""
        return not (self.deployments or self.crds or self.mutating or self.validating)

    @property
    def service(self) -> tuple[str, str]:
        """Namespace and name of the webhook's Service, as the webhook configurations name it; empty if unknown."""
        for configuration in (self.validating, self.mutating):
            service = field(configuration, "webhooks", 0, "clientConfig", "service", default={})
            if service.get("name"):
                return str(service.get("namespace", "")), str(service["name"])
        return ("", "")

    @property
    def ca_secret(self) -> tuple[str, str]:
        """Namespace and name of the Secret with the webhook's CA, from the inject annotation; empty if unknown."""
        for configuration in (self.validating, self.mutating):
            source = field(configuration, "metadata", "annotations", INJECT_ANNOTATION, default="")
            namespace, _, name = source.partition("/")
            if name:
                return namespace, name
        return ("", "")


PARTS: Mapping[str, tuple[Resource, Mapping[str, str], str]] = {
    "deployments": (
        DEPLOYMENTS,
        {
            "labelSelector": "app.kubernetes.io/component in (controller,webhook,cainjector),"
            "app.kubernetes.io/name in (cert-manager,webhook,cainjector)"
        },
        JSON,
    ),
    "crds": (CRDS, {}, METADATA_LIST),
    "mutating": (MUTATING, {}, JSON),
    "validating": (VALIDATING, {}, JSON),
}
"""The four lists that show an installation: resource, query and media type, by the parameter of `installation_of`."""


def list_part(client: Client, part: str) -> list[Object]:
    """One of the four lists, by its key in `PARTS`. Raises `ApiError`."""
    resource, query, accept = PARTS[part]
    answer = client.get(resource.path(), doing=f"list {resource.plural}", query=query, accept=accept)
    # the items of a list leave apiVersion and kind out, because the list itself says them
    identity = {"apiVersion": resource.api_version, "kind": resource.kind}
    return [{**one, **identity} for one in answer.get("items") or []]


def find_installation(client: Client) -> Installation:
    """Look for cert-manager with four list requests at the same time.

    Raises `ApiError` where one of them fails, for example for a missing permission.
    """
    return installation_of(*each(lambda part: list_part(client, part), list(PARTS), workers=4))


def installation_of(
    deployments: Iterable[Object], crds: Iterable[Object], mutating: Iterable[Object], validating: Iterable[Object]
) -> Installation:
    """Put together what four lists say. Objects of other products in them are left out."""
    by_component: dict[str, Object] = {}
    namespaces: list[str] = []
    for one in deployments:
        component = field(one, "metadata", "labels", "app.kubernetes.io/component", default="")
        if component in COMPONENTS and _is_cert_manager(one):
            by_component.setdefault(component, one)
            namespaces.append(str(field(one, "metadata", "namespace", default="")))
    own_crds = {ref_of(one).name: one for one in crds if ref_of(one).name in CRD_NAMES}
    configurations = [*mutating], [*validating]
    mutating_one, validating_one = (_own(listed, namespaces) for listed in configurations)
    parts = [*by_component.values(), *(one for one in (validating_one, mutating_one) if one), *own_crds.values()]
    return Installation(
        namespace=namespaces[0] if namespaces else "",
        version=_version(by_component, parts),
        owner=_one_owner(parts),
        deployments=by_component,
        crds=own_crds,
        mutating=mutating_one,
        validating=validating_one,
        namespaces=tuple(dict.fromkeys(namespaces)),
        others=tuple(one for listed in configurations for one in listed if one not in (mutating_one, validating_one)),
    )


def _one_owner(parts: Sequence[Object]) -> Owner | None:
    # one part that somebody else installed makes the whole somebody else's: frit must not complete it
    owners = [owner_of(one) for one in parts]
    return next((one for one in owners if one.kind != "frit"), owners[0] if owners else None)


def _is_cert_manager(deployment: Object) -> bool:
    # "webhook" and "cainjector" are common words: the image or the instance's own labels must say cert-manager too
    labels = field(deployment, "metadata", "labels", default={})
    images = [
        str(one.get("image", "")) for one in field(deployment, "spec", "template", "spec", "containers", default=[])
    ]
    return "cert-manager" in str(labels.get("helm.sh/chart", "")) or any("cert-manager" in image for image in images)


def _own(listed: Sequence[Object], namespaces: Sequence[str]) -> Object | None:
    """The configuration of cert-manager's webhook; of several the one that calls into a namespace where it runs."""
    found = [one for one in listed if _calls_cert_manager(one)]
    service = ("webhooks", 0, "clientConfig", "service", "namespace")
    return next((one for one in found if field(one, *service) in namespaces), found[0] if found else None)


def _calls_cert_manager(configuration: Object) -> bool:
    return any(one.get("name") == WEBHOOK_NAME for one in field(configuration, "webhooks", default=[]))


def _version(deployments: Mapping[str, Object], parts: Sequence[Object]) -> str:
    for one in [*deployments.values(), *parts]:
        label = str(field(one, "metadata", "labels", VERSION_LABEL, default=""))
        if label:
            return label.removeprefix("v")
    return ""


def owner_of(obj: Object) -> Owner:
    """Who manages one object, by the marks that installers leave; the last applier where there are none."""
    labels = field(obj, "metadata", "labels", default={})
    annotations = field(obj, "metadata", "annotations", default={})
    if labels.get("app.kubernetes.io/managed-by") == "Helm" or "meta.helm.sh/release-name" in annotations:
        return Owner("helm", str(annotations.get("meta.helm.sh/release-name", "")))
    if any(key.startswith("olm.owner") for key in labels):
        return Owner("olm", str(labels.get("olm.owner", "")))
    if "argocd.argoproj.io/tracking-id" in annotations:
        return Owner("argocd", str(annotations["argocd.argoproj.io/tracking-id"]).partition(":")[0])
    if "kustomize.toolkit.fluxcd.io/name" in labels:
        return Owner("flux", str(labels["kustomize.toolkit.fluxcd.io/name"]))
    return _owner_by_manager(managers(obj))


def _owner_by_manager(names: Sequence[str]) -> Owner:
    if "frit" in names:
        return Owner("frit")
    appliers = [name for name in names if name not in ("kube-controller-manager", "kube-apiserver", "cainjector")]
    appliers = [name for name in appliers if not name.startswith("cert-manager")]
    if any(name.startswith("kubectl") for name in appliers):
        return Owner("kubectl")
    if "helm" in appliers:
        return Owner("helm")
    if any(name.startswith("argocd") for name in appliers):
        return Owner("argocd")
    return Owner("other", appliers[0] if appliers else "unknown")


@dataclass(frozen=True)
class Problem:
    """Something that is missing or not ready; `heals` says whether waiting alone may mend it."""

    text: str
    heals: bool = False


def problems(installation: Installation) -> list[Problem]:
    """What is missing or not ready, by what the lists already told; empty when nothing is."""
    found: list[Problem] = []
    if len(installation.namespaces) > 1:
        found.append(Problem("there are several installations, in namespaces " + ", ".join(installation.namespaces)))
    lacking = [name for name in CRD_NAMES if name not in installation.crds]
    if lacking:
        found.append(Problem("CustomResourceDefinitions are missing: " + ", ".join(lacking)))
    for component in COMPONENTS:
        deployment = installation.deployments.get(component)
        if deployment is None:
            found.append(Problem(f"the Deployment of the {component} is missing"))
        elif field(deployment, "spec", "replicas", default=1) == 0:
            found.append(Problem(f"{ref_of(deployment)} is scaled to 0"))
        elif not (verdict := readiness_of(deployment)).ready:
            heals = verdict.readiness is Readiness.IN_PROGRESS
            found.append(Problem(f"{ref_of(deployment)} is not ready: {verdict.reason}", heals))
    for name, configuration in (("mutating", installation.mutating), ("validating", installation.validating)):
        if configuration is None:
            found.append(Problem(f"the {name} webhook configuration of {WEBHOOK_NAME} is missing"))
    return found
