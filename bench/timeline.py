"""Where the seconds of one bootstrap go: the moments that matter, as the API server's audit log tells them.

Run as ``python -m bench.timeline``; what follows ``--`` are further options of frit. Nobody polls meanwhile.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import tests.cluster
from bench import measure
from bench.contestants import frit_command, frit_program, programs
from bench.session import CLUSTER, say
from tests.cluster import Cluster, audit, clean, releases

SETTLE_SECONDS = 2.5
"""After frit has ended: its probes that hung are in the log only once the API server gives them up."""


@dataclass(frozen=True)
class Moment:
    """A milestone: which requests show it, and whether the first or the last of them counts.

    `agent` begins the user agent, `name` is part of the object's name, `code` 0 means any; it is the time of the
    answer unless `begun`.
    """

    title: str
    agent: str = "frit/"
    verb: str = ""
    resource: str = ""
    name: str = ""
    code: int = 0
    last: bool = False
    begun: bool = False


_KUBELET, _INJECTOR = "kubelet/", "cert-manager-cainjector/"
_CONFIGURATIONS = "admissionregistration.k8s.io"
MOMENTS = (
    Moment("frit's first request", begun=True),
    Moment("namespace created", verb="patch", resource="namespaces"),
    Moment("webhook's Deployment accepted", verb="patch", resource="deployments.apps", name="webhook"),
    Moment(
        "last definition accepted",
        verb="patch",
        resource="customresourcedefinitions.apiextensions.k8s.io",
        name="cert-manager.io",
        last=True,
    ),
    Moment(
        "webhook configurations accepted", verb="patch", resource=f"validatingwebhookconfigurations.{_CONFIGURATIONS}"
    ),
    Moment(
        "webhook's pod bound to a node", agent="kube-scheduler/", verb="create", resource="pods/binding", name="webhook"
    ),
    Moment("kubelet refused the pod's ConfigMap (comes back later)", agent=_KUBELET, resource="configmaps", code=403),
    Moment("webhook's Service accepted", verb="patch", resource="services", name="cert-manager-webhook"),
    Moment("webhook's first request", agent="webhook/", begun=True),
    Moment("CA Secret created", agent="webhook/", verb="create", resource="secrets"),
    Moment("cainjector refused (comes back later)", agent=_INJECTOR, code=429),
    Moment(
        "mutating bundle filled in",
        agent=_INJECTOR,
        verb="patch",
        resource=f"mutatingwebhookconfigurations.{_CONFIGURATIONS}",
    ),
    Moment(
        "validating bundle filled in",
        agent=_INJECTOR,
        verb="patch",
        resource=f"validatingwebhookconfigurations.{_CONFIGURATIONS}",
    ),
    Moment(
        "kubelet reported the webhook ready",
        agent=_KUBELET,
        verb="patch",
        resource="pods/status",
        name="webhook",
        last=True,
    ),
    Moment(
        "webhook's endpoint published",
        agent="kube-controller-manager/",
        verb="update",
        resource="endpointslices.discovery.k8s.io",
        name="cert-manager-webhook",
        last=True,
    ),
    Moment("first probe admitted", verb="create", resource="certificaterequests.cert-manager.io", code=201),
    Moment("last request answered", last=True),
)


@dataclass(frozen=True)
class Found:
    """A milestone that was met: seconds from the start of frit's process, and by how many requests it was shown."""

    title: str
    seconds: float
    count: int


def milestones(events: Iterable[dict[str, Any]], start: float, moments: Sequence[Moment] = MOMENTS) -> list[Found]:
    """The moments that audit events show, in the order of time; `start` is in seconds since the epoch.

    A watch counts only where it was refused: otherwise its end says nothing.
    """
    known = [event for event in events if event.get("stage") == "ResponseComplete" and not _watched(event)]
    found = []
    for moment in moments:
        stamp = "requestReceivedTimestamp" if moment.begun else "stageTimestamp"
        times = [datetime.fromisoformat(event[stamp]).timestamp() - start for event in known if _shows(event, moment)]
        if times:
            found.append(Found(moment.title, max(times) if moment.last else min(times), len(times)))
    return sorted(found, key=lambda one: one.seconds)


def _watched(event: dict[str, Any]) -> bool:
    return event["verb"] == "watch" and int((event.get("responseStatus") or {}).get("code", 0)) < 400


def _shows(event: dict[str, Any], moment: Moment) -> bool:
    reference = event.get("objectRef") or {}
    resource = ".".join(filter(None, (reference.get("resource", ""), reference.get("apiGroup", ""))))
    if reference.get("subresource"):
        resource += f"/{reference['subresource']}"
    return (
        event.get("userAgent", "").startswith(moment.agent)
        and moment.verb in ("", event["verb"])
        and moment.resource in ("", resource)
        and moment.name in reference.get("name", "")
        and moment.code in (0, (event.get("responseStatus") or {}).get("code"))
    )


def run(cluster: Cluster, frit: Path, options: Sequence[str]) -> list[Found]:
    """Bootstrap a cluster that is cleaned to nothing, and say when what happened. Raises `RunFailed`, ClusterError."""
    if cluster.audit_log is None:
        raise measure.RunFailed(f"cluster {cluster.name} has no audit log")
    clean.clean(cluster.kubeconfig)
    since = audit.offset(cluster.audit_log)
    with releases.ReleaseServer() as server, tempfile.TemporaryDirectory(prefix="frit-bench-") as temporary:
        have, folder = programs(cluster, server, frit), Path(temporary)
        environment = measure.environment(cluster.kubeconfig, folder)
        start = time.time()
        (step,) = measure.run([frit_command(have, *options)], environment, folder)
    time.sleep(SETTLE_SECONDS)
    with cluster.audit_log.open("rb") as file:
        file.seek(since)
        found = milestones(map(json.loads, file.read().split(b"\n")[:-1]), start)
    return [*found, Found("frit ended", step.seconds, 1)]


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.timeline", description="Where the seconds go.")
    parser.add_argument("--name", default=CLUSTER, help="the cluster's name (default: %(default)s)")
    parser.add_argument(
        "--frit", type=Path, metavar="FILE", help="the frit to look at (default: as in `python -m bench`)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the cluster running")
    parser.add_argument("options", nargs="*", metavar="OPTION", help="further options of frit bootstrap, after --")
    arguments = parser.parse_args()
    try:
        cluster = tests.cluster.up(arguments.name)
        try:
            found = run(cluster, arguments.frit or frit_program(), arguments.options)
        finally:
            if not arguments.keep:
                tests.cluster.down(arguments.name)
    except (tests.cluster.ClusterError, measure.RunFailed, RuntimeError) as error:
        say(f"error: {error}")
        return 1
    for one in found:
        print(f"{one.seconds:7.2f} s  {one.title}" + (f" ({one.count} requests)" if one.count > 1 else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
