"""The kinds of failure between frit, an API server and its webhooks: what each means, whether waiting helps.

A kind is data. Callers ask for its rule and never compare texts; `failure_rules` finds the kind of a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from base import exits


class Kind(StrEnum):
    """What went wrong, as the report and the messages name it."""

    CERTIFICATE_ROTATION = "certificate-rotation"
    WEBHOOK_NOT_READY = "webhook-not-ready"
    WEBHOOK_UNREACHABLE = "webhook-unreachable"
    API_UNAVAILABLE = "api-unavailable"
    RATE_LIMITED = "rate-limited"
    CONFLICT = "conflict"
    CRD_NOT_ESTABLISHED = "crd-not-established"
    TERMINATING = "terminating"
    DENIED = "denied"
    INVALID = "invalid"
    FORBIDDEN = "forbidden"
    UNAUTHENTICATED = "unauthenticated"
    FIELD_CONFLICT = "field-conflict"
    NOT_FOUND = "not-found"
    ALREADY_EXISTS = "already-exists"
    PERMANENT_CONFIG = "permanent-config"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class KindRule:
    """What a kind of failure means.

    `retry`: whether the same request can succeed later without anybody changing anything. `budget`: the
    seconds that this kind alone is worth waiting for, None for as long as the caller has. `meaning`: one
    sentence. `hint`: what to do next, one step a line. `exit_code`: what frit ends with when this is final.
    `lasts`: where waiting helps, how long it usually takes.
    """

    retry: bool
    budget: float | None
    meaning: str
    hint: str
    exit_code: int
    lasts: str = ""


_RULES: dict[Kind, KindRule] = {
    Kind.CERTIFICATE_ROTATION: KindRule(
        retry=True,
        budget=None,
        meaning="The API server does not trust the certificate that a webhook serves at the moment.",
        hint=(
            "See what injects the CA bundle: kubectl -n cert-manager logs deploy/cert-manager-cainjector\n"
            "See whether the webhook runs: kubectl -n cert-manager get pods\n"
            "If its certificate has expired, restart it: "
            "kubectl -n cert-manager rollout restart deploy/cert-manager-webhook\n"
            "If the certificate is not yet valid, compare the clocks of the nodes."
        ),
        exit_code=exits.CERTIFICATE_WINDOW,
        lasts="usually some seconds, up to a minute while nobody leads cert-manager's cainjector",
    ),
    Kind.WEBHOOK_NOT_READY: KindRule(
        retry=True,
        budget=None,
        meaning="The API server asked a webhook, and nothing behind its Service answers yet.",
        hint=(
            "See whether the webhook's pods run and are ready: kubectl get pods -A | grep webhook\n"
            "See whether its Service has addresses: kubectl get endpointslices -A | grep webhook\n"
            "A configuration left behind by an uninstalled product has no Service: "
            "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"
        ),
        exit_code=exits.NOT_READY,
        lasts="until the webhook's pods are ready, usually within a minute",
    ),
    Kind.WEBHOOK_UNREACHABLE: KindRule(
        retry=True,
        budget=30.0,
        meaning="The API server's connection to a webhook gets no answer: the network between them drops it.",
        hint=(
            "Let the control plane reach the webhook's port on the nodes (10250 for cert-manager): "
            "private clusters need a firewall or security-group rule for it.\n"
            "Where the control plane is not part of the pod network, run the webhook in the host network.\n"
            "If the API server uses a proxy, put .svc and the Service range into its NO_PROXY.\n"
            "On clusters with Konnectivity see whether its agents run: kubectl -n kube-system get pods"
        ),
        exit_code=exits.NOT_READY,
        lasts="some seconds while endpoints change; after that it is the network",
    ),
    Kind.API_UNAVAILABLE: KindRule(
        retry=True,
        budget=None,
        meaning="The API server, or something it needs, does not answer at the moment.",
        hint=(
            "See what the API server lacks: kubectl get --raw '/readyz?verbose'\n"
            "See whether an aggregated API is down: kubectl get apiservices"
        ),
        exit_code=exits.NOT_READY,
        lasts="usually seconds, some minutes while a control plane is replaced",
    ),
    Kind.RATE_LIMITED: KindRule(
        retry=True,
        budget=None,
        meaning="Too many requests are in flight, and the server asks to come back later.",
        hint="See what is throttled: kubectl get --raw /debug/api_priority_and_fairness/dump_priority_levels",
        exit_code=exits.NOT_READY,
        lasts="as long as the server asks for, usually some seconds",
    ),
    Kind.CONFLICT: KindRule(
        retry=True,
        budget=None,
        meaning="Somebody else changed the object between reading and writing it.",
        hint="See who writes to the object: kubectl get KIND NAME -o yaml --show-managed-fields",
        exit_code=exits.NOT_READY,
        lasts="at once, after the object was read again",
    ),
    Kind.CRD_NOT_ESTABLISHED: KindRule(
        retry=True,
        budget=60.0,
        meaning="The API server does not serve this kind of object (yet).",
        hint=(
            "See whether the custom resource definition is there and Established: kubectl get crds\n"
            "See what stops it: kubectl describe crd NAME"
        ),
        exit_code=exits.NOT_READY,
        lasts="seconds after the definition was applied; without the definition, forever",
    ),
    Kind.TERMINATING: KindRule(
        retry=True,
        budget=120.0,
        meaning="What is written to, or the namespace around it, is being deleted.",
        hint=(
            "See what holds the deletion up: kubectl get namespace NAME -o jsonpath='{.status.conditions}'\n"
            "Usually it is an object whose finalizer nobody serves any more."
        ),
        exit_code=exits.NOT_READY,
        lasts="until the deletion is through, usually seconds; with a stuck finalizer, forever",
    ),
    Kind.DENIED: KindRule(
        retry=False,
        budget=None,
        meaning="An admission policy of the cluster refused the object.",
        hint="The message names the policy and why: change the object, or ask the policy's owner.",
        exit_code=exits.REFUSED,
    ),
    Kind.INVALID: KindRule(
        retry=False,
        budget=None,
        meaning="The API server cannot accept the object or the request as it is.",
        hint="The message names the fields. See what is allowed: kubectl explain KIND.FIELD",
        exit_code=exits.REFUSED,
    ),
    Kind.FORBIDDEN: KindRule(
        retry=False,
        budget=None,
        meaning="The API server knows who asks, and that user may not do this.",
        hint=(
            "See as whom you are known: kubectl auth whoami\n"
            "See what you may do: kubectl auth can-i --list\n"
            "Use another context, or ask a cluster administrator for the permission that the message names."
        ),
        exit_code=exits.REFUSED,
    ),
    Kind.UNAUTHENTICATED: KindRule(
        retry=False,
        budget=None,
        meaning="The API server does not accept the credentials, or there are none.",
        hint=(
            "See whether your credentials work at all: kubectl auth whoami\n"
            "Log in again (an expired token or certificate looks like this), or choose another --context."
        ),
        exit_code=exits.UNREACHABLE,
    ),
    Kind.FIELD_CONFLICT: KindRule(
        retry=False,
        budget=None,
        meaning="Another field manager owns fields that this apply would change.",
        hint=(
            "The message names the managers and fields. Decide who shall own them:\n"
            "kubectl get KIND NAME -o yaml --show-managed-fields"
        ),
        exit_code=exits.REFUSED,
    ),
    Kind.NOT_FOUND: KindRule(
        retry=False,
        budget=None,
        meaning="The object, or its namespace, does not exist.",
        hint="Check the name, the namespace and the context: kubectl config current-context",
        exit_code=exits.REFUSED,
    ),
    Kind.ALREADY_EXISTS: KindRule(
        retry=False,
        budget=None,
        meaning="An object of this name exists already.",
        hint="Look at it before deciding what to do: kubectl get KIND NAME -o yaml",
        exit_code=exits.REFUSED,
    ),
    Kind.PERMANENT_CONFIG: KindRule(
        retry=False,
        budget=None,
        meaning="The way to the API server is configured wrongly; waiting cannot change that.",
        hint=(
            "Check server address and certificate-authority of the context: kubectl config view --minify\n"
            "Check HTTPS_PROXY and NO_PROXY, and the clock of this machine."
        ),
        exit_code=exits.UNREACHABLE,
    ),
    Kind.UNKNOWN: KindRule(
        retry=False,
        budget=None,
        meaning="frit does not recognise this failure.",
        hint="Try the same request with kubectl -v=6, and read the API server's log if you can.",
        exit_code=exits.CANNOT_TELL,
    ),
}

KINDS: Final[Mapping[Kind, KindRule]] = MappingProxyType(_RULES)
"""The rule of every kind."""

ANSWERED: Final[Mapping[Kind, KindRule]] = MappingProxyType(
    {
        Kind.PERMANENT_CONFIG: replace(
            _RULES[Kind.PERMANENT_CONFIG],
            meaning="Something in the cluster is configured wrongly; waiting cannot change that.",
            hint="The message says what does not fit. If it names a webhook, look at its configuration:\n"
            "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o yaml",
            exit_code=exits.REFUSED,
        )
    }
)
"""What differs once the API server itself has answered: then the cluster was reached, and it refused."""

UNANSWERED: Final[Mapping[Kind, KindRule]] = MappingProxyType(
    {
        Kind.API_UNAVAILABLE: replace(
            _RULES[Kind.API_UNAVAILABLE],
            meaning="Nobody answers at the API server's address, or the connection to it breaks.",
            hint="Check server address and context: kubectl config view --minify\n"
            "Does kubectl reach it? kubectl get --raw /readyz\n"
            "Does the cluster run, and does the way to it (VPN, tunnel, proxy) hold?",
            exit_code=exits.UNREACHABLE,
        )
    }
)
"""What differs while no API server has answered: then the cluster was not reached."""
