"""The built-in provider: a real single-node Kubernetes in namespaces of this Linux machine."""

from __future__ import annotations

import http.client
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from . import (
    archives,
    build,
    certmanager,
    containerd,
    control_plane,
    locks,
    network,
    node,
    packages,
    paths,
    progress,
    sandbox,
    state,
)
from .api import Api
from .paths import ClusterError
from .state import Cluster

NAME = "builtin"
READY_SECONDS = 120.0
_POLL_SECONDS = 0.05


def unusable() -> str | None:
    """Why this provider can't work here; None where it can."""
    if not sys.platform.startswith("linux"):
        return "the built-in cluster needs Linux"
    if os.geteuid() != 0:
        return "the built-in cluster needs root, because it makes namespaces, mounts and a network link"
    return None


def up(name: str, releases: tuple[str, ...], say: progress.Say) -> Cluster:
    """Brings a cluster up; a dead or half-finished one of that name is removed first. Callers hold its lock."""
    folder = paths.cluster_folder(name)
    packages.ensure(say)
    node.check_watches()
    kubernetes = build.programs(build.KUBERNETES, say)
    pause = build.programs(build.PAUSE, say)
    to_load = [_pause_archive(pause / "pause", say)]
    to_load += [certmanager.archive(version, say) for version in releases]
    if folder.exists():
        with progress.step(say, "removing what an earlier run left"):
            down(name)
    try:
        return _start(name, folder, kubernetes, pause / "pause", to_load, say)
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt):
            say(f"the logs of the failed start are kept in {_keep_logs(folder)}")
        down(name)
        raise


def _start(name: str, folder: Path, kubernetes: Path, pause: Path, to_load: list[Path], say: progress.Say) -> Cluster:
    node_name = f"{name}-node"
    inside = sandbox.INSIDE_BINARIES / kubernetes.name
    with progress.step(say, "namespaces, network, certificates"):
        folder.mkdir(parents=True)
        box = sandbox.create(folder, pause)
        with locks.exclusive(paths.clusters() / ".network.lock"):
            addresses = network.attach(name, box)
        node.create_cgroups(name)
        kubeconfig = control_plane.write_pki(box, addresses, node_name)
        containerd.prepare(box)
    with ThreadPoolExecutor() as pool:
        with progress.step(say, "etcd, containerd, API server"):
            control_plane.start_etcd(box)
            containerd.start(box)
            control_plane.start_api_server(box, inside, addresses)
            loading = pool.submit(_load, box, to_load)
            api = Api(kubeconfig)
            _await("the API server answers /readyz", box, lambda: _answers(api, "/readyz"), "kube-apiserver")
        with progress.step(say, "controller manager, scheduler, kubelet, kube-proxy, node Ready"):
            control_plane.start_controller_manager(box, inside)
            control_plane.start_scheduler(box, inside)
            node.start_kubelet(box, inside, addresses, node_name)
            node.start_kube_proxy(box, inside, node_name)
            _await("the node is Ready", box, lambda: _node_ready(api, node_name), "kubelet")
            _await(
                "default ServiceAccount and CA ConfigMap are there",
                box,
                lambda: (
                    _answers(api, "/api/v1/namespaces/default/serviceaccounts/default")
                    and _answers(api, "/api/v1/namespaces/default/configmaps/kube-root-ca.crt")
                ),
                "kube-controller-manager",
            )
            _await("kube-proxy has written its rules", box, lambda: _proxied(box), "kube-proxy")
        with progress.step(say, "images loaded"):
            _result(loading)
    cluster = Cluster(
        name=name,
        provider=NAME,
        folder=folder,
        kubeconfig=kubeconfig,
        server=api.server,
        audit_log=folder / control_plane.AUDIT_LOG,
        kubectl=kubernetes / "kubectl",
    )
    state.save(cluster)
    return cluster


def down(name: str) -> None:
    """Removes everything of a cluster; fine where there is nothing. Callers hold its lock."""
    folder = paths.cluster_folder(name)
    sandbox.destroy(folder)
    network.detach(name)
    node.remove_cgroups(name)
    if folder.exists():
        shutil.rmtree(folder)


def healthy(cluster: Cluster) -> bool:
    """Whether every component of a cluster still runs and the API server is ready."""
    table = state.components(cluster.folder)
    if not table or not all(component.process.alive() for component in table.values()):
        return False
    api = Api(cluster.kubeconfig)
    return _answers(api, "/readyz") and _node_ready(api, f"{cluster.name}-node")


def load(cluster: Cluster, archive: Path) -> None:
    """Loads the images of a docker archive. Raises ClusterError with containerd's words."""
    containerd.load(_sandbox(cluster), archive)


def images(cluster: Cluster) -> set[str]:
    """The names of the images that the cluster has."""
    return containerd.images(_sandbox(cluster))


def _sandbox(cluster: Cluster) -> sandbox.Sandbox:
    box = sandbox.find(cluster.folder)
    if box is None:
        raise ClusterError(f"cluster {cluster.name} doesn't run")
    return box


def _pause_archive(program: Path, say: progress.Say) -> Path:
    def write(folder: Path) -> None:
        archives.write(folder / "images.tar", [archives.Image(containerd.PAUSE_IMAGE, program, "/pause", 65535)])

    name = f"images-{build.key(build.PAUSE)}"
    return build.cached(name, "writing the pause image", say, write) / "images.tar"


def _load(box: sandbox.Sandbox, to_load: list[Path]) -> None:
    _await("containerd answers", box, lambda: containerd.ready(box), "containerd")
    for archive in to_load:
        containerd.load(box, archive)


def _result(future: Future[None]) -> None:
    future.result(timeout=READY_SECONDS)


def _answers(api: Api, path: str) -> bool:
    try:
        return api.get(path).ok
    except (OSError, http.client.HTTPException):
        return False


def _node_ready(api: Api, node_name: str) -> bool:
    try:
        answer = api.get(f"/api/v1/nodes/{node_name}")
    except (OSError, http.client.HTTPException):
        return False
    if not answer.ok:
        return False
    found = answer.json()
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in found["status"].get("conditions", ()))
    return ready and not found["spec"].get("taints")


def _proxied(box: sandbox.Sandbox) -> bool:
    return network.API_SERVICE_ADDRESS in box.run("iptables-save", "-t", "nat")


def _await(what: str, box: sandbox.Sandbox, check: Callable[[], bool], component: str) -> None:
    """Polls until ``check`` holds. Raises ClusterError with the component's last words when it died or is late."""
    deadline = time.monotonic() + READY_SECONDS
    pause = threading.Event()
    while not check():
        started = state.components(box.folder).get(component)
        dead = started is not None and not started.process.alive()
        if dead or time.monotonic() > deadline:
            log = box.folder / "logs" / f"{component}.log"
            words = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
            how = "it ended" if dead else f"not after {READY_SECONDS:.0f} s"
            raise ClusterError(f"waited until {what}: {how}. The last lines of {component}:\n{words}")
        pause.wait(_POLL_SECONDS)


def _keep_logs(folder: Path) -> Path:
    """Moves the logs of a failed start out of the state folder, which goes."""
    kept = paths.cache() / "failed" / folder.name
    shutil.rmtree(kept, ignore_errors=True)
    if (folder / "logs").is_dir():
        shutil.copytree(folder / "logs", kept)
    return kept
