"""Early wakes: while something waits for a failure to pass, watches tell when its reason may have gone away.

For a failing webhook that is a change of the configuration that names it (somebody filled in the CA bundle) or of the
endpoints behind its Service; for a kind that is not served yet, a change of its definition. Only these objects are
watched, as metadata, and only while somebody waits. A wake decides nothing: it starts the next attempt. Where the
account may not read them, or a watch breaks, the pauses simply take their time.

Source: Kubernetes API Concepts, "Efficient detection of changes".
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from base.clock import Run
from base.errors import Cancelled
from base.parallel import spawn
from base.retry import Bell
from kube.client import METADATA_LIST, METADATA_ONLY, Client
from kube.discovery import CRDS, ENDPOINT_SLICES, MUTATING, VALIDATING, Resource
from kube.failures import ApiError, Failure, Kind
from kube.objects import Object
from kube.objects import field as value
from kube.patience import precise
from kube.watch import Wake

WATCH_SECONDS = 30.0
"""How long one watch lasts before it is begun again; a watch that nobody needs any more ends by then at the latest."""

PAUSE = 0.5
"""Seconds before a watch that broke is begun again."""

OF_WEBHOOKS = frozenset({Kind.CERTIFICATE_ROTATION, Kind.WEBHOOK_NOT_READY, Kind.WEBHOOK_UNREACHABLE})

# the address that API servers give a Service: apiserver, pkg/util/webhook, serviceresolver.go
_SERVICE = re.compile(r"https://([a-z0-9-]{1,63})\.([a-z0-9-]{1,63})\.svc[:/?]")
_CONVERSION = re.compile(r"conversion webhook for ([^\s/]{1,253})/[^\s,]{1,63}, Kind=([A-Za-z0-9]{1,63}) ")


@dataclass(frozen=True)
class Topic:
    """What a failure is about: a webhook by name, a kind with a conversion webhook (`group/Kind`), or a definition.

    `service` is the namespace and name of the Service that the API server called, if it says so.
    """

    webhook: str = ""
    converted: str = ""
    definition: str = ""
    service: tuple[str, str] | None = None


@dataclass(frozen=True)
class Target:
    """One collection to watch, narrowed down by selectors."""

    path: str
    query: tuple[tuple[str, str], ...]


@dataclass
class _Watching:
    """One topic while somebody waits for it."""

    wake: Wake = field(default_factory=Wake)
    holders: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)


class Wakes:
    """The watches of one piece of work, shared by all its loops: each runs while at least one loop waits."""

    def __init__(self, client: Client, run: Run) -> None:
        self._client, self._run = client, run
        self._lock = threading.Lock()
        self._watching: dict[Topic, _Watching] = {}

    def waker(self, resource: Resource | None = None) -> Waiter:
        """What one loop needs; `resource` is the kind that it writes. Nothing is watched before a failure."""
        return Waiter(self, f"{resource.plural}.{resource.group}" if resource and resource.group else "")

    def hold(self, topic: Topic) -> Wake:
        """The bell of a topic, whose watches run from now on."""
        with self._lock:
            watching = self._watching.get(topic)
            if watching is None:
                watching = self._watching[topic] = _Watching()
                spawn(lambda: self._follow(topic, watching), "early wake")
            watching.holders += 1
            return watching.wake

    def release(self, topic: Topic) -> None:
        """One loop less waits for a topic; with the last one its watches end."""
        with self._lock:
            watching = self._watching[topic]
            watching.holders -= 1
            if not watching.holders:
                watching.stopped.set()
                del self._watching[topic]

    def _follow(self, topic: Topic, watching: _Watching) -> None:
        with contextlib.suppress(Cancelled):
            for target in self._targets(topic):
                spawn(lambda one=target: self._watch(one, watching), "early wake")  # type: ignore[misc]  # a default

    def _targets(self, topic: Topic) -> list[Target]:
        """What to watch for a topic; what may not be read is left out."""
        found: list[Target] = []
        services = {topic.service} if topic.service else set()
        for resource in (MUTATING, VALIDATING) if topic.webhook else ():
            for configuration in self._listed(resource):
                called = list(_called(configuration, topic.webhook))
                services.update(one for one in called if one)
                if called:
                    found.append(_named(resource, value(configuration, "metadata", "name", default="")))
        if topic.definition:
            found.append(_named(CRDS, topic.definition))
        if topic.converted:
            found += [_named(CRDS, name) for name in self._converted(topic.converted)]
        for namespace, name in sorted(services):
            selector = ("labelSelector", f"kubernetes.io/service-name={name}")
            found.append(Target(ENDPOINT_SLICES.path(namespace), (selector,)))
        return found

    def _listed(self, resource: Resource, accept: str = "application/json") -> list[Object]:
        try:
            doing = f"list {resource.plural}"
            answer = self._client.request("GET", resource.path(), doing=doing, accept=accept, read=False).json()
        except ApiError:  # whoever waits meets the same failure, or may not read this: then pauses take their time
            return []
        return list(answer.get("items") or [])

    def _converted(self, kind: str) -> list[str]:
        """The names of the definitions that may be those of `group/Kind`; a plural begins like its kind."""
        group, _, singular = kind.rpartition("/")
        names = [value(one, "metadata", "name", default="") for one in self._listed(CRDS, METADATA_LIST)]
        return [name for name in names if name.endswith(f".{group}") and name.startswith(singular.lower()[:-1])]

    def _watch(self, target: Target, watching: _Watching) -> None:
        first = True
        while not (watching.stopped.is_set() or self._run.cancelled):
            try:
                version = self._version(target)
                if not first:  # what changed while nobody watched was not told
                    watching.wake.ring()
                first = False
                self._hear(target, version, watching)
                self._run.sleep(PAUSE)
            except Cancelled:
                return
            except ApiError as error:
                if not error.failure.retry:
                    return
                with contextlib.suppress(Cancelled):
                    self._run.sleep(PAUSE)

    def _version(self, target: Target) -> str:
        query = {**dict(target.query), "limit": "1"}
        doing = f"list {target.path}"
        answer = self._client.request("GET", target.path, doing=doing, query=query, accept=METADATA_LIST, read=False)
        return str(value(answer.json(), "metadata", "resourceVersion", default="0"))

    def _hear(self, target: Target, version: str, watching: _Watching) -> None:
        """Ring at each change, watch after watch, until one says that it knows no more or breaks."""
        while not (watching.stopped.is_set() or self._run.cancelled):
            query = {**dict(target.query), "resourceVersion": version}
            for event in self._client.watch(
                target.path, doing=f"watch {target.path}", query=query, seconds=WATCH_SECONDS, accept=METADATA_ONLY
            ):
                if watching.stopped.is_set() or event.get("type") == "ERROR":
                    return
                version = str(value(event, "object", "metadata", "resourceVersion", default=version))
                watching.wake.ring()


class Waiter:
    """Watches, for one loop, what its failures are about. Not to be shared."""

    def __init__(self, wakes: Wakes, definition: str) -> None:
        self._wakes, self._definition = wakes, definition
        self._topic: Topic | None = None
        self._wake: Wake | None = None

    def bell(self, error: BaseException) -> Bell | None:
        """The bell for a failure, None where nothing tells that it has passed; returns at once.

        A failure that says only that time ran out leaves things as they are.
        """
        if not isinstance(error, ApiError):
            return None
        if self._topic is not None and not precise(error.failure):
            return self._wake
        topic = topic_of(error.failure, self._definition)
        if topic is None:
            return None
        if self._topic is None or topic != replace(self._topic, service=topic.service):
            self.close()
            self._topic, self._wake = topic, self._wakes.hold(topic)
        return self._wake

    def close(self) -> None:
        """The loop waits no longer."""
        if self._topic is not None:
            self._wakes.release(self._topic)
        self._topic = self._wake = None


def topic_of(failure: Failure, definition: str = "") -> Topic | None:
    """What to watch for the end of a failure; `definition` names the CustomResourceDefinition of what is written."""
    if failure.kind is Kind.CRD_NOT_ESTABLISHED:
        return Topic(definition=definition) if definition else None
    if failure.kind not in OF_WEBHOOKS:
        return None
    called = _SERVICE.search(failure.message)
    service = (called[2], called[1]) if called else None
    if failure.webhook:
        return Topic(webhook=failure.webhook, service=service)
    converted = _CONVERSION.search(failure.message)
    return Topic(converted=f"{converted[1]}/{converted[2]}", service=service) if converted else None


def _called(configuration: Object, webhook: str) -> Iterable[tuple[str, str] | None]:
    """The Services that a configuration calls for webhooks of a name, None for one that is called by URL."""
    for one in value(configuration, "webhooks", default=[]):
        if str(value(one, "name", default="")).lower() == webhook:
            service: Any = value(one, "clientConfig", "service", default={})
            namespace, name = value(service, "namespace", default=""), value(service, "name", default="")
            yield (str(namespace), str(name)) if namespace and name else None


def _named(resource: Resource, name: str) -> Target:
    return Target(resource.path(), (("fieldSelector", f"metadata.name={name}"),))
