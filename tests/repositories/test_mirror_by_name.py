"""`frit repo mirror NAME`: URL and credentials come from the cluster, here from a server that answers like one."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.proxy import FaultProxy
from tests.faults.rules import Says
from tests.frit.processes import PLAIN, finished
from tests.packages_server import PACKAGES
from tests.repositories.guarded import Guarded, basic, guarded

LOGIN = basic("ci", "hunter2")


@pytest.fixture
def packages() -> Iterator[Guarded]:
    with guarded(LOGIN) as running:
        yield running


@pytest.fixture
def cluster_like(tmp_path: Path, packages: Guarded) -> Iterator[FaultProxy]:
    """Knows one repository, `team`, with a login in a Secret."""
    reference = {"name": "team-login"}
    spec: dict[str, Any] = {
        "url": packages.url,
        "auth": {
            "basic": {
                "usernameSecretRef": {**reference, "key": "username"},
                "passwordSecretRef": {**reference, "key": "password"},
            }
        },
    }
    group = {"apiVersion": "packages.glasskube.dev/v1alpha1"}
    item = {**group, "kind": "PackageRepository", "metadata": {"name": "team"}, "spec": spec}
    data = {key: base64.b64encode(value).decode() for key, value in (("username", b"ci"), ("password", b"hunter2"))}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "team-login"}, "data": data}
    with FaultProxy(tmp_path / "proxy") as running:
        listed = {**group, "kind": "PackageRepositoryList", "items": [item]}
        running.on(Says(200, json.dumps(listed).encode()), path="/packagerepositories", times=None)
        running.on(Says(200, json.dumps(secret).encode()), path="/secrets/team-login", times=None)
        yield running


def mirror(proxy: FaultProxy, *arguments: str) -> tuple[int, str, str]:
    return finished("repo", "mirror", *arguments, "--kubeconfig", str(proxy.kubeconfig), program=PLAIN)


def test_a_name_brings_its_url_and_its_credentials(cluster_like: FaultProxy, packages: Guarded, tmp_path: Path) -> None:
    """Every file is asked for with the stored login, which is printed nowhere, and the copy is complete."""
    copy = tmp_path / "copy"
    code, out, err = mirror(cluster_like, "team", str(copy))
    assert code == 0, err
    assert out.startswith(f"{copy}: 3 packages, 4 versions; ")
    assert set(packages.shown) == {LOGIN}
    originals = {path.relative_to(PACKAGES) for path in PACKAGES.rglob("*.yaml")}
    assert {path.relative_to(copy) for path in copy.rglob("*.yaml")} == originals
    assert all((copy / path).read_bytes() == (PACKAGES / path).read_bytes() for path in originals)
    for text in (out, err, *(path.read_text() for path in copy.rglob("*") if path.is_file())):
        assert "hunter2" not in text


def test_a_login_that_is_refused_is_an_error(cluster_like: FaultProxy, packages: Guarded, tmp_path: Path) -> None:
    """Exit code 8, the reason, no secret, and nothing in the folder."""
    packages.accepted = {"nobody"}
    code, out, err = mirror(cluster_like, "team", str(tmp_path / "copy"))
    assert (code, out) == (8, "")
    assert "401" in err
    assert "hunter2" not in err
    assert not [*(tmp_path / "copy").rglob("*.yaml")]


def test_a_name_that_is_not_registered_is_said(cluster_like: FaultProxy, tmp_path: Path) -> None:
    """Exit code 3, the names that are written almost alike, and no folder is made."""
    code, out, err = mirror(cluster_like, "taem", str(tmp_path / "copy"))
    assert (code, out) == (3, "")
    assert "there is no package repository taem" in err
    assert "team" in err
    assert not (tmp_path / "copy").exists()
