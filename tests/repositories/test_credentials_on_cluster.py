"""Credentials of repositories on the real cluster: in a Secret, nowhere else, and never with the wrong server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from repositories.secrets import names_for
from tests.cluster import pki
from tests.repositories.conftest import Repo, Room
from tests.repositories.guarded import basic, client_pair, guarded

if TYPE_CHECKING:
    from tests.conftest import Kubectl

pytestmark = pytest.mark.cluster

SPACE = "glasskube-system"
ONE, TWO = names_for("team")
PASSWORD, TOKEN = "hunter2-is-secret", "t0ken-is-secret"
LOGIN = ("--username", "ci", "--password-stdin")


def spec(kubectl: Kubectl, name: str = "team") -> dict[str, Any]:
    found: dict[str, Any] = kubectl.json("get", "packagerepository", name)["spec"]
    return found


def secrets(kubectl: Kubectl) -> dict[str, dict[str, str]]:
    """What the Secrets of the repositories' namespace hold."""
    found = kubectl.json("get", "secrets", "-n", SPACE)["items"]
    return {
        one["metadata"]["name"]: {
            key: base64.b64decode(value).decode() for key, value in (one.get("data") or {}).items()
        }
        for one in found
    }


@contextmanager
def silent_about(repo: Repo, *values: str) -> Iterator[None]:
    """Nothing that is printed inside holds one of these."""
    repo.printed = ""
    yield
    assert repo.printed
    for value in values:
        assert value not in repo.printed
        assert base64.b64encode(value.encode()).decode() not in repo.printed


def test_a_password_goes_into_a_secret(repo: Repo, kubectl: Kubectl) -> None:
    """The object refers to it, the server is shown it, a repeat changes nothing, and nothing prints it."""
    with guarded(basic("ci", PASSWORD)) as server, silent_about(repo, PASSWORD):
        assert "created" in repo("add", "team", server.url, *LOGIN, stdin=PASSWORD).stdout
        assert server.shown == [basic("ci", PASSWORD)]
        again = repo("add", "team", server.url, *LOGIN, "-o", "json", stdin=PASSWORD + "\n")
        assert json.loads(again.stdout)["change"] == "unchanged"
        assert "unchanged" in repo("add", "team", server.url).stdout
        assert len(server.shown) == 1
        assert "reachable" in repo("list", "-o", "wide").stdout
        told = repo("show", "team").stdout
        assert f"password in Secret {SPACE}/{ONE}, key password" in told
        repo("test", "team", "-o", "yaml")
        repo("refresh", "-o", "json")
    whole = kubectl.json("get", "packagerepository", "team")
    assert whole["spec"]["auth"] == {
        "basic": {
            "usernameSecretRef": {"name": ONE, "key": "username"},
            "passwordSecretRef": {"name": ONE, "key": "password"},
        }
    }
    assert secrets(kubectl) == {ONE: {"username": "ci", "password": PASSWORD}}
    secret = kubectl.json("get", "secret", ONE, "-n", SPACE)["metadata"]
    assert [one["uid"] for one in secret["ownerReferences"]] == [whole["metadata"]["uid"]]
    assert secret["labels"] == {"app.kubernetes.io/managed-by": "frit"}


def test_what_cannot_be_read_is_not_registered(repo: Repo, kubectl: Kubectl) -> None:
    """A wrong password ends with exit code 8, with nothing written, until somebody insists."""
    with guarded(basic("ci", PASSWORD)) as server, silent_about(repo, "wrong-and-secret"):
        done = repo("add", "team", server.url, *LOGIN, stdin="wrong-and-secret", code=8)
        assert "401" in done.stderr
        assert "--force" in done.stderr
        assert repo.listed() == {}
        assert kubectl("get", "secrets", "-A", "-l", "app.kubernetes.io/managed-by=frit", "-o", "name") == ""
        repo("add", "team", server.url, *LOGIN, "--force", stdin="wrong-and-secret")
        assert "unreachable" in repo("list").stdout
        repo("update", "team", *LOGIN, stdin=PASSWORD)
        assert "reachable" in repo("list").stdout
    assert secrets(kubectl) == {ONE: {"username": "ci", "password": PASSWORD}}


def test_an_update_keeps_what_is_not_given(repo: Repo, kubectl: Kubectl) -> None:
    """A new path keeps the login, a new kind of login takes its place, and the Secret that is not needed goes."""
    with guarded(basic("ci", PASSWORD), f"Bearer {TOKEN}") as server, silent_about(repo, PASSWORD, TOKEN):
        repo("add", "team", server.url, *LOGIN, "--default", stdin=PASSWORD)
        before = spec(kubectl)["auth"]
        repo("update", "team", "--url", server.url + "/.", "--force")
        assert spec(kubectl) == {"url": server.url + "/.", "auth": before}
        repo("update", "team", "--auth", "bearer", environment={"FRIT_REPO_TOKEN": TOKEN})
        assert spec(kubectl)["auth"] == {"bearer": {"tokenSecretRef": {"name": TWO, "key": "token"}}}
        assert secrets(kubectl) == {TWO: {"token": TOKEN}}
        assert server.shown[-1] == f"Bearer {TOKEN}"
        assert repo.listed()["team"]["default"]
        assert "unchanged" in repo("update", "team", "--token-stdin", stdin=TOKEN).stdout
        repo("update", "team", "--no-credentials", "--force")
    assert secrets(kubectl) == {}
    assert spec(kubectl) == {"url": server.url + "/."}
    assert "nothing was given" in repo("update", "team", code=2).stderr
    assert "there is no package repository tema" in repo("update", "tema", "--no-credentials", code=3).stderr


