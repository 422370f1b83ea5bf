"""Everything that frit may import, imported: for the server that `tests.forked` forks from."""

from __future__ import annotations

import importlib
import pkgutil

for _room in ("base", "kube", "web", "certificates", "repositories", "bootstrap", "frit"):
    for _module in pkgutil.iter_modules(importlib.import_module(_room).__path__, f"{_room}."):
        if not _module.name.endswith(".__main__"):
            importlib.import_module(_module.name)
for _name in ("yaml", "httpx", "kubernetes.config", "kubernetes.client.rest", "tenacity.nap"):
    importlib.import_module(_name)
