"""Wait until the kinds that custom resource definitions define are served."""

from __future__ import annotations

import time
from collections.abc import Sequence

from base.budget import Budget
from base.clock import Deadline, Run
from base.errors import NotReady
from base.events import Listener
from kube.client import Client
from kube.discovery import CRDS, Resource, discover, resources_of
from kube.failures import ApiError, Kind
from kube.objects import Object, ref_of
from kube.readiness import Readiness, readiness_of
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake

PAUSE = 0.7
"""Seconds before the first look and between two: an API server needs a moment to serve what it just stored."""

STORAGE_TRIES = 6
STORAGE_PAUSE = 0.3
"""How often, and how many seconds apart, a new custom resource is asked for until its storage is being built."""

TOO_MANY_REQUESTS = 429

LOOK_CLOSER = 2.0
"""Seconds after which the definitions themselves are read, which are large but say why one is refused."""


def wait_until_served(
    client: Client,
    definitions: Sequence[Object],
    *,
    run: Run,
    deadline: Deadline,
    emit: Listener,
    fresh: bool = True,
    budget: Budget | None = None,
) -> None:
    """Wait until the server serves the resources of custom resource definitions.

    Discovery tells: a resource appears in it once its definition is Established. After a while the definitions
    themselves are read too, which say why one is refused. `fresh` says that they were only just created: then the
    first look is worth it only after a pause. The `budget` is that of the stage that waits: what goes on beside it
    may have failed for good, which ends the wait.
    Raises `NotReady` at the deadline, and at once where a definition's names are not accepted, and `Cancelled`.
    """
    wanted = [one for crd in definitions for one in resources_of(crd)]
    began = time.monotonic()

    def served() -> Yes[None] | NotYet:
        if budget is not None:
            budget.check()
        try:
            discovery = discover(client)
        except ApiError as error:
            if not error.failure.retry:
                raise
            return NotYet(error.failure.message)
        lacking = [one for one in wanted if discovery.find(one.api_version, one.kind) is None]
        if not lacking:
            return Yes(None)
        if time.monotonic() - began > LOOK_CLOSER:
            _refused(client, definitions)
        return NotYet("not served yet: " + ", ".join(f"{one.plural}.{one.group}" for one in lacking))

    if fresh:
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


def have_storage_built(client: Client, resource: Resource, run: Run) -> None:
    """Have the API server build the storage of a new custom resource, so that the first one to need it finds it.

    The first request for one is refused (429, "storage is (re)initializing") and starts the work. Who comes
    second is served; cainjector, if it comes first, comes back only after a second. Tries for a short while and
    raises only `Cancelled`: nothing depends on it.
    """
    for _ in range(STORAGE_TRIES):
        run.sleep(STORAGE_PAUSE)
        try:
            client.request("GET", resource.path(), doing=f"list {resource.plural}", query={"limit": "1"}, read=False)
        except ApiError as error:
            if error.failure.status != TOO_MANY_REQUESTS:  # not established yet: the work has not begun
                continue
        return


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
