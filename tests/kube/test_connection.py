"""From kubeconfigs, contexts, plugins and service accounts to a connection, or to a message that says what is wrong."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes.config import incluster_config

import kube.connection
from base.clock import Deadline, Run
from base.errors import Cancelled, ClusterUnreachable
from kube.connection import Connection, ConnectionOptions, connect, connect_in_time
from kube.failures import ApiError
from tests.faults.answers import ok
from tests.faults.proxy import FaultProxy

SECRET = "s3cr3t-t0k3n"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder without a kubeconfig, and no service account."""
    for name in ("KUBECONFIG", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(kube.connection, "SERVICE_ACCOUNT", tmp_path / "no-account")


def config(
    *contexts: str,
    current: str | None = None,
    user: dict[str, Any] | None = None,
    authority: tuple[str, str] | None = None,
) -> str:
    """A kubeconfig with a cluster and a user of its own for each context; the server has the context's name."""
    data: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": one, "cluster": {"server": f"https://{one}.example.com", **dict([authority] if authority else [])}}
            for one in contexts
        ],
        "users": [{"name": one, "user": user or {"token": SECRET}} for one in contexts],
        "contexts": [{"name": one, "context": {"cluster": one, "user": one}} for one in contexts],
    }
    if current is not None:
        data["current-context"] = current
    return json.dumps(data)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def writing(text: str, name: str = "kubeconfig") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return writing


def to(kubeconfig: str | None = None, context: str | None = None) -> Connection:
    return connect(ConnectionOptions(kubeconfig, context), user_agent="frit/0 (test)")


def refused(kubeconfig: str | None = None, context: str | None = None) -> ClusterUnreachable:
    with pytest.raises(ClusterUnreachable) as raised:
        to(kubeconfig, context)
    error = raised.value
    assert error.exit_code == 4
    assert error.hint
    assert "\n" not in error.message
    assert SECRET not in f"{error.message} {error.hint}"
    return error


def test_the_current_context_is_taken(write: Callable[..., str]) -> None:
    """Without --context the kubeconfig decides, and the connection says where it leads."""
    found = to(write(config("a", "b", current="b")))
    assert (found.context, found.server) == ("b", "https://b.example.com")


def test_a_context_can_be_named(write: Callable[..., str]) -> None:
    """--context wins over the current one, and is enough where the file names none."""
    assert to(write(config("a", "b", current="b")), "a").server == "https://a.example.com"
    assert to(write(config("a", "b")), "a").server == "https://a.example.com"
    assert to(write(config("a", "b", current="")), "b").server == "https://b.example.com"


def test_no_context_is_chosen_by_chance(write: Callable[..., str]) -> None:
    """A file without a current context needs --context, also where it has only one."""
    error = refused(write(config("a", "b")))
    assert "says no current one" in error.message
    assert "--context NAME: a, b" in error.hint


def test_an_unknown_context_names_the_known_ones(write: Callable[..., str]) -> None:
    """The message has the name that was asked for and the file, the hint what is there."""
    path = write(config("prod", "staging", current="prod"))
    error = refused(path, "stagin")
    assert error.message == f"could not find context 'stagin' in {path}"
    assert error.hint == "contexts that are there: prod, staging"


def test_a_kubeconfig_that_is_missing_is_named(tmp_path: Path) -> None:
    """Whether named, from the environment or the default: the message has the path."""
    error = refused(str(tmp_path / "none"))
    assert f"{tmp_path}/none does not exist" in error.message
    assert "--kubeconfig" in error.hint
    assert f"{tmp_path}/home/.kube/config does not exist" in refused().message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("{", "while parsing a flow node"),
        ("- a\n- b\n", "does not have the form of one"),
        ("just text", "does not have the form of one"),
        (config("a", current="gone"), "could not find context 'gone'"),
        (config("a", current="a").replace('"clusters"', '"klusters"'), "cluster"),
        (config("a", current="a", user={"tokenFile": "gone"}), "gone"),
        (config("a", current="a").replace('"name": "a", "context"', '"context"'), "does not have the form of one"),
        (config("a", current="a", authority=("certificate-authority", "gone.crt")), "gone.crt"),
        (config("a", current="a", authority=("certificate-authority-data", "x")), "base64"),
    ],
)
def test_a_broken_kubeconfig_is_no_bug(write: Callable[..., str], text: str, words: str) -> None:
    """Whatever is wrong with the file, the message names the file and the cause."""
    path = write(text)
    error = refused(path)
    assert path in error.message
    assert words in error.message


