"""What frit changes in a release before it applies it."""

from __future__ import annotations

import copy

import pytest

from certificates.overlay import readiness_overlay, without_ca_bundles
from tests.certificates import builders
from tests.certificates.builders import Object


def probe_of(objects: list[Object]) -> Object:
    """The readiness probe of the webhook."""
    probe: Object = builders.container(objects, "cert-manager-webhook")["readinessProbe"]
    return probe


def test_the_webhook_is_asked_at_once_and_then_every_second() -> None:
    """Only delay and period of the webhook's readiness probe change; the input and the rest stay."""
    objects = builders.release()
    before = copy.deepcopy(objects)
    changed, notes = readiness_overlay(objects)
    assert objects == before
    expected = {**probe_of(objects), "periodSeconds": 1}
    del expected["initialDelaySeconds"]  # the server stores no zero
    assert probe_of(list(changed)) == expected
    del probe_of(before)["initialDelaySeconds"]
    probe_of(before).update(expected)
    assert list(changed) == before
    assert notes == (
        "Deployment cert-manager/cert-manager-webhook: readiness probe "
        "initialDelaySeconds 5 -> 0, periodSeconds 5 -> 1",
    )


def test_a_second_overlay_changes_nothing() -> None:
    """What is fast already is left as it is, without a note, and not even copied."""
    once, _ = readiness_overlay(builders.release())
    twice, notes = readiness_overlay(once)
    assert notes == ()
    assert all(new is old for new, old in zip(twice, once, strict=True))


@pytest.mark.parametrize(
    ("settings", "expected", "words"),
    [
        ({}, {"periodSeconds": 1}, "periodSeconds 10 -> 1"),
        ({"initialDelaySeconds": 0, "periodSeconds": 1}, {"initialDelaySeconds": 0, "periodSeconds": 1}, None),
        ({"initialDelaySeconds": 3, "periodSeconds": 1}, {"periodSeconds": 1}, "3 -> 0"),
    ],
)
def test_only_what_is_slower_is_changed(settings: Object, expected: Object, words: str | None) -> None:
    """An absent setting counts as what Kubernetes takes for it; nothing is added without need."""
    objects = builders.release()
    builders.container(objects, "cert-manager-webhook")["readinessProbe"] = {"httpGet": {"port": 1}, **settings}
    changed, notes = readiness_overlay(objects)
    assert probe_of(list(changed)) == {"httpGet": {"port": 1}, **expected}
    assert bool(notes) == (words is not None)
    assert words is None or words in notes[0]


def test_a_webhook_without_a_probe_gets_none() -> None:
    """The overlay makes probes faster; it does not invent them."""
    objects = builders.release()
    del builders.container(objects, "cert-manager-webhook")["readinessProbe"]
    changed, notes = readiness_overlay(objects)
    assert list(changed) == objects
    assert notes == ()


def test_other_deployments_keep_their_probes() -> None:
    """Only the component webhook is meant."""
    objects = builders.release()
    slow = {"initialDelaySeconds": 30, "periodSeconds": 30}
    builders.container(objects, "cert-manager")["readinessProbe"] = slow
    changed, _ = readiness_overlay(objects)
    assert builders.container(list(changed), "cert-manager")["readinessProbe"] == slow


def test_ca_bundles_are_dropped_wherever_cainjector_fills_them() -> None:
    """Webhook configurations and the conversion of CRDs lose the bundle and nothing else; the input stays."""
    clean = builders.release()
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"name": "w"}}}}
    builders.find(clean, "CustomResourceDefinition", "issuers.cert-manager.io")["spec"]["conversion"] = conversion
    filled = copy.deepcopy(clean)
    for obj in filled[-2:]:
        obj["webhooks"][0]["clientConfig"]["caBundle"] = "Zm9v"
    crd = builders.find(filled, "CustomResourceDefinition", "issuers.cert-manager.io")
    crd["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"] = ""
    before = copy.deepcopy(filled)
    assert list(without_ca_bundles(filled)) == clean
    assert filled == before


def test_objects_without_bundles_are_passed_on_as_they_are() -> None:
    """A release that has none is not copied."""
    objects = builders.release()
    assert all(new is old for new, old in zip(without_ca_bundles(objects), objects, strict=True))


@pytest.mark.parametrize("value", [None, 3, "x", ["x"], [None], {}])
def test_strange_shapes_pass_unchanged(value: object) -> None:
    """What is not shaped like a webhook or a container is none of the overlay's business."""
    objects = builders.release()
    objects[-1]["webhooks"] = value
    builders.find(objects, "Deployment", "cert-manager-webhook")["spec"]["template"]["spec"]["containers"] = value
    assert list(readiness_overlay(objects)[0]) == objects
    assert list(without_ca_bundles(objects)) == objects
