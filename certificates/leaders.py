"""Who leads? The checks on the Leases of controller and cainjector, which work only while they hold theirs.

Source: cert-manager's command-line reference (leader election of 60 s in kube-system unless told otherwise);
Kubernetes documentation, "Leases".
"""

from __future__ import annotations

from datetime import datetime

from base.clock import seconds_text
from certificates.checks import Check, failed, passed, skipped, unknown, warning
from certificates.facts import Facts, Missed
from certificates.presence import CONSEQUENCES
from kube.objects import Object, field, ref_of

TOLERANCE = 3.0
"""Seconds by which the clock of a node may run ahead of the API server's, which is told in whole seconds."""


def leader_name(component: str) -> str:
    """The name of the check of one component's leader."""
    return f"leader-{component}"


def leader_check(facts: Facts, component: str, *, needed: bool = True) -> Check:
    """Whether a component has a leader; one that is not `needed` for the next create gets a warning instead."""
    name = leader_name(component)
    deployment = facts.installation.deployments.get(component)
    if deployment is None or not field(deployment, "spec", "replicas", default=1):
        return skipped(name, f"no {component} runs") if needed else warning(name, f"no {component} runs")
    election = facts.elections[component]
    if not election.namespace:
        return passed(name, f"the {component} runs without leader election")
    lease = facts.leases.get(component)
    if isinstance(lease, Missed):
        return unknown(name, lease)
    title = f"Lease {election.namespace}/{election.name}"
    reason = no_leader(lease, title, ref_of(deployment).name, facts)
    if not reason:
        holder = str(field(lease, "spec", "holderIdentity", default=""))
        return passed(name, f"{holder} holds {title}")
    message = f"the {component} has no leader: {reason}; {CONSEQUENCES[component]}"
    ref = ref_of(deployment)
    log = f"kubectl -n {ref.namespace} logs deployment/{ref.name}"
    hint = f"{log}\nkubectl -n {election.namespace} get lease {election.name} -o yaml"
    if not needed:
        return warning(name, message, hint)
    return failed(name, message, hint, heals=True)


def no_leader(lease: Object | None, title: str, deployment: str, facts: Facts) -> str:
    """Why a Lease shows no working leader, or an empty text."""
    if lease is None:
        return f"{title} does not exist"
    holder = str(field(lease, "spec", "holderIdentity", default=""))
    if not holder:
        return f"nobody holds {title}"
    lasts = float(field(lease, "spec", "leaseDurationSeconds", default=0))
    age = facts.now - renewed_at(lease)
    if age > lasts + TOLERANCE:
        return f"{holder} last renewed {title} {seconds_text(age)} ago, which lasts {seconds_text(lasts)}"
    if _is_gone(holder, deployment, facts):
        return f"{holder} holds {title} and is gone; another can take over in {seconds_text(max(0.0, lasts - age))}"
    return ""


def renewed_at(lease: Object) -> float:
    """When a Lease was renewed last, in seconds since the epoch; 0 where it does not say."""
    text = str(field(lease, "spec", "renewTime", default=""))
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


def _is_gone(holder: str, deployment: str, facts: Facts) -> bool:
    """Whether the holder is a pod of the Deployment that does not exist any more.

    An identity begins with the host name, which is the pod's name unless the pod lives in the host network; so only
    a holder that is named like a pod of this Deployment can be missed.
    """
    if facts.pods is None or not holder.startswith(f"{deployment}-"):
        return False
    return not any(holder.startswith(pod[:63]) for pod in facts.pods)
