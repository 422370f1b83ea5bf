"""Whose webhook a failure is about: what the failure says, which registration it means, and what is told about it."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import exits
from base.clock import Deadline, Run
from base.events import silent
from base.policy import RetryPolicy
from kube.apply import Applier
from kube.bounded import Told
from kube.client import Client
from kube.discovery import CORE_V1
from kube.failures import ApiError, Failure, Kind, from_text
from kube.webhook_account import Account, Whose
from kube.webhook_backend import Backend, Served, backend_of
from kube.webhook_fill import Filler, why_not_injected, writer_of
from kube.webhook_registrations import registrations_of
from kube.webhooks import Subject, account, select, subject_of
from kube.whose import explained
from kube.x509 import certificates_in, read
from tests.faults import rules
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy
from tests.kube.pki import Authority
from tests.kube.webhook_data import HOST, configuration, definition, injector, listed, registration, webhook

CALL = 'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: '
POST = 'Post "https://hook.space.svc:443/validate?timeout=10s": '
UNTRUSTED = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
CONVERT = "conversion webhook for example.com/v1, Kind=Widget failed: "
HERE = (("space", "hook"), 443, "/validate")


@pytest.mark.parametrize(
    ("text", "webhook", "kind", "called", "denied"),
    [
        (CALL + POST + UNTRUSTED, "a.example.com", "", HERE, False),
        (CALL + POST.replace('"', "") + UNTRUSTED, "a.example.com", "", HERE, False),
        ((CALL + POST + UNTRUSTED).replace('"', '\\"'), "a.example.com", "", HERE, False),
        (CALL + "could not get REST client: unable to load root certificates", "a.example.com", "", None, False),
        (CALL + 'Post "https://10.0.0.9:8443/x?timeout=1s": EOF', "a.example.com", "", (("", ""), 8443, "/x"), False),
        (CONVERT + POST.replace("validate", "convert") + UNTRUSTED, "", "Widget", (*HERE[:2], "/convert"), False),
        ('admission webhook "a.example.com" denied the request: no', "a.example.com", "", None, True),
    ],
)
def test_what_a_failure_says(
    text: str, webhook: str, kind: str, called: tuple[tuple[str, str], int, str] | None, denied: bool
) -> None:
    """Name, kind to convert and URL are found in every form in which API servers and tools write them."""
    subject = subject_of(from_text(text))
    assert subject is not None
    assert (subject.webhook, subject.kind, subject.denied) == (webhook, kind, denied)
    assert subject.called == (called or (("", ""), 443, "/"))


@pytest.mark.parametrize("text", ["connection refused", 'deployments "webhook" not found', UNTRUSTED])
def test_a_failure_about_no_webhook(text: str, asking: Client, server: FaultProxy) -> None:
    """It has no account, and nothing is asked."""
    assert account(asking, from_text(text)) is None
    assert not server.seen


@given(st.text(max_size=300), st.sampled_from(["", "a.b.c"]))
def test_arbitrary_messages(text: str, webhook: str) -> None:
    """No text breaks the reading of it."""
    words = f"conversion webhook for {text}, Kind=X post https://{text}"
    for one in (text, words):
        subject = subject_of(Failure(Kind.UNKNOWN, one, 500, "", None, webhook))
        assert subject is None or subject.called[1] >= 0


def test_several_configurations_with_one_name() -> None:
    """The URL says which one is meant; where it does not, all of them are."""
    other = {"service": {"namespace": "old", "name": "hook", "path": "/validate"}}
    mine = configuration(webhook(), name="mine")
    mutating = webhook(clientConfig={"service": {"namespace": "space", "name": "hook", "path": "/mutate"}})
    known = [
        *registrations_of(mine),
        *registrations_of(configuration(mutating, name="mutating", kind="Mutating")),
        *registrations_of(configuration(webhook(clientConfig=other), webhook("else"), name="old")),
    ]

    def chosen(url: str) -> list[str]:
        return [one.owner.name for one in select(known, Subject("A.example.com", url=url))]

    assert chosen("https://hook.space.svc:443/validate") == ["mine"]
    assert chosen("https://hook.space.svc:443/somewhere") == ["mine", "mutating"]
    assert chosen("https://hook.old.svc:443/validate") == ["old"]
    assert chosen("") == ["mine", "mutating", "old"]


def test_a_service_and_its_endpoints() -> None:
    """Ready addresses are counted, pods named, and the pod's port is that of the Service port that is called."""
    service = {
        "spec": {"ports": [{"name": "metrics", "port": 9402}, {"name": "https", "port": 443}], "selector": {"app": "a"}}
    }
    ports = [{"name": "metrics", "port": 9402}, {"name": "https", "port": 10250}]
    pod = {"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": "p-1"}}
    starting = {"addresses": ["10.0.0.2"], "targetRef": {"kind": "Pod", "name": "p-2"}, "conditions": {"ready": False}}
    slices = listed({"endpoints": [pod, starting], "ports": ports})
    assert backend_of(Told(True, service), slices, 443) == Backend(True, True, 1, ("p-1",), 10250, "app=a")
    assert backend_of(Told(True, service), slices, 8443).serves_port is False
    assert backend_of(Told(True), listed(), 443) == Backend(exists=False, ready=0)
    assert backend_of(Told(False), slices, 443) == Backend(None, None, 1, ("p-1",), 0)
    assert backend_of(Told(True, service), Told(False), 443).ready is None


