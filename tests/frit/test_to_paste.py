"""Commands that frit prints reach the cluster that frit was told to use."""

from __future__ import annotations

from base.events import Event, Said
from base.session import Session
from tests.faults import rules
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy
from tests.kube.conftest import server  # noqa: F401 -- a fixture
from tests.running import frit

FORBIDDEN = rules.status(403, "Forbidden", 'packagerepositories is forbidden: User "x" cannot list resource')
HINT = """if it was removed: kubectl delete validatingwebhookconfiguration hooks; kubectl -n a get pods -l b=c
does kubectl reach it? look at kubectl config view"""


def test_commands_carry_what_was_asked_for() -> None:
    """The context and the kubeconfig stand in each command, once, and not where kubectl is only a word."""
    session = Session(kubectl="kubectl --context 'prod eu'")
    text = session.to_paste(HINT)
    assert text == (
        "if it was removed: kubectl --context 'prod eu' delete validatingwebhookconfiguration hooks; "
        "kubectl --context 'prod eu' -n a get pods -l b=c\n"
        "does kubectl reach it? look at kubectl config view"
    )
    assert session.to_paste(text) == text
    assert Session().to_paste(HINT) == HINT


def test_warnings_carry_it_too() -> None:
    """What is said while a command goes on can hold a command to paste."""
    told: list[Event] = []
    session = Session(listener=told.append, kubectl="kubectl --context a")
    session.emit(Said("to take it out: kubectl delete crd x", "warning"))
    assert told == [Said("to take it out: kubectl --context a delete crd x", "warning")]


def test_a_command_reaches_the_cluster_of_its_options(server: FaultProxy) -> None:  # noqa: F811 -- the fixture
    """With --kubeconfig the hint's command has it; with KUBECONFIG, which kubectl knows, it has nothing."""
    server.on(FORBIDDEN, path="/packagerepositories", times=None)
    server.on(ok({"items": []}), times=None)
    asked = frit("repo", "list", "--kubeconfig", str(server.kubeconfig), kubeconfig=None)
    assert f"kubectl --kubeconfig {server.kubeconfig} auth can-i list" in asked.stderr
    assert "kubectl auth can-i list" in frit("repo", "list", kubeconfig=server.kubeconfig).stderr
