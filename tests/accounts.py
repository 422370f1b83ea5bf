"""Connections with few rights: a kubeconfig of a service account on the test cluster."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.cluster import Cluster
from tests.conftest import Kubectl


def kubeconfig_of(cluster: Cluster, kubectl: Kubectl, namespace: str, account: str, folder: Path) -> Path:
    """Write a kubeconfig with a fresh token of a service account; it is created where it does not exist."""
    kubectl("-n", namespace, "create", "serviceaccount", account, check=False)  # it may be there from an earlier test
    token = kubectl("-n", namespace, "create", "token", account).strip()
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"] = [{"name": account, "user": {"token": token}}]
    where = {"cluster": config["clusters"][0]["name"], "user": account, "namespace": namespace}
    config["contexts"] = [{"name": account, "context": where}]
    config["current-context"] = account
    path = folder / f"{namespace}-{account}.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    return path
