"""The words of which names and descriptions of generated packages are made."""

from __future__ import annotations

_FIRST = """
    agile amber apex arctic atlas aurora basalt beacon binary birch blue bolt brisk bronze calm cedar citrus clear cloud
    cobalt copper coral crisp delta ember falcon fern flint forest frost garnet glacier grafana granite harbor hazel
    heron indigo iris ivory jade juniper kafka keycloak lunar maple marble mellow meteor minio
"""
_SECOND = """
    access alert api archive audit auth backup batch billing blob bridge broker build bus cache catalog certificate
    chart chat cluster config console cost cron data database deploy dns docs edge event export feature file flow
    gateway git graph image index ingress job ledger log mail mesh metric model network postgres queue
"""
_THIRD = """
    adapter agent analyzer api autoscaler backend board bot bundle canary collector connector controller crawler daemon
    dashboard driver engine exporter forwarder generator guard hub importer injector inspector keeper loader manager
    mapper mirror monitor operator planner plugin portal prober provider proxy reaper relay router runner scanner
    scheduler server sidecar sync worker
"""

FIRST, SECOND, THIRD = _FIRST.split(), _SECOND.split(), _THIRD.split()
"""A package is called by one word of each."""

ABILITIES = (
    "collects events and keeps them for as long as they are needed",
    "brings certificates to every workload of a cluster",
    "runs postgres with backups and point-in-time recovery",
    "shows what a cluster costs, by team and by namespace",
    "routes requests by host and by path",
    "moves files between buckets of different providers",
    "scales workloads by the length of their queues",
    "watches images for known weaknesses",
    "stores metrics of many clusters in one place",
    "rotates secrets before they expire",
    "gives every branch an environment of its own",
    "answers questions about who may do what",
)
ENDINGS = (
    "for Kubernetes",
    "for small and for large clusters",
    "with one custom resource",
    "without a sidecar",
    "on premises and in the cloud",
    "with high availability",
)
FOREIGN = (
    "für Entwicklerinnen und Entwickler",
    "déployé en une minute",
    "クラスタのための",
    "для кластеров любого размера",
    "– simple by default",
    "¡sin sorpresas!",
)
