"""`frit repo` on the real cluster when much happens at once, or something stops in the middle."""

from __future__ import annotations

import base64
import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repositories.objects import Repository
from repositories.registry import register
from tests.bootstrap import hooks
from tests.cluster import Cluster
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Delay, Reset, Rule, status
from tests.forked import Forked
from tests.kube.pki import Authority
from tests.packages_server import serve
from tests.repositories.conftest import TEAM, Repo

if TYPE_CHECKING:
    from tests.conftest import Kubectl

pytestmark = pytest.mark.cluster

URL = "https://packages.example.com/team"
PASSWORD = "hunter2-is-secret"
MARK = "packages.glasskube.dev/default-repository"
WRITES = r"(packagerepositories|secrets|namespaces)[/?](?!.*dryRun)"


@pytest.fixture
def proxy(repo: Repo, cluster: Cluster, tmp_path: Path) -> Iterator[FaultProxy]:
    """A proxy in front of the API server, with the package API behind it."""
    with FaultProxy(tmp_path / "proxy", cluster.kubeconfig) as running:
        yield running


def marked(repo: Repo) -> list[str]:
    return [name for name, one in repo.listed().items() if one["default"]]


def ended(process: Forked) -> tuple[int, str, str]:
    code, out, err = process.ended()
    assert "Traceback" not in err
    return code, out, err


def reached(rule: Rule, process: Forked) -> bool:
    """Wait until a request met the rule; false where the command ended without."""
    until = time.monotonic() + 40
    while not rule.hits:
        if process.poll() is not None:
            return False
        assert time.monotonic() < until, "the request did not come"
        time.sleep(0.02)  # requests of another process show in the proxy only
    return True


def test_the_mark_moves(repo: Repo) -> None:
    """It is set where there is none, moved where there is one, and left where it is right."""
    repo("add", "one", URL, "--force")
    repo("add", "two", URL, "--force")
    assert repo("set-default", "one").stdout == "repository one changed: the default\n"
    assert repo("set-default", "two").stdout == "repository two changed: the default, before one\n"
    assert repo("set-default", "two").stdout == "repository two unchanged: the default\n"
    assert marked(repo) == ["two"]
    said = json.loads(repo("set-default", "one", "-o", "json").stdout)
    assert (said["default"], said["before"], said["change"]) == ("one", ["two"], "changed")
    assert "it is not registered" in repo("set-default", "three", code=3).stderr
    assert "no repository is the default now" in repo("remove", "one").stderr


def test_two_defaults_become_one(repo: Repo, kubectl: Kubectl) -> None:
    """Whoever made two, one command leaves one, and whose mark a GitOps controller applies is not touched unasked."""
    for name in ("one", "two", "three"):
        repo("add", name, URL, "--force")
        kubectl("annotate", "packagerepository", name, f"{MARK}=true")
    assert "3 repositories are marked" in repo("list", "--look", "never").stderr
    repo("set-default", "two")
    assert marked(repo) == ["two"]
    applied = {
        "apiVersion": "packages.glasskube.dev/v1alpha1",
        "kind": "PackageRepository",
        "metadata": {"name": "git", "annotations": {MARK: "true"}},
        "spec": {"url": URL},
    }
    kubectl("annotate", "packagerepository", "two", f"{MARK}-")
    kubectl("apply", "--server-side", "--field-manager=gitops", "-f-", stdin=json.dumps(applied))
    assert 'conflict with "gitops"' in repo("set-default", "one", code=5).stderr
    assert marked(repo) == ["git"]
    repo("set-default", "one", "--force-conflicts")
    assert marked(repo) == ["one"]


@pytest.mark.parametrize(("how", "written"), [(signal.SIGKILL, 0), (signal.SIGKILL, 1), (signal.SIGINT, 2)])
def test_a_stop_before_any_write_of_the_mark_leaves_no_second_default(
    how: signal.Signals, written: int, repo: Repo, proxy: FaultProxy
) -> None:
    """The old one or none is the default then, an interrupt says so, and the same command completes it."""
    repo("add", "one", URL, "--force", "--default")
    repo("add", "two", URL, "--force")
    rule = proxy.on(Delay(60), method="PATCH", path=WRITES, times=None, after=written)
    process = Repo(proxy.kubeconfig).start("set-default", "two")
    assert reached(rule, process)
    process.send_signal(how)
    code, _, err = ended(process)
    assert marked(repo) == (["one"] if written < 2 else [])
    if how is signal.SIGINT:
        assert code == 130
        assert "no repository is the default now; frit repo set-default two" in err
    repo("set-default", "two")
    assert marked(repo) == ["two"]


