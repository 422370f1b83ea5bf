"""The scenarios as data: which command, on which ground, which fault, when, for how long, and how the run must end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from base import exits
from tests.chaos import servers, webhooks, windows
from tests.chaos.gates import Held
from tests.chaos.site import Ground
from tests.chaos.targets import CERT_MANAGER, INJECTOR, OPERATOR, Webhook
from tests.chaos.windows import Opened
from tests.cluster import Cluster
from tests.faults import rules
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Delay, Reset

BOOTSTRAP, REPO_ADD = "bootstrap", "repo add"
KILLS = 30
ADDED = "https://packages.example.com/chaos"
DENIED = "https://packages.invalid/chaos"
LENGTHS = (0.5, 5.0, 40.0)


class When(StrEnum):
    """When the fault begins."""

    BEFORE = "before"
    MIDDLE = "middle"


@dataclass(frozen=True)
class Scene:
    """What a fault may need: the cluster, and the proxy through which frit reaches it."""

    cluster: Cluster
    proxy: FaultProxy


Open = Callable[[Scene, float | None], AbstractContextManager[Opened]]


@dataclass(frozen=True)
class Fault:
    """Something that breaks. `of` is the webhook that shows when it is over; `proxied` faults are on the way there."""

    name: str
    open: Open
    of: Webhook | None = None
    proxied: bool = False


@dataclass(frozen=True)
class Scenario:
    """One run of frit with one fault. `seconds` None: the fault stays until the run has ended.

    The run must end with `code`, and what it says on stderr must match each pattern of `says`.
    """

    command: str
    fault: Fault
    when: When
    ground: Ground
    seconds: float | None = None
    arguments: tuple[str, ...] = ()
    url: str = ADDED
    code: int = exits.OK
    says: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name, by which it can be repeated alone."""
        length = f", {self.seconds:g} s" if self.seconds is not None else ", no end" if self.code else ""
        end = f", exit {self.code}" if self.code else ""
        where = " at the operator" if self.command == BOOTSTRAP and self.ground is Ground.OPERATOR else ""
        return f"{self.command}: {self.fault.name}{where}{length}, {self.when}{end}"


def _at(function: Any, of: Webhook) -> Open:
    return lambda scene, seconds: function(scene.cluster, of, seconds)


def _window(of: Webhook, held: bool = False) -> Fault:
    def opened(scene: Scene, seconds: float | None) -> AbstractContextManager[Opened]:
        gate = Held(scene.cluster, INJECTOR) if held else None
        return windows.window(scene.cluster.kubeconfig, seconds, of=of, gate=gate)

    return Fault("window, lease held" if held else "window", opened, of)


def _of(name: str, function: Any, of: Webhook) -> Fault:
    return Fault(name, _at(function, of), of)


def _proxied(name: str, fault: rules.Fault) -> Fault:
    return Fault(name, lambda scene, seconds: servers.on_the_way(scene.proxy, fault, seconds), proxied=True)


RESTARTED = Fault("API server restarted", lambda scene, seconds: servers.stopped(scene.cluster, seconds))
KILLED = Fault("API server killed", lambda scene, seconds: servers.stopped(scene.cluster, seconds, at_once=True))
ETCD = Fault("etcd paused", lambda scene, seconds: servers.store_paused(scene.cluster, seconds))
RESETS = _proxied("connections reset", Reset.BEFORE)
SLOW = _proxied("2 s per answer", Delay(2.0))
THROTTLED = _proxied("429", rules.throttled(1))
UNAVAILABLE = _proxied("503", rules.UNAVAILABLE)

_TRUST = r"x509|not trusted|certificate"


def all_scenarios() -> list[Scenario]:
    """Every scenario, those on the same ground after each other: changing it takes time."""
    return [*_fresh(), *_installed(), *_operator(), *_elsewhere()]


def _at_the_server(command: str, when: When, ground: Ground) -> Iterator[Scenario]:
    # Watches that an API server's end breaks come back later and later: such ends lie some minutes apart.
    yield Scenario(command, RESTARTED if when is When.BEFORE else KILLED, when, ground, 1.0)
    for fault, seconds in _SERVER_FAULTS:
        # a bootstrap sends many requests: the slowness shall last until its proofs
        yield Scenario(command, fault, when, ground, 20.0 if (command, fault) == (BOOTSTRAP, SLOW) else seconds)


def _fresh() -> Iterator[Scenario]:
    yield from _at_the_server(BOOTSTRAP, When.BEFORE, Ground.FRESH)
    of = CERT_MANAGER
    for seconds in LENGTHS:
        yield Scenario(BOOTSTRAP, _window(of), When.MIDDLE, Ground.FRESH, seconds)
    for name, function, length in _AT_ANY_WEBHOOK:
        yield Scenario(BOOTSTRAP, _of(name, function, of), When.MIDDLE, Ground.FRESH, length)
    yield from _at_the_server(BOOTSTRAP, When.MIDDLE, Ground.FRESH)