def test_who_wrote_the_bundle_last() -> None:
    """managedFields tell, for one webhook of several, and for a CRD."""

    def wrote(manager: str, *path: str) -> dict[str, object]:
        fields: dict[str, object] = {}
        for step in reversed(path):
            fields = {step: fields}
        return {"manager": manager, "fieldsV1": fields}

    tail = ("f:clientConfig", "f:caBundle")
    mine = wrote("certgen", "f:webhooks", 'k:{"name":"a.example.com"}', *tail)
    other = wrote("somebody", "f:webhooks", 'k:{"name":"b.example.com"}', *tail)
    assert writer_of(registration(managedFields=[mine, other])) == "certgen"
    assert writer_of(registration(managedFields=[other])) == ""
    crd = definition(managedFields=[wrote("injector", "f:spec", "f:conversion", "f:webhook", *tail)])
    assert writer_of(registrations_of(crd)[0]) == "injector"


@pytest.mark.parametrize(
    ("injectors", "problem", "step"),
    [
        (Told(False), "cainjector has not written it", ""),
        (listed(), "no Deployment of a cainjector", "frit bootstrap"),
        (listed(injector(0, 0)), "is scaled to 0", "kubectl -n certs scale deployment injector --replicas=1"),
        (listed(injector(1, 0)), "is not ready", "kubectl -n certs describe deployment injector"),
        (listed(injector()), "runs and has not written it yet", "kubectl -n certs logs deployment/injector"),
        (listed(injector(0, 0), injector()), "runs and has not written it yet", "kubectl -n certs logs"),
    ],
)
def test_why_cainjector_has_not_written_a_ca(injectors: Told, problem: str, step: str) -> None:
    """Its Deployment says why, and what to do."""
    told, steps = why_not_injected(injectors)
    assert problem in told
    assert next(iter(steps), "").startswith(step)


OLD, NEW = Authority("hook-ca"), Authority("hook-ca")
PAST = Authority("hook-ca", born=timedelta(days=-9), ends=timedelta(days=-2))
LEAF = NEW.issue(HOST, "hook")


def whose(
    bundle: bytes = NEW.pem, leaf: bytes = LEAF.pem, trusted: bool | None = True, filler: Filler | None = None
) -> Whose:
    served = Served("p-1", read(certificates_in(leaf)[0]), trusted)
    ready = Backend(True, True, 1, ("p-1",), 9443, "app=hook")
    return Whose(registration(bundle), time.time(), ready, served, filler or Filler())


def text_of(*found: Whose, notes: tuple[str, ...] = ()) -> str:
    return "\n".join(Account("a.example.com", found, notes).lines)


def test_a_stale_bundle_of_the_same_name() -> None:
    """The mismatch is named, with the date of what the bundle holds, who fills it, and why it has not."""
    filler = Filler("somebody", "Secret a/b", "", True, False, "it is scaled to 0", ("kubectl scale it",))
    found = whose(OLD.pem, trusted=False, filler=filler)
    told = text_of(found)
    assert found.bundle == "not-trusted"
    assert "webhook a.example.com of ValidatingWebhookConfiguration hooks does not say" in told
    assert "it calls Service space/hook, port 443, which has 1 ready endpoint" in told
    assert "serves a certificate for hook.space.svc and hook, signed by hook-ca, valid until 20" in told
    assert "does NOT MATCH that certificate: it holds hook-ca (until 20" in told
    assert "of the same name, but with another key" in told
    assert "filled by somebody from Secret a/b, whose CA is NOT in it: it is scaled to 0" in told
    assert told.endswith("next: kubectl scale it")


def test_the_states_of_a_bundle() -> None:
    """Empty, not PEM, expired, right, and without anything to compare are told apart."""
    assert whose(b"").bundle == "empty"
    assert whose(b"no gem").bundle == "not-pem"
    assert whose(PAST.pem).bundle == "expired"
    assert whose(PAST.pem + NEW.pem).bundle == "trusted"
    assert whose().bundle == "trusted"
    unread = Whose(registration(NEW.pem), time.time(), Backend())
    assert unread.bundle == "not-compared"
    assert "EMPTY: the API server trusts only the public CAs" in text_of(whose(b""))
    assert "NOT PEM: the API server cannot load it" in text_of(whose(b"no gem"))
    assert "only EXPIRED certificates: hook-ca" in text_of(whose(PAST.pem))
    assert "nothing says who fills the CA bundle" in text_of(unread)


