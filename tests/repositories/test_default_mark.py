"""How the mark of the default repository moves, against every order in which several people's requests can arrive."""

from __future__ import annotations

import copy
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from base.clock import Deadline, Run
from base.errors import FritError
from base.policy import RetryPolicy
from kube.apply import Applier
from kube.objects import Object, Ref
from repositories import defaults
from repositories.objects import DEFAULT_ANNOTATION, is_default, to_object
from repositories.objects import Repository as Plain
from repositories.writing import Edit


class Killed(BaseException):
    """What a process that is killed does next: nothing."""


class Someone(threading.Thread):
    """One process: waits before each request until it is its turn, and may be killed then."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._turn, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self.ended = self.dead = False
        self.error: FritError | None = None
        self.value: object = None

    def run(self) -> None:
        self._turn.acquire()
        try:
            self.value = self._work()
        except Killed:
            pass
        except FritError as error:
            self.error = error
        self.ended = True
        self._done.release()

    def request(self) -> None:
        """Before each request of this process: let others go first."""
        self._done.release()
        self._turn.acquire()
        if self.dead:
            raise Killed

    def step(self) -> None:
        """Let it go until its next request."""
        self._turn.release()
        self._done.acquire()


class Cluster:
    """Objects by name, as an API server keeps them: a list shows all at one moment, and a write is bound to what was
    read, so reading and writing are one step."""

    def __init__(self, *names: str, default: str = "") -> None:
        self.objects: dict[str, Object] = {one: to_object(Plain(one, "https://example.com")) for one in names}
        if default:
            self.objects[default]["metadata"]["annotations"] = {DEFAULT_ANNOTATION: "true"}

    def listed(self, _: object) -> list[Object]:
        self._wait()
        return [copy.deepcopy(self.objects[name]) for name in sorted(self.objects)]

    def write(self, applier: Any, _: object, ref: Ref, edit: Edit, **__: object) -> None:
        if applier.dry_run:
            return
        self._wait()
        wanted = edit(copy.deepcopy(self.objects.get(ref.name)))
        if wanted is not None:
            self.objects[ref.name] = wanted

    @property
    def marked(self) -> list[str]:
        return [name for name, one in self.objects.items() if is_default(one)]

    @staticmethod
    def _wait() -> None:
        someone = threading.current_thread()
        assert isinstance(someone, Someone)
        someone.request()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cluster]:
    """Makes a cluster; the code under test sees the one that was made last."""
    monkeypatch.setattr(defaults, "PAUSES", (0.0, 0.0))

    def make(*names: str, default: str = "") -> Cluster:
        made = Cluster(*names, default=default)
        monkeypatch.setattr(defaults, "listed", made.listed)
        monkeypatch.setattr(defaults, "write", made.write)
        return made

    return make


def applier() -> Applier:
    client: Any = None
    return Applier(client, RetryPolicy(), Run(), Deadline.after(60), lambda _: None)


def people(count: int, dice: random.Random) -> list[Someone]:
    """Some who want the mark for one of three repositories; some of them only if nobody has it (`repo add`)."""

    def work(name: str, polite: bool) -> Callable[[], object]:
        if polite:
            return lambda: defaults.claim(applier(), name, over=False)
        return lambda: defaults.set_default(applier(), name)

    return [Someone(str(n), work(dice.choice("abc"), dice.random() < 0.3)) for n in range(count)]


def played(cluster: Cluster, everybody: list[Someone], dice: random.Random, kills: int) -> None:
    """Let them go on in a random order, and kill some in the middle. There are never two marks."""
    for one in everybody:
        one.start()
    while alive := [one for one in everybody if not one.ended]:
        chosen = dice.choice(alive)
        if kills and dice.random() < 0.1:
            kills -= 1
            chosen.dead = True
        chosen.step()
        assert len(cluster.marked) <= 1, cluster.objects


@pytest.mark.parametrize("kills", [0, 1, 2])
def test_there_are_never_two_defaults(cluster: Callable[..., Cluster], kills: int) -> None:
    """However three people's requests follow each other, and whoever of them is killed; without a kill there is one."""
    for seed in range(150):
        dice = random.Random(seed)
        made = cluster("a", "b", "c", default=dice.choice(["", "a", "c"]))
        everybody = people(3, dice)
        played(made, everybody, dice, kills)
        if not any(one.dead for one in everybody):
            assert [one.error for one in everybody] == [None] * 3
            assert len(made.marked) == 1, seed
        last = Someone("last", lambda: defaults.set_default(applier(), "b"))
        played(made, [last], dice, 0)
        assert made.marked == ["b"]
