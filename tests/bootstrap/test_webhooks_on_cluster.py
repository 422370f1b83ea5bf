"""Whose webhook is it? Asked of real webhooks that really fail: cert-manager's own, and an old operator's."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from base import exits
from kube.client import Client
from kube.connection import ConnectionOptions, connect
from kube.failures import ApiError, Failure, Kind
from kube.webhooks import Account, account
from tests.accounts import kubeconfig_of
from tests.bootstrap import hooks
from tests.bootstrap.conftest import VERSION
from tests.certificates import site
from tests.cluster import Cluster, clean, releases
from tests.conftest import Kubectl
from tests.kube.pki import Authority
from tests.running import frit

pytestmark = pytest.mark.cluster

REPOSITORY = {
    "apiVersion": "packages.glasskube.dev/v1alpha1",
    "kind": "PackageRepository",
    "metadata": {"name": "probe"},
    "spec": {"url": "https://packages.example.com"},
}
ISSUER = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Issuer",
    "metadata": {"name": "probe", "namespace": "default"},
    "spec": {"selfSigned": {}},
}
URL = "https://packages.example.com"
MOST_SECONDS, MOST_REQUESTS = 3.0, 12
"""What an account may cost on an idle cluster."""


@pytest.fixture(scope="module")
def bootstrapped(
    cluster: Cluster, release_server: releases.ReleaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A cluster with cert-manager and the package API, as frit leaves it."""
    clean.clean(cluster.kubeconfig)
    cache = {"FRIT_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}
    url = release_server.url(VERSION)
    ran = frit("bootstrap", "--cert-manager-manifest", url, kubeconfig=cluster.kubeconfig, environment=cache)
    assert ran.code == exits.OK, ran.stderr
    yield cluster
    clean.clean(cluster.kubeconfig)


@pytest.fixture
def ready(bootstrapped: Cluster, kubectl: Kubectl) -> Iterator[Cluster]:
    """The same cluster, with nothing of the old operator before and after a test."""
    yield bootstrapped
    kubectl("delete", "validatingwebhookconfiguration", "-l", site.THROW_AWAY, "--ignore-not-found")


@pytest.fixture
def client(cluster: Cluster) -> Client:
    return connected(cluster.kubeconfig)


def connected(kubeconfig: Path) -> Client:
    return connect(ConnectionOptions(str(kubeconfig)), user_agent="frit/0 (test)").client


def failure_of(client: Client, obj: dict[str, Any], *kinds: Kind) -> Failure:
    """The failure of a dry-run create, once it is of one of these kinds; an old connection may admit for a while."""
    plural, group = f"{obj['kind'].lower()}s".replace("ys", "ies"), obj["apiVersion"]
    space = obj["metadata"].get("namespace")
    path = f"/apis/{group}/{f'namespaces/{space}/' if space else ''}{plural}"
    ends = time.monotonic() + 30
    seen: list[str] = []
    while time.monotonic() < ends:
        try:
            client.request("POST", path, doing="create", query={"dryRun": "All"}, body=obj, timeout=3)
            seen.append("admitted")
        except ApiError as error:
            if error.failure.kind in kinds:
                return error.failure
            seen.append(error.failure.message)
        time.sleep(0.3)  # until the API server has heard of the change
    pytest.fail(f"no failure of kind {kinds} came: {seen[-3:]}")


def accounted(client: Client, failure: Failure) -> tuple[Account, str]:
    """The account of a failure and its text; it must be quick and cheap."""
    requests, began = client.requests, time.monotonic()
    found = account(client, failure)
    assert time.monotonic() - began < MOST_SECONDS
    assert client.requests - requests <= MOST_REQUESTS
    assert found is not None
    text = "\n".join(found.lines)
    assert "PRIVATE" not in text + str(found.data())
    return found, text


def state_of(found: Account) -> str:
    return str(found.data()["registrations"][0]["bundle"]["state"])


def run_step(cluster: Cluster, step: str) -> None:
    """Run a kubectl command exactly as frit wrote it."""
    command = shlex.split(step)
    assert command[0] == "kubectl"
    done = subprocess.run(
        [str(cluster.kubectl), f"--kubeconfig={cluster.kubeconfig}", *command[1:]], capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_cert_managers_own_window(ready: Cluster, kubectl: Kubectl, client: Client) -> None:
    """The mismatch is found over a port-forward; the account names cainjector, and its step closes the window."""
    with site.scaled_to_0(kubectl, site.INJECTOR):
        kubectl("-n", site.SPACE, "delete", "secret", "cert-manager-webhook-ca")
        kubectl("-n", site.SPACE, "rollout", "restart", "deployment", site.WEBHOOK)
        kubectl("-n", site.SPACE, "rollout", "status", "deployment", site.WEBHOOK, "--timeout=60s")
        failure = failure_of(client, ISSUER, Kind.CERTIFICATE_ROTATION)
        found, text = accounted(client, failure)
        checked = frit("check", "--only", "cert-manager", kubeconfig=ready.kubeconfig)
        step = next(line for line in text.splitlines() if line.startswith("  next: "))
        run_step(ready, step.removeprefix("  next: "))
        site.check(ready, "--wait", "90s", code=exits.OK)
    assert state_of(found) == "not-trusted"
    assert "ValidatingWebhookConfiguration cert-manager-webhook belongs to cert-manager" in text
    assert "serves a certificate for cert-manager-webhook" in text
    assert "it holds cert-manager-webhook-ca (until 20" in text
    assert "of the same name, but with another key" in text
    assert "whose CA is NOT in it: Deployment cert-manager/cert-manager-cainjector is scaled to 0" in text
    assert checked.code == exits.CERTIFICATE_WINDOW
    assert "the CA bundle does NOT MATCH that certificate" in checked.stdout
    healed, text = accounted(client, failure)
    assert state_of(healed) == "trusted"
    assert "match now: run the same command again" in text


def test_an_expired_serving_certificate(ready: Cluster, kubectl: Kubectl, client: Client) -> None:
    """frit repo add gives up with exit 7, and says whose webhook serves a certificate that expired when."""
    authority = Authority("glasskube-ca")
    hooks.deploy(kubectl, authority.issue(hooks.HOST, born=timedelta(days=-9), ends=timedelta(days=-2)))
    hooks.apply(kubectl, hooks.configuration(authority.pem))
    failure = failure_of(client, REPOSITORY, Kind.CERTIFICATE_ROTATION)
    found, text = accounted(client, failure)
    assert state_of(found) == "trusted"
    assert found.data()["registrations"][0]["product"] == "Glasskube's operator"
    assert "which EXPIRED on 20" in text
    assert "match now" not in text
    ran = frit("repo", "add", "probe", URL, "--force", "--retry-timeout", "1s", kubeconfig=ready.kubeconfig)
    assert ran.code == exits.CERTIFICATE_WINDOW, ran.stderr
    assert "has expired or is not yet valid" in ran.stderr
    assert "belongs to Glasskube's operator" in ran.stderr
    assert "which EXPIRED on 20" in ran.stderr
    step = next(line for line in text.splitlines() if "restart what serves the expired certificate" in line)
    run_step(ready, step.partition("certificate: ")[2])


def test_bundles_that_cannot_be_right(ready: Cluster, kubectl: Kubectl, client: Client) -> None:
    """Not PEM, of another CA, for another name, and an old beside a new CA of one name are told apart."""
    authority, other = Authority("glasskube-ca"), Authority("glasskube-ca")
    hooks.deploy(kubectl, authority.issue(hooks.HOST))
    hooks.apply(kubectl, hooks.configuration(b"not at all PEM"))
    failure = failure_of(client, REPOSITORY, Kind.CERTIFICATE_ROTATION, Kind.PERMANENT_CONFIG)
    found, text = accounted(client, failure)
    assert state_of(found) == "not-pem"
    assert "the CA bundle is NOT PEM" in text
    assert "serves a certificate for glasskube-webhook-service.glasskube-system.svc" in text
    assert "have Glasskube's CronJob glasskube-webhook-cert fill the bundle again" in text
    hooks.apply(kubectl, hooks.configuration(other.pem))
    failure = failure_of(client, REPOSITORY, Kind.CERTIFICATE_ROTATION)
    assert state_of(accounted(client, failure)[0]) == "not-trusted"
    hooks.apply(kubectl, hooks.configuration(other.pem + authority.pem))
    assert state_of(accounted(client, failure)[0]) == "trusted"
    hooks.deploy(kubectl, authority.issue("somebody.else.svc"))
    failure = failure_of(client, REPOSITORY, Kind.PERMANENT_CONFIG)
    assert f"it is NOT for {hooks.HOST}" in accounted(client, failure)[1]


def test_no_endpoints_and_no_service(ready: Cluster, kubectl: Kubectl, client: Client) -> None:
    """A webhook at 0 is not ready; once its Service is gone frit check names it, and its command takes it out."""
    authority = Authority("glasskube-ca")
    hooks.deploy(kubectl, authority.issue(hooks.HOST))
    policy = {
        "name": "else.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/x"},
        "rules": [],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    hooks.apply(kubectl, hooks.configuration(authority.pem, policy))
    kubectl("-n", hooks.SPACE, "scale", "deployment", "glasskube-operator", "--replicas=0")
    failure = failure_of(client, REPOSITORY, Kind.WEBHOOK_NOT_READY)
    ran = frit("repo", "add", "probe", URL, "--force", "--retry-timeout", "1s", kubeconfig=ready.kubeconfig)
    assert ran.code == exits.NOT_READY
    assert "which has no ready endpoint" in ran.stderr
    assert f"kubectl -n {hooks.SPACE} get pods -l app=glasskube-operator" in accounted(client, failure)[1]
    kubectl("-n", hooks.SPACE, "delete", "service", hooks.SERVICE)
    failure = failure_of(client, REPOSITORY, Kind.WEBHOOK_NOT_READY)
    assert "which does not exist" in accounted(client, failure)[1]
    stale = frit("check", kubeconfig=ready.kubeconfig)
    assert stale.code == exits.NOT_READY
    assert "✗ stale-webhooks" in stale.stdout
    assert "it blocks packagerepositories.packages.glasskube.dev" in stale.stdout
    lines = stale.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if "stale-webhooks" in line)
    run_step(ready, lines[at + 1].strip())
    left = kubectl.json("get", "validatingwebhookconfiguration", hooks.NAME)
    assert [one["name"] for one in left["webhooks"]] == ["else.example.com"]
    assert frit("check", kubeconfig=ready.kubeconfig).code == exits.OK


def test_a_conversion_webhook_without_a_service(ready: Cluster, kubectl: Kubectl, client: Client) -> None:
    """The CRD is found by the kind in the message; the command of frit check makes its objects readable again."""
    versions = [
        {
            "name": name,
            "served": True,
            "storage": name == "v1",
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        }
        for name in ("v1", "v1beta1")
    ]
    service = {"namespace": "gone", "name": "converter", "path": "/convert"}
    webhook = {"conversionReviewVersions": ["v1"], "clientConfig": {"service": service}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": hooks.meta("widgets.frit.test"),
        "spec": {
            "group": "frit.test",
            "scope": "Cluster",
            "names": {"plural": "widgets", "kind": "Widget"},
            "conversion": {"strategy": "Webhook", "webhook": webhook},
            "versions": versions,
        },
    }
    hooks.apply(kubectl, definition)
    kubectl("wait", "--for=condition=Established", "crd", "widgets.frit.test", "--timeout=30s")
    widget = {"apiVersion": "frit.test/v1", "kind": "Widget", "metadata": {"name": "a"}}
    try:
        hooks.apply(kubectl, widget)
        with pytest.raises(ApiError) as caught:
            client.get("/apis/frit.test/v1beta1/widgets", doing="list widgets")
        _, text = accounted(client, caught.value.failure)
        assert "the conversion webhook of CustomResourceDefinition widgets.frit.test" in text
        assert "Service gone/converter, which does not exist" in text
        stale = frit("check", kubeconfig=ready.kubeconfig)
        assert stale.code == exits.OK  # it is not in the way of anything that frit answers for
        assert "! stale-webhooks" in stale.stdout
        step = next(line for line in stale.stdout.splitlines() if "kubectl patch crd" in line)
        run_step(ready, step.strip())
        assert "widget" in kubectl("get", "widgets.v1beta1.frit.test", "-o", "name")
    finally:
        kubectl("delete", "crd", "widgets.frit.test")


def test_a_bootstrap_warns_of_what_will_stop_it(ready: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    """One line before the first write, with the command that takes the stale webhook out."""
    hooks.apply(kubectl, hooks.configuration(b"", name="left-behind"))
    kubectl("delete", "namespace", hooks.SPACE, "--ignore-not-found")
    ran = frit(
        "bootstrap",
        "--cert-manager-manifest",
        str(releases.manifest(VERSION)),
        "--dry-run",
        kubeconfig=ready.kubeconfig,
        environment={"FRIT_CACHE_DIR": str(tmp_path)},
    )
    warnings = [line for line in ran.stderr.splitlines() if "left-behind" in line]
    assert "kubectl delete validatingwebhookconfiguration left-behind" in warnings[0]


@pytest.mark.parametrize(
    ("rules", "lacking"),
    [
        ((), ("list mutatingwebhookconfigurations", "get services", "list endpointslices")),
        (
            ("list mutatingwebhookconfigurations,validatingwebhookconfigurations",),
            ("get services", "list endpointslices"),
        ),
        (
            (
                "list mutatingwebhookconfigurations,validatingwebhookconfigurations",
                "get services",
                "list endpointslices.discovery.k8s.io",
            ),
            ("get pods/portforward", "get secrets"),
        ),
    ],
)
def test_without_permissions(
    ready: Cluster, kubectl: Kubectl, tmp_path: Path, rules: tuple[str, ...], lacking: tuple[str, ...]
) -> None:
    """Each question that may not be asked is named with the command that asks for the permission; the rest is told."""
    kubectl("delete", "clusterrole,clusterrolebinding", "webhook-reader", "--ignore-not-found")
    for number, rule in enumerate(rules):
        verb, resources = rule.split()
        name = f"webhook-reader-{number}"
        kubectl("delete", "clusterrole,clusterrolebinding", name, "--ignore-not-found")
        kubectl("create", "clusterrole", name, f"--verb={verb}", f"--resource={resources}")
        kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", "--serviceaccount=default:reader")
    try:
        limited = connected(kubeconfig_of(ready, kubectl, "default", "reader", tmp_path))
        text = 'failed calling webhook "webhook.cert-manager.io": failed to call webhook: Post "https://'
        message = f'{text}cert-manager-webhook.cert-manager.svc:443/validate?timeout=10s": EOF'
        failure = Failure(Kind.WEBHOOK_NOT_READY, message, 500, "InternalError", None, "webhook.cert-manager.io")
        _, told = accounted(limited, failure)
    finally:
        for number in range(len(rules)):
            kubectl("delete", "clusterrole,clusterrolebinding", f"webhook-reader-{number}")
    assert "belongs to cert-manager" in told
    assert "Service cert-manager/cert-manager-webhook" in told
    for one in lacking:
        verb, resource = one.split()
        assert f"not known: this account may not {verb} {resource}" in told
        assert f"kubectl auth can-i {verb} {resource.partition('/')[0]}" in told
    assert "trusted" not in told
    assert "match now" not in told
