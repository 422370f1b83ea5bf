"""etcd, API server, controller manager and scheduler: how each is started inside the sandbox."""

from __future__ import annotations

import json
from pathlib import Path

from . import components, network, pki
from .sandbox import INSIDE, Sandbox

AUDIT_LOG = "audit.log"
API_PORT = 6443

# Every request once it is answered, and a watch when it begins too: a watch may last longer than the cluster.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}

_PKI = INSIDE / "pki"


def write_pki(sandbox: Sandbox, addresses: network.Addresses, node_name: str) -> Path:
    """Makes the authority, all certificates and all kubeconfigs; gives back the administrator's kubeconfig."""
    authority = pki.Authority(sandbox.folder / "pki")
    authority.issue(
        "apiserver",
        "kube-apiserver",
        hosts=(
            addresses.node,
            network.API_SERVICE_ADDRESS,
            "127.0.0.1",
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ),
    )
    authority.issue("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
    authority.issue("kubelet-serving", f"system:node:{node_name}", "system:nodes", (addresses.node, node_name))
    authority.key_pair("service-accounts")
    server = f"https://{addresses.node}:{API_PORT}"
    for name, user, group in (
        ("controller-manager", "system:kube-controller-manager", None),
        ("scheduler", "system:kube-scheduler", None),
        ("kube-proxy", "system:kube-proxy", None),
        ("kubelet", f"system:node:{node_name}", "system:nodes"),
    ):
        client = authority.issue(name, user, group)
        target = sandbox.folder / "pki" / f"{name}.kubeconfig"
        pki.kubeconfig(target, server, authority.pair.certificate, client, name)
    admin = authority.issue("admin", "frit-test-admin", "system:masters")
    return pki.kubeconfig(
        sandbox.folder / "kubeconfig",
        server,
        authority.pair.certificate,
        admin,
        f"frit-{sandbox.folder.name}",
    )


def start_etcd(sandbox: Sandbox) -> None:
    url = "http://127.0.0.1:2379"
    components.launch(
        sandbox,
        "etcd",
        "etcd",
        f"--data-dir={INSIDE}/etcd",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--logger=zap",
        "--log-level=warn",
    )


def start_api_server(sandbox: Sandbox, binaries: Path, addresses: network.Addresses) -> None:
    policy = sandbox.folder / "audit-policy.json"
    policy.write_text(json.dumps(AUDIT_POLICY) + "\n")
    components.launch(
        sandbox,
        "kube-apiserver",
        f"{binaries}/kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        f"--bind-address={addresses.node}",
        f"--advertise-address={addresses.node}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={network.SERVICE_NETWORK}",
        f"--client-ca-file={_PKI}/ca.crt",
        f"--tls-cert-file={_PKI}/apiserver.crt",
        f"--tls-private-key-file={_PKI}/apiserver.key",
        f"--kubelet-client-certificate={_PKI}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={_PKI}/apiserver-kubelet-client.key",
        f"--kubelet-certificate-authority={_PKI}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--service-account-key-file={_PKI}/service-accounts.pub",
        f"--service-account-signing-key-file={_PKI}/service-accounts.key",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--audit-policy-file={INSIDE}/{policy.name}",
        f"--audit-log-path={INSIDE}/{AUDIT_LOG}",
        # Blocking: a request's line is there as soon as it is answered. Big enough never to rotate under a reader.
        "--audit-log-mode=blocking",
        "--audit-log-maxsize=10000",
        "--allow-privileged=true",
        "--profiling=false",
    )


def start_controller_manager(sandbox: Sandbox, binaries: Path) -> None:
    components.launch(
        sandbox,
        "kube-controller-manager",
        f"{binaries}/kube-controller-manager",
        f"--kubeconfig={_PKI}/controller-manager.kubeconfig",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        # Its 40 controllers start one after the other, each with a few requests: the default limit of 20 a second
        # is what a start waits for.
        "--kube-api-qps=1000",
        "--kube-api-burst=1000",
        f"--service-account-private-key-file={_PKI}/service-accounts.key",
        f"--root-ca-file={_PKI}/ca.crt",
        f"--cluster-signing-cert-file={_PKI}/ca.crt",
        f"--cluster-signing-key-file={_PKI}/ca.key",
        "--bind-address=127.0.0.1",
        "--profiling=false",
    )


def start_scheduler(sandbox: Sandbox, binaries: Path) -> None:
    components.launch(
        sandbox,
        "kube-scheduler",
        f"{binaries}/kube-scheduler",
        f"--kubeconfig={_PKI}/scheduler.kubeconfig",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--profiling=false",
    )