def test_the_served_certificate() -> None:
    """Expired, not valid yet, and for other names: each is said, and a restart is the step for an expired one."""
    expired = text_of(whose(leaf=NEW.issue(HOST, ends=timedelta(hours=-1)).pem))
    assert "which EXPIRED on 20" in expired
    assert "kubectl -n space delete pod p-1" in expired
    assert "which is NOT VALID before" in text_of(whose(leaf=NEW.issue(HOST, born=timedelta(hours=1)).pem))
    other = text_of(whose(leaf=NEW.issue("other.space.svc").pem))
    assert f"it is NOT for {HOST}, the name that the API server calls" in other
    assert "match now" not in expired + other
    assert "match now: run the same command again" in text_of(whose())


def test_without_permissions() -> None:
    """What may not be read is said, and nothing is claimed about it."""
    unread = Whose(registration(NEW.pem), time.time(), Backend())
    told = text_of(unread, notes=("this account may not get pods/portforward",))
    assert "not known: this account may not get pods/portforward" in told
    assert "serves" not in told
    assert "match" not in told


def test_a_denial_is_no_fault_of_the_call() -> None:
    """Whose it is, and no word about certificates."""
    told = text_of(Whose(registration(), time.time(), Backend(True, True, 1), denied=True))
    assert "that is its verdict" in told
    assert "CA bundle" not in told


def test_the_data_for_scripts() -> None:
    """Stable keys in camelCase, dates as in objects, and no PEM."""
    data = Account("a.example.com", (whose(OLD.pem, trusted=False),), ("a note",)).data()
    one = data["registrations"][0]
    assert (data["name"], data["unknown"]) == ("a.example.com", ["a note"])
    assert (one["kind"], one["name"], one["failurePolicy"]) == ("ValidatingWebhookConfiguration", "hooks", "Fail")
    assert one["service"] == {
        "namespace": "space",
        "name": "hook",
        "port": 443,
        "path": "/validate",
        "exists": True,
        "readyEndpoints": 1,
    }
    assert one["bundle"]["state"] == "not-trusted"
    assert one["served"]["notAfter"].endswith("Z")
    assert one["served"]["coversHost"] is True
    assert "BEGIN" not in str(data)


def test_one_that_is_called_by_its_url() -> None:
    """Nothing in the cluster stands behind it: the steps say where to look, and what is registered."""
    client = {"url": "https://policy.example.com/validate"}
    one = registrations_of(configuration(webhook(clientConfig=client)))[0]
    told = text_of(Whose(one, time.time()))
    assert "it calls https://policy.example.com/validate, by its URL" in told
    assert "next: from where the API server runs, see who answers there" in told
    assert told.endswith("next: kubectl get validatingwebhookconfiguration hooks -o yaml   shows what is registered")


@pytest.mark.parametrize(("name", "kept"), [("a.example.com", False), ("webhook.cert-manager.io", True)])
def test_nobody_is_sent_to_restart_somebody_elses_webhook(
    server: FaultProxy, asking: Client, name: str, kept: bool
) -> None:
    """The general step for an expired certificate restarts cert-manager's webhook: only if it is that one."""
    server.on(ok({"items": [configuration(webhook(name))]}), path="/validatingwebhookconfigurations", times=None)
    server.on(ok({"items": []}), times=None)
    expired = UNTRUSTED.replace("signed by unknown authority", "has expired or is not yet valid: current time A")
    error = ApiError("apply it", from_text(CALL.replace("a.example.com", name) + POST + expired))
    assert "deploy/cert-manager-webhook" in error.hint
    hint = explained(error, asking).hint
    assert f"webhook {name} of ValidatingWebhookConfiguration hooks" in hint
    assert ("deploy/cert-manager-webhook" in hint) is kept


def test_a_write_that_hangs_names_whom_it_may_have_waited_for(server: FaultProxy, asking: Client) -> None:
    """A 504 names no webhook: those that are asked about the resource are told, the longest limit first."""
    rule = {"apiGroups": [""], "operations": ["*"], "resources": ["configmaps"]}
    hooks = [webhook("short.example.com", rules=[rule]), webhook("long.example.com", rules=[rule], timeoutSeconds=30)]
    mine = configuration(*hooks, webhook("other.example.com"))
    server.on(rules.GATEWAY_TIMEOUT, method="PATCH", times=None)
    server.on(ok({"items": [mine]}), path="/validatingwebhookconfigurations", times=None)
    server.on(ok({"items": []}), times=None)
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "namespace": "a"}}
    applier = Applier(
        asking, RetryPolicy(attempts=2, first_pause=0.01), Run(), Deadline.after(20), silent, compare=False
    )
    with pytest.raises(ApiError) as raised:
        applier.together(lambda one: applier.apply(one, CORE_V1["ConfigMap"]), [wanted])
    lines = raised.value.hint.splitlines()
    assert lines[0] == "the API server may have waited for a webhook; it asks these about configmaps:"
    told = [line for line in lines if line.startswith("webhook ")]
    assert ["long.example.com" in told[0], "short.example.com" in told[1], len(told)] == [True, True, 2]
    assert "match now" not in raised.value.hint
    assert raised.value.exit_code == exits.NOT_READY
