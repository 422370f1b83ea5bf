"""The Debian packages that the built-in cluster needs, installed where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from . import progress
from .paths import ClusterError

# What is looked for, and the package that brings it.
NEEDED = {
    "etcd": "etcd-server",
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "ethtool": "ethtool",
    "socat": "socat",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
}


def missing() -> list[str]:
    """Names of the packages that are not there, in order, each once."""
    there = {what: Path(what).exists() if what.startswith("/") else shutil.which(what) is not None for what in NEEDED}
    return list(dict.fromkeys(package for what, package in NEEDED.items() if not there[what]))


def ensure(say: progress.Say) -> None:
    """Installs what is missing. Raises ClusterError that names what is missing where that can't be done."""
    wanted = missing()
    if not wanted:
        return
    if shutil.which("apt-get") is None:
        raise ClusterError(
            "the built-in cluster needs these programs, and there is no apt-get to install them: "
            + ", ".join(what for what, package in NEEDED.items() if package in wanted)
        )
    with progress.step(say, f"installing Debian packages: {' '.join(wanted)}"):
        if not _apt("install", "--no-install-recommends", *wanted):
            # Package lists may be missing or too old: the usual state of a fresh image.
            _apt("update")
            _apt("install", "--no-install-recommends", *wanted)
    still = missing()
    if still:
        raise ClusterError(
            f"these Debian packages can't be installed: {' '.join(still)}; "
            f"try: apt-get install --no-install-recommends {' '.join(still)}"
        )


def _apt(*arguments: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # A package that starts its daemon would run an etcd or a containerd of its own; policy-rc.d is the host's
    # affair, so daemons are told to stay down by the variable that deb-systemd-invoke and invoke-rc.d honour.
    environment["RUNLEVEL"] = "1"
    command = ["apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0
