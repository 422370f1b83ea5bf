"""Wait until a container of a Deployment runs, ready or not. Nothing depends on the answer but the order of things."""

from __future__ import annotations

import time
from collections.abc import Sequence

from base.clock import Run
from kube.client import JSON, Client
from kube.discovery import CORE_V1
from kube.objects import Object, field, ref_of
from kube.watch import Wake, Watched

LIMIT = 3.0
"""Seconds after which waiting gains nothing: the image is being pulled, or this account may not look at pods."""


def wait_until_running(client: Client, deployments: Sequence[Object], run: Run) -> None:
    """Return once a container of the first Deployment runs, or after `LIMIT` seconds. Raises only `Cancelled`."""
    if not deployments:
        return
    labels = field(deployments[0], "spec", "selector", "matchLabels", default={})
    query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
    wake, until = Wake(), time.monotonic() + LIMIT
    namespace = ref_of(deployments[0]).namespace
    pods = Watched(
        client, CORE_V1["Pod"].path(namespace), query, what="the webhook's pods", wake=wake, run=run, accept=JSON
    )
    try:
        while (left := until - time.monotonic()) > 0:
            seen = wake.rings
            if any(map(_runs, pods.objects.values())):
                return
            wake.wait(seen, left, run)
    finally:
        pods.stop()


def _runs(pod: Object) -> bool:
    return any(field(one, "state", "running") for one in field(pod, "status", "containerStatuses", default=[]))
