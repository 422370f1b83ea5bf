"""What must be true of a manifest before one object of it is applied: it is cert-manager, whole, and nothing else.

`parse` gives the objects, `verify_digest` compares the bytes with a pinned digest, `check` gives the `Manifest` that
later stages work with. Each of them raises `PreflightFailed`, and nothing was changed by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from base.errors import PreflightFailed
from certificates import images
from certificates.download import Fetched, plain_digest
from certificates.parsing import parse
from certificates.releases import Release, plain_version
from kube.objects import Object, Ref, field, ref_of

__all__ = ["ALLOWED_KINDS", "CRDS", "NAMESPACE", "Manifest", "check", "parse", "verify_digest"]

NAMESPACE: Final = "cert-manager"
"""The namespace of the release manifest."""

CRDS: Final = (
    "certificaterequests.cert-manager.io",
    "certificates.cert-manager.io",
    "challenges.acme.cert-manager.io",
    "clusterissuers.cert-manager.io",
    "issuers.cert-manager.io",
    "orders.acme.cert-manager.io",
)
"""The custom resources of cert-manager, at every version since 0.11."""

_CLUSTER: Final = (
    ("v1", "Namespace"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
)
_NAMESPACED: Final = (
    ("v1", "ServiceAccount"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("apps/v1", "Deployment"),
    ("policy/v1", "PodDisruptionBudget"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
)
ALLOWED_KINDS: Final = frozenset(_CLUSTER + _NAMESPACED)
"""The (apiVersion, kind) pairs that releases of cert-manager consist of; two more that its chart can add."""

_GROUPS: Final = ("cert-manager.io", "acme.cert-manager.io")
_ELECTION: Final = "kube-system"  # where controller and cainjector elect their leaders
_COMPONENTS: Final = ("cainjector", "controller", "webhook")
_WEBHOOK_KINDS: Final = {"MutatingWebhookConfiguration": "/mutate", "ValidatingWebhookConfiguration": "/validate"}
_VERSIONED: Final = ("CustomResourceDefinition", "Deployment", *_WEBHOOK_KINDS)
_COMPONENT_LABEL: Final = "app.kubernetes.io/component"
_VERSION_LABEL: Final = "app.kubernetes.io/version"
_SHOWN: Final = 8


@dataclass(frozen=True)
class Manifest:
    """A checked manifest: its objects in the order of the file, the version (without `v`) and where it came from.

    `sha256` is the digest of its bytes, in hexadecimal, or empty where the caller did not give it.
    """

    objects: tuple[Object, ...]
    version: str
    namespace: str
    origin: str
    sha256: str = ""


def verify_digest(fetched: Fetched, sha256: str) -> None:
    """Compare the bytes of a manifest with a digest (64 hexadecimal digits, `sha256:` in front is fine).

    Raises `WrongUsage` if that is no digest, and `PreflightFailed` with both digests if they differ.
    """
    expected = plain_digest(sha256)
    if fetched.sha256 != expected:
        raise PreflightFailed(
            f"{fetched.origin} is not the file that was expected: "
            f"its SHA-256 digest is {fetched.sha256}, and not {expected}",
            hint="if the digest is right, somebody changed the file on its way: do not use it\n"
            "else give the digest of the file that you trust: --sha256",
        )


def check(
    objects: Sequence[Object],
    *,
    version: str | None,
    release: Release | None,
    origin: str,
    registries: Sequence[str] = (images.UPSTREAM,),
    sha256: str = "",
) -> Manifest:
    """The manifest, if all of it is what cert-manager consists of, and nothing more.

    `version` is the one that was asked for; None takes what the labels say. `release` adds the counts of the
    catalogue; give it for the project's own manifest only, because a chart rendered elsewhere may hold fewer.
    Images come from `registries`. Raises `PreflightFailed` that lists what is wrong.
    """
    labels = _labelled_versions(objects)
    common = labels.most_common(1)[0][0] if labels else ""
    asked = version.strip().removeprefix("v") if version is not None else None
    wrong = list(_wrong_versions(labels, asked))
    counted = release is not None and release.known and release.version == common
    wrong += _missing(objects, release.objects if release is not None and counted else {})
    wrong += [f"{ref} occurs twice" for ref, count in Counter(_identity(obj) for obj in objects).items() if count > 1]
    own_roles = {(obj["kind"], ref_of(obj).name) for obj in objects if obj["kind"] in ("Role", "ClusterRole")}
    for obj in objects:
        if (obj["apiVersion"], obj["kind"]) not in ALLOWED_KINDS:
            wrong.append(f"{ref_of(obj)} ({obj['apiVersion']}) is nothing that cert-manager consists of")
            continue
        wrong += _misplaced(obj)
        wrong += _foreign(obj, own_roles)
        wrong += images.problems(obj, common, registries)
    if wrong:
        raise _refused(origin, asked, wrong)
    return Manifest(tuple(objects), common, NAMESPACE, origin, sha256)


def _labelled_versions(objects: Sequence[Object]) -> Counter[str]:
    """How many objects and pod templates are labelled with each version, without the `v`."""
    templates = [field(obj, "spec", "template", default={}) for obj in objects]
    labels = [field(one, "metadata", "labels", _VERSION_LABEL) for one in (*objects, *templates)]
    return Counter(str(label).removeprefix("v") for label in labels if label is not None)


def _wrong_versions(labels: Counter[str], asked: str | None) -> Iterator[str]:
    if not labels:
        yield f"no object carries its version in the label {_VERSION_LABEL}"
    elif len(labels) > 1:
        counts = ", ".join(f"{label} ({count} times)" for label, count in labels.most_common(_SHOWN))
        yield f"its version labels do not agree: {counts}"
    elif plain_version(next(iter(labels))) is None:
        yield f"{next(iter(labels))!r} in the label {_VERSION_LABEL} is not a version"
    elif asked is not None and asked not in labels:
        yield f"it is cert-manager {next(iter(labels))}, and {asked} was asked for"


def _missing(objects: Sequence[Object], counted: Mapping[str, int]) -> Iterator[str]:
    """What every release has and this manifest has not, and of which kinds it has fewer than were counted."""
    present = {(ref.kind, ref.name) for ref in map(ref_of, objects)}
    required = [("Namespace", NAMESPACE), *(("CustomResourceDefinition", name) for name in CRDS)]
    required += [("Service", "cert-manager-webhook")]
    for kind, name in required:
        if (kind, name) not in present:
            yield f"{kind} {name} is missing"
    components = Counter(_component(obj) for obj in objects if obj["kind"] == "Deployment")
    for component in _COMPONENTS:
        if components[component] != 1:
            yield f"one Deployment of the component {component} was expected, and there are {components[component]}"
    counts = Counter(obj["kind"] for obj in objects)
    for kind in _WEBHOOK_KINDS:
        if not counts[kind]:
            yield f"{kind} is missing"
    for kind, expected in counted.items():
        if counts[kind] < expected and kind not in (*_WEBHOOK_KINDS, "Namespace", "CustomResourceDefinition"):
            yield f"{expected} objects of kind {kind} were expected, and there are {counts[kind]}"


def _misplaced(obj: Object) -> Iterator[str]:
    """Why an object of an allowed kind does not belong where it would land."""
    ref = ref_of(obj)
    if (ref.api_version, ref.kind) in _CLUSTER:
        if ref.namespace:
            yield f"{ref} names a namespace, but its kind belongs to the whole cluster"
        elif ref.kind == "Namespace" and ref.name != NAMESPACE:
            yield f"{ref} is another namespace than {NAMESPACE}"
        elif ref.kind == "CustomResourceDefinition" and field(obj, "spec", "group") not in _GROUPS:
            yield f"{ref} does not define a resource of cert-manager"
    elif not ref.namespace:
        yield f"{ref} names no namespace"
    elif ref.namespace != NAMESPACE and (ref.namespace != _ELECTION or ref.kind not in ("Role", "RoleBinding")):
        yield f"{ref} lies outside the namespace {NAMESPACE}"
    if ref.kind in _VERSIONED and field(obj, "metadata", "labels", _VERSION_LABEL) is None:
        yield f"{ref} has no label {_VERSION_LABEL}"


def _foreign(obj: Object, own_roles: set[tuple[str, str]]) -> Iterator[str]:
    """What an object of an allowed kind would give to somebody who is not part of cert-manager."""
    ref = ref_of(obj)
    if ref.kind in ("RoleBinding", "ClusterRoleBinding"):
        role = (str(field(obj, "roleRef", "kind")), str(field(obj, "roleRef", "name")))
        if role not in own_roles:
            yield f"{ref} grants {' '.join(role)}, which is not part of the manifest"
        for subject in _list(obj.get("subjects")):
            if field(subject, "kind") != "ServiceAccount" or field(subject, "namespace") != NAMESPACE:
                yield f"{ref} grants something to {field(subject, 'kind')} {field(subject, 'name')}"
    elif ref.kind in _WEBHOOK_KINDS:
        webhooks = _list(obj.get("webhooks"))
        if not webhooks:
            yield f"{ref} holds no webhook"
        for webhook in webhooks:
            service = field(webhook, "clientConfig", "service", default={})
            target = tuple(field(service, key) for key in ("namespace", "name", "path"))
            if target != (NAMESPACE, "cert-manager-webhook", _WEBHOOK_KINDS[ref.kind]):
                yield (
                    f"{ref} does not send its requests to Service {NAMESPACE}/cert-manager-webhook, "
                    f"path {_WEBHOOK_KINDS[ref.kind]}"
                )
    elif ref.kind == "Deployment" and _component(obj) not in _COMPONENTS:
        yield f"{ref} is none of the components {', '.join(_COMPONENTS)}"


def _refused(origin: str, asked: str | None, wrong: Sequence[str]) -> PreflightFailed:
    what = f"the manifest of cert-manager {asked}" if asked else "a manifest of cert-manager"
    shown = [f"- {problem}" for problem in wrong[:_SHOWN]]
    if len(wrong) > _SHOWN:
        shown.append(f"- and {len(wrong) - _SHOWN} more")
    return PreflightFailed(
        "\n".join([f"{origin} is not {what}:", *shown]),
        hint="if the download was cut off or changed on its way, try again or use another source: "
        "--cert-manager-manifest FILE\n"
        "images that were moved to a mirror already are accepted with --allow-image REGISTRY/PATH",
        details={"problems": list(wrong)},
    )


def _identity(obj: Object) -> Ref:
    """What makes two objects the same to an API server: the version of their API does not."""
    ref = ref_of(obj)
    return Ref(ref.group, ref.kind, ref.namespace, ref.name)


def _component(obj: Object) -> str:
    return str(field(obj, "metadata", "labels", _COMPONENT_LABEL, default=""))


def _list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else []
