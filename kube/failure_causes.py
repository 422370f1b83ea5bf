"""Causes that deserve a better explanation than their kind's: what happened, what to do, how long it lasts."""

from __future__ import annotations

from typing import Final

from kube.failure_table import Why

_CONFIGURATIONS: Final = "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"
_INJECTOR: Final = (
    "If cert-manager injects the CA bundle, see its log: kubectl -n cert-manager logs deploy/cert-manager-cainjector"
)

# The API server about a webhook's certificate.
STALE_BUNDLE: Final = Why(
    "The CA bundle that the API server trusts for this webhook is stale: it holds a CA of the same name, but another "
    "one has signed the certificate that the webhook serves.",
    f"{_INJECTOR}\n"
    "If a product brings its own bundle, install or upgrade it again, so that certificate and bundle are of one make.",
)
BUNDLE_NO_CA: Final = Why(
    "The CA bundle that the API server trusts for this webhook holds a certificate that cannot sign the one that the "
    "webhook serves.",
    f"{_INJECTOR}\n"
    "A bundle with a serving certificate instead of a CA never fits after the next renewal: correct how it is made.",
)
OTHER_BUNDLE: Final = Why(
    "The CA bundle that the API server trusts for this webhook is still empty, or is of another CA.",
    f"{_INJECTOR}\nSee what the configuration trusts: {_CONFIGURATIONS} -o yaml",
)
EXPIRED: Final = Why(
    "The certificate that the webhook serves has expired: nobody renewed it in time.",
    "Restart the webhook, which makes a new one where it makes its own: "
    "kubectl -n cert-manager rollout restart deploy/cert-manager-webhook\n"
    "Otherwise see why it is not renewed: kubectl get certificates -A",
    "until the certificate is renewed; where that takes longer than a minute, somebody has to help",
)
NOT_YET_VALID: Final = Why(
    "The certificate that the webhook serves is not valid yet by the API server's clock.",
    "Compare the clocks of the nodes: the webhook's is ahead of the control plane's.",
    "as long as the clocks differ",
)
BUNDLE_NO_PEM: Final = Why(
    "The CA bundle in the webhook's configuration is a placeholder and no certificate: nobody has filled it yet.",
    f"{_INJECTOR}\nSee what stands there: {_CONFIGURATIONS} -o yaml",
)
WEBHOOK_NAMES: Final = Why(
    "The webhook's certificate is for other names than the Service that is called.",
    "See who answers on that port: on Fargate or in the host network it can be the kubelet (10250); "
    "give the webhook another securePort.\n"
    "A service mesh that ends TLS on the webhook's port looks like this too: exclude the port.",
)
WEBHOOK_CERTIFICATE: Final = Why(
    "The webhook's certificate can never be trusted as it is.",
    "If cert-manager issues it, delete the Secret that holds it and restart the webhook; otherwise correct how it is "
    "made.",
)
PEER_REFUSED: Final = Why(
    "A caller of this webhook, usually the API server, does not trust the certificate that it serves.",
    _INJECTOR,
)

