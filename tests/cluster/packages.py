"""The Debian packages that the built-in cluster needs, installed where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
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

# Packages ask this file whether they may start their daemons (Debian's invoke-rc.d policy layer).
_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_TEXT = "#!/bin/sh\n# Written by frit's tests while they install packages.\nexit 101\n"


def missing() -> list[str]:
    """Names of the packages that are not there, in order, each once."""
    return list(dict.fromkeys(package for what, package in NEEDED.items() if not _there(what)))


def _there(what: str) -> bool:
    return Path(what).exists() if what.startswith("/") else shutil.which(what) is not None


def ensure(say: progress.Say) -> None:
    """Installs what is missing. Raises ClusterError that names what is missing where that can't be done."""
    wanted = missing()
    if not wanted:
        return
    if shutil.which("apt-get") is None:
        raise ClusterError(
            "the built-in cluster needs these programs, and there is no apt-get to install them: "
            + ", ".join(what for what in NEEDED if not _there(what))
        )
    with progress.step(say, f"installing Debian packages: {' '.join(wanted)}"), _no_daemons():
        words = _apt("install", "--no-install-recommends", *wanted)
        if words:
            # Package lists that are missing or too old: the usual state of a fresh image.
            _apt("update")
            words = _apt("install", "--no-install-recommends", *wanted)
    still = missing()
    if still:
        raise ClusterError(
            f"these Debian packages can't be installed: {' '.join(still)}. apt-get says: {words or 'nothing'}. "
            f"Try: apt-get update && apt-get install --no-install-recommends {' '.join(still)}"
        )


@contextmanager
def _no_daemons() -> Iterator[None]:
    """Keeps packages from starting an etcd and a containerd of their own; a policy of the host's stays."""
    if _POLICY.exists() and _POLICY.read_text() != _POLICY_TEXT:
        yield
        return
    try:
        _POLICY.write_text(_POLICY_TEXT)
        _POLICY.chmod(0o755)
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def _apt(*arguments: str) -> str:
    """Runs apt-get; gives back its last words when it fails, and nothing when it doesn't."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return "" if done.returncode == 0 else " / ".join(done.stderr.strip().splitlines()[-2:]) or "no message"