def test_credentials_never_go_to_another_server_by_themselves(repo: Repo, kubectl: Kubectl) -> None:
    """Another server gets new ones in the same write, or the old ones where somebody says so, or none."""
    with guarded(basic("ci", PASSWORD)) as old, guarded("") as new, silent_about(repo, PASSWORD, TOKEN):
        repo("add", "team", old.url, *LOGIN, stdin=PASSWORD)
        for command in (["add", "team", new.url], ["update", "team", "--url", new.url]):
            assert "would be sent to" in repo(*command, code=3).stderr
        assert new.shown == []
        repo("update", "team", "--url", new.url, "--token-stdin", stdin=TOKEN)
        assert spec(kubectl) == {
            "url": new.url,
            "auth": {"bearer": {"tokenSecretRef": {"name": TWO, "key": "token"}}},
        }
        assert new.shown == [f"Bearer {TOKEN}"]
        assert f"Bearer {TOKEN}" not in old.shown
        repo("update", "team", "--url", old.url, "--keep-credentials", "--force")
        assert spec(kubectl)["url"] == old.url
        repo("update", "team", "--url", new.url, "--no-credentials")
    assert spec(kubectl) == {"url": new.url}
    assert secrets(kubectl) == {}


def test_inline_credentials_of_glasskube_move(repo: Repo, kubectl: Kubectl) -> None:
    """They are reported, used, and moved on request by a write that takes them out of the object."""
    with guarded(basic("me", PASSWORD)) as server, silent_about(repo, PASSWORD):
        obj = {
            "apiVersion": "packages.glasskube.dev/v1alpha1",
            "kind": "PackageRepository",
            "metadata": {"name": "team"},
            "spec": {"url": server.url, "auth": {"basic": {"username": "me", "password": PASSWORD}}},
        }
        kubectl("create", "--field-manager=glasskube", "-f-", stdin=json.dumps(obj))
        listed = repo("list").stdout
        assert "basic (inline)" in listed
        assert "reachable" in listed
        assert "changed" in repo("update", "team", "--move-credentials").stdout
        assert "unchanged" in repo("update", "team", "--move-credentials").stdout
        assert "inline" not in repo("list").stdout
        assert set(server.shown) == {basic("me", PASSWORD)}
    assert PASSWORD not in kubectl("get", "packagerepository", "team", "-o", "yaml", "--show-managed-fields")
    assert secrets(kubectl) == {ONE: {"username": "me", "password": PASSWORD}}


def test_the_secret_of_somebody_else_is_left_alone(repo: Repo, kubectl: Kubectl) -> None:
    """One with frit's name that frit did not make is never written to; one that is referred to is never deleted."""
    kubectl("create", "namespace", SPACE)
    with guarded(basic("ci", PASSWORD)) as server, silent_about(repo, PASSWORD):
        kubectl("create", "secret", "generic", ONE, "-n", SPACE, "--from-literal=theirs=1")
        done = repo("add", "team", server.url, *LOGIN, stdin=PASSWORD, code=3)
        assert "frit did not make it for team" in done.stderr
        assert repo.listed() == {}
        literal = ["--from-literal=username=ci", f"--from-literal=password={PASSWORD}"]
        kubectl("create", "secret", "generic", "theirs", "-n", SPACE, *literal)
        kubectl("create", "secret", "generic", "half", "-n", SPACE, "--from-literal=username=ci")
        assert (
            "it has username and no password"
            in repo("add", "team", server.url, "--credentials-secret", "half", code=8).stderr
        )
        assert "does not exist" in repo("add", "team", server.url, "--credentials-secret", "none", code=8).stderr
        kubectl("delete", "secret", ONE, "-n", SPACE)
        repo("add", "team", server.url, "--credentials-secret", "theirs")
        assert repo.listed()["team"]["auth"]["secrets"] == ["theirs"]
        repo("remove", "team")
    assert "theirs" in secrets(kubectl)


