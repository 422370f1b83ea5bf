"""Webhooks whose Service is gone: what frit check says about them, and when it is an error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bootstrap.stale import blocking, check_of, stale_check, told
from certificates import presence
from certificates.checks import Severity
from kube.access import Permission
from kube.client import Client
from kube.discovery import CORE_V1, Discovery
from kube.objects import Object
from kube.webhook_registrations import registrations_of
from kube.webhook_stale import Calls, ask_calls, converts
from tests.certificates.health_data import facts
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy
from tests.faults.rules import status
from tests.kube.webhook_data import EVERYTHING, configuration, definition, webhook

ISSUERS = {"apiGroups": ["cert-manager.io"], "operations": ["*"], "resources": ["*/*"]}
REPOSITORIES = {"apiGroups": ["packages.glasskube.dev"], "operations": ["UPDATE"], "resources": ["packagerepositories"]}
DELETES = {**ISSUERS, "operations": ["DELETE"]}
GONE = frozenset({("space", "hook")})
HERE: Object = {"metadata": {"name": "default", "labels": {"team": "a"}}}
GROUPS = ("cert-manager.io",)


def calls(*objects: Object, missing: frozenset[tuple[str, str]] = GONE) -> Calls:
    return Calls(tuple(one for obj in objects for one in registrations_of(obj)), missing)


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"rules": [EVERYTHING]}, Severity.FAILED),
        ({"rules": [ISSUERS]}, Severity.FAILED),
        ({"rules": [REPOSITORIES]}, Severity.FAILED),
        ({"rules": [ISSUERS], "failurePolicy": "Ignore"}, Severity.WARNING),
        ({"rules": [DELETES]}, Severity.WARNING),
        ({}, Severity.WARNING),
        ({"rules": [ISSUERS], "namespaceSelector": {"matchLabels": {"team": "a"}}}, Severity.FAILED),
        ({"rules": [ISSUERS], "namespaceSelector": {"matchLabels": {"team": "b"}}}, Severity.WARNING),
        ({"rules": [ISSUERS], "objectSelector": {"matchLabels": {"x": "y"}}}, Severity.WARNING),
        ({"rules": [ISSUERS], "matchConditions": [{"name": "a", "expression": "false"}]}, Severity.WARNING),
    ],
)
def test_how_bad_a_stale_webhook_is(changes: Object, severity: Severity) -> None:
    """An error where it surely stops what frit answers for; a warning where it is skipped, elsewhere, or selective."""
    found = stale_check(calls(configuration(webhook(**changes))), HERE)
    assert found.severity is severity
    assert "calls Service space/hook, which does not exist" in found.message
    assert found.hint == "kubectl delete validatingwebhookconfiguration hooks"


def test_a_part_of_the_check() -> None:
    """With --only, what blocks the other part is a warning."""
    found = calls(configuration(webhook(rules=[REPOSITORIES])))
    assert stale_check(found, HERE, groups=GROUPS).severity is Severity.WARNING


def test_the_effect_in_words() -> None:
    """Fail blocks, Ignore lets everything pass, a selector narrows it down, a conversion hides objects."""

    def said(**changes: Any) -> str:
        return told(registrations_of(configuration(webhook(**changes)))[0], HERE)

    assert said(rules=[EVERYTHING]).endswith(": it blocks every kind")
    assert said(failurePolicy="Ignore").endswith("nothing of it is enforced any more on widgets.example.com")
    assert said(objectSelector={"matchLabels": {"x": "y"}}).endswith("where its selectors match")
    crd = told(registrations_of(definition())[0])
    assert crd.startswith("the conversion webhook of CustomResourceDefinition widgets.example.com calls Service space/")
    found = stale_check(calls(definition()), HERE)
    assert "beware" in found.hint.splitlines()[1]


def test_nothing_stale() -> None:
    """A Service that exists is proven; one that may not be read is a warning with the permission that is missing."""
    here = calls(configuration(), missing=frozenset())
    assert stale_check(here).message == "1 configuration of webhooks: each Service that they call exists"
    unread = Calls(here.registrations, frozenset(), (Permission("get", "", "services", "space"),))
    found = stale_check(unread)
    assert (found.severity, found.ok) == (Severity.WARNING, True)
    assert found.hint == "kubectl auth can-i get services -n space"
    assert stale_check(None).severity is Severity.SKIPPED


def test_cert_managers_own_service_is_reported_once() -> None:
    """The check `webhook-configurations` has said it already; others that call the same Service are still named."""
    found = facts(service=None)
    mutating = found.installation.mutating
    assert mutating is not None
    service = dict(zip(("namespace", "name"), found.installation.service, strict=True))
    foreign = configuration(webhook(rules=[ISSUERS], clientConfig={"service": service}), name="foreign")
    own = tuple(one for obj in (mutating, foreign) for one in registrations_of(obj))
    message = check_of(facts(service=None, calls=Calls(own))).message
    assert "foreign" in message
    assert "MutatingWebhookConfiguration" not in message
    assert check_of(facts(calls=Calls(own))).severity is Severity.OK


def test_which_definitions_are_read_whole() -> None:
    """Those whose managed fields name a conversion webhook, and those that have none to tell."""
    plain: Object = {"fieldsV1": {"f:spec": {"f:conversion": {"f:strategy": {}}}}}
    hooked: Object = {"fieldsV1": {"f:spec": {"f:conversion": {"f:webhook": {".": {}}}}}}
    assert not converts(definition(managedFields=[plain]))
    assert converts(definition(managedFields=[plain, hooked]))
    assert converts(definition())


def test_asking_costs_a_request_for_each_service(server: FaultProxy, asking: Client) -> None:
    """One that does not exist is missing, one that is forbidden is unread, and one that somebody else asks for is left
    out; with no webhooks at all nothing is asked."""
    server.on(status(404, "NotFound", 'services "hook" not found'), path="/space/")
    server.on(status(403, "Forbidden", 'services "x" is forbidden'), path="/secret/")
    server.on(ok({"metadata": {"name": "y"}}), path="/here/")
    services = [{"namespace": one, "name": "hook"} for one in ("space", "secret", "here", "asked", "space")]
    hooks = configuration(*[webhook(f"w{n}", clientConfig={"service": one}) for n, one in enumerate(services)])
    found = ask_calls(asking, [hooks], asked=[("asked", "hook")])
    assert found.missing == {("space", "hook")}
    assert found.unread == (Permission("get", "", "services", "secret"),)
    assert [one.name for one in found.stale] == ["w0", "w4"]
    assert len(server.seen) == 3
    assert ask_calls(asking, []) == Calls()
    assert len(server.seen) == 3


def test_what_a_bootstrap_asks(server: FaultProxy, asking: Client) -> None:
    """Nothing where no webhook is in its way; else the Service, and what is stale and blocks is returned."""
    discovery = Discovery(CORE_V1.values())
    writes = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}}]
    core = {"apiGroups": [""], "operations": ["CREATE"], "resources": ["serviceaccounts"]}
    nodes = {"apiGroups": [""], "operations": ["CREATE"], "resources": ["nodes"]}
    harmless = configuration(
        webhook("a"), webhook("b", rules=[nodes]), webhook("c", rules=[core], failurePolicy="Ignore")
    )
    assert blocking(asking, [harmless], writes, discovery) == []
    assert not server.seen
    server.on(status(404, "NotFound", 'services "hook" not found'))
    found = blocking(asking, [configuration(webhook("d", rules=[core]), webhook("e"))], writes, discovery)
    assert [one.name for one in found] == ["d"]


def test_what_an_uninstalled_cert_manager_left() -> None:
    """Each configuration that is left has its command: with both, in the check of both; with one, in this one."""
    found = facts(service=None)
    own = found.installation
    assert own.mutating is not None
    assert own.validating is not None
    both = Calls(tuple(one for obj in (own.mutating, own.validating) for one in registrations_of(obj)))
    commands = [
        f"kubectl delete {kind}webhookconfiguration cert-manager-webhook" for kind in ("mutating", "validating")
    ]
    hint = presence.configurations_check(found).hint
    assert hint.splitlines() == ["if cert-manager was removed, take out what it left:", *commands]
    told = check_of(facts(service=None, calls=both))
    assert (told.severity, told.message) == (Severity.OK, "there is no other webhook configuration")
    alone = replace(own, mutating=None)
    left = Calls(tuple(registrations_of(own.validating)))
    one = facts(service=None, calls=left, installation=alone)
    assert "is missing" in presence.configurations_check(one).message
    assert check_of(one).severity is Severity.WARNING  # its rules are empty here
    assert check_of(one).hint == commands[1]
