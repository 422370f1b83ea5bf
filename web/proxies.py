"""Which proxy a request goes through: the environment decides, read as Go programs beside frit read it.

kubectl and Helm on the same machine obey HTTPS_PROXY and NO_PROXY by the rules of Go's httpproxy package. Where a
Python library reads the same variables differently (it knows no CIDR ranges in NO_PROXY), frit would take another
way than they do. Source: golang.org/x/net/http/httpproxy, Config.
"""

from __future__ import annotations

import ipaddress
import re

_RULE = re.compile(r"(?P<name>\[[^\]]+\]|[^:]+)(?::(?P<port>\d+))?")


def proxy_for(scheme: str, host: str, port: int) -> str | None:
    """The URL of the proxy for a request, or None if it goes directly.

    HTTPS_PROXY and HTTP_PROXY count for their schemes, ALL_PROXY for both (on macOS the system's settings where
    there are no variables); NO_PROXY excepts hosts. Loopback addresses are never sent to a proxy.
    """
    from urllib.request import getproxies  # imports an HTTP library, which `frit --help` does not have to pay

    known = getproxies()
    proxy = known.get(scheme) or known.get("all")
    if not proxy or _direct(host.lower().strip("[]").rstrip("."), port, known.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _direct(host: str, port: int, rules: str) -> bool:
    """Whether NO_PROXY excepts a host: `*`, an address, a CIDR range, a domain with its subdomains, with a port."""
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    for rule in (part.strip().lower() for part in rules.split(",")):
        if rule == "*":
            return True
        network = _network(rule)
        if network is not None:
            if address is not None and address in network:
                return True
            continue
        match = _RULE.fullmatch(rule)
        if match is None or (match["port"] is not None and int(match["port"]) != port):
            continue
        name = match["name"].strip("[]").removeprefix("*")
        if (address is not None and address == _address(name)) or _is_domain(host, name):
            return True
    return False


def _is_domain(host: str, name: str) -> bool:
    """`example.com` means itself and all below it, `.example.com` only what is below."""
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
