"""Wait until the kinds that custom resource definitions define are served."""

from __future__ import annotations

import time
from collections.abc import Sequence

from base.budget import Budget
from base.clock import Deadline, Run
from base.errors import NotReady
from base.events import Listener, Said
from kube.apply import FIELD_MANAGER
from kube.client import MERGE_PATCH, METADATA_ONLY, Client
from kube.discovery import CRDS, Resource, discover, resources_of
from kube.failures import ApiError, Kind
from kube.objects import Object, Ref, condition, ref_of
from kube.readiness import Readiness, readiness_of
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake

PAUSE = 0.7
"""Seconds before the first look and between two: an API server needs a moment to serve what it just stored."""

STORAGE_TRIES = 6
STORAGE_PAUSE = 0.3
"""How often, and how many seconds apart, a new custom resource is asked for until its storage is being built."""

TOO_MANY_REQUESTS = 429

FORGOTTEN = 8.0
"""Seconds from the acceptance of its names after which a definition is touched; several API servers side by side
establish it after five."""

TOUCHED = "frit.dev/established"
"""Annotation that comes and goes when a definition is touched."""

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
    themselves are read too, which say why one is refused; one that its API server has forgotten is touched. `fresh`
    says that they were only just created: then the first look is worth it only after a pause. The `budget` is that of
    the stage that waits: what goes on beside it may have failed for good, which ends the wait.
    Raises `NotReady` at the deadline, and at once where a definition's names are not accepted, and `Cancelled`.
    """
    wanted = [one for crd in definitions for one in resources_of(crd)]
    closer = _CloserLook(client, emit)
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
            closer.look(definitions)
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


class _CloserLook:
    """Reads the definitions themselves, and touches those that their API server has forgotten.

    An API server accepts the names of a definition, and then establishes it when it sees that change. Where it ended in
    between, the next one sees no change, and comes back to it only when it looks through everything, which it does
    every five minutes. Any change of the definition wakes it.
    Source: apiextensions-apiserver, customresource_handler.go (updateCustomResourceDefinition queues it).
    """

    def __init__(self, client: Client, emit: Listener) -> None:
        self._client = client
        self._emit = emit
        self._accepted: dict[str, float] = {}

    def look(self, definitions: Sequence[Object]) -> None:
        """One look. Raises `NotReady` where names are not accepted, and `ApiError` for what will not pass."""
        for crd in definitions:
            ref = ref_of(crd)
            try:
                there = self._client.get(CRDS.path(name=ref.name), doing=f"read {ref}")
                self._judge(ref, there)
            except ApiError as error:
                if error.failure.kind is Kind.NOT_FOUND or error.failure.retry:
                    continue  # a closer look is an extra: it does not end the wait
                raise

    def _judge(self, ref: Ref, there: Object) -> None:
        verdict = readiness_of(there)
        if verdict.readiness is Readiness.FAILED:
            raise NotReady(
                f"{ref} is not accepted by the server: {verdict.reason}", hint=f"kubectl describe crd {ref.name}"
            )
        states = [condition(there, kind).get("status") for kind in ("NamesAccepted", "Established")]
        if states[0] != "True" or states[1] == "True":
            self._accepted.pop(ref.name, None)
        elif time.monotonic() - self._accepted.setdefault(ref.name, time.monotonic()) > FORGOTTEN:
            self._accepted[ref.name] = time.monotonic()
            self._touch(ref)

    def _touch(self, ref: Ref) -> None:
        """Two changes that leave nothing behind."""
        self._emit(Said(f"{ref} was accepted and then forgotten by its API server, which ended meanwhile: touched it"))
        for value in ("again", None):
            self._client.request(
                "PATCH",
                CRDS.path(name=ref.name),
                doing=f"touch {ref}",
                query={"fieldManager": FIELD_MANAGER},
                body={"metadata": {"annotations": {TOUCHED: value}}},
                content_type=MERGE_PATCH,
                accept=METADATA_ONLY,
            )