# The API server about the way to a webhook.
NO_CERTIFICATE: Final = Why(
    "The webhook has no certificate to serve yet.",
    "Read its log: kubectl -n cert-manager logs deploy/cert-manager-webhook",
)
CLIENT_VERIFICATION: Final = Why(
    "The webhook wants a client certificate that the API server does not present.",
    "Switch the webhook's client verification off, or give the API server a certificate "
    "(--admission-control-config-file).",
)
WEBHOOK_TLS: Final = Why(
    "What answers on the webhook's port does not speak the TLS that the API server expects.",
    "Check the port in the webhook's Service, a service mesh in between, and the webhook's TLS version.",
)
WEBHOOK_ADDRESS: Final = Why(
    "The control plane may not connect to pod addresses.",
    "On a managed control plane with an overlay network, run the webhook in the host network on a free port.",
)
WEBHOOK_PROXY: Final = Why(
    "A proxy answered instead of the webhook.",
    "Put .svc, .cluster.local and the ranges of Services and pods into NO_PROXY of the API server, and restart it.",
)
WEBHOOK_CONTRACT: Final = Why(
    "Webhook and webhook configuration do not fit together: often they are of different versions.",
    f"Compare service, port, path and caBundle: {_CONFIGURATIONS} -o yaml",
)
NO_DRY_RUN: Final = Why(
    "The request is a dry run, and this webhook does not promise to be free of side effects.",
    "Send it without --dry-run=server, or have the webhook's owner set sideEffects: None in its configuration.",
)
BAD_PATCH: Final = Why(
    "A mutating webhook answered with a patch that does not fit the object.",
    f"See which webhooks change such objects, and read their logs: {_CONFIGURATIONS}",
)
NO_ENDPOINTS: Final = Why(
    "The webhook's Service has no ready pod behind it.",
    "See whether its pods run and are ready: kubectl -n NAMESPACE get pods,endpointslices\n"
    "The message names the Service; its namespace is the second part of the host name.",
)
NO_SERVICE: Final = Why(
    "The Service that the webhook's configuration names does not exist.",
    f"A configuration left behind by an uninstalled product blocks every request that it covers: {_CONFIGURATIONS}\n"
    "Delete that configuration, or install the product again.",
    "only while the product is being installed; a configuration left behind never heals by itself",
)
REFUSED: Final = Why("Nothing listens at the webhook's address: its pod does not run, or is not ready yet.")
BROKE: Final = Why("The connection to the webhook broke: its pod restarts, crashes, or is being replaced.")
BETWEEN_BROKE: Final = Why("Something between the API server and the webhook answered that it cannot reach it.")
WEBHOOK_ERROR: Final = Why(
    "The webhook itself answered with a server error.", "Read the webhook's log: it crashed over this request."
)
WEBHOOK_BUSY: Final = Why("The webhook answered that it is overloaded, or a server that it asked is.")
NO_ROUTE: Final = Why("The API server has no route to the webhook's address.")
NO_NAME: Final = Why("The API server cannot resolve the name of the webhook's host.")
NO_AGENT: Final = Why(
    "The control plane's tunnel into the cluster is down: no agent is connected.",
    "See whether the Konnectivity agents run: kubectl -n kube-system get pods",
    "until an agent connects, usually seconds after its pod runs",
)

# The API server about requests.
POLICY: Final = Why("A ValidatingAdmissionPolicy of the cluster refused the object.")
PLUGIN: Final = Why("An admission plugin of the API server refused the object.")
QUOTA: Final = Why(
    "A resource quota of the namespace refused the object.",
    "See what is used and allowed: kubectl -n NAMESPACE describe resourcequota",
)
QUOTA_NOT_COUNTED: Final = Why(
    "A resource quota of the namespace is so new that nobody has counted yet what is used.",
    "If it stays so, see whether kube-controller-manager runs, and: kubectl -n NAMESPACE describe resourcequota",
    "usually a second or two",
)
STARTING: Final = Why(
    "The API server has just started, and its admission does not know the cluster's objects yet.",
    lasts="usually seconds",
)
DISRUPTION: Final = Why(
    "A disruption budget does not allow to take this pod away now.",
    "See which, and how many pods it wants healthy: kubectl -n NAMESPACE get poddisruptionbudgets",
    "until enough other pods are healthy; where the budget allows none to be away, forever",
)
LIMITS: Final = Why(
    "The limits of the namespace refused the object.",
    "See what is allowed: kubectl -n NAMESPACE describe limitrange",
)
POD_SECURITY: Final = Why(
    "The pod security level of the namespace refused the pod.",
    "See the level that the namespace enforces: kubectl get namespace NAME --show-labels "
    "(pod-security.kubernetes.io/enforce)",
)
NO_ACCOUNT: Final = Why(
    "The pod's service account does not exist.",
    "Create it, or name another one. In a namespace that was just created, the default account appears within seconds.",
)
ESCALATION: Final = Why(
    "Whoever grants permissions has to hold them, and this user does not.",
    "Have somebody with these permissions (cluster-admin) apply it, or grant the verbs escalate and bind.",
)
ETCD_SPACE: Final = Why(
    "etcd is full and read-only.", "Its operator has to compact, defragment and disarm the NOSPACE alarm."
)
NO_SERVICE_ADDRESS: Final = Why(
    "The API server has no free address for a Service: it has just started and does not know its ranges yet, or they "
    "are used up.",
    "See the ranges: kubectl get servicecidrs; and what uses them: kubectl get ipaddresses\n"
    "Remove Services that nobody needs, or have the cluster's operator add a ServiceCIDR.",
    lasts="seconds after a start of the API server; with ranges that are used up, until somebody makes room",
)
TOO_LARGE: Final = Why(
    "The object is larger than etcd takes (1.5 MiB by default).", "Make the object smaller, or split it."
)
ETCD: Final = Why(
    "etcd, which stores the API server's objects, does not answer: it elects a leader, is overloaded, or is away.",
    "See whether etcd is well: kubectl get --raw '/readyz?verbose'",
)
AGGREGATED: Final = Why(
    "The API server hands this API group on to another server, and that one does not answer.",
    "See which it is, and its Service: kubectl get apiservices | grep False\n"
    "If nobody needs it any more, delete the APIService.",
    "until that server is ready; an APIService left behind never heals by itself",
)
KUBELET: Final = Why(
    "The API server cannot reach the kubelet of a node (logs, exec, port-forward).",
    "See whether the node is ready, and whether the control plane reaches its port 10250: kubectl get nodes -o wide",
)
KUBELET_TLS: Final = Why(
    "The API server does not trust the certificate of a kubelet.",
    "Approve the node's serving certificate (kubectl get csr), or correct the API server's "
    "--kubelet-certificate-authority.",
)
SLOW: Final = Why("The request took longer than its time limit; it may have been carried out all the same.")

