"""Registrations: what they call and catch, whose they are, and the commands that take them out."""

from __future__ import annotations

import json

import pytest

from kube.objects import Object
from kube.webhook_products import PRODUCTS, product_of
from kube.webhook_registrations import listed, registrations_of, removals
from tests.kube.webhook_data import EVERYTHING, configuration, definition, registration, webhook


def test_defaults_of_a_registration() -> None:
    """What a configuration leaves out is as the API server fills it in."""
    one = registration()
    assert (one.service, one.port, one.path, one.policy, one.timeout) == (
        ("space", "hook"),
        443,
        "/validate",
        "Fail",
        10,
    )
    assert one.host == "hook.space.svc"
    by_url = registrations_of(configuration(webhook(clientConfig={"url": "https://a/b"})))[0]
    assert (by_url.service, by_url.target) == (("", ""), "https://a/b")


def test_a_crd_without_a_conversion_webhook() -> None:
    """It registers nothing."""
    crd = definition()
    crd["spec"]["conversion"] = {"strategy": "None"}
    assert registrations_of(crd) == []
    assert registrations_of(definition())[0].conversion


@pytest.mark.parametrize(
    ("rule", "group", "resource", "caught"),
    [
        (EVERYTHING, "example.com", "*", True),
        ({"apiGroups": ["*"], "resources": ["*"], "operations": ["CREATE"]}, "example.com", "widgets", True),
        ({"apiGroups": ["example.com"], "resources": ["widgets"], "operations": ["UPDATE"]}, "example.com", "*", True),
        ({"apiGroups": ["example.com"], "resources": ["other"], "operations": ["*"]}, "example.com", "widgets", False),
        (
            {"apiGroups": ["example.com"], "resources": ["widgets/status"], "operations": ["*"]},
            "example.com",
            "*",
            False,
        ),
        ({"apiGroups": ["example.com"], "resources": ["*"], "operations": ["DELETE"]}, "example.com", "*", False),
        ({"apiGroups": [""], "resources": ["pods"], "operations": ["*"]}, "example.com", "*", False),
    ],
)
def test_what_a_webhook_catches(rule: Object, group: str, resource: str, caught: bool) -> None:
    """Creates and updates of a resource, or of any in a group; subresources and deletes do not count."""
    one = registrations_of(configuration(webhook(rules=[rule])))[0]
    assert one.catches(group, resource) is caught


def test_what_it_catches_in_words() -> None:
    """A few words, however many rules there are."""
    assert registration().catch == "widgets.example.com"
    assert registrations_of(configuration(webhook(rules=[EVERYTHING])))[0].catch == "every kind"
    core = {"apiGroups": [""], "resources": ["pods", "secrets"], "operations": ["*"]}
    group = {"apiGroups": ["a.b"], "resources": ["*"], "operations": ["*"]}
    both = registrations_of(configuration(webhook(rules=[core, group])))[0]
    assert both.catch == "pods, secrets and everything of a.b"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_all_of_a_configuration() -> None:
    """A configuration whose webhooks are all stale goes as a whole."""
    both = registrations_of(configuration(webhook("a"), webhook("b"), kind="Mutating"))
    assert list(removals(both).values()) == ["kubectl delete mutatingwebhookconfiguration hooks"]


def test_some_of_a_configuration() -> None:
    """Single webhooks go by a patch that takes the last first, and checks each name before."""
    several = registrations_of(configuration(*[webhook(one) for one in "abcd"]))
    (command,) = removals([several[0], several[2]]).values()
    begin, _, patch = command.partition(" -p ")
    assert begin == "kubectl patch validatingwebhookconfiguration hooks --type=json"
    assert json.loads(patch.strip("'")) == [
        {"op": "test", "path": "/webhooks/2/name", "value": "c"},
        {"op": "remove", "path": "/webhooks/2"},
        {"op": "test", "path": "/webhooks/0/name", "value": "a"},
        {"op": "remove", "path": "/webhooks/0"},
    ]


def test_a_conversion() -> None:
    """A CRD is set back to no conversion; the webhook must go in the same patch."""
    (command,) = removals(registrations_of(definition())).values()
    assert command == (
        "kubectl patch crd widgets.example.com --type=merge "
        """-p '{"spec":{"conversion":{"strategy":"None","webhook":null}}}'"""
    )


@pytest.mark.parametrize(
    ("name", "service", "labels", "product"),
    [
        ("webhook.cert-manager.io", "x", {}, "cert-manager"),
        ("vpackagerepository.kb.io", "x", {}, "Glasskube's operator"),
        ("x.kb.io", "glasskube-webhook-service", {}, "Glasskube's operator"),
        ("validate.kyverno.svc-fail", "x", {}, "Kyverno"),
        ("check-ignore-label.gatekeeper.sh", "x", {}, "Gatekeeper"),
        ("rev.validation.istio.io", "x", {}, "Istio"),
        ("x", "linkerd-proxy-injector", {}, "Linkerd"),
        ("x.example.com", "y", {"olm.owner": "some.v1"}, "an operator that OLM installed"),
        ("x.example.com", "y", {"app.kubernetes.io/part-of": "a-product"}, "a-product"),
        ("x.example.com", "y", {}, ""),
        ("notkyverno.svc", "y", {}, ""),
    ],
)
def test_whose_it_is(name: str, service: str, labels: dict[str, str], product: str) -> None:
    """By the webhook's name, the Service's, or labels; nobody where nothing tells."""
    assert product_of({"metadata": {"labels": labels}}, name, service).name == product


def test_a_helm_release_is_named_where_the_product_is_not_known() -> None:
    """Helm's annotation says who can mend it."""
    found = product_of({"metadata": {"annotations": {"meta.helm.sh/release-name": "shop"}}}, "a.b", "c")
    assert found.name == "Helm release shop"


def test_the_table_is_sound() -> None:
    """Each line is recognised by something, and no two products claim one name."""
    assert all(one.webhooks or one.services or one.labels for one in PRODUCTS)
    claimed = [name for one in PRODUCTS for name in (*one.webhooks, *one.services)]
    assert len(claimed) == len(set(claimed))
