"""Images: where they are named, where they may come from, and how they move to a mirror."""

from __future__ import annotations

import copy

import pytest

from base.errors import WrongUsage
from certificates.images import Reference, check_registry, images, parse_reference, problems, rewrite
from tests.certificates import builders
from tests.certificates.builders import Object

DIGEST = "sha256:" + "a" * 64


def with_image(image: object, where: str = "containers") -> Object:
    """A Deployment with one container that has this image."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "cert-manager"},
        "spec": {"template": {"spec": {where: [{"name": "c", "image": image}]}}},
    }


def with_args(*args: object, part: str = "args") -> Object:
    """A Deployment whose container has these arguments."""
    obj = with_image("quay.io/jetstack/cert-manager-controller:v1.21.2")
    obj["spec"]["template"]["spec"]["containers"][0][part] = list(args)
    return obj


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quay.io/jetstack/a:v1", Reference("quay.io/jetstack/a", "v1", "")),
        (f"quay.io/jetstack/a@{DIGEST}", Reference("quay.io/jetstack/a", "", DIGEST)),
        (f"h:5000/a/b:v1@{DIGEST}", Reference("h:5000/a/b", "v1", DIGEST)),
        ("[::1]:5000/a", Reference("[::1]:5000/a", "", "")),
        ("localhost/a__b--c.d", Reference("localhost/a__b--c.d", "", "")),
        ("busybox", Reference("busybox", "", "")),
        ("quay.io/Jetstack/a", None),
        ("quay.io/a:v1 --privileged", None),
        ("https://quay.io/a", None),
        ("quay.io//a", None),
        ("quay.io/a:", None),
        ("quay.io/a@sha256:12", None),
        ("quay.io/a\n", None),
        ("", None),
    ],
)
def test_references_are_parsed_strictly(text: str, expected: Reference | None) -> None:
    """A reference falls into name, tag and digest, or is none."""
    assert parse_reference(text) == expected


def test_every_place_that_names_an_image_is_found() -> None:
    """All containers of the release and the solver's argument are found."""
    found = [reference for obj in builders.release() for _, reference in images(obj)]
    assert sorted(found) == [
        f"quay.io/jetstack/cert-manager-{name}:v1.21.2"
        for name in ("acmesolver", "cainjector", "controller", "webhook")
    ]


@pytest.mark.parametrize("where", ["initContainers", "containers", "ephemeralContainers"])
def test_all_sorts_of_containers_count(where: str) -> None:
    """An image of an init container is checked and moved like any other."""
    obj = with_image("evil.example/cert-manager-x:v1.21.2", where)
    assert len(list(problems(obj, "1.21.2", ["quay.io/jetstack"]))) == 1
    (moved,) = rewrite([obj], "m.example")
    assert images(moved) == [("the image of container c", "m.example/cert-manager-x:v1.21.2")]


@pytest.mark.parametrize("part", ["args", "command"])
@pytest.mark.parametrize(
    "args",
    [
        ("--acme-http01-solver-image=quay.io/jetstack/s:v1",),
        ("--acme-http01-solver-image", "quay.io/jetstack/s:v1"),
        ("--v=2", 7, "--other=quay.io/jetstack/s:v1"),
        ("run", "quay.io/jetstack/s:v1", "--v=2"),
    ],
)
def test_images_in_arguments_are_moved_in_every_spelling(args: tuple[object, ...], part: str) -> None:
    """One word or two, known option or not: what names an image of cert-manager follows to the mirror."""
    (moved,) = rewrite([with_args(*args, part=part)], "m.example")
    words = moved["spec"]["template"]["spec"]["containers"][0][part]
    assert words == [str(a).replace("quay.io", "m.example") if isinstance(a, str) else a for a in args]


def test_other_arguments_are_left_alone() -> None:
    """What only looks like a path or a name stays."""
    args = ("--config=/a/b", "--dns=quay.io", "cert-manager/x:y", "--image-pull=x", "--solver-image=", "--solver-image")
    (moved,) = rewrite([with_args(*args)], "m.example")
    assert moved["spec"]["template"]["spec"]["containers"][0]["args"] == list(args)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("quay.io/jetstack/cert-manager-webhook:v1.21.2", None),
        (f"quay.io/jetstack/cert-manager-webhook:v1.21.2@{DIGEST}", None),
        (f"quay.io/jetstack/cert-manager-webhook@{DIGEST}", None),
        ("quay.io/jetstack/cert-manager-webhook:v1.21.1", "is not of version 1.21.2"),
        (f"quay.io/jetstack/cert-manager-webhook:v1.21.1@{DIGEST}", "is not of version 1.21.2"),
        ("quay.io/jetstack/cert-manager-webhook:latest", "is not of version 1.21.2"),
        ("quay.io/jetstack/cert-manager-webhook", "neither tag nor digest"),
        ("quay.io/jetstack/xmrig:v1.21.2", "is not an image of cert-manager"),
        ("quay.io/jetstack-evil/cert-manager-webhook:v1.21.2", "does not come from quay.io/jetstack"),
        ("quay.io.evil.example/jetstack/cert-manager-webhook:v1.21.2", "does not come from quay.io/jetstack"),
        ("jetstack/cert-manager-webhook:v1.21.2", "does not come from quay.io/jetstack"),
        ("quay.io/jetstack/cert-manager-webhook:v1.21.2 ", "is not an image reference"),
        ("", "is not an image reference"),
        (None, "is not an image reference"),
    ],
)
def test_each_rule_for_an_image_has_its_words(image: object, words: str | None) -> None:
    """Right registry, right name, right version: what is broken is named with the place."""
    found = list(problems(with_image(image), "1.21.2", ["quay.io/jetstack"]))
    if words is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith("Deployment cert-manager/d: the image of container c ")
        assert words in found[0]


