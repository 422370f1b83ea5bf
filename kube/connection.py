"""From options to a connection: kubeconfig and context, or the service account of the pod that frit runs in."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from base.errors import ClusterUnreachable
from kube.client import Client

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
    from kubernetes.config import kube_config
    from kubernetes.config.config_exception import ConfigException

    configuration = Configuration()
    configuration.retries = False
    configuration.connection_pool_maxsize = 16
    configured = options.kubeconfig or os.environ.get("KUBECONFIG") or ""
    default = Path("~/.kube/config").expanduser()
    if not configured and not default.exists() and (SERVICE_ACCOUNT / "token").exists():
        return _in_cluster(configuration, options, user_agent)
    where = configured or str(default)
    if not any(Path(one).expanduser().exists() for one in where.split(os.pathsep) if one):
        raise ClusterUnreachable(
            f"could not find a kubeconfig: {where} does not exist",
            hint="name one with --kubeconfig FILE, or set KUBECONFIG",
        )
    heard = _Collected()
    root = logging.getLogger()
    root.addHandler(heard)
    try:
        contexts, active = kube_config.list_kube_config_contexts(config_file=where)
        names = sorted(str(one["name"]) for one in contexts or [])
        context = options.context or str(active["name"])
        if context not in names:
            raise ClusterUnreachable(
                f"could not find context {context!r} in {where}",
                hint="contexts that are there: " + (", ".join(names) or "none"),
            )
        kube_config.load_kube_config(
            config_file=where, context=context, client_configuration=configuration, persist_config=False
        )
    except ConfigException as error:
        raise ClusterUnreachable(
            f"could not read the kubeconfig {where}: {error}",
            hint="kubectl config get-contexts   shows what is there; choose one with --context NAME",
        ) from None
    except ClusterUnreachable:
        raise
    except Exception as error:  # noqa: BLE001 -- the loader lets YAML, base64 and file errors out as they are
        raise ClusterUnreachable(
            f"could not read the kubeconfig {where}: {type(error).__name__}: {_one_line(error)}",
            hint="kubectl config view   shows whether kubectl can read it",
        ) from None
    finally:
        root.removeHandler(heard)
    if heard.messages and not configuration.api_key and not configuration.cert_file:
        raise ClusterUnreachable(
            f"could not get credentials for context {context!r}: {heard.messages[-1]}",
            hint="log in again with your provider's tool, then check with: kubectl auth whoami",
        )
    return Connection(Client(configuration, user_agent=user_agent), context, str(configuration.host))


def _in_cluster(configuration: object, options: ConnectionOptions, user_agent: str) -> Connection:
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
    host = str(configuration.host)  # type: ignore[attr-defined]  # a Configuration of the untyped loader
    return Connection(Client(configuration, user_agent=user_agent), "in-cluster", host)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
