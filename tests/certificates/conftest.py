"""Fixtures of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certificates.downloads import Downloads


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Downloads:
    """Quick downloads into an empty cache, in an environment without proxies."""
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_PROXY".upper(), raising=False)
    monkeypatch.delenv("FRIT_CACHE_DIR", raising=False)
    return Downloads(tmp_path / "cache")
