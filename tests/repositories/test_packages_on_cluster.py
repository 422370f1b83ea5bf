"""`frit search` and `frit show` over the repositories that the real cluster knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.packages_server import PACKAGES, serve
from tests.repositories.conftest import Repo
from tests.repositories.guarded import basic, guarded
from tests.repositories.registries import registry_server, url
from tests.repositories.shelves import change, write

pytestmark = pytest.mark.cluster

PASSWORD = "hunter2-is-secret"


def test_all_registered_repositories_are_searched(repo: Repo, tmp_path: Path) -> None:
    """With their credentials; one that is down hides no other; the default repository comes first in `show`."""
    folder = write(tmp_path / "team")
    change(folder, "index.yaml", "name: store", "name: hello")
    (folder / "store").rename(folder / "hello")
    with serve() as local, serve(folder) as other, guarded(basic("ci", PASSWORD)) as login:
        repo("add", "team", other)
        repo("add", "local", local, "--default")
        repo("add", "private", login.url, "--username", "ci", "--password-stdin", stdin=PASSWORD)
        repo("add", "down", "http://127.0.0.1:1", "--force")
        done = repo.frit("search", "--timeout", "1s")
        found = [tuple(line.split()[:2]) for line in done.stdout.splitlines()[1:]]
        assert {where for _, where in found} == {"local", "team", "private"}
        assert found == sorted(found)
        assert "down: could not read 127.0.0.1:1/index.yaml" in done.stderr
        assert {one[1] for one in found if one[0] == "web"} == {"team"}
        only = repo.frit("search", "--repository", "team", "-o", "name").stdout.split()
        assert only == ["hello", "web"]
        mixed = json.loads(repo.frit("search", "-r", "team", "-r", PACKAGES.as_uri(), "-o", "json").stdout)
        assert [one["name"] for one in mixed["repositories"]] == ["team", PACKAGES.as_uri()]
        assert "could not be read" in repo.frit("show", "nothing", "--timeout", "1s", code=8).stderr
        repo("remove", "down")
        assert repo.frit("show", "web").stdout.splitlines()[2].split()[1] == "team"
        assert json.loads(repo.frit("show", "hello-web", "-o", "json").stdout)["alsoIn"] == ["private"]
        assert "did you mean team?" in repo.frit("search", "-r", "taem", code=3).stderr
        assert repo.completed("frit show we") == ["web"]
        assert repo.completed("frit show web v1.1") == ["v1.1.0+1"]
        assert repo.completed("frit search --repository te") == ["team"]
        assert repo.completed("frit show we", "/nowhere") == []
    assert PASSWORD not in repo.printed


def test_the_same_package_in_two_repositories(repo: Repo, tmp_path: Path) -> None:
    """Search lists both; show takes the default repository's and names the other."""
    first, second = write(tmp_path / "first"), write(tmp_path / "second")
    change(second, "web/versions.yaml", "latestVersion: v1.1.0+1", "latestVersion: v1.0.0+1")
    with serve(first) as one, serve(second) as two:
        repo("add", "first", one)
        repo("add", "second", two)
        assert json.loads(repo.frit("show", "web", "-o", "json").stdout)["repository"] == "first"
        repo("set-default", "second")
        told = json.loads(repo.frit("show", "web", "-o", "json").stdout)
        assert (told["repository"], told["alsoIn"], told["version"]) == ("second", ["first"], "v1.0.0+1")
        assert "Also in:" in repo.frit("show", "web").stdout
        chosen = json.loads(repo.frit("show", "web", "-r", "first", "-o", "json").stdout)
        assert (chosen["repository"], chosen["version"]) == ("first", "v1.1.0+1")
        lines = repo.frit("search", "web").stdout.splitlines()
        assert [line.split()[:2] for line in lines[1:]] == [["web", "first"], ["web", "second"]]


def test_an_artifact_in_a_registry_is_a_repository_too(repo: Repo, tmp_path: Path) -> None:
    """It is registered, listed and searched like a folder on a web server; a folder of this machine is refused."""
    with registry_server() as registry:
        assert "created" in repo("add", "artifact", url(registry, ":latest")).stdout
        assert "reachable" in repo("list").stdout
        assert repo.frit("search", "-o", "name").stdout.split() == ["alpha", "beta"]
        assert "Newest:" in repo.frit("show", "alpha").stdout
    assert "frit repo serve DIR" in repo("add", "folder", tmp_path.as_uri(), code=2).stderr


def test_nothing_is_registered_or_readable(repo: Repo, powerless: Path) -> None:
    """Each is said in one message, with what to do."""
    done = repo.frit("search", "anything")
    assert (done.stdout, "no package repository is registered" in done.stderr) == ("", True)
    assert "frit repo add NAME URL" in repo.frit("show", "anything", code=3).stderr
    assert "may not list packagerepositories" in Repo(powerless).frit("search", "x", code=9).stderr
    found = repo.frit("search", "-r", PACKAGES.as_uri(), "-o", "name").stdout.split()
    assert len(found) == 3
