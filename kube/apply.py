"""Server-side apply of one object, repeated while waiting helps, and an honest account of what it changed.

Source: Kubernetes documentation, "Server-Side Apply". frit is the field manager `frit` and does not force: a field
that another manager owns is a conflict that a person decides. The one exception is repositories/package_api.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from base.budget import Budget
from base.clock import Deadline, Run
from base.errors import Cancelled, FritError
from base.events import GaveUp, Listener
from base.parallel import each
from base.retry import History, RetryPolicy
from kube.client import APPLY_PATCH, JSON, METADATA_ONLY, Answer, Client
from kube.discovery import CRDS, Resource
from kube.drift import in_place
from kube.failures import ApiError, Kind
from kube.hedge import hedged
from kube.objects import Object, Ref, field, ref_of
from kube.patience import Patience, judge, repeated, telling
from kube.wakes import Wakes
from kube.whose import WRITTEN, explained

A = TypeVar("A")
T = TypeVar("T")

FIELD_MANAGER = "frit"

ATTEMPT_TIMEOUT = 12.0
"""Seconds that one attempt of an apply may take, webhooks included, before it is given up and repeated. API servers
give a webhook 10 s if its configuration does not say more: of one that hangs they tell the name if they get longer."""

HEDGE_AFTER, HEDGE_TIMEOUT = 1.0, 2.0
"""While an apply hangs, another is sent so many seconds after the one before, each with so many seconds to answer."""

SLOW_HEDGE_AFTER = 3.0
"""The same for definitions, which an API server digests slowly."""

PARALLEL_APPLIES = 8
"""Applies under way at the same time within a stage."""


class Change(StrEnum):
    """What an apply did, or would do."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Applied:
    """The outcome of one apply: what changed, and the failed attempts if any."""

    ref: Ref
    change: Change
    history: History