@pytest.mark.parametrize("user", [{"exec": {"token": SECRET}}, {"exec": {"apiVersion": "v1", "env": SECRET}}])
def test_no_secret_of_a_broken_kubeconfig_is_shown(write: Callable[..., str], user: dict[str, Any]) -> None:
    """The loader quotes whole entries in its errors; they are cut out."""
    refused(write(config("a", current="a", user={**user, "password": SECRET})))
    broken = json.loads(config("a", current="a"))
    broken["users"] = [{"name": "a", "token": SECRET}]
    error = refused(write(json.dumps(broken)))
    assert "Expected key user" in error.message


def test_a_kubeconfig_that_may_not_be_read_is_named(write: Callable[..., str], tmp_path: Path) -> None:
    """A folder, or a file without permission, is a message and not a traceback."""
    assert "IsADirectoryError" in refused(str(tmp_path)).message
    if os.geteuid() != 0:  # root may read everything
        path = Path(write(config("a", current="a")))
        path.chmod(0)
        assert "PermissionError" in refused(str(path)).message


@pytest.mark.parametrize("authority", ["bm9uZQ==", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCnh4Cg=="])
def test_an_authority_that_is_no_certificate_is_refused(write: Callable[..., str], authority: str) -> None:
    """It is said before the first request, which could only fail."""
    error = refused(write(config("a", current="a", authority=("certificate-authority-data", authority))))
    assert "'a'" in error.message
    assert "holds no certificate that can be read" in error.message


def test_several_kubeconfigs_are_merged(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBECONFIG may name several files, some of which need not exist; as for kubectl the first decides."""
    first = write(config("a", "shared", current="a"), "one")
    second = write(config("b", "shared", current="b").replace("https://shared", "https://other"), "two")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([first, "/nowhere/at/all", second]))
    assert to().server == "https://a.example.com"
    assert to(context="b").server == "https://b.example.com"
    assert to(context="shared").server == "https://shared.example.com"
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([write(config("a"), "one"), second]))
    assert to().context == "b"


def test_a_kubeconfig_may_be_a_pipe(tmp_path: Path) -> None:
    """`--kubeconfig <(...)`: what it says can be read only once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_text, args=[config("one", current="one")])
    writing.start()
    assert connect(ConnectionOptions(kubeconfig=str(pipe)), user_agent="frit/0 (test)").context == "one"
    writing.join(10)


def test_without_a_folder_for_temporary_files_tmpdir_is_named(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container with a read-only file system: the kubeconfig is not to blame."""

    def nowhere() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", nowhere)
    with pytest.raises(ClusterUnreachable, match="no folder for temporary files") as raised:
        connect(ConnectionOptions(kubeconfig=write(config("one", current="one"))), user_agent="frit/0 (test)")
    assert "TMPDIR" in raised.value.hint


def test_the_option_wins_over_the_environment_and_that_over_home(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """--kubeconfig, then KUBECONFIG, then ~/.kube/config."""
    (tmp_path / "home" / ".kube").mkdir(parents=True)
    (tmp_path / "home" / ".kube" / "config").write_text(config("home", current="home"))
    assert to().context == "home"
    monkeypatch.setenv("KUBECONFIG", write(config("environment", current="environment"), "environment"))
    assert to().context == "environment"
    assert to(write(config("option", current="option"), "option")).context == "option"


def plugin(folder: Path, script: str) -> dict[str, Any]:
    path = folder / "plugin"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(path),
            "interactiveMode": "IfAvailable",
        }
    }


def test_a_plugin_provides_the_token(server: FaultProxy, tmp_path: Path) -> None:
    """What an exec plugin prints is the token that leaves the process."""
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": server.token},
    }
    data = json.loads(server.kubeconfig.read_text())
    data["users"][0]["user"] = plugin(tmp_path, f"echo '{json.dumps(credential)}'")
    path = tmp_path / "with-plugin"
    path.write_text(json.dumps(data))
    server.on(ok({"major": "1"}))
    to(str(path)).client.get("/version", doing="ask")
    assert server.seen[0].headers["authorization"] == f"Bearer {server.token}"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'session expired, run: cloud login' >&2; exit 1", "session expired, run: cloud login"),
        ("echo no json", "failed to decode process output"),
        ("echo '{}'", "missing key"),
        ("kill -9 $$", "process returned -9"),
    ],
)
def test_a_plugin_that_fails_is_quoted(
    write: Callable[..., str], tmp_path: Path, capfd: pytest.CaptureFixture[str], script: str, words: str
) -> None:
    """The message has what the plugin said, and nothing is printed beside it."""
    error = refused(write(config("a", current="a", user=plugin(tmp_path, script))))
    assert error.message.startswith("could not get credentials for context 'a': ")
    assert words in error.message
    assert "log in again" in error.hint
    assert capfd.readouterr() == ("", "")


def test_a_plugin_that_hangs_is_given_up(write: Callable[..., str], tmp_path: Path) -> None:
    """A plugin that waits for somebody is waited for until the deadline, or until the run is asked to stop."""
    options = ConnectionOptions(write(config("a", current="a", user=plugin(tmp_path, "exec sleep 3"))))
    began = time.monotonic()
    with pytest.raises(ClusterUnreachable, match="could not load the kubeconfig and get its credentials in time"):
        connect_in_time(options, user_agent="frit/0 (test)", run=Run(), deadline=Deadline.after(0.3))
    stopped = Run()
    stopped.cancel()
    with pytest.raises(Cancelled):
        connect_in_time(options, user_agent="frit/0 (test)", run=stopped, deadline=Deadline.after(60))
    assert time.monotonic() - began < 2


def test_a_plugin_that_is_missing_is_named(write: Callable[..., str]) -> None:
    """The message names the program that is not installed."""
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-cloud-tool"}}
    assert "no-such-cloud-tool" in refused(write(config("a", current="a", user=user))).message


def test_a_pod_uses_its_service_account(server: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any kubeconfig the mounted token and authority are used, and the context is named in-cluster."""
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text(server.token)
    (account / "ca.crt").write_bytes(server.authority.pair.certificate.read_bytes())
    monkeypatch.setattr(kube.connection, "SERVICE_ACCOUNT", account)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(account / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(account / "ca.crt"))
    assert "service account" in refused().message  # the variables that every pod has are missing
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", server.url.rpartition(":")[2])
    found = to()
    assert (found.context, found.server) == ("in-cluster", server.url)
    server.on(ok({"major": "1"}))
    found.client.get("/version", doing="ask")
    assert server.seen[0].headers["authorization"].lower() == f"bearer {server.token}"
    assert "only this pod's service account" in refused(context="prod").message


def test_a_proxy_of_the_environment_is_used_for_servers_elsewhere(
    server: FaultProxy, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS_PROXY stands between frit and a server elsewhere, but not between it and one on this machine."""
    server.on(ok({"major": "1"}), times=None)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(ApiError, match=r"(?i)refused|proxy"):
        to(write(config("one", current="one"), "elsewhere")).client.get("/version", doing="ask")
    assert to(str(server.kubeconfig)).client.get("/version", doing="ask") == {"major": "1"}


def test_the_proxy_of_a_kubeconfig_is_used_whatever_no_proxy_says(
    server: FaultProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`proxy-url` is the way to this very cluster; NO_PROXY is about the environment's proxies. As for kubectl."""
    server.on(ok({"major": "1"}), times=None)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    data = json.loads(server.kubeconfig.read_text())
    data["clusters"][0]["cluster"]["proxy-url"] = "http://127.0.0.1:1"
    (tmp_path / "proxied").write_text(json.dumps(data))
    with pytest.raises(ApiError, match=r"(?i)refused|proxy"):
        to(str(tmp_path / "proxied")).client.get("/version", doing="ask")


def test_a_socks_proxy_is_no_bug(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """frit speaks no SOCKS, and says so without the proxy's password; where it is not in the way it does not matter."""
    kubeconfig = write(config("one", current="one"))
    monkeypatch.setenv("HTTPS_PROXY", f"socks5://user:{SECRET}@127.0.0.1:1")
    error = refused(kubeconfig)
    assert "the environment: frit speaks no SOCKS" in error.message
    assert SECRET not in error.message + error.hint
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert to(kubeconfig).context == "one"


def test_a_kubeconfig_in_a_folder_of_somebody_else_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder that belongs to root, say: Python raises there instead of saying no."""

    def forbidden(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", forbidden)
    assert "Permission denied" in refused("/else/config").message