def test_a_mark_that_cannot_be_set_goes_back(repo: Repo, proxy: FaultProxy) -> None:
    """Where the last write is refused, the old mark comes back; where a dry run tells, nothing is written at all."""
    repo("add", "one", URL, "--force", "--default")
    repo("add", "two", URL, "--force")
    refused = status(403, "Forbidden", "packagerepositories is forbidden: not you")
    proxy.on(refused, method="PATCH", path=r"packagerepositories/two\?(?!.*dryRun)", times=None, after=1)
    done = Repo(proxy.kubeconfig)("set-default", "two", code=5)
    assert "one is the default as before" in done.stderr
    assert marked(repo) == ["one"]
    proxy.on(refused, method="PATCH", path=r"packagerepositories/two\?.*dryRun", times=None)
    before = len([one for one in proxy.seen if one.method == "PATCH" and "dryRun" not in one.query])
    Repo(proxy.kubeconfig)("set-default", "two", code=5)
    assert len([one for one in proxy.seen if one.method == "PATCH" and "dryRun" not in one.query]) == before


def test_many_move_the_mark_at_the_same_moment(repo: Repo) -> None:
    """One of them gets it, and whoever does not is told so with exit code 5; if one is killed, there are no two."""
    names = [f"r{n}" for n in range(5)]
    for name in names:
        repo("add", name, URL, "--force")
    repo("set-default", "r0")
    done = [ended(one) for one in [repo.start("set-default", name) for name in names[1:]]]
    left = marked(repo)
    assert len(left) == 1
    assert {code for code, _, _ in done} <= {0, 5}
    winner = dict(zip(names[1:], done, strict=True)).get(left[0])
    assert winner is None or winner[0] == 0
    started = [repo.start("set-default", name) for name in names]
    time.sleep(0.2)  # they are at it then, or just before or behind it: no moment may be a bad one
    started[0].send_signal(signal.SIGKILL)
    assert all(ended(one)[0] in (0, 5, -9) for one in started)
    assert len(marked(repo)) <= 1


def test_ten_adds_of_different_names(repo: Repo) -> None:
    """All are there afterwards, and of those that want to be the default one is."""
    with serve() as url:
        names = [f"r{n}" for n in range(10)]
        done = [ended(one) for one in [repo.start("add", name, url, "--default") for name in names]]
    assert {code for code, _, _ in done} <= {0, 3}
    there = repo.listed()
    assert set(there) == {name for name, (code, _, _) in zip(names, done, strict=True) if code == 0}
    assert len(marked(repo)) == 1


def test_ten_adds_of_the_same_name(repo: Repo, kubectl: Kubectl, tmp_path: Path) -> None:
    """One creates it, all succeed, and the Secret is whole and belongs to the repository."""
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    with serve() as url:
        command = ("add", "team", url, "--username", "ci", "--password-file", str(file), "-o", "json")
        done = [ended(one) for one in [repo.start(*command) for _ in range(10)]]
        assert [code for code, _, _ in done] == [0] * 10, [err for _, _, err in done]
        changes = [json.loads(out)["change"] for _, out, _ in done]
        assert changes.count("created") == 1
        assert "unchanged" in repo("add", "team", url, *command[3:7]).stdout
    whole(kubectl)


def whole(kubectl: Kubectl) -> None:
    """The repository refers to a Secret that is there, holds what is referred to, and belongs to it."""
    obj = kubectl.json("get", "packagerepository", "team")
    named = {one["name"] for one in obj["spec"]["auth"]["basic"].values()}
    assert len(named) == 1
    found = kubectl.json("get", "secrets", "-n", "glasskube-system")["items"]
    assert [one["metadata"]["name"] for one in found] == list(named)
    values = {key: base64.b64decode(value).decode() for key, value in found[0]["data"].items()}
    assert values == {"username": "ci", "password": PASSWORD}
    assert [one["uid"] for one in found[0]["metadata"]["ownerReferences"]] == [obj["metadata"]["uid"]]


