"""Next steps for causes that deserve a better one than their kind's: one step a line."""

from __future__ import annotations

from typing import Final

WEBHOOK_NAMES: Final = (
    "The webhook's certificate is for other names than the Service that is called.\n"
    "See who answers on that port: on Fargate or in the host network it can be the kubelet (10250); "
    "give the webhook another securePort.\n"
    "A service mesh that ends TLS on the webhook's port looks like this too: exclude the port."
)
WEBHOOK_CERTIFICATE: Final = (
    "The webhook's certificate can never be trusted as it is. If cert-manager issues it, delete the Secret "
    "that holds it and restart the webhook; otherwise correct how it is made."
)
WEBHOOK_NO_CERTIFICATE: Final = (
    "The webhook has no certificate to serve yet. Read its log: "
    "kubectl -n cert-manager logs deploy/cert-manager-webhook"
)
WEBHOOK_CLIENT_CERTIFICATE: Final = (
    "The webhook wants a client certificate that the API server does not present. Switch the webhook's "
    "client verification off, or give the API server a certificate (--admission-control-config-file)."
)
WEBHOOK_TLS: Final = (
    "What answers on the webhook's port does not speak the TLS that the API server expects.\n"
    "Check the port in the webhook's Service, a service mesh in between, and the webhook's TLS version."
)
WEBHOOK_ADDRESS: Final = (
    "The control plane may not connect to pod addresses. On a managed control plane with an overlay network, "
    "run the webhook in the host network on a free port."
)
WEBHOOK_PROXY: Final = (
    "A proxy answered instead of the webhook. Put .svc, .cluster.local and the ranges of Services and pods "
    "into NO_PROXY of the API server, and restart it."
)
WEBHOOK_CONTRACT: Final = (
    "Webhook and webhook configuration do not fit together: often they are of different versions.\n"
    "Compare service, port, path and caBundle: "
    "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o yaml"
)
QUOTA: Final = "See what is used and allowed: kubectl -n NAMESPACE describe resourcequota"
POD_SECURITY: Final = (
    "See the level that the namespace enforces: kubectl get namespace NAME --show-labels "
    "(pod-security.kubernetes.io/enforce)"
)
ETCD_SPACE: Final = "etcd is full and read-only: its operator has to compact, defragment and disarm the NOSPACE alarm."
TOO_LARGE: Final = "The object is larger than etcd takes (1.5 MiB by default): make it smaller or split it."
NOT_TLS: Final = "The other side does not speak TLS as expected: check scheme, port and proxy of the server's address."
PROXY: Final = (
    "A proxy stands between frit and the API server and does not let it through.\n"
    "Put the server's host into NO_PROXY, or correct HTTPS_PROXY."
)
NOT_AN_API_SERVER: Final = (
    "Something that is no API server answered: a proxy, a login page, a load balancer.\n"
    "Check the server's address (kubectl config view --minify), HTTPS_PROXY and NO_PROXY."
)
SERVER_NAMES: Final = (
    "The API server's certificate is for other names or addresses than the one in the kubeconfig.\n"
    "Use an address that the certificate names, or set tls-server-name for the cluster in the kubeconfig."
)
SERVER_CLOCK: Final = (
    "Compare the clock of this machine with the real time: date -u\n"
    "If the clock is right, the API server's certificate has to be renewed."
)
SERVER_TRUST: Final = (
    "The API server's certificate is not signed by the certificate-authority of the context: the kubeconfig "
    "is of another or an older cluster, or a proxy opens the TLS connection.\n"
    "Get a new kubeconfig; put the server's host into NO_PROXY."
)
SERVER_ADDRESS: Final = (
    "The server's address in the kubeconfig cannot be reached from here: kubectl config view --minify\n"
    "Is a VPN needed? Does the name resolve? Is the cluster still there?"
)
KUBECONFIG_FILES: Final = (
    "A certificate or key that the kubeconfig names is missing or damaged: kubectl config view --minify"
)
CLIENT_CERTIFICATE: Final = (
    "The server does not accept the kubeconfig's client certificate (missing, expired, or of another CA).\n"
    "Get new credentials, then: kubectl auth whoami"
)
LOGIN: Final = (
    "The program that provides the credentials is missing or failed. Run kubectl auth whoami to see "
    "its message; install it, or log in again."
)
CREDENTIAL_TEXT: Final = (
    "The token holds a character that no header can carry, often a line break at its end: correct its file."
)
NO_KUBECONFIG: Final = (
    "No usable kubeconfig was loaded. Give one with --kubeconfig or KUBECONFIG, and choose a context: "
    "kubectl config get-contexts"
)
CANCELLED: Final = "The caller was stopped before it sent the request: look for what stopped it, a signal or a failure."
HELM_OWNS: Final = (
    "The objects exist already and do not belong to this Helm release. See who made them: "
    "kubectl get KIND NAME -o yaml --show-managed-fields"
)
CLIENT_SCHEME: Final = (
    "The tool that printed this is too old or too new for the API version: update the tool or the manifest."
)
SIGNER: Final = "The signer behind the Issuer refused: correct the request, or what the signer allows."
