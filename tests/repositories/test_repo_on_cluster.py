"""`frit repo` from end to end, as a person types it, on the real cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from kube.connection import ConnectionOptions, connect
from kube.discovery import discover
from repositories.check import repositories_check
from tests.cluster import Cluster
from tests.packages_server import serve
from tests.repositories.conftest import Repo, Room

if TYPE_CHECKING:
    from tests.conftest import Kubectl

pytestmark = pytest.mark.cluster

URL = "https://packages.example.com/team"


def test_without_the_package_api_nothing_is_registered(room: Room, cluster: Cluster) -> None:
    """Both commands say what is missing and what installs it, with exit code 3."""
    for arguments in (["list"], ["add", "team", URL, "--force"]):
        done = Repo(cluster.kubeconfig)(*arguments, code=3)
        assert "the package API is not installed on this cluster" in done.stderr
        assert "frit bootstrap" in done.stderr
        assert done.stdout == ""


def test_add_says_what_it_did(repo: Repo) -> None:
    """The first add creates, the same one again changes nothing, another URL changes it."""
    assert repo("add", "team", URL + "/", "--force").stdout == f"repository team created: {URL}\n"
    assert repo("add", "team", URL, "--force").stdout == f"repository team unchanged: {URL}\n"
    assert repo("add", "team", URL + "2", "--force").stdout == f"repository team changed: {URL}2\n"
    said = json.loads(repo("add", "team", URL, "--force", "-o", "json").stdout)
    assert (said["change"], said["repository"]["url"], said["failedAttempts"]) == ("changed", URL, [])


def test_list_shows_all_of_them(repo: Repo) -> None:
    """Names are sorted, the default is marked, what frit saw itself is told, and JSON and YAML say the same."""
    done = repo("list")
    assert done.stdout == ""
    assert "no package repository is registered" in done.stderr
    with serve() as url:
        repo("add", "local", url, "--default")
        repo("add", "alpha", "http://127.0.0.1:1/nobody", "--force")
        listed = repo("list")
        data = json.loads(repo("list", "-o", "json").stdout)
        wide = repo("list", "-o", "wide").stdout.splitlines()
    header, *lines = listed.stdout.splitlines()
    assert header.split() == ["NAME", "URL", "DEFAULT", "AUTH", "STATUS", "PACKAGES", "AGE"]
    assert [line.split()[:-1] for line in lines] == [
        ["alpha", "http://127.0.0.1:1/nobody", "none", "unreachable", "-"],
        ["local", url, "yes", "none", "reachable", "3"],
    ]
    assert "Connection refused" in listed.stderr
    assert wide[0].split()[7:] == ["WRITTEN", "SECRET", "MESSAGE"]
    assert [one["default"] for one in data["repositories"]] == [False, True]
    assert [one["status"] for one in data["repositories"]] == ["unreachable", "reachable"]
    told = json.loads(repo("list", "--look", "never", "-o", "json").stdout)
    assert yaml.safe_load(repo("list", "--look", "never", "-o", "yaml").stdout) == told
    assert [one["seen"] for one in told["repositories"]] == [None, None]
    assert repo("list", "--look", "never", "-o", "name").stdout == "alpha\nlocal\n"


def test_every_command_can_print_the_name_alone(repo: Repo) -> None:
    """`-o name` prints what was written or shown, a line each, for scripts."""
    with serve() as url:
        writing = (["add", "team", url], ["update", "team", "--url", url], ["set-default", "team"])
        for command in (*writing, ["show", "team"], ["test", "team"], ["refresh"], ["remove", "team"]):
            assert repo(*command, "-o", "name").stdout == "team\n"


def test_there_is_one_default(repo: Repo, kubectl: Kubectl) -> None:
    """A second default is refused with exit code 3; two that somebody made are reported by list."""
    repo("add", "first", URL, "--force", "--default")
    done = repo("add", "second", URL, "--force", "--default", code=3)
    assert "first is it already" in done.stderr
    assert list(repo.listed()) == ["first"]
    repo("add", "first", URL, "--force")
    assert repo.listed()["first"]["default"]
    repo("add", "second", URL, "--force")
    kubectl("annotate", "packagerepository", "second", "packages.glasskube.dev/default-repository=true")
    assert "2 repositories are marked as the default (first, second)" in repo("list", "--look", "never").stderr
    kubectl("annotate", "packagerepository", "first", "packages.glasskube.dev/default-repository-")
    assert repo("list", "--look", "never").stderr == ""


def test_credentials_stay_where_they_are(repo: Repo, kubectl: Kubectl) -> None:
    """Stored credentials are never shown, survive an add, and do not go to another URL."""
    spec = {"url": URL, "auth": {"basic": {"username": "somebody", "password": "hunter2"}}}
    obj = {"apiVersion": "packages.glasskube.dev/v1alpha1", "kind": "PackageRepository", "metadata": {"name": "team"}}
    kubectl("create", "-f-", stdin=json.dumps({**obj, "spec": spec}))
    assert "basic (inline)" in repo("list", "--look", "never").stdout
    for arguments in (["list", "-o", "json"], ["show", "team"], ["add", "team", URL, "--force", "-o", "json"]):
        done = repo(*arguments)
        assert "hunter2" not in done.stdout + done.stderr
    refused = repo("add", "team", "https://elsewhere.example.com", "--force", code=3).stderr
    assert "would be sent to https://elsewhere.example.com" in refused
    assert kubectl.json("get", "packagerepository", "team")["spec"] == spec


def test_a_url_that_somebody_else_wrote_is_theirs(repo: Repo, kubectl: Kubectl) -> None:
    """Changing a field of another field manager is a conflict: exit code 5, and nothing is changed."""
    obj = {"apiVersion": "packages.glasskube.dev/v1alpha1", "kind": "PackageRepository", "metadata": {"name": "team"}}
    stdin = json.dumps({**obj, "spec": {"url": URL}})
    kubectl("apply", "--server-side", "--field-manager=gitops", "-f-", stdin=stdin)
    done = repo("add", "team", "https://elsewhere.example.com", "--force", code=5)
    assert 'conflict with "gitops"' in done.stderr
    assert kubectl.json("get", "packagerepository", "team")["spec"] == {"url": URL}


def test_wrong_usage_does_not_reach_the_cluster(repo: Repo) -> None:
    """A bad name or URL ends with exit code 2, and credentials in a URL are not repeated."""
    assert "cannot be the name" in repo("add", "Team", URL, "--force", code=2).stderr
    done = repo("add", "team", "https://somebody:hunter2@example.com", code=2)
    assert "hunter2" not in done.stderr
    assert repo.listed() == {}


def test_without_permission_frit_cannot_tell(repo: Repo, powerless: Path) -> None:
    """An account that may not list repositories gets exit code 9 and the missing permission."""
    for arguments in (["list"], ["add", "team", URL, "--force"]):
        done = Repo(powerless)(*arguments, code=9)
        assert "may not list packagerepositories.packages.glasskube.dev" in done.stderr
    assert repo.listed() == {}


def test_the_check_sees_what_is_there(room: Room, cluster: Cluster, powerless: Path) -> None:
    """The check says no without the API and without a repository, yes with one, and unknown without permission."""

    def ask(kubeconfig: Path = cluster.kubeconfig) -> list[tuple[str, bool, bool]]:
        client = connect(ConnectionOptions(kubeconfig=str(kubeconfig)), user_agent="frit-test").client
        return [(one.name, one.ok, one.known) for one in repositories_check(client, discover(client))]

    assert ask() == [("package API", False, True)]
    room.install()
    assert ask() == [("package API", True, True), ("repositories registered", False, True)]
    Repo(cluster.kubeconfig)("add", "team", URL, "--force", "--default")
    assert ask() == [("package API", True, True), ("repositories registered", True, True)]
    assert ask(powerless)[1] == ("repositories registered", False, False)
