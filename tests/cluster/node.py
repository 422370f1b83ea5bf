"""The node: kubelet and kube-proxy, and the cgroups that they need."""

from __future__ import annotations

import ctypes
import json
import os
import time
from pathlib import Path

from . import components, containerd, network
from .paths import ClusterError
from .sandbox import INSIDE, Sandbox

_CGROUPS = Path("/sys/fs/cgroup")
_CONTROLLERS = {"cpu", "cpuset", "memory", "hugetlb", "pids"}
_WATCH_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
# A cluster takes 16; the rest is for those who come and go.
_WATCHES = 20
_PKI = INSIDE / "pki"


def cgroup_name(name: str) -> str:
    """The cgroup below which all pods of a cluster run, so that two kubelets don't clean up each other's."""
    return f"frit-{name}"


def hierarchies() -> list[Path]:
    """The roots of the cgroup trees: one with cgroup v2, one per controller with v1."""
    if (_CGROUPS / "cgroup.controllers").exists():
        return [_CGROUPS]
    return [root for root in _CGROUPS.iterdir() if root.is_dir() and not root.is_symlink()]


def check_watches() -> None:
    """Makes sure that the user may have as many inotify instances as a cluster takes: without, the kubelet gives up
    with words about something else. Raises ClusterError."""
    libc = ctypes.CDLL(None, use_errno=True)
    taken: list[int] = []
    try:
        while len(taken) < _WATCHES:
            descriptor = libc.inotify_init()
            if descriptor < 0:
                raise ClusterError(
                    f"no room for a cluster's {_WATCHES} inotify instances: {os.strerror(ctypes.get_errno())}. "
                    f"The limit is {_WATCH_LIMIT.read_text().strip()} per user; bring another cluster down, or raise "
                    "it: sysctl -w fs.inotify.max_user_instances=1024"
                )
            taken.append(descriptor)
    finally:
        for descriptor in taken:
            os.close(descriptor)


def create_cgroups(name: str) -> None:
    """Makes the cluster's cgroup in every tree. Raises ClusterError where the kernel doesn't let us."""
    for root in hierarchies():
        _delegate(root)
        group = root / cgroup_name(name)
        try:
            group.mkdir(exist_ok=True)
        except OSError as error:
            raise ClusterError(
                f"the cgroup {group} can't be made ({error.strerror}): in a container, run it with --privileged"
            ) from error
        for setting in ("cpuset.cpus", "cpuset.mems"):
            # A new cpuset of v1 is empty, and nothing runs in an empty one.
            if (group / setting).exists() and not (group / setting).read_text().strip():
                (group / setting).write_text((root / setting).read_text())


def _delegate(root: Path) -> None:
    """cgroup v2: lets cgroups below the root have the controllers that the kubelet insists on."""
    there, passed_on = root / "cgroup.controllers", root / "cgroup.subtree_control"
    if not there.exists():
        return
    lacking = (set(there.read_text().split()) & _CONTROLLERS) - set(passed_on.read_text().split())
    for controller in sorted(lacking):
        try:
            passed_on.write_text(f"+{controller}")
        except OSError as error:
            raise ClusterError(
                f"the cgroup controller {controller} can't be passed on in {passed_on} ({error.strerror}): "
                "in a container, run it with --privileged --cgroupns=host"
            ) from error


def remove_cgroups(name: str) -> None:
    """Removes the cluster's cgroups, from the leaves up. Raises ClusterError for one that stays in use."""
    for root in hierarchies():
        group = root / cgroup_name(name)
        if not group.is_dir():
            continue
        for folder in [*sorted(group.rglob("*/"), reverse=True), group]:
            _remove(folder)


def _remove(group: Path) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            group.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise ClusterError(f"the cgroup {group} can't be removed: {error.strerror}") from error
            # The kernel takes ended processes out of a cgroup a moment after they are gone.
            time.sleep(0.02)


def start_kubelet(sandbox: Sandbox, binaries: Path, addresses: network.Addresses, node_name: str) -> None:
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{_PKI}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{_PKI}/kubelet-serving.crt",
        "tlsPrivateKeyFile": f"{_PKI}/kubelet-serving.key",
        "address": addresses.node,
        "healthzBindAddress": "127.0.0.1",
        "containerRuntimeEndpoint": f"unix://{containerd.SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup_name(sandbox.folder.name)}",
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "failCgroupV1": False,
        "localStorageCapacityIsolation": False,
        "clusterDNS": [network.DNS_SERVICE_ADDRESS],
        "clusterDomain": "cluster.local",
        # There is no registry to fetch an image from again.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "0%", "nodefs.available": "0%", "imagefs.available": "0%"},
        "podLogsDir": "/var/log/pods",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "registerNode": True,
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "10s",
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "shutdownGracePeriod": "0s",
    }
    file = sandbox.folder / "kubelet.json"
    file.write_text(json.dumps(config, indent=1) + "\n")
    components.launch(
        sandbox,
        "kubelet",
        f"{binaries}/kubelet",
        f"--config={INSIDE}/{file.name}",
        f"--kubeconfig={_PKI}/kubelet.kubeconfig",
        f"--node-ip={addresses.node}",
        f"--hostname-override={node_name}",
        "--root-dir=/var/lib/kubelet",
    )


def start_kube_proxy(sandbox: Sandbox, binaries: Path, node_name: str) -> None:
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{_PKI}/kube-proxy.kubeconfig"},
        "hostnameOverride": node_name,
        "mode": "iptables",
        "clusterCIDR": network.POD_NETWORK,
        # Pods share one bridge, where answers might bypass the translation; translating the sender prevents it.
        "iptables": {"masqueradeAll": True},
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }
    file = sandbox.folder / "kube-proxy.json"
    file.write_text(json.dumps(config, indent=1) + "\n")
    components.launch(sandbox, "kube-proxy", f"{binaries}/kube-proxy", f"--config={INSIDE}/{file.name}")
