"""The address of a repository in a container registry: `oci://HOST/NAME[:TAG][@sha256:DIGEST]`.

Source: OCI distribution specification 1.1, "Pulling manifests" (the grammar of names, tags and digests).
"""

from __future__ import annotations

import re
from typing import Final

ADDRESS: Final = re.compile(
    r"oci://(?P<host>[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?)/"
    r"(?P<name>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?/?"
)
EXAMPLE: Final = "oci://ghcr.io/team/packages:latest"
