"""What frit changes in a release before it applies it: little, visibly, and without touching what it was given."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any, Final

from kube.objects import Object, field, ref_of

_FASTER: Final = {"initialDelaySeconds": (0, 0), "periodSeconds": (1, 10)}
"""What the overlay sets, and what Kubernetes takes where nothing is set (API reference, Probe)."""


def readiness_overlay(objects: Sequence[Object]) -> tuple[tuple[Object, ...], tuple[str, ...]]:
    """The objects with the webhook's readiness probe asked at once and then every second; and what was changed.

    The release waits 5 s before it asks for the first time, while nothing can reach the webhook: most of a fresh
    installation is that pause. Nothing else of the probe is changed, and what is fast already stays as it is. The
    notes are one sentence for each Deployment that was changed. The input is not changed.
    """
    result: list[Object] = []
    notes: list[str] = []
    for obj in objects:
        changes = _slower(obj) if _is_webhook(obj) else {}
        if changes:
            obj = copy.deepcopy(obj)
            for probe in _probes(obj):
                for key, (fast, slow) in _FASTER.items():
                    if probe.get(key, slow) > fast:
                        # the server stores no zero: with one, what is applied would never equal what is there
                        _ = probe.update({key: fast}) if fast else probe.pop(key, None)
            words = ", ".join(f"{key} {before} -> {_FASTER[key][0]}" for key, before in changes.items())
            notes.append(f"{ref_of(obj)}: readiness probe {words}")
        result.append(obj)
    return tuple(result), tuple(notes)


def without_ca_bundles(objects: Sequence[Object]) -> tuple[Object, ...]:
    """The objects without `caBundle` in webhook configurations and in the conversion of CRDs.

    cert-manager's cainjector fills these fields. Who applies them too owns them too, and every later run is a
    conflict or takes the injected certificate away. The input is not changed.
    """
    result: list[Object] = []
    for obj in objects:
        if any("caBundle" in config for config in _client_configs(obj)):
            obj = copy.deepcopy(obj)
            for config in _client_configs(obj):
                config.pop("caBundle", None)
        result.append(obj)
    return tuple(result)


def _is_webhook(obj: Object) -> bool:
    labels = field(obj, "metadata", "labels", default={})
    return bool(obj.get("kind") == "Deployment" and field(labels, "app.kubernetes.io/component") == "webhook")


def _slower(obj: Object) -> dict[str, int]:
    """The settings of a Deployment's readiness probes that are slower than the overlay, with their values."""
    return {
        key: probe.get(key, slow)
        for probe in _probes(obj)
        for key, (fast, slow) in _FASTER.items()
        if probe.get(key, slow) > fast
    }


def _probes(obj: Object) -> list[dict[str, Any]]:
    containers = field(obj, "spec", "template", "spec", "containers")
    return _dicts(field(container, "readinessProbe") for container in _dicts(containers))


def _client_configs(obj: Object) -> list[dict[str, Any]]:
    kind = obj.get("kind")
    if kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        return _dicts(field(webhook, "clientConfig") for webhook in _dicts(obj.get("webhooks")))
    if kind == "CustomResourceDefinition":
        return _dicts([field(obj, "spec", "conversion", "webhook", "clientConfig")])
    return []


def _dicts(values: Any) -> list[dict[str, Any]]:
    """The mappings among some values; none if there are no values at all."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, Iterable) else []