def test_the_solver_argument_obeys_the_same_rules() -> None:
    """An argument cannot smuggle in what an image field may not name."""
    obj = with_args("--acme-http01-solver-image=evil.example/solver:v1")
    (found,) = problems(obj, "1.21.2", ["quay.io/jetstack"])
    assert "an argument of container c 'evil.example/solver:v1' does not come from" in found


def test_a_registry_allows_what_lies_below_it() -> None:
    """An allowed registry counts up to a slash, with or without one at its end."""
    image = "m.example/mirror/jetstack/cert-manager-webhook:v1.21.2"
    for registry in ("m.example", "m.example/mirror", "m.example/mirror/", "m.example/mirror/jetstack"):
        assert not list(problems(with_image(image), "1.21.2", [registry]))
    assert list(problems(with_image(image), "1.21.2", ["m.example/mir"]))


def test_rewriting_replaces_the_host_and_keeps_the_path() -> None:
    """Every image of a release comes from the mirror, with its tag, and the input stays as it was."""
    objects = builders.release()
    before = copy.deepcopy(objects)
    moved = rewrite(objects, "my.registry.example/mirror")
    assert objects == before
    found = sorted(reference for obj in moved for _, reference in images(obj))
    assert found == [
        f"my.registry.example/mirror/jetstack/cert-manager-{name}:v1.21.2"
        for name in ("acmesolver", "cainjector", "controller", "webhook")
    ]
    assert [obj["metadata"]["name"] for obj in moved] == [obj["metadata"]["name"] for obj in objects]
    assert all(new is old for new, old in zip(moved, objects, strict=True) if old["kind"] != "Deployment")
    assert rewrite(moved, "my.registry.example/mirror") == moved


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (f"quay.io/jetstack/a:v1@{DIGEST}", f"m.example:5000/x/jetstack/a:v1@{DIGEST}"),
        ("old.example:80/deep/er/a:v1", "m.example:5000/x/deep/er/a:v1"),
        ("localhost/a:v1", "m.example:5000/x/a:v1"),
        ("someone/a:v1", "m.example:5000/x/someone/a:v1"),
        ("busybox:1", "m.example:5000/x/library/busybox:1"),
        ("m.example:5000/x/jetstack/a:v1", "m.example:5000/x/jetstack/a:v1"),
    ],
)
def test_references_of_every_form_are_moved(image: str, expected: str) -> None:
    """Hosts with ports, Docker Hub's short names and digests are moved by the same rule."""
    (moved,) = rewrite([with_image(image)], "m.example:5000/x/")
    assert images(moved)[0][1] == expected


@pytest.mark.parametrize(
    "registry", ["a.example", "a.example:5000", "localhost", "10.0.0.1/m", "[::1]:80/a/b_c", "a:1/"]
)
def test_registries_are_accepted(registry: str) -> None:
    """A host, a port and a path are fine, and a slash at the end does not matter."""
    assert check_registry(registry) == registry.rstrip("/")


@pytest.mark.parametrize(
    ("registry", "words"),
    [
        ("https://a.example", "without https://"),
        ("", "a registry is a host"),
        ("a.example/UPPER", "lower case"),
        ("a.example/x:tag", "a registry is a host"),
        ("a.example/x y", "a registry is a host"),
        ("user:pw@a.example", "a registry is a host"),
        ("a.example//b", "a registry is a host"),
        ("-a.example", "a registry is a host"),
        ("mirror", "could be a folder of Docker Hub"),
        ("mirror/quay", "could be a folder of Docker Hub"),
    ],
)
def test_what_is_no_registry_is_wrong_usage(registry: str, words: str) -> None:
    """A registry that would give broken references is refused before anything is rewritten."""
    with pytest.raises(WrongUsage) as caught:
        rewrite(builders.release(), registry)
    assert words in caught.value.message
    assert "my.registry.example" in caught.value.hint
