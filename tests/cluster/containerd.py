"""containerd inside the sandbox: its configuration, the pod network, and loading images."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from . import components, network
from .paths import ClusterError
from .sandbox import INSIDE, Sandbox

PAUSE_IMAGE = "frit.test/pause:1"
SOCKET = INSIDE / "containerd" / "containerd.sock"

_CONFIG = """\
version = 2
root = "{inside}/containerd/root"
state = "/run/containerd"
oom_score = 0

[grpc]
  address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # root in a container often lacks CAP_SYS_RESOURCE, and may then not lower the score.
  restrict_oom_score_adj = true
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{inside}/cni"
"""


def prepare(sandbox: Sandbox) -> None:
    """Writes the configurations of containerd and of the pod network."""
    folder = sandbox.folder / "containerd"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(
        _CONFIG.format(inside=INSIDE, socket=SOCKET, pause=PAUSE_IMAGE, snapshotter=_snapshotter(sandbox))
    )
    plugins = [
        {
            "type": "bridge",
            "bridge": network.BRIDGE,
            "isGateway": True,
            "hairpinMode": True,
            "ipMasq": False,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": network.POD_NETWORK}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    cni = sandbox.folder / "cni"
    cni.mkdir(exist_ok=True)
    data = {"cniVersion": "0.4.0", "name": "pods", "plugins": plugins}
    (cni / "10-pods.conflist").write_text(json.dumps(data, indent=1) + "\n")


def _snapshotter(sandbox: Sandbox) -> str:
    """overlayfs, or copies where the state folder's own file system can't be a layer of one."""
    trial = INSIDE / "overlay-trial"
    script = f"""
        mkdir -p {trial}/lower {trial}/upper {trial}/work {trial}/merged
        if mount -t overlay overlay -o lowerdir={trial}/lower,upperdir={trial}/upper,workdir={trial}/work \\
            {trial}/merged 2>/dev/null
        then umount {trial}/merged; echo overlayfs; else echo native; fi
        rm -rf {trial}"""
    return sandbox.run("sh", "-ec", script).strip()


def start(sandbox: Sandbox) -> None:
    components.launch(sandbox, "containerd", "containerd", f"--config={INSIDE}/containerd/config.toml")


def ready(sandbox: Sandbox) -> bool:
    """Whether containerd answers and its Kubernetes plugin runs."""
    try:
        return "cri" in sandbox.run(*_ctr("plugins", "list", "-q"), timeout=10)
    except (ClusterError, subprocess.TimeoutExpired):
        return False


def load(sandbox: Sandbox, archive: Path) -> None:
    """Imports the images of a docker archive. Raises ClusterError with containerd's message."""
    with archive.open("rb") as stream:
        done = subprocess.run(
            sandbox.enter(*_ctr("--namespace=k8s.io", "images", "import", "-")),
            stdin=stream,
            capture_output=True,
        )
    if done.returncode != 0:
        raise ClusterError(f"{archive} can't be loaded: {done.stderr.decode(errors='replace').strip()}")


def images(sandbox: Sandbox) -> set[str]:
    """The names of the images that pods can use."""
    return set(sandbox.run(*_ctr("--namespace=k8s.io", "images", "list", "-q")).split())


def _ctr(*arguments: str) -> tuple[str, ...]:
    return ("ctr", f"--address={SOCKET}", *arguments)
