"""The real thing: clusters side by side, killed, restarted, cleaned; and what their audit log says."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.cluster
from tests.cluster import (
    Cluster,
    ClusterError,
    archives,
    audit,
    build,
    certmanager,
    components,
    paths,
    progress,
    provider_builtin,
    providers,
    releases,
    sandbox,
)
from tests.cluster.api import Api
from tests.cluster.clean import clean
from tests.conftest import CLUSTER_NAME, Kubectl

from . import traces

pytestmark = pytest.mark.cluster

READY_SECONDS = 25.0


@pytest.fixture(scope="session", autouse=True)
def builtin() -> None:
    """These tests look into the built-in provider; another one has nothing of what they look at."""
    if providers.choose().NAME != provider_builtin.NAME:
        pytest.skip(f"{providers.PROVIDER_VARIABLE} or the machine chooses {providers.choose().NAME}")


@pytest.fixture
def pair() -> Iterator[tuple[str, str]]:
    """Two names for clusters, removed in the end."""
    names = (f"{CLUSTER_NAME}-a", f"{CLUSTER_NAME}-b")
    yield names
    for name in names:
        tests.cluster.down(name)


def test_two_clusters_side_by_side_leave_nothing(pair: tuple[str, str]) -> None:
    """Two clusters run at a time, each with its own objects and pods, in time; after down nothing of them is left."""
    before = traces.machine()
    running = []
    for name in pair:
        started = time.monotonic()
        running.append(tests.cluster.up(name, releases=(), say=progress.quiet))
        assert time.monotonic() - started < READY_SECONDS
    assert running[0].server != running[1].server
    for cluster in running:
        kubectl = Kubectl(cluster)
        kubectl("create", "namespace", f"only-{cluster.name}")
        kubectl("run", "sleeper", "--image=frit.test/pause:1", "--restart=Never")
    for cluster in running:
        kubectl = Kubectl(cluster)
        kubectl("wait", "pod/sleeper", "--for=condition=Ready", "--timeout=60s")
        names = {item["metadata"]["name"] for item in kubectl.json("get", "namespaces")["items"]}
        assert {n for n in names if n.startswith("only-")} == {f"only-{cluster.name}"}

    seen = {name: traces.inside(name) for name in pair}
    assert not seen[pair[0]][0] & seen[pair[1]][0]
    assert not seen[pair[0]][1] & seen[pair[1]][1]
    tests.cluster.down(pair[0])
    assert traces.left_of(pair[0], seen[pair[0]][1]) == []
    assert Kubectl(running[1])("get", "pod/sleeper", "-o=name").strip() == "pod/sleeper"
    tests.cluster.down(pair[1])
    assert traces.left_of(pair[1], seen[pair[1]][1]) == []
    assert [pid for name in pair for pid in seen[name][0] if Path(f"/proc/{pid}/exe").exists()] == []
    assert traces.machine() == before


@pytest.mark.parametrize("stage", ["pki", "kubelet.json"])
def test_killed_up_is_cleaned_by_the_next_one(pair: tuple[str, str], stage: str) -> None:
    """A run that is killed on its way, early or late, is in nobody's way: the next one removes it and gets ready."""
    name = pair[0]
    folder = paths.cluster_folder(name)
    command = [sys.executable, "-m", "tests.cluster", "up", "--cert-manager=", f"--name={name}"]
    run = subprocess.Popen(command, cwd=paths.SOURCES.parent.parent, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (folder / stage).exists():
        assert run.poll() is None, "it was to be killed before its end"
        assert time.monotonic() < deadline
        time.sleep(0.005)  # a moment in another process's work has no event
    run.send_signal(signal.SIGKILL)
    run.communicate()
    first = sandbox.find(folder)
    assert first is not None
    assert tests.cluster.status(name) is None

    cluster = tests.cluster.up(name, releases=(), say=progress.quiet)
    assert not first.first.alive()
    assert Kubectl(cluster)("get", "nodes", "-o=name").strip() == f"node/{name}-node"


def test_down_removes_what_a_killed_up_left(pair: tuple[str, str]) -> None:
    """Without a next up, down alone removes the remains of a killed run."""
    name = pair[0]
    folder = paths.cluster_folder(name)
    command = [sys.executable, "-m", "tests.cluster", "up", "--cert-manager=", f"--name={name}"]
    run = subprocess.Popen(command, cwd=paths.SOURCES.parent.parent, stderr=subprocess.PIPE)
    while not (folder / "kubelet.json").exists():
        assert run.poll() is None
        time.sleep(0.005)  # a moment in another process's work has no event
    run.send_signal(signal.SIGKILL)
    run.communicate()
    tests.cluster.down(name)
    assert traces.left_of(name) == []


def test_up_on_a_running_cluster_is_quick_and_changes_nothing(cluster: Cluster) -> None:
    """A second up finds the healthy cluster: the same processes, in about a second."""
    before = {name: components.process(cluster, name) for name in ("etcd", "kube-apiserver", "kubelet")}
    started = time.monotonic()
    again = tests.cluster.up(cluster.name, say=progress.quiet)
    assert time.monotonic() - started < 5
    assert again == cluster
    assert {name: components.process(cluster, name) for name in before} == before


def test_cluster_with_a_dead_component_is_made_anew(pair: tuple[str, str]) -> None:
    """A cluster that lost a program isn't healthy, whatever its API server says; up replaces it."""
    name = pair[0]
    cluster = tests.cluster.up(name, releases=(), say=progress.quiet)
    components.stop(cluster, "kube-scheduler", at_once=True)
    assert tests.cluster.status(name) is None
    again = tests.cluster.up(name, releases=(), say=progress.quiet)
    assert components.process(again, "kube-scheduler").alive()


def test_cluster_whose_processes_are_all_gone_is_made_anew(pair: tuple[str, str]) -> None:
    """After a restart of the machine only a state folder is left; it is nobody's cluster, and in nobody's way."""
    name = pair[0]
    cluster = tests.cluster.up(name, releases=(), say=progress.quiet)
    (cluster.folder / "of-the-old-one").touch()
    sandbox.destroy(cluster.folder)
    assert tests.cluster.status(name) is None
    with pytest.raises(ClusterError, match=f"python -m tests.cluster up --name {name}"):
        providers.running(name)
    again = tests.cluster.up(name, releases=(), say=progress.quiet)
    assert not (again.folder / "of-the-old-one").exists()


def test_api_server_restarts_and_etcd_pauses(fresh_cluster: Cluster) -> None:
    """Single programs can be ended, started and held, and the cluster comes back from each."""
    api = Api(fresh_cluster.kubeconfig)
    old = components.process(fresh_cluster, "kube-apiserver")
    with components.stopped(fresh_cluster, "kube-apiserver", at_once=True):
        assert not old.alive()
        with pytest.raises(OSError, match=r"refused|reset|closed"):
            api.get("/readyz")
    _until_ready(api)
    assert components.process(fresh_cluster, "kube-apiserver") != old
    # a server whose time ran out says so, or ends the connection; it must not have an answer
    with components.paused(fresh_cluster, "etcd"), contextlib.suppress(OSError):
        answer = api.get("/api/v1/namespaces/default?timeout=1s")
        assert answer.status == 504, answer
    _until_ready(api)


def _until_ready(api: Api) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if api.get("/readyz").ok:
                return
        except OSError:
            assert time.monotonic() < deadline
        time.sleep(0.1)  # an API server that starts has no event that could be waited for


def test_audit_log_counts_requests_of_one_program(fresh_cluster: Cluster) -> None:
    """Every request of a program is counted at once, by verb and resource, a running watch included."""
    assert fresh_cluster.audit_log is not None
    api = Api(fresh_cluster.kubeconfig, user_agent="counted/1")
    with audit.recording(fresh_cluster.audit_log, "counted") as recorded:
        api.get("/api/v1/namespaces/default")
        api.get("/api/v1/namespaces/default")
        api.get("/apis")
        api.get("/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=1")
    api.close()
    assert audit.count(recorded.requests) == {("get", "namespaces"): 2, ("get", "/apis"): 1, ("watch", "pods"): 1}
    assert {request.user for request in recorded.requests} == {"frit-test-admin"}


def test_image_from_a_file_runs(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    """An archive that is loaded from a file is an image that a pod can run without any registry."""
    program = build.programs(build.PAUSE, progress.quiet) / "pause"
    archives.write(tmp_path / "own.tar", [archives.Image("frit.test/own:1", program, "/own")])
    tests.cluster.load(cluster.name, tmp_path / "own.tar")
    try:
        kubectl("run", "own", "--image=frit.test/own:1", "--restart=Never")
        kubectl("wait", "pod/own", "--for=condition=Ready", "--timeout=60s")
    finally:
        kubectl("delete", "pod/own", "--ignore-not-found", "--now")
    with pytest.raises(ClusterError, match="isn't a file"):
        tests.cluster.load(cluster.name, tmp_path / "none.tar")


_OBSTACLES = """
apiVersion: v1
kind: Namespace
metadata: {name: stuck, labels: {frit.test/throw-away: "true"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: held, namespace: stuck, finalizers: [example.com/never]}
---
apiVersion: v1
kind: Namespace
metadata: {name: cert-manager}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: packagerepositories.packages.glasskube.dev}
spec:
  group: packages.glasskube.dev
  scope: Cluster
  names: {plural: packagerepositories, singular: packagerepository, kind: PackageRepository}
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cert-manager-view}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: cert-manager-controller, namespace: kube-system}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: nobody-there}
webhooks:
  - name: nobody.example.com
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Fail
    clientConfig: {service: {name: nobody, namespace: cert-manager}}
    rules: [{apiGroups: [packages.glasskube.dev], apiVersions: ["*"], operations: ["*"], resources: ["*"]}]
"""


def test_clean_gets_past_finalizers_and_dead_webhooks(fresh_cluster: Cluster, kubectl: Kubectl) -> None:
    """Objects that would never go by themselves go, quickly, and what was there before stays."""
    definitions, _, webhook = _OBSTACLES.rpartition("---")
    kubectl("apply", "-f", "-", stdin=definitions)
    kubectl("wait", "crd/packagerepositories.packages.glasskube.dev", "--for=condition=Established")
    repository = {
        "apiVersion": "packages.glasskube.dev/v1alpha1",
        "kind": "PackageRepository",
        "metadata": {"name": "held", "finalizers": ["example.com/never"]},
    }
    answer = Api(fresh_cluster.kubeconfig).request(
        "POST", "/apis/packages.glasskube.dev/v1alpha1/packagerepositories", repository
    )
    assert answer.ok, answer
    kubectl("apply", "-f", "-", stdin=webhook)

    started = time.monotonic()
    clean(fresh_cluster.kubeconfig)
    assert time.monotonic() - started < 10
    names = {item["metadata"]["name"] for item in kubectl.json("get", "namespaces")["items"]}
    assert names == {"default", "kube-system", "kube-public", "kube-node-lease"}
    assert kubectl("get", "crd,validatingwebhookconfiguration", "-o=name") == ""
    assert kubectl("get", "lease/cert-manager-controller", "-n=kube-system", "--ignore-not-found") == ""
    assert kubectl("get", "clusterrole/cert-manager-view", "--ignore-not-found") == ""
    assert kubectl("get", "clusterrole/cluster-admin", "configmap/kube-root-ca.crt", "-o=name").split()


_CERTIFICATE = """
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: self, namespace: default}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: made, namespace: default}
spec: {secretName: made, dnsNames: [a.example.com], issuerRef: {name: self}}
"""
_INVALID = """
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: both, namespace: default}
spec: {selfSigned: {}, ca: {secretName: x}}
"""


@pytest.mark.parametrize("version", certmanager.TARGETS)
def test_release_issues_and_refuses(fresh_cluster: Cluster, kubectl: Kubectl, version: str) -> None:
    """Every release that can be installed is the real thing: it issues a certificate and denies nonsense."""
    tests.cluster.load_release(fresh_cluster.name, version)
    manifest = releases.manifest(version)
    kubectl("apply", "--server-side", "-f", str(manifest))
    kubectl("wait", "-n=cert-manager", "deploy", "--all", "--for=condition=Available", "--timeout=120s")
    _apply_when_admitted(kubectl, _CERTIFICATE)
    kubectl("wait", "certificate/made", "--for=condition=Ready", "--timeout=60s")
    with pytest.raises(pytest.fail.Exception, match=r'admission webhook "webhook.cert-manager.io" denied the request'):
        kubectl("apply", "-f", "-", stdin=_INVALID)
    images = {
        container["image"]
        for pod in kubectl.json("get", "pods", "-n=cert-manager")["items"]
        for container in pod["spec"]["containers"]
    }
    assert images == {certmanager.image_tag(component, version) for component in certmanager.COMPONENTS}
    clean(fresh_cluster.kubeconfig)
    assert kubectl("get", "crd", "-o=name") == ""


def _apply_when_admitted(kubectl: Kubectl, objects: str) -> None:
    """Available workloads don't mean that the webhook's certificate is trusted already."""
    deadline = time.monotonic() + 60
    while True:
        try:
            kubectl("apply", "-f", "-", stdin=objects)
            return
        except pytest.fail.Exception:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)  # asking again is the only way to learn that the webhook is trusted


def test_manifest_is_the_same_every_time(tmp_path: Path) -> None:
    """A release's manifest doesn't depend on when and where it is rendered."""
    for version, objects in (("1.21.2", 47), ("1.20.3", 49), ("1.11.5", 46)):
        found, chart = releases.manifest(version), releases.chart(version)
        assert found.read_text().count("\nkind: ") == objects
        assert f"version: v{version}\n" in (chart / "Chart.yaml").read_text()
        helm = build.programs(build.HELM, progress.quiet) / "helm"
        assert releases.render(helm, chart, version) == found.read_text()