def _installed() -> Iterator[Scenario]:
    of = CERT_MANAGER
    for seconds in LENGTHS:
        yield Scenario(BOOTSTRAP, _window(of, held=True), When.BEFORE, Ground.INSTALLED, seconds)
    yield Scenario(BOOTSTRAP, _window(of), When.BEFORE, Ground.INSTALLED, 5.0)
    for name, function, length in (*_AT_ANY_WEBHOOK, _LEADER_KILLED):
        yield Scenario(BOOTSTRAP, _of(name, function, of), When.BEFORE, Ground.INSTALLED, length)

    def ends(fault: Fault, code: int, *says: str) -> Scenario:
        limit = ("--stage-timeout", "webhook=8s")
        return Scenario(BOOTSTRAP, fault, When.BEFORE, Ground.INSTALLED, None, limit, code=code, says=says)

    yield ends(_window(of, held=True), exits.CERTIFICATE_WINDOW, _TRUST)
    yield ends(_of("bundle not PEM", webhooks.bundle_not_pem, of), exits.CERTIFICATE_WINDOW, "PEM")
    yield ends(_of("webhook crashing", webhooks.crashing, of), exits.NOT_READY, "cert-manager-webhook")


def _operator() -> Iterator[Scenario]:
    of, ground = OPERATOR, Ground.OPERATOR
    yield from _at_the_server(REPO_ADD, When.BEFORE, ground)
    for seconds in LENGTHS:
        for when in When:
            yield Scenario(REPO_ADD, _window(of), when, ground, seconds)
    for name, function, length in (*_AT_ANY_WEBHOOK, *_AT_THE_OPERATOR):
        for when in When:
            yield Scenario(REPO_ADD, _of(name, function, of), when, ground, length)
    yield from _at_the_server(REPO_ADD, When.MIDDLE, ground)
    more = ("--repository", f"chaos={ADDED}")
    yield Scenario(BOOTSTRAP, _window(of), When.BEFORE, ground, 5.0, more)
    for name, function, length in _AT_THE_OPERATOR:
        yield Scenario(BOOTSTRAP, _of(name, function, of), When.BEFORE, ground, length, more)
    yield from _that_end_the_run(more)


def _that_end_the_run(more: tuple[str, ...]) -> Iterator[Scenario]:
    of, ground = OPERATOR, Ground.OPERATOR

    def ends(fault: Fault, code: int, *says: str, url: str = ADDED, seconds: float | None = None) -> Scenario:
        limit = ("--timeout", "5s") if seconds is None else ()
        return Scenario(REPO_ADD, fault, When.BEFORE, ground, seconds, limit, url, code, says)

    yield ends(_window(of), exits.CERTIFICATE_WINDOW, "x509")
    yield ends(_of("certificate expired", webhooks.expired, of), exits.CERTIFICATE_WINDOW, "expired")
    yield ends(_of("bundle not PEM", webhooks.bundle_not_pem, of), exits.CERTIFICATE_WINDOW, "PEM")
    yield ends(_of("webhook scaled to 0", webhooks.scaled_to_0, of), exits.NOT_READY, "operator")
    yield ends(_of("webhook crashing", webhooks.crashing, of), exits.NOT_READY, "operator")
    yield ends(_window(of), exits.REFUSED, "denied the request", "can never be reached", url=DENIED, seconds=3.0)
    yield ends(UNAVAILABLE, exits.NOT_READY, "unable to handle the request")
    yield ends(THROTTLED, exits.NOT_READY, "Too many requests")
    yield ends(KILLED, exits.UNREACHABLE, "refused")
    limit = ("--stage-timeout", "repositories=6s", *more)
    held = _window(of, held=True)  # a cainjector that is only scaled to 0 is brought back by a bootstrap
    yield Scenario(BOOTSTRAP, held, When.BEFORE, ground, None, limit, code=exits.CERTIFICATE_WINDOW, says=("x509",))


def _elsewhere() -> Iterator[Scenario]:
    """A window at cert-manager is nothing to a command that has nothing to do with it."""
    elsewhere = replace(_window(CERT_MANAGER), name="window at cert-manager")
    yield Scenario(REPO_ADD, elsewhere, When.BEFORE, Ground.OPERATOR, None)


_SERVER_FAULTS: tuple[tuple[Fault, float], ...] = (
    (ETCD, 5.0),
    (RESETS, 3.0),
    (SLOW, 8.0),
    (THROTTLED, 3.0),
    (UNAVAILABLE, 3.0),
)
_AT_ANY_WEBHOOK: tuple[tuple[str, Any, float | None], ...] = (
    ("CA Secret deleted", webhooks.ca_deleted, None),
    ("webhook restarted", webhooks.restarted, None),
    ("webhook scaled to 0", webhooks.scaled_to_0, 5.0),
    ("webhook crashing", webhooks.crashing, 5.0),
    ("bundle not PEM", webhooks.bundle_not_pem, 5.0),
)
_AT_THE_OPERATOR: tuple[tuple[str, Any, float | None], ...] = (
    ("CA renewed", webhooks.ca_renewed, None),
    ("certificate expired", webhooks.expired, 5.0),
)
_LEADER_KILLED = ("cainjector's leader killed", webhooks.leader_killed, None)

CHEAP = (
    "bootstrap: API server killed, 1 s, middle",
    "bootstrap: etcd paused, 5 s, middle",
    "bootstrap: window, 0.5 s, middle",
    "repo add: window, 0.5 s, before",
    "repo add: window, 0.5 s, middle",
    "repo add: window, 3 s, before, exit 5",
    "repo add: certificate expired, no end, before, exit 7",
    "repo add: 503, 3 s, middle",
)
"""Those that run with every `make test`."""
