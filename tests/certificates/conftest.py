"""Fixtures of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from base import exits
from tests.certificates import site
from tests.certificates.downloads import Downloads
from tests.cluster import Cluster
from tests.conftest import Kubectl
from tests.kube.conftest import asking, server  # noqa: F401 -- fixtures


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Downloads:
    """Quick downloads into an empty cache, in an environment without proxies."""
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_PROXY".upper(), raising=False)
    monkeypatch.delenv("FRIT_CACHE_DIR", raising=False)
    return Downloads(tmp_path / "cache")


@pytest.fixture(scope="module")
def installed(cluster: Cluster, kubectl: Kubectl) -> None:
    """cert-manager, as `kubectl apply` of its release leaves it."""
    site.apply(kubectl, site.documents())


@pytest.fixture
def healthy(cluster: Cluster, installed: None) -> None:
    """cert-manager that has been seen to be ready; what a test before broke has healed."""
    site.check(cluster, "--wait", "90s", code=exits.OK)
