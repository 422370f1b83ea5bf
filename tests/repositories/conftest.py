"""The package API on the real cluster: a client, an applier, and ways to put the API there."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from base.clock import Deadline, Run
from base.errors import PreflightFailed
from base.events import Event
from base.retry import RetryPolicy
from kube.apply import Applied, Applier, Change
from kube.client import Client
from kube.connection import ConnectionOptions, connect
from kube.discovery import CRDS
from kube.objects import Object
from kube.readiness import readiness_of
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake
from repositories import package_api
from repositories.objects import GROUP, Repository, to_object
from tests.cluster import Cluster, clean
from tests.faults.proxy import FaultProxy
from tests.forked import Forked
from tests.repositories.schemas import KINDS, glasskube_crd
from tests.repositories.sites import Desk, Site, desk_in, site

if TYPE_CHECKING:
    from tests.conftest import Kubectl


TEAM: Object = to_object(Repository("team", "https://packages.example.com/team"))


@dataclass
class Room:
    """One cluster as the room's code sees it; `events` is what the code said."""

    client: Client
    events: list[Event] = field(default_factory=list)

    @property
    def applier(self) -> Applier:
        """An applier that gives up after 20 s."""
        return Applier(self.client, RetryPolicy(timeout=20), Run(), Deadline.after(20), self.events.append)

    def install(self) -> list[Applied]:
        """Plan, install, and wait until the CRDs are established."""
        done = package_api.install(self.applier, package_api.plan(package_api.read(self.client)))
        self.established()
        return done

    def established(self) -> None:
        """Wait until the server serves the CRDs."""

        def unready() -> str:
            for name in package_api.NAMES:
                verdict = readiness_of(self.client.get(CRDS.path(name=name), doing=f"read {name}"))
                if not verdict.ready:
                    return f"{name}: {verdict.reason}"
            return ""

        self.until_nothing(unready)

    def until_nothing(self, reason: Callable[[], str]) -> None:
        """Wait until a reason is gone: a server serves a changed CRD a moment after it has stored it."""

        def look() -> Yes[None] | NotYet:
            why = reason()
            return NotYet(why) if why else Yes(None)

        wait_until(
            look,
            what="the package API",
            run=Run(),
            deadline=Deadline.after(20),
            emit=self.events.append,
            wake=Wake(),
            pause=0.1,
        )

    def refusal(self, obj: Object) -> str:
        """Why the server refuses to create an object (nothing is stored), or nothing; unknown fields are refused."""
        from kube.failures import ApiError

        try:
            self._create(obj, {"dryRun": "All", "fieldValidation": "Strict"})
        except ApiError as error:
            return error.message
        return ""

    def create(self, obj: Object) -> Object:
        """Create an object."""
        return self._create(obj, {"fieldManager": "somebody"})

    def _create(self, obj: Object, query: dict[str, str]) -> Object:
        plural = {kind: glasskube_crd(kind)["spec"]["names"]["plural"] for kind in KINDS}[obj["kind"]]
        where = "/namespaces/default" if obj["kind"] == "Package" else ""
        path = f"/apis/packages.glasskube.dev/v1alpha1{where}/{plural}"
        answer: Object = self.client.request("POST", path, doing="create it", query=query, body=obj).json()
        return answer


@pytest.fixture
def room(fresh_cluster: Cluster) -> Room:
    """The room on a cluster that has nothing of ours."""
    return _room(fresh_cluster.kubeconfig)


@pytest.fixture(scope="module")
def installed(cluster: Cluster) -> Iterator[Room]:
    """The room on a cluster with our package API, shared by the tests of a module; they store nothing that collides."""
    clean.clean(cluster.kubeconfig)
    made = _room(cluster.kubeconfig)
    made.install()
    yield made
    clean.clean(cluster.kubeconfig)


def _room(kubeconfig: Path) -> Room:
    return Room(connect(ConnectionOptions(kubeconfig=str(kubeconfig)), user_agent="frit-test").client)


