"""Wait until the kinds that custom resource definitions define are served."""

from __future__ import annotations

import time
from collections.abc import Sequence

from base.clock import Deadline, Run
from base.errors import NotReady
from base.events import Listener
from base.parallel import each
from kube.client import Client
from kube.discovery import CRDS, resources_of
from kube.failures import ApiError, Kind
from kube.objects import Object, ref_of
from kube.readiness import Readiness, readiness_of
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake

PAUSE = 0.5
"""Seconds before the first look and between two: an API server needs a moment to serve what it just stored."""

LOOK_CLOSER = 2.0
"""Seconds after which the definitions themselves are read, which are large but say why one is refused."""


def wait_until_served(
    client: Client, definitions: Sequence[Object], *, run: Run, deadline: Deadline, emit: Listener
) -> None:
    """Wait until the server serves the resources of custom resource definitions.

    Asks the small discovery documents of their groups, in which a resource appears once its definition is
    Established; after a while also the definitions themselves, which say why one is refused.
    Raises `NotReady` at the deadline, and at once where a definition's names are not accepted.
    """
    wanted = {(one.group, one.version, one.plural) for crd in definitions for one in resources_of(crd)}
    began = time.monotonic()

    def served() -> Yes[None] | NotYet:
        versions = sorted({(group, version) for group, version, _ in wanted})
        for found in each(lambda version: _served(client, *version), versions, workers=4):
            wanted.difference_update(found)
        if not wanted:
            return Yes(None)
        if time.monotonic() - began > LOOK_CLOSER:
            _refused(client, definitions)
        return NotYet("not served yet: " + ", ".join(f"{plural}.{group}" for group, _, plural in sorted(wanted)))

    run.sleep(PAUSE)
    wait_until(
        served,
        what="custom resource definitions",
        run=run,
        deadline=deadline,
        emit=emit,
        wake=Wake(),
        pause=PAUSE,
    )


def _served(client: Client, group: str, version: str) -> frozenset[tuple[str, str, str]]:
    try:
        answer = client.get(f"/apis/{group}/{version}", doing=f"read which resources {group}/{version} has")
    except ApiError as error:
        if error.failure.kind in (Kind.NOT_FOUND, Kind.CRD_NOT_ESTABLISHED) or error.failure.retry:
            return frozenset()
        raise
    return frozenset((group, version, one["name"]) for one in answer.get("resources") or [])


def _refused(client: Client, definitions: Sequence[Object]) -> None:
    for crd in definitions:
        ref = ref_of(crd)
        try:
            verdict = readiness_of(client.get(CRDS.path(name=ref.name), doing=f"read {ref}"))
        except ApiError as error:
            if error.failure.kind is Kind.NOT_FOUND or error.failure.retry:
                continue  # a closer look is an extra: it does not end the wait
            raise
        if verdict.readiness is Readiness.FAILED:
            raise NotReady(
                f"{ref} is not accepted by the server: {verdict.reason}", hint=f"kubectl describe crd {ref.name}"
            )