@pytest.mark.parametrize("kind", ["add", "update", "move"])
def test_what_is_stopped_at_any_write_is_completed_by_the_next(
    kind: str, repo: Repo, proxy: FaultProxy, kubectl: Kubectl, tmp_path: Path
) -> None:
    """Before each of its writes in turn, killed or by Ctrl-C: what is there then is whole, and the same command
    completes it."""
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    login = ("--username", "ci", "--password-file", str(file), "--force")
    command = {
        "add": ("add", "team", URL, *login),
        "update": ("update", "team", *login),
        "move": ("update", "team", "--move-credentials", "--force"),
    }[kind]
    killed = 0
    while True:
        repo("remove", "team")
        if kind == "update":
            repo("add", "team", URL, "--token-stdin", "--force", stdin="t0ken")
        if kind == "move":
            auth = {"basic": {"username": "ci", "password": PASSWORD}}
            repo.room.create({**TEAM, "spec": {"url": URL, "auth": auth}})
        proxy.rules.clear()
        rule = proxy.on(Delay(60), method="POST|PATCH|DELETE", path=WRITES, times=None, after=killed)
        process = Repo(proxy.kubeconfig).start(*command)
        if not reached(rule, process):
            assert ended(process)[0] == 0
            break
        process.send_signal(signal.SIGINT if killed % 2 else signal.SIGKILL)
        code, _, err = ended(process)
        assert code == (130 if killed % 2 else -9)
        assert PASSWORD not in err
        killed += 1
        if there := kubectl.json("get", "packagerepositories")["items"]:
            text = json.dumps(there[0]["spec"])
            held = kubectl.json("get", "secrets", "-n", "glasskube-system")["items"]
            keys = {one["metadata"]["name"]: set(one["data"]) for one in held}
            for key, name in re.findall(r'"key": "(\w+)", "name": "([^"]+)"', text):
                assert key in keys[name]
        repo(*command)
        whole(kubectl)
        assert "unchanged" in repo(*command).stdout
    assert killed >= 2


def test_a_remove_that_is_stopped_is_completed_by_the_next(repo: Repo, proxy: FaultProxy, kubectl: Kubectl) -> None:
    """Before the repository goes nothing has gone; behind it the Secret is left, and goes with the next remove."""
    for written, there in ((0, ["team"]), (1, [])):
        repo("add", "team", URL, "--token-stdin", "--force", stdin="t0ken")
        proxy.rules.clear()
        rule = proxy.on(Delay(60), method="DELETE", path=WRITES, times=None, after=written)
        process = Repo(proxy.kubeconfig).start("remove", "team")
        if reached(rule, process):  # the garbage collector may have been faster with the Secret
            process.send_signal(signal.SIGINT if written else signal.SIGKILL)
            assert list(repo.listed()) == there
        assert ended(process)[0] in ((0, 130) if written else (-9,))
        repo("remove", "team")
        assert "unchanged" in repo("remove", "team").stdout
        assert not kubectl.json("get", "secrets", "-n", "glasskube-system")["items"]


def test_a_broken_connection_is_repeated(repo: Repo, proxy: FaultProxy, kubectl: Kubectl, tmp_path: Path) -> None:
    """Answers that are lost, before or after the write was carried out, end in the same state."""
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    proxy.on(Reset.AFTER, method="POST", path="secrets")
    proxy.on(Reset.AFTER, method="POST", path="packagerepositories")
    proxy.on(status(500, "InternalError", "etcdserver: leader changed"), method="PATCH", path="secrets/")
    through = Repo(proxy.kubeconfig)
    done = through("add", "team", URL, "--username", "ci", "--password-file", str(file), "--force", "-o", "json")
    said = json.loads(done.stdout)
    assert said["change"] == "created"
    assert [rule.hits for rule in proxy.rules] == [1, 1, 1]
    assert len(said["failedAttempts"]) >= 2  # of a write that hangs, a second one may be sent instead
    whole(kubectl)
    proxy.on(Reset.AFTER, method="DELETE", path="packagerepositories")
    assert "removed" in through("remove", "team").stdout


def test_a_repository_in_use_stays(repo: Repo, kubectl: Kubectl) -> None:
    """Packages that name it, or none while it is the default, are named, and nothing is removed."""
    repo("add", "team", URL, "--force", "--default")
    repo("add", "other", URL, "--force")

    def package(kind: str, name: str, repository: str) -> None:
        info = {"name": "small-cache", "version": "v0.4.2+1", **({"repositoryName": repository} if repository else {})}
        obj = {
            "apiVersion": "packages.glasskube.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": {"packageInfo": info},
        }
        kubectl("create", "-f-", stdin=json.dumps(obj))

    package("ClusterPackage", "cache", "team")
    package("Package", "web", "")
    refused = repo("remove", "team", code=3).stderr
    assert "ClusterPackage cache, Package default/web" in refused
    assert "Package default/web" in repo("show", "team").stdout
    assert set(repo.listed()) == {"team", "other"}
    repo("set-default", "other")
    kubectl("delete", "clusterpackage", "cache")
    assert "removed" in repo("remove", "team").stdout
    assert "Package default/web" in repo("remove", "other", code=3).stderr


