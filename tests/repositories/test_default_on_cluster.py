"""The mark of the default repository on the real cluster: one has it, or none, whatever happens."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.proxy import FaultProxy
from tests.faults.rules import Delay, status
from tests.repositories.conftest import Repo
from tests.repositories.stops import WRITES, ended, marked, reached

if TYPE_CHECKING:
    from tests.conftest import Kubectl

pytestmark = pytest.mark.cluster

URL = "https://packages.example.com/team"
MARK = "packages.glasskube.dev/default-repository"


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
