"""CA bundles: whether the CA in a Secret is contained in what the API server trusts.

Containment, not equality: from 1.19 on cainjector appends a new CA and keeps the old ones that are still valid.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from kube.objects import field

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def certificates_in(pem: bytes) -> list[bytes]:
    """The DER bytes of every certificate in a PEM text; blocks that are not base64 are left out."""
    found = []
    for block in _PEM.findall(pem):
        try:
            found.append(base64.b64decode(b"".join(block.split()), validate=True))
        except binascii.Error:
            continue
    return found


def decoded(value: Any) -> bytes:
    """The bytes of a base64 text as Secrets and caBundle fields hold it; empty when it is none."""
    try:
        return base64.b64decode(str(value or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""


def bundles_of(configuration: Mapping[str, Any] | None) -> list[bytes]:
    """The PEM caBundle of each webhook of a configuration; empty bytes where there is none."""
    return [decoded(field(one, "clientConfig", "caBundle")) for one in field(configuration, "webhooks", default=[])]


def authority_of(secret: Mapping[str, Any] | None) -> bytes:
    """The PEM CA of a Secret: `ca.crt`, or empty."""
    return decoded(field(secret, "data", "ca.crt"))


def contains(bundle: bytes, authority: bytes) -> bool:
    """Whether every certificate of `authority` (PEM, at least one) stands in `bundle` (PEM)."""
    wanted = certificates_in(authority)
    return bool(wanted) and set(wanted) <= set(certificates_in(bundle))


def trusted_by(configuration: Mapping[str, Any] | None, authority: bytes) -> bool:
    """Whether each webhook of a configuration trusts the authority; false where there is no configuration."""
    bundles = bundles_of(configuration)
    return bool(bundles) and all(contains(bundle, authority) for bundle in bundles)