# Clients about their talk with the API server.
NOT_TLS: Final = Why(
    "The other side does not speak TLS as expected.",
    "The other side does not speak TLS as expected: check scheme, port and proxy of the server's address.",
)
PROXY: Final = Why(
    "A proxy stands between the client and the API server and does not let it through.",
    "Put the server's host into NO_PROXY, or correct HTTPS_PROXY or the kubeconfig's proxy-url.",
)
NOT_AN_API_SERVER: Final = Why(
    "Something that is no API server answered: a proxy, a login page, a load balancer.",
    "Check the server's address (kubectl config view --minify), HTTPS_PROXY and NO_PROXY.",
)
SERVER_NAMES: Final = Why(
    "The API server's certificate is for other names or addresses than the one in the kubeconfig.",
    "Use an address that the certificate names, or set tls-server-name for the cluster in the kubeconfig.",
)
SERVER_CLOCK: Final = Why(
    "The API server's certificate has expired or is not valid yet, by the client's clock.",
    "Compare the clock of this machine with the real time: date -u\n"
    "If the clock is right, the API server's certificate has to be renewed.",
)
SERVER_TRUST: Final = Why(
    "The API server's certificate is not signed by the certificate-authority of the context: the kubeconfig "
    "is of another or an older cluster, or a proxy opens the TLS connection.",
    "Get a new kubeconfig; put the server's host into NO_PROXY.",
)
SERVER_ADDRESS: Final = Why(
    "The server's address in the kubeconfig cannot be reached from here.",
    "See the address: kubectl config view --minify\n"
    "Is a VPN needed? Does the name resolve? Is the cluster still there?",
)
KUBECONFIG_FILES: Final = Why(
    "A certificate or key that the kubeconfig names is missing or damaged.", "See them: kubectl config view --minify"
)
CLIENT_CERTIFICATE: Final = Why(
    "The server does not accept the kubeconfig's client certificate (missing, expired, or of another CA).",
    "Get new credentials, then: kubectl auth whoami",
)
LOGIN: Final = Why(
    "The program that provides the credentials is missing or failed.",
    "Run kubectl auth whoami to see its message; install it, update it, or log in again.",
)
TOKEN: Final = Why(
    "The API server does not accept the token: it has expired, or was issued for another cluster.",
    "Log in again, or get a new token, then: kubectl auth whoami",
)
CREDENTIAL_TEXT: Final = Why(
    "The token holds a character that no header can carry, often a line break at its end.", "Correct the token's file."
)
NO_KUBECONFIG: Final = Why(
    "No usable kubeconfig was loaded.",
    "Give one with --kubeconfig or KUBECONFIG, and choose a context: kubectl config get-contexts",
)
CANCELLED: Final = Why(
    "The caller was stopped before it sent the request.",
    "Look for what stopped it: a signal, or a failure before this one.",
)
GAVE_UP: Final = Why(
    "A tool waited for something that did not become ready, and does not say why.",
    "See what is not ready: kubectl get pods -A, kubectl get events -A --sort-by=.lastTimestamp",
)
CLIENT_REFUSED: Final = Why("Nothing listens at the API server's address.")
NO_HOST: Final = Why("The name of the API server's host cannot be resolved at the moment.")
HELM_OWNS: Final = Why(
    "The objects exist already and do not belong to this Helm release.",
    "See who made them: kubectl get KIND NAME -o yaml --show-managed-fields",
)
CLIENT_SCHEME: Final = Why(
    "The tool that printed this does not know the API version.",
    "The tool is too old or too new for it: update the tool or the manifest.",
)
HELM_NO_RELEASE: Final = Why(
    "Helm has no release of that name in this namespace, or none that was ever deployed.",
    "See what there is: helm list --all --all-namespaces",
)
HELM_BUSY: Final = Why(
    "Another Helm operation on this release runs, or one was killed in the middle.",
    "See which: helm history RELEASE\nIf nothing runs any more: helm rollback RELEASE",
    "until the other operation ends; if it was killed, forever",
)
CHART_VERSION: Final = Why(
    "The chart is not made for this version of Kubernetes.",
    "Choose another version of the chart, or upgrade the cluster.",
)
REMOVED_API: Final = Why(
    "The cluster does not serve this version of a built-in API (any more): it was removed, or is newer than the "
    "cluster.",
    "See what it serves: kubectl api-versions\nThen change apiVersion in the manifest, or upgrade the chart.",
)
MANIFEST: Final = Why("The manifest is no valid YAML or JSON.", "The message names the line: correct it.")
CLIENT_CHECK: Final = Why("The client compared the manifest with the API's schema, and it does not fit.")
SIGNER: Final = Why("The signer behind the Issuer refused.", "Correct the request, or what the signer allows.")
SIGNER_LIMIT: Final = Why(
    "The ACME server's limit of certificates or requests is used up, for hours or days.",
    "See which limit the message names; use the ACME server's staging address for tests.",
)
SIGNER_AWAY: Final = Why("The signer behind the Issuer does not work at the moment.")
ELSEWHERE_TRUST: Final = Why(
    "The certificate of a server outside of the Kubernetes API (registry, chart repository, ACME server) is not "
    "trusted, or is for another name.",
    "Give whoever asked (kubelet, Helm, Issuer) the CA of that server.",
)
ELSEWHERE_AWAY: Final = Why(
    "A server outside of the Kubernetes API (registry, chart repository, ACME server) does not answer at the moment.",
    "The message names it: does the name resolve, and does the way there (proxy, firewall) hold?",
    "as long as that server, or the way to it, is down",
)
ELSEWHERE_REFUSED: Final = Why(
    "A server outside of the Kubernetes API (registry, repository, ACME server) refused.",
    "The message names it and why: correct the name or the credentials, or ask its owner.",
)
IMAGE: Final = Why(
    "The kubelet cannot pull an image, and tries again in growing intervals.",
    "See why, in the pod's events: kubectl -n NAMESPACE describe pod POD",
)
CRASHING: Final = Why(
    "A container ends again and again, and is started again in growing intervals.",
    "See its last words: kubectl -n NAMESPACE logs POD --all-containers --previous",
)
UNSCHEDULABLE: Final = Why(
    "No node can take the pod.",
    "The message says what each node lacks; see what they have: kubectl describe nodes",
)
VOLUME: Final = Why(
    "A pod waits for a Secret or ConfigMap that does not exist.",
    "Create it, or see who should: kubectl -n NAMESPACE get certificates,events",
)
LEASE_LOST: Final = Why(
    "A controller gave up leading because it could not renew its lease in time: the API server was slow or away.",
    "It starts again by itself; look for failures of the minute before.",
)
CLIENT_LIMIT: Final = Why(
    "The client holds its own requests back, by its limit of requests per second.",
    "Give it more time, or raise its limit where it has an option for that (--kube-api-qps, --kube-api-burst).",
    "as long as the client has more to send than its limit lets through",
)
PROBE: Final = Why(
    "The kubelet's probe found nobody who listens or answers in a container: it still starts, or hangs.",
    "Read the container's log: kubectl -n NAMESPACE logs POD --all-containers",
    "until the container has started",
)
ETCD_TRUST: Final = Why(
    "A gRPC client, usually the API server as a client of etcd, does not trust the certificate of its server.",
    "See when etcd's certificates end: kubeadm certs check-expiration",
)
HANG_UP: Final = Why(
    "A caller ended the connection during the TLS handshake.",
    "Probes and load balancers do that; alone it means nothing. Look for other failures of the same minute.",
)