class Repo:
    """Runs `frit repo`, or any other command with `frit`, against one kubeconfig; keeps all that it prints.

    It has a cache of its own.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.room = _room(kubeconfig)
        self.printed = ""
        self._cache = tempfile.mkdtemp(prefix="frit-test-cache-")
        atexit.register(shutil.rmtree, self._cache, ignore_errors=True)

    def __call__(
        self, *arguments: str, code: int = 0, stdin: str = "", environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it, expect an exit code, and never a traceback."""
        return self.frit("repo", *arguments, code=code, stdin=stdin, environment=environment)

    def frit(
        self, *arguments: str, code: int = 0, stdin: str = "", environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run another command in the same way."""
        with tempfile.TemporaryDirectory(prefix="frit-test-temporary-") as temporary:
            started = Forked(
                [*arguments, *self._where], self.environment({"TMPDIR": temporary, **(environment or {})}), stdin
            )
            done = subprocess.CompletedProcess(started.args, *started.ended())
            assert list(Path(temporary).iterdir()) == []  # certificates and keys of the kubeconfig, above all
        self.printed += done.stdout + done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def start(self, *arguments: str) -> Forked:
        """Start it."""
        return Forked(["repo", *arguments, *self._where], self.environment(None))

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", "frit", *arguments, *self._where]

    @property
    def _where(self) -> list[str]:
        return ["--kubeconfig", str(self.kubeconfig)]

    def completed(self, typed: str, kubeconfig: str = "") -> list[str]:
        """What bash is offered where somebody has typed so and presses the tab key; it is never an error."""
        words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1)}
        where = {"KUBECONFIG": kubeconfig or str(self.kubeconfig)}
        environment = self.environment({"_FRIT_COMPLETE": "bash_complete", **words, **where})
        code, out, err = Forked([], environment).ended()
        assert (code, err) == (0, "")
        return [line.partition(",")[2] for line in out.splitlines() if line]

    def environment(self, more: dict[str, str] | None) -> dict[str, str]:
        """The environment without settings of frit, and with more."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("FRIT_")}
        return {**clean, "FRIT_CACHE_DIR": self._cache, **(more or {})}

    def listed(self) -> dict[str, Any]:
        """What `list -o json` says, by name; nothing but the cluster is asked."""
        said = self("list", "--look", "never", "-o", "json").stdout
        return {one["name"]: one for one in json.loads(said)["repositories"]}


@pytest.fixture
def repo(cluster: Cluster) -> Repo:
    """`frit repo` on a cluster that has the package API and no repository; a package API that is there is kept."""
    made = Repo(cluster.kubeconfig)
    clean.clean(cluster.kubeconfig, keep=GROUP)
    if _foreign(made.room.client):
        clean.clean(cluster.kubeconfig)
    if any(one.change is not Change.UNCHANGED for one in made.room.install()):
        # for two seconds an API server holds back what is created of a new kind, and may do it after the answer
        assert made.room.refusal(TEAM) == ""
    return made


def _foreign(client: Client) -> bool:
    """Whether an earlier test has left definitions of somebody else, such as one that frit cannot extend."""
    try:
        steps = package_api.plan(package_api.read(client))
    except PreflightFailed:
        return True
    return any(one.action in (package_api.Action.EXTEND, package_api.Action.KEEP) for one in steps)


@pytest.fixture
def as_glasskube(kubectl: Kubectl) -> Callable[..., None]:
    """Applies objects as Glasskube does: server-side, field manager `glasskube`, taking what others own."""

    def apply(*objects: Object) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        kubectl(
            "apply", "--server-side", "--field-manager=glasskube", "--force-conflicts", "-f-", stdin=json.dumps(listed)
        )

    return apply


@pytest.fixture
def powerless(kubectl: Kubectl, tmp_path: Path) -> Path:
    """A kubeconfig whose account may do nothing with CRDs and repositories."""
    token = kubectl("create", "token", "default", "-n", "default").strip()
    seen = kubectl.json("config", "view", "--raw")
    seen["users"] = [{"name": seen["users"][0]["name"], "user": {"token": token}}]
    path = tmp_path / "powerless"
    path.write_text(json.dumps(seen))
    path.chmod(0o600)
    return path


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Readers with a cache of their own."""
    with desk_in(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def shop() -> Iterator[Site]:
    """A repository on a server."""
    with site() as server:
        yield server


@pytest.fixture
def proxy(repo: Repo, cluster: Cluster, tmp_path: Path) -> Iterator[FaultProxy]:
    """A proxy in front of the API server, with the package API behind it."""
    with FaultProxy(tmp_path / "proxy", cluster.kubeconfig) as running:
        yield running
