"""Who is measured: the commands of each contestant as plain data."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import Cluster, build, certmanager, progress, releases

VERSION = certmanager.DEFAULT
NAMESPACE = "cert-manager"


@dataclass(frozen=True)
class Contestant:
    """One way to install cert-manager: commands that run one after the other, ready when the last one has ended."""

    key: str
    title: str
    commands: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Basics:
    """What every part of the benchmark needs: two programs, and a URL of the manifest on loopback."""

    frit: Path
    kubectl: Path
    manifest_url: str


@dataclass(frozen=True)
class Programs(Basics):
    """What other installers need: where their programs lie, and the chart's folder."""

    ctl: Path
    helm: Path
    chart: Path


def basics(cluster: Cluster, server: releases.ReleaseServer, frit: Path) -> Basics:
    """What is needed beside `frit`. Raises ClusterError."""
    releases.manifest(VERSION, progress.to_stderr)  # rendered before the first download, which would measure it
    return Basics(frit, cluster.kubectl, server.url(VERSION))


def programs(cluster: Cluster, server: releases.ReleaseServer, frit: Path) -> Programs:
    """The same with the other installers, built where they are not there yet. Raises ClusterError."""
    say = progress.to_stderr
    have = basics(cluster, server, frit)
    helm = build.programs(build.HELM, say) / "helm"
    ctl, chart = certmanager.ctl(say), releases.chart(VERSION, say)
    return Programs(have.frit, have.kubectl, have.manifest_url, ctl=ctl, helm=helm, chart=chart)


def frit_program() -> Path:
    """The `frit` that is installed beside this interpreter. Raises RuntimeError where it is not."""
    found = Path(sys.executable).parent / "frit"
    if not found.exists():
        raise RuntimeError(f"frit is not installed for {sys.executable}: install it first (pip install .)")
    return found


FRIT = "frit"
FRIT_UPSTREAM = "frit-upstream-probes"
APPLY_CHECK = "apply-check"
APPLY_WAIT_CHECK = "apply-wait-check"
HELM = "helm"


def frit_command(have: Basics, *options: str) -> tuple[str, ...]:
    """A whole bootstrap: package API and default repository included, the manifest downloaded, nothing cached."""
    return (str(have.frit), "bootstrap", "--no-cache", f"--cert-manager-manifest={have.manifest_url}", *options)


def contestants(have: Programs) -> tuple[Contestant, ...]:
    """All contestants, in the order in which a round runs them."""
    apply = (str(have.kubectl), "apply", "--server-side", "-f", have.manifest_url)
    wait = (
        str(have.kubectl),
        "wait",
        "--for=condition=Available",
        "deployment",
        "--all",
        f"--namespace={NAMESPACE}",
        "--timeout=2m",
    )
    check = (str(have.ctl), "check", "api", "--wait=2m")
    # The chart's own start-up check is a Job with an image of its own, which asks what `ctl check api` asks; without
    # it Helm has less to do.
    values = "--set=crds.enabled=true,startupapicheck.enabled=false"
    where = (f"--namespace={NAMESPACE}", "--create-namespace")
    helm = (str(have.helm), "install", "cert-manager", str(have.chart), *where, values, "--wait", "--timeout=4m")
    return (
        Contestant(FRIT, "frit bootstrap", (frit_command(have),)),
        Contestant(FRIT_UPSTREAM, "frit bootstrap --upstream-probes", (frit_command(have, "--upstream-probes"),)),
        Contestant(APPLY_CHECK, "kubectl apply, ctl check api --wait", (apply, check)),
        Contestant(APPLY_WAIT_CHECK, "kubectl apply, kubectl wait, ctl check api --wait", (apply, wait, check)),
        Contestant(HELM, "helm install --wait", (helm,)),
    )
