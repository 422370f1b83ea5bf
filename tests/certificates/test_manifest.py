"""What must be true of a manifest before one object of it is applied."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable

import pytest

from base.errors import PreflightFailed, WrongUsage
from certificates.download import Fetched
from certificates.manifest import NAMESPACE, Manifest, check, parse, verify_digest
from certificates.releases import Release, find
from tests.certificates import builders
from tests.certificates.builders import Object


def checked(objects: list[Object], **options: object) -> Manifest:
    """The manifest of some objects, with 1.21.2 asked for unless told otherwise."""
    given = {"version": "1.21.2", "release": None, "origin": "the file", **options}
    return check(objects, **given)  # type: ignore[arg-type]  # tests pass what they want to try


def problems(objects: list[Object], **options: object) -> list[str]:
    """Everything for which some objects are refused."""
    with pytest.raises(PreflightFailed) as caught:
        checked(objects, **options)
    assert caught.value.exit_code == 3
    assert caught.value.hint
    listed = caught.value.details["problems"]
    assert listed[0] in caught.value.message
    return list(listed)


def only_problem(objects: list[Object], **options: object) -> str:
    """The one thing for which some objects are refused."""
    listed = problems(objects, **options)
    assert len(listed) == 1, listed
    return listed[0]


def outcome(objects: list[Object]) -> str:
    """Whether some objects pass; any other error than a refusal fails the test."""
    try:
        checked(objects)
    except PreflightFailed:
        return "refused"
    return "passed"


def test_a_whole_release_passes() -> None:
    """A complete manifest passes with its objects in their order, and is not changed."""
    objects = builders.release()
    before = copy.deepcopy(objects)
    manifest = checked(objects, sha256="d" * 64)
    assert manifest == Manifest(tuple(objects), "1.21.2", NAMESPACE, "the file", "d" * 64)
    assert objects == before


@pytest.mark.parametrize("version", ["v1.21.2", " 1.21.2", None])
def test_the_version_may_be_written_with_v_or_left_to_the_labels(version: str | None) -> None:
    """Without a wish, the version is what the labels say."""
    assert checked(builders.release(), version=version).version == "1.21.2"


def test_another_version_than_asked_for_is_one_clear_problem() -> None:
    """A manifest of 1.20.3 in place of 1.21.2 is called that, without a list of consequences."""
    words = only_problem(builders.release("1.20.3"), release=find("1.21.2"))
    assert words == "it is cert-manager 1.20.3, and 1.21.2 was asked for"


def test_version_labels_have_to_agree() -> None:
    """A manifest put together from two releases is refused with both versions."""
    objects = builders.release()
    objects[1] = builders.release("1.20.3")[1]
    assert "do not agree: 1.21.2 (" in only_problem(objects)
    assert "1.20.3 (1 times)" in only_problem(objects)


def test_the_label_of_a_pod_template_counts_too() -> None:
    """Half a change of version is noticed in the pods as well."""
    objects = builders.release()
    template = builders.find(objects, "Deployment", "cert-manager")["spec"]["template"]
    template["metadata"]["labels"]["app.kubernetes.io/version"] = "v1.21.1"
    assert "do not agree" in only_problem(objects)


def test_what_matters_has_to_carry_the_version_label() -> None:
    """CRDs, Deployments and webhook configurations without a version are refused; other objects may lack it."""
    objects = builders.release()
    del builders.find(objects, "ServiceAccount", "cert-manager")["metadata"]["labels"]
    assert checked(objects)
    for kind in ("CustomResourceDefinition", "MutatingWebhookConfiguration"):
        broken = copy.deepcopy(objects)
        del next(obj for obj in broken if obj["kind"] == kind)["metadata"]["labels"]
        assert "has no label app.kubernetes.io/version" in only_problem(broken)


def test_no_label_at_all_and_a_label_that_is_no_version_are_refused() -> None:
    """A manifest that does not say its version is not trusted with one."""
    unlabelled = [builders.made("v1", "Namespace", "cert-manager")]
    assert any("no object carries its version" in words for words in problems(unlabelled, version=None))
    assert any("is not a version" in words for words in problems(builders.release("latest"), version=None))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("CustomResourceDefinition", f"{plural}.{group}") for plural, group in builders.CRDS.items()),
        *(("Deployment", name) for name in builders.COMPONENTS.values()),
        ("MutatingWebhookConfiguration", "cert-manager-webhook"),
        ("ValidatingWebhookConfiguration", "cert-manager-webhook"),
        ("Service", "cert-manager-webhook"),
        ("Namespace", "cert-manager"),
    ],
)
def test_what_every_release_has_is_required(kind: str, name: str) -> None:
    """Each of the parts without which cert-manager does not work is missed by name."""
    objects = builders.release()
    objects.remove(builders.find(objects, kind, name))
    words = only_problem(objects)
    assert kind in words
    assert name in words or "component" in words or "is missing" in words


def test_no_prefix_of_a_manifest_passes() -> None:
    """A file that was cut off anywhere is refused, unless what is left says the same."""
    objects = builders.release()
    content = builders.as_yaml(objects)
    last = content.rindex(b"---")
    assert checked(list(parse(content, "x"))).objects == tuple(objects)
    for cut in [*range(0, last, 211), *range(last, len(content))]:
        try:
            passed = checked(list(parse(content[:cut], "x")))
        except PreflightFailed:
            continue
        assert passed.objects == tuple(objects), cut


def test_the_counts_of_the_catalogue_are_a_lower_bound() -> None:
    """Fewer objects of a kind than the release has are noticed, more are not; only for a release that was counted."""
    objects = builders.release()
    counted = Release("1.21.2", "1.21", "", None, "", objects={"ClusterRole": 3, "Role": 2})
    assert checked(objects, release=counted)
    objects.remove(builders.find(objects, "Role", "cert-manager:leaderelection"))
    objects.remove(builders.find(objects, "RoleBinding", "cert-manager:leaderelection"))
    assert only_problem(objects, release=counted) == "2 objects of kind Role were expected, and there are 1"
    assert checked(objects, release=None)
    assert checked(objects, release=Release("1.21.2", "1.21", "", None, "", objects={"Role": 2}, known=False))


def test_the_same_object_twice_is_refused() -> None:
    """An identity occurs once, whatever the API version is."""
    objects = builders.release()
    objects.append(copy.deepcopy(builders.find(objects, "ServiceAccount", "cert-manager")))
    assert only_problem(objects) == "ServiceAccount cert-manager/cert-manager occurs twice"


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "Secret"),
        ("v1", "Pod"),
        ("batch/v1", "Job"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1beta1", "Deployment"),
        ("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("cert-manager.io/v1", "ClusterIssuer"),
        ("policy.example/v1", "Namespace"),
    ],
)
def test_other_kinds_are_refused(api_version: str, kind: str) -> None:
    """What cert-manager does not consist of is named with its API version, however harmless it looks."""
    objects = [*builders.release(), builders.made(api_version, kind, "extra", "1.21.2", "cert-manager")]
    words = problems(objects)
    assert f"({api_version}) is nothing that cert-manager consists of" in " ".join(words)


def test_what_the_chart_can_add_is_allowed() -> None:
    """Objects that the chart renders on request pass in their namespace."""
    objects = builders.release()
    objects.append(builders.made("policy/v1", "PodDisruptionBudget", "a", "1.21.2", "cert-manager"))
    objects.append(builders.made("networking.k8s.io/v1", "NetworkPolicy", "a", "1.21.2", "cert-manager"))
    objects.append(builders.made("v1", "ConfigMap", "cert-manager-webhook", "1.21.2", "cert-manager", data={}))
    assert checked(objects)


def _move(name: str, kind: str, namespace: str | None) -> Callable[[list[Object]], None]:
    def change(objects: list[Object]) -> None:
        metadata = builders.find(objects, kind, name)["metadata"]
        if namespace is None:
            del metadata["namespace"]
        else:
            metadata["namespace"] = namespace

    return change


def _extra(obj: Object) -> Callable[[list[Object]], None]:
    return lambda objects: objects.append(obj)


def _subject(subject: Object) -> Callable[[list[Object]], None]:
    return lambda objects: builders.find(objects, "ClusterRoleBinding", "cert-manager").update(subjects=[subject])


def _webhooks(value: object) -> Callable[[list[Object]], None]:
    return lambda objects: objects[-1].update(webhooks=value)


def _component(objects: list[Object]) -> None:
    objects.append(builders.deployment("webhook", "1.21.2", "cert-manager"))
    objects[-1]["metadata"]["name"] = "miner"
    objects[-1]["metadata"]["labels"]["app.kubernetes.io/component"] = "miner"


def _role(objects: list[Object]) -> None:
    builders.find(objects, "ClusterRoleBinding", "cert-manager")["roleRef"]["name"] = "cluster-admin"


def _group(objects: list[Object]) -> None:
    builders.find(objects, "CustomResourceDefinition", "issuers.cert-manager.io")["spec"]["group"] = "example.com"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_move("cert-manager-webhook", "Service", "default"), "Service default/cert-manager-webhook lies outside"),
        (_move("cert-manager", "Deployment", "kube-system"), "Deployment kube-system/cert-manager lies outside"),
        (_move("cert-manager:leaderelection", "Role", "kube-public"), "lies outside"),
        (_move("cert-manager", "ServiceAccount", None), "ServiceAccount cert-manager names no namespace"),
        (_move("cert-manager", "ClusterRole", "cert-manager"), "belongs to the whole cluster"),
        (_extra(builders.made("v1", "Namespace", "other")), "Namespace other is another namespace"),
        (_role, "grants ClusterRole cluster-admin, which is not part of the manifest"),
        (_subject({"kind": "User", "name": "eve"}), "grants something to User eve"),
        (_subject({"kind": "ServiceAccount", "name": "x", "namespace": "default"}), "to ServiceAccount x"),
        (_group, "does not define a resource of cert-manager"),
        (_webhooks([]), "holds no webhook"),
        (_webhooks(None), "holds no webhook"),
        (_webhooks([{"name": "w", "clientConfig": {"url": "https://evil.example"}}]), "does not send its requests to"),
        (_webhooks(["x"]), "does not send its requests to"),
        (_component, "Deployment cert-manager/miner is none of the components"),
    ],
)
def test_what_reaches_beyond_cert_manager_is_refused(change: Callable[[list[Object]], None], words: str) -> None:
    """Foreign namespaces, roles, subjects, webhooks, resources and workloads are each named."""
    objects = builders.release()
    change(objects)
    assert words in only_problem(objects)


def test_images_are_checked_against_the_allowed_registries() -> None:
    """An image from elsewhere is refused, and allowed when its registry was named."""
    objects = builders.release()
    image = "mirror.example/jetstack/cert-manager-webhook:v1.21.2"
    builders.container(objects, "cert-manager-webhook")["image"] = image
    words = only_problem(objects)
    assert words == (
        "Deployment cert-manager/cert-manager-webhook: the image of container cert-manager-webhook "
        f"{image!r} does not come from quay.io/jetstack"
    )
    assert checked(objects, registries=("quay.io/jetstack", "mirror.example"))


def test_many_problems_are_counted_and_the_first_are_shown() -> None:
    """The message stays short; the report has all of them."""
    objects = [builders.made("v1", "Secret", f"s{number}", "1.21.2", "cert-manager") for number in range(20)]
    with pytest.raises(PreflightFailed) as caught:
        checked(objects)
    assert len(caught.value.message.splitlines()) == 10
    assert "more" in caught.value.message.splitlines()[-1]
    assert len(caught.value.details["problems"]) > 20
    assert "--allow-image" in caught.value.hint


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [[]], [{}], ["x"]])
def test_strange_shapes_are_refused_and_never_crash(value: object) -> None:
    """Whatever stands where a mapping or a list belongs, the answer is a refusal or a pass."""
    paths = [
        ("Deployment", ("spec",)),
        ("Deployment", ("spec", "template")),
        ("Deployment", ("spec", "template", "metadata")),
        ("Deployment", ("spec", "template", "spec")),
        ("Deployment", ("spec", "template", "spec", "containers")),
        ("ClusterRoleBinding", ("roleRef",)),
        ("ClusterRoleBinding", ("subjects",)),
        ("CustomResourceDefinition", ("spec",)),
        ("ValidatingWebhookConfiguration", ("webhooks",)),
        ("Service", ("metadata", "labels")),
    ]
    assert outcome(builders.release()) == "passed"
    for kind, path in paths:
        objects = builders.release()
        place = next(obj for obj in objects if obj["kind"] == kind)
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        assert outcome(objects) in ("passed", "refused")


def fetched(content: bytes) -> Fetched:
    """Some bytes as a download gives them."""
    return Fetched(content, "files.example/cert-manager.yaml", hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("form", ["{}", "sha256:{}", " {} "])
def test_the_right_digest_passes(form: str) -> None:
    """A digest may be written in either case, with or without its algorithm."""
    digest = hashlib.sha256(b"content").hexdigest()
    verify_digest(fetched(b"content"), form.format(digest))
    verify_digest(fetched(b"content"), form.format(digest.upper()))


def test_a_wrong_digest_names_both() -> None:
    """Where the bytes are not the expected ones, both digests are told, and nothing of it is applied."""
    expected = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(PreflightFailed) as caught:
        verify_digest(fetched(b"content"), expected)
    assert expected in caught.value.message
    assert hashlib.sha256(b"content").hexdigest() in caught.value.message
    assert "--sha256" in caught.value.hint


@pytest.mark.parametrize("digest", ["", "abc", "md5:" + "a" * 64, "g" * 64, "a" * 63, "a" * 65])
def test_what_is_no_digest_is_wrong_usage(digest: str) -> None:
    """A digest that was cut off while copying is not taken for another file."""
    with pytest.raises(WrongUsage):
        verify_digest(fetched(b"content"), digest)
