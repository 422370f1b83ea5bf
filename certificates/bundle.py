"""CA bundles: whether the CA in a Secret is contained in what the API server trusts.

Containment, not equality: from 1.19 on cainjector appends a new CA and keeps the old ones that are still valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube.objects import field
from kube.x509 import certificates_in, contains, decoded

__all__ = ["authority_of", "bundles_of", "certificates_in", "contains", "decoded", "trusted_by"]


def bundles_of(configuration: Mapping[str, Any] | None) -> list[bytes]:
    """The PEM caBundle of each webhook of a configuration; empty bytes where there is none."""
    return [decoded(field(one, "clientConfig", "caBundle")) for one in field(configuration, "webhooks", default=[])]


def authority_of(secret: Mapping[str, Any] | None) -> bytes:
    """The PEM CA of a Secret: `ca.crt`, or empty."""
    return decoded(field(secret, "data", "ca.crt"))


def trusted_by(configuration: Mapping[str, Any] | None, authority: bytes) -> bool:
    """Whether each webhook of a configuration trusts the authority; false where there is no configuration."""
    bundles = bundles_of(configuration)
    return bool(bundles) and all(contains(bundle, authority) for bundle in bundles)
