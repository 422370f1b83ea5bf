"""From options to a connection: kubeconfig and context, or the service account of the pod that frit runs in."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from base.clock import Deadline, Run
from base.errors import ClusterUnreachable
from base.parallel import Background
from kube.client import Client
from kube.tls import tls_of

if TYPE_CHECKING:
    import ssl

    from kubernetes.client.configuration import Configuration
    from kubernetes.config.kube_config import KubeConfigMerger

_LOOK = 0.1  # seconds between two looks whether the run shall stop
_ENDED_BY_SIGNAL = re.compile(r"process returned -\d")
_SIGNAL_ARRIVES = 0.3  # seconds until a signal that also went to frit has certainly been seen
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class ConnectionOptions:
    """What the user said about the cluster. None means: as kubectl would choose."""

    kubeconfig: str | None = None
    context: str | None = None


@dataclass(frozen=True)
class Connection:
    """A cluster that can be asked: the client, the context's name (`in-cluster` for a service account), the server."""

    client: Client
    context: str
    server: str


class _Collected(logging.Handler):
    """Keeps what the official client logs while it loads credentials; it logs failures instead of raising them."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def connect(options: ConnectionOptions, *, user_agent: str) -> Connection:
    """Load the configuration and credentials; sends no request yet.

    Order, as kubectl has it: the `--kubeconfig` file, the files of `KUBECONFIG`, `~/.kube/config`, and then the
    service account of a pod. Raises `ClusterUnreachable` where there is none, where the context does not exist or
    where a credential plugin fails.
    """
    from kubernetes.client.configuration import Configuration
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger

    configuration = Configuration()
    configuration.retries = False
    configuration.connection_pool_maxsize = 16
    configured = options.kubeconfig or os.environ.get("KUBECONFIG") or ""
    default = Path("~/.kube/config").expanduser()
    where = configured or str(default)
    try:
        if not configured and not default.exists() and (SERVICE_ACCOUNT / "token").exists():
            return _in_cluster(configuration, options, user_agent)
        found = any(Path(one).expanduser().exists() for one in where.split(os.pathsep) if one)
    except PermissionError as error:  # of a folder above it: root's, say
        raise ClusterUnreachable(
            f"could not read the kubeconfig {where}: {error.strerror}",
            hint="kubectl config view   shows whether kubectl can read it",
        ) from None
    if not found:
        raise ClusterUnreachable(
            f"could not find a kubeconfig: {where} does not exist",
            hint="name one with --kubeconfig FILE, or set KUBECONFIG",
        )
    heard = _Collected()
    root = logging.getLogger()
    root.addHandler(heard)
    try:
        merged = KubeConfigMerger(where)  # read once: `--kubeconfig <(...)` names a pipe
        names, current = _contexts(merged)
        context = options.context or current
        if not context:
            raise ClusterUnreachable(
                f"could not choose a context: {where} says no current one",
                hint="choose one with --context NAME: " + (", ".join(names) or "there is none"),
            )
        if context not in names:
            raise ClusterUnreachable(
                f"could not find context {context!r} in {where}",
                hint="contexts that are there: " + (", ".join(names) or "none"),
            )
        with _passing_folder() as folder:
            loader = KubeConfigLoader(
                merged.config, active_context=context, config_base_path=None, temp_file_path=folder
            )
            loader.load_and_set(configuration)
            tls = _tls(configuration, f"context {context!r} in {where}")
    except ConfigException as error:
        raise ClusterUnreachable(
            f"could not read the kubeconfig {where}: {_without_content(error)}",
            hint="kubectl config get-contexts   shows what is there; choose one with --context NAME",
        ) from None
    except ClusterUnreachable:
        raise
    except (TypeError, AttributeError, KeyError):  # what the loader stumbles over when a list is a text, or the like
        raise ClusterUnreachable(
            f"could not read the kubeconfig {where}: it does not have the form of one",
            hint="kubectl config view   shows whether kubectl can read it",
        ) from None
    except Exception as error:  # noqa: BLE001 -- the loader lets YAML, base64 and file errors out as they are
        raise ClusterUnreachable(
            f"could not read the kubeconfig {where}: {type(error).__name__}: {_one_line(error)}",
            hint="kubectl config view   shows whether kubectl can read it",
        ) from None
    finally:
        root.removeHandler(heard)
    if heard.messages and not configuration.api_key and not configuration.cert_file:
        said = heard.messages[-1]
        if "NoneType" in said:  # the loader looks for the plugin's words, but on a terminal they were not caught
            said = "the credential plugin failed; what it said stands above"
        if _ENDED_BY_SIGNAL.search(said):
            time.sleep(_SIGNAL_ARRIVES)  # Ctrl-C ends the plugin and frit: what is said about it is one word, not two
        raise ClusterUnreachable(
            f"could not get credentials for context {context!r}: {' '.join(said.split())}",
            hint="log in again with your provider's tool, then check with: kubectl auth whoami",
        )
    named = getattr(loader, "proxy", None)
    if named:  # the kubeconfig's own: NO_PROXY is about the environment's, as for kubectl
        configuration.no_proxy = None
    elif _is_loopback(str(configuration.host)):
        configuration.proxy = None
    _refuse_socks(configuration, f"context {context!r} in {where}" if named else "the environment")
    return Connection(Client(configuration, tls, user_agent=user_agent), context, str(configuration.host))


def connect_in_time(options: ConnectionOptions, *, user_agent: str, run: Run, deadline: Deadline) -> Connection:
    """As `connect`, but given up at a deadline: a credential plugin may wait for a login for as long as it likes.

    Raises `Cancelled` as soon as the run is asked to stop.
    """
    job = Background(lambda: connect(options, user_agent=user_agent), "connect")
    while not deadline.passed():
        run.check()
        with contextlib.suppress(TimeoutError):  # `connect` itself raises none
            return job.result(min(deadline.remaining(), _LOOK))
    raise ClusterUnreachable(
        "could not load the kubeconfig and get its credentials in time",
        hint="does it name a credential plugin that waits for a login? Log in with your provider's tool first, then "
        "check with: kubectl auth whoami\nelse the time is too short: --timeout",
    )


@contextlib.contextmanager
def _passing_folder() -> Iterator[str]:
    """Where the loader writes the certificates and keys that stand in a kubeconfig; nobody else may write there.

    They are gone as soon as they are loaded: no end of frit, not even SIGKILL a moment later, leaves a key behind.
    """
    try:
        folder = tempfile.mkdtemp(prefix="frit-")  # mode 0700, whatever the umask
    except OSError:  # a container whose whole file system is read-only, say
        raise ClusterUnreachable(
            "could not load the kubeconfig's certificates: there is no folder for temporary files",
            hint="set TMPDIR to a folder that frit may write to; an emptyDir of medium Memory will do in a pod",
        ) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tls(configuration: Configuration, whose: str) -> ssl.SSLContext | None:
    try:
        return tls_of(configuration)
    except ValueError as error:
        raise ClusterUnreachable(
            f"could not use the certificates of {whose}: {error}",
            hint="kubectl config view --raw   shows where they come from; log in again, or ask who gave you the file",
        ) from None


def _refuse_socks(configuration: Configuration, whose: str) -> None:
    from kubernetes.client.rest import is_socks_proxy_url, should_bypass_proxies

    if not is_socks_proxy_url(configuration.proxy):
        return
    if should_bypass_proxies(str(configuration.host), configuration.no_proxy or ""):
        return
    raise ClusterUnreachable(
        f"could not use the proxy of {whose}: frit speaks no SOCKS",
        hint="name an HTTP proxy, or none where the server can be reached without one: take away its proxy-url, or for "
        "a proxy of the environment put the server's host into NO_PROXY",
    )


def _is_loopback(url: str) -> bool:
    """Whether a server is on this machine: then a proxy of the environment is not for it, as for kubectl.

    A proxy that the kubeconfig itself names is used all the same. Source: Go's net/http, ProxyFromEnvironment.
    """
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _contexts(merged: KubeConfigMerger) -> tuple[list[str], str]:
    """The names of all contexts, and the current one: of several files the first that says one decides, as for kubectl.

    The official loader takes the last, and refuses files without a current one even where it is not needed.
    """
    from kubernetes.config.config_exception import ConfigException

    if merged.config is None:
        raise ConfigException("there is nothing in it")
    current = next((one["current-context"] for one in merged.config_files.values() if one.get("current-context")), "")
    return sorted(str(one.value["name"]) for one in merged.config.value["contexts"]), str(current)


def _in_cluster(configuration: Configuration, options: ConnectionOptions, user_agent: str) -> Connection:
    from kubernetes.config import incluster_config
    from kubernetes.config.config_exception import ConfigException

    if options.context:
        raise ClusterUnreachable(
            f"could not find context {options.context!r}: there is no kubeconfig, only this pod's service account",
            hint="leave --context out, or name a file with --kubeconfig FILE",
        )
    try:
        incluster_config.load_incluster_config(client_configuration=configuration)
    except ConfigException as error:
        raise ClusterUnreachable(
            f"could not use this pod's service account: {error}", hint="name a file with --kubeconfig FILE"
        ) from None
    tls = _tls(configuration, "this pod's service account")
    return Connection(Client(configuration, tls, user_agent=user_agent), "in-cluster", str(configuration.host))


def _without_content(error: Exception) -> str:
    # the loader quotes whole entries in its messages, keys and tokens too
    return re.sub(r"\{.*\}", "...", _one_line(error))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