def test_the_secret_goes_with_its_repository(repo: Repo, kubectl: Kubectl) -> None:
    """frit deletes both, and with another client the garbage collector takes the Secret along."""
    with guarded("") as server:
        repo("add", "team", server.url, *LOGIN, stdin=PASSWORD)
        assert "removed" in repo("remove", "team").stdout
        assert secrets(kubectl) == {}
        assert "unchanged" in repo("remove", "team").stdout
        repo("add", "team", server.url, *LOGIN, stdin=PASSWORD)
    kubectl("delete", "packagerepository", "team")
    repo.room.until_nothing(lambda: ", ".join(secrets(kubectl)))


def test_a_refused_object_leaves_no_secret(repo: Repo, kubectl: Kubectl) -> None:
    """Where a policy refuses the repository, what was written before is taken back, and what was there stays."""
    with guarded("") as server:
        repo("add", "team", server.url, *LOGIN, stdin=PASSWORD)
        policy(kubectl)
        repo.room.until_nothing(lambda: "" if denied(repo.room) else "the policy is not there yet")
        with silent_about(repo, PASSWORD, TOKEN):
            assert "not today" in repo("add", "other", server.url, "--token-stdin", stdin=TOKEN, code=5).stderr
            assert "not today" in repo("update", "team", "--token-stdin", stdin=TOKEN, code=5).stderr
    kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", "frit-test")
    assert set(repo.listed()) == {"team"}
    assert secrets(kubectl) == {ONE: {"username": "ci", "password": PASSWORD}}


def policy(kubectl: Kubectl) -> None:
    """An admission policy that refuses every repository with a token, and every one named `other`."""
    api = "admissionregistration.k8s.io/v1"
    rule = {
        "apiGroups": ["packages.glasskube.dev"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["packagerepositories"],
    }
    refuses = "object.metadata.name != 'other' && !(has(object.spec.auth) && has(object.spec.auth.bearer))"
    made = {
        "ValidatingAdmissionPolicy": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": refuses, "message": "not today"}],
        },
        "ValidatingAdmissionPolicyBinding": {"policyName": "frit-test", "validationActions": ["Deny"]},
    }
    items = [
        {"apiVersion": api, "kind": kind, "metadata": {"name": "frit-test"}, "spec": spec}
        for kind, spec in made.items()
    ]
    kubectl("create", "-f-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def denied(room: Room) -> bool:
    return "not today" in room.refusal(
        {
            "apiVersion": "packages.glasskube.dev/v1alpha1",
            "kind": "PackageRepository",
            "metadata": {"name": "other"},
            "spec": {"url": "https://example.com"},
        }
    )


def test_a_client_certificate_and_a_ca_bundle(repo: Repo, kubectl: Kubectl, tmp_path: Path) -> None:
    """Both are stored in the Secret, named by annotations, and used; without them the server is not trusted."""
    authority = pki.Authority(tmp_path / "pki")
    certificate, key = client_pair(authority)
    with guarded("", tls=authority) as server, silent_about(repo, key.read_text()):
        ca = ("--ca-bundle", str(authority.pair.certificate))
        pair = ("--client-certificate", str(certificate), "--client-key", str(key))
        assert "not trusted" in repo("add", "team", server.url, code=8).stderr
        repo("add", "team", server.url, *ca, code=8)
        repo("add", "team", server.url, *ca, *pair)
        assert "certificate" in repo("list").stdout
        assert "reachable" in repo("list").stdout
        repo("update", "team", "--token-stdin", stdin=TOKEN)
        assert "reachable" in repo("list").stdout
    annotations = kubectl.json("get", "packagerepository", "team")["metadata"]["annotations"]
    assert annotations == {
        "packages.glasskube.dev/client-certificate-secret": TWO,
        "packages.glasskube.dev/ca-bundle-secret": TWO,
    }
    assert set(secrets(kubectl)[TWO]) == {"token", "tls.crt", "tls.key", "ca.crt"}
    assert set(secrets(kubectl)) == {TWO}


def test_waiting_ends_when_the_repository_is_there(repo: Repo, kubectl: Kubectl) -> None:
    """Without a controller, --wait ends when frit can read it; with one, when it says Ready; else with exit code 6."""
    with guarded("") as server:
        repo("add", "team", server.url, "--force", "--wait")
    slow = repo("add", "later", "http://127.0.0.1:1", "--force", "--wait", "--timeout", "1500ms", code=6)
    assert "repository later was not ready after" in slow.stderr
    assert "Connection refused" in slow.stderr
    condition = {"type": "Ready", "status": "True", "reason": "SyncCompleted", "message": "repo has 3 packages"}
    body = json.dumps({"status": {"conditions": [{**condition, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}})
    kubectl("patch", "packagerepository", "later", "--subresource=status", "--type=merge", "-p", body)
    repo("update", "later", "--url", "http://127.0.0.1:1/x", "--force", "--wait")
    lines = {line.split()[0]: line for line in repo("list").stdout.splitlines()}
    assert " ready " in lines["later"]
    stuck = repo("add", "third", "http://127.0.0.1:1", "--force", "--wait", "--timeout", "1s", code=6)
    assert "its controller has not looked at it yet" in stuck.stderr