@dataclass(frozen=True)
class Applier:
    """How to apply: connection, patience, and whether only to try (`dry_run`, on the server).

    `compare` reads each object first, leaves alone what is in place already, and can tell changed from unchanged; a
    run that knows that nothing is there yet leaves it out and saves a request an object. Applies that share a `budget`
    spend it together, and those that share `wakes` watch together for the end of what they wait for.
    """

    client: Client
    policy: RetryPolicy
    run: Run
    deadline: Deadline
    emit: Listener
    dry_run: bool = False
    compare: bool = True
    budget: Budget | None = None
    wakes: Wakes | None = None

    @property
    def patience(self) -> Patience:
        """Its limits, for other requests that belong to the same work."""
        return Patience(self.policy, self.run, self.deadline, self.emit, self.budget)

    def apply(self, obj: Object, resource: Resource, *, force: bool = False) -> Applied:
        """Apply one object. `force` takes fields over that other field managers own.

        Repeats while the failure's kind says that waiting helps, within the policy, the budget and the deadline. An
        attempt that hangs is hedged. Raises `ApiError` with the last failure that names a cause, and `Cancelled`.
        """
        history = History(str(ref_of(obj)))
        attempt = self.attempts(obj, resource, history, force=force)
        return Applied(ref_of(obj), self.repeated(attempt, self.doing(obj), resource, history), history)

    def repeated(self, attempt: Callable[[], T], doing: str, resource: Resource, history: History) -> T:
        """Make attempts to write an object of this kind until one succeeds; raises what `apply` raises."""
        wakes = self.wakes or Wakes(self.client, self.run)
        try:
            return repeated(attempt, what=doing, patience=self.patience, history=history, waker=wakes.waker(resource))
        except ApiError as error:
            error.details[WRITTEN] = f"{resource.plural}.{resource.group}".rstrip(".")
            if len(history.attempts) == 1 and not error.failure.retry:
                self.emit(GaveUp(doing, 1, str(error.failure.kind), error.failure.message, error.failure.message))
            raise

    def together(self, function: Callable[[A], T], items: Sequence[A]) -> list[T]:
        """Call a function on all items, a handful at the same time; the first that fails for good stops them all.

        What was applied until then stays applied. Raises what the first one raised; where a webhook was the reason,
        the error says whose it is.
        """
        failed: list[BaseException] = []

        def one(item: A) -> T:
            try:
                return function(item)
            except BaseException as error:
                if not isinstance(error, Cancelled):
                    failed.append(error)
                self.stop()
                raise

        try:
            return each(one, items, PARALLEL_APPLIES)
        except FritError as error:
            first = failed[0] if failed else error
            raise (explained(first, self.client) if isinstance(first, FritError) else first) from None

    def stop(self) -> None:
        """Ask all that share the budget to repeat nothing any more."""
        if self.budget is not None:
            self.budget.stop()

    def doing(self, obj: Object) -> str:
        """What messages call the apply of an object."""
        return f"apply {ref_of(obj)}" + (" (dry run)" if self.dry_run else "")

    def attempts(
        self, obj: Object, resource: Resource, history: History, *, force: bool = False
    ) -> Callable[[], Change]:
        """A function that tries once to apply the object, for a loop with this history."""
        ref, doing = ref_of(obj), self.doing(obj)
        path = resource.path(ref.namespace, ref.name)
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Warn"}
        if self.dry_run:
            query["dryRun"] = "All"
        if force:
            query["force"] = "true"
        seen: list[Object | None] = []  # an attempt whose answer was lost may have written: the first look counts
        sent = itertools.count()
        waiting = telling(doing, history, self.emit)

        def patch(timeout: float) -> Answer:
            next(sent)
            return self.client.request(
                "PATCH",
                path,
                doing=doing,
                query=query,
                body=obj,
                content_type=APPLY_PATCH,
                accept=JSON if self.dry_run else METADATA_ONLY,  # the whole answer is only needed to be compared
                timeout=self._within(timeout),
            )

        def once() -> Change:
            before = self._read(path, ref) if self.compare else None
            seen.append(before)
            if before is not None and in_place(before, obj, FIELD_MANAGER):
                return Change.UNCHANGED if len(seen) == 1 else self._change(seen[0], True, before)
            # a change of a certain version cannot be made twice: its twin would be a conflict
            if field(obj, "metadata", "resourceVersion"):
                answer = patch(ATTEMPT_TIMEOUT)
            else:
                timeouts = itertools.chain([ATTEMPT_TIMEOUT], itertools.repeat(HEDGE_TIMEOUT))
                after = SLOW_HEDGE_AFTER if resource == CRDS else HEDGE_AFTER
                answer = hedged(
                    lambda: patch(next(timeouts)),
                    after=after,
                    most=int(ATTEMPT_TIMEOUT / after),
                    run=self.run,
                    growth=1.0,
                    decisive=_decisive,
                    waiting=waiting,
                )
            if answer.status == 201:
                return Change.CREATED
            return self._change(seen[0], next(sent) > 1, answer.json())

        return once

    def _change(self, before: Object | None, repeated: bool, after: Object) -> Change:
        """What became of an object that is there now, by how it was seen before the first attempt.

        `repeated` says that there was more than one request to write it, any of which may have been carried out.
        """
        if before is None:
            # it was missing before, or nobody looked; a first attempt that finds it has found somebody else's
            return Change.CREATED if self.compare or repeated else Change.CHANGED
        if self.dry_run:
            same = _content(before) == _content(after) and _ours(before) == _ours(after)
            return Change.UNCHANGED if same else Change.CHANGED
        # not the resourceVersion: a controller may write the status between the read and the apply. An apply that
        # changes nothing leaves the field manager's own entry as it was, with its time.
        same = _ours(before) == _ours(after) and _generation(before) == _generation(after)
        return Change.UNCHANGED if same else Change.CHANGED

    def _within(self, timeout: float) -> float:
        """So many seconds, or what is left until the deadline; the server counts in whole ones."""
        return min(timeout, max(1.0, self.deadline.remaining()))

    def _read(self, path: str, ref: Ref) -> Object | None:
        try:
            # not repeated by itself: a kind that is not served yet must not be waited for here, and all else the
            # loop around it repeats
            doing, timeout = f"read {ref}", self._within(ATTEMPT_TIMEOUT)
            found: Object = self.client.request("GET", path, doing=doing, timeout=timeout, read=False).json()
        except ApiError as error:
            if error.failure.kind in (Kind.NOT_FOUND, Kind.CRD_NOT_ESTABLISHED):
                return None
            raise
        return found


def _decisive(error: BaseException) -> bool:
    """Whether an error says more than a request that still hangs."""
    verdict = judge(error)
    return verdict is None or verdict.precise


def _ours(obj: Mapping[str, Any]) -> list[Any]:
    entries = field(obj, "metadata", "managedFields", default=[])
    return [one for one in entries if one.get("manager") == FIELD_MANAGER and one.get("operation") == "Apply"]


def _generation(obj: Mapping[str, Any]) -> Any:
    return field(obj, "metadata", "generation")


def _content(obj: Mapping[str, Any]) -> dict[str, Any]:
    bookkeeping = ("managedFields", "resourceVersion", "generation")
    metadata = {key: value for key, value in field(obj, "metadata", default={}).items() if key not in bookkeeping}
    return {**obj, "metadata": metadata}