def test_without_permission_nothing_is_half_done(repo: Repo, kubectl: Kubectl, powerless: Path, tmp_path: Path) -> None:
    """An account that may manage repositories and no Secrets is told so before anything is written."""
    rule = "--resource=packagerepositories.packages.glasskube.dev"
    kubectl("create", "clusterrole", "frit-test", "--verb=get,list,create,patch,delete", rule)
    kubectl("create", "clusterrolebinding", "frit-test", "--clusterrole=frit-test", "--serviceaccount=default:default")
    weak = Repo(powerless)
    try:
        weak("add", "plain", URL, "--force")
        done = weak("add", "team", URL, "--token-stdin", "--force", stdin="t0ken-is-secret", code=9)
        assert "may not get secrets in namespace glasskube-system" in done.stderr
        assert set(repo.listed()) == {"plain"}
        repo("add", "team", URL, "--token-stdin", "--force", stdin="t0ken-is-secret")
        lines = {line.split()[0]: line for line in weak("list").stdout.splitlines()}
        assert "unknown" in lines["team"]
        weak("set-default", "plain")
        assert "may not list clusterpackages" in weak("remove", "plain", code=9).stderr
    finally:
        kubectl("delete", "clusterrolebinding,clusterrole", "frit-test")
    assert "t0ken" not in weak.printed


def test_a_bootstrap_goes_on_from_what_update_left(repo: Repo, kubectl: Kubectl) -> None:
    """Registering a repository again changes its URL, which frit owns, and leaves credentials as they are."""
    repo("add", "team", URL, "--token-stdin", "--force", stdin="t0ken")
    repo("update", "team", "--url", URL + "/x", "--force")
    auth = kubectl.json("get", "packagerepository", "team")["spec"]["auth"]
    assert str(register(repo.room.applier, Repository("team", URL + "/y")).change) == "changed"
    assert kubectl.json("get", "packagerepository", "team")["spec"] == {"url": URL + "/y", "auth": auth}
    assert str(register(repo.room.applier, Repository("team", URL + "/y")).change) == "unchanged"


def test_the_tab_key_knows_the_names(repo: Repo) -> None:
    """Names of repositories are completed; without a cluster there is nothing to offer, and no error."""
    repo("add", "team", URL, "--force")
    repo("add", "tools", URL, "--force")
    repo("add", "other", URL, "--force")

    assert repo.completed("frit repo show te") == ["team"]
    assert repo.completed("frit repo update t") == ["team", "tools"]
    assert repo.completed("frit repo refresh team t") == ["tools"]
    assert repo.completed("frit repo test ") == ["other", "team", "tools"]
    assert repo.completed("frit repo remove te", "/nowhere") == []


def test_a_webhook_window_is_waited_for(repo: Repo, kubectl: Kubectl) -> None:
    """While the API server does not trust the webhook on repositories, all writes wait, and reads do not."""
    for name in ("one", "two", "three"):
        repo("add", name, URL, "--force")
    authority, other = Authority("glasskube-ca"), Authority("glasskube-ca")
    hooks.deploy(kubectl, authority.issue(hooks.HOST))
    configuration = hooks.configuration(other.pem)
    configuration["webhooks"][0]["rules"] = [{**hooks.RULE, "operations": ["CREATE", "UPDATE", "DELETE"]}]
    hooks.apply(kubectl, configuration)
    repo.room.until_nothing(lambda: "" if "x509" in repo.room.refusal(TEAM) else "the webhook is not asked yet")
    commands = (
        ("update", "one", "--url", URL + "/x", "--force"),
        ("set-default", "two"),
        ("add", "four", URL, "--force"),
        ("remove", "three"),
    )
    started = [repo.start(*command) for command in commands]
    repo.room.until_nothing(
        lambda: "; ".join(str(one.args) for one in started if "certificate-rotation" not in one.printed[1])
    )
    assert set(repo.listed()) == {"one", "two", "three"}
    kubectl("delete", "validatingwebhookconfiguration", hooks.NAME)
    done = [ended(one) for one in started]
    assert [code for code, _, _ in done] == [0] * 4, done
    assert marked(repo) == ["two"]
    assert set(repo.listed()) == {"one", "two", "four"}
    assert repo.listed()["one"]["url"] == URL + "/x"
