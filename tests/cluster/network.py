"""The cluster's network: one veth pair to the host, and everything else inside its own network namespace.

The host's side has an address in 198.18.0.0/16 (set apart by RFC 2544 for testing devices), a network of four
addresses per cluster. There is no default route inside and no address translation outside: nothing gets out.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from typing import Any

from .paths import ClusterError
from .sandbox import Sandbox

POD_NETWORK = "10.244.0.0/24"
SERVICE_NETWORK = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
DNS_SERVICE_ADDRESS = "10.96.0.10"
BRIDGE = "cni0"
INNER_LINK = "eth0"


@dataclass(frozen=True)
class Addresses:
    """The link between host and cluster: the host's interface and address, and the node's address."""

    link: str
    host: str
    node: str


def link_name(name: str) -> str:
    """The host's interface of a cluster; an interface's name has at most 15 characters."""
    return "frit-" + hashlib.sha256(name.encode()).hexdigest()[:9]


def attach(name: str, sandbox: Sandbox) -> Addresses:
    """Joins the sandbox to the host and prepares routes inside. Callers hold the lock of all clusters."""
    addresses = _free_addresses(link_name(name))
    link = addresses.link
    _ip(
        "link",
        "add",
        "name",
        link,
        "type",
        "veth",
        "peer",
        "name",
        INNER_LINK,
        "netns",
        str(sandbox.first.pid),
    )
    _ip("address", "add", f"{addresses.host}/30", "dev", link)
    _ip("link", "set", "dev", link, "up")
    commands = [
        "ip link set dev lo up",
        f"ip address add {addresses.node}/30 dev {INNER_LINK}",
        f"ip link set dev {INNER_LINK} up",
        # A route for Service addresses, so that there is something for kube-proxy to translate. What it doesn't
        # translate (yet) ends silently at this pair, as it would behind any default route.
        "ip link add name svc0 type veth peer name svc1",
        "ip link set dev svc0 arp off up",
        "ip link set dev svc1 arp off up",
        f"ip route add {SERVICE_NETWORK} dev svc0 src {addresses.node}",
        "echo 1 >/proc/sys/net/ipv4/ip_forward",
    ]
    sandbox.run("sh", "-ec", "\n".join(commands))
    return addresses


def detach(name: str) -> None:
    """Removes the host's interface, and with it the pair; fine where there is none."""
    link = link_name(name)
    try:
        if _exists(link):
            _ip("link", "delete", "dev", link)
    except ClusterError:
        # The kernel takes the pair away too, some time after the last process inside has ended.
        if _exists(link):
            raise


def _exists(link: str) -> bool:
    return any(entry["ifname"] == link for entry in _links())


def _free_addresses(link: str) -> Addresses:
    taken = {
        address["local"]
        for entry in _links()
        for address in entry.get("addr_info", ())
        if address.get("family") == "inet"
    }
    for block in range(0, 256):
        host, node = f"198.18.{block}.1", f"198.18.{block}.2"
        if host not in taken and node not in taken:
            return Addresses(link=link, host=host, node=node)
    raise ClusterError("all 256 networks for clusters are in use; see `ip address` and bring some down")


def _links() -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = json.loads(_ip("-json", "address", "show") or "[]")
    return answer


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise ClusterError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
