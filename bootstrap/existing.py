"""A cert-manager that somebody else installed: it is kept when it is healthy, and never touched when it is not."""

from __future__ import annotations

from base.errors import FritError, PreflightFailed
from bootstrap.ground import Ground
from bootstrap.report import Stage
from certificates.installation import Installation, find_installation, problems
from certificates.probe import probe
from kube.client import Client
from kube.diagnosis import as_data, as_lines, diagnose
from kube.objects import field
from kube.wait import NotYet, Yes, wait_until
from kube.watch import Wake

SETTLE = 15.0
"""Seconds that an installation gets to become healthy before it counts as broken: its pods may just be starting."""


def require_healthy(ground: Ground, stage: Stage, installation: Installation) -> None:
    """Raise `PreflightFailed` with owner and diagnosis where an installation is, and stays, broken."""
    newest = [installation]

    def healthy() -> Yes[None] | NotYet:
        found = problems(newest[0])
        if any(not one.heals for one in found):
            raise _broken(ground.client, newest[0], "; ".join(one.text for one in found))
        if not found:
            probed = probe(ground.client, ground.settings.probe_namespace, ground.run)
            if probed.proven:
                return Yes(None)
            if probed.failure is None or not probed.failure.retry:
                raise _broken(ground.client, newest[0], probed.reason)
            return NotYet(probed.reason)
        newest[0] = find_installation(ground.client)
        return NotYet("; ".join(one.text for one in found))

    wait_until(
        healthy,
        what="the cert-manager that is there",
        run=ground.run,
        deadline=stage.deadline.sooner(SETTLE),
        emit=stage.emit,
        wake=Wake(),
        out_of_time=lambda reason: _broken(ground.client, newest[0], reason),
    )


def _broken(client: Client, installation: Installation, reason: str) -> FritError:
    version = f" {installation.version}" if installation.version else ""
    found = diagnose(client, installation.namespace) if installation.namespace else []
    lines = [line for finding in found for line in as_lines(finding)]
    return PreflightFailed(
        f"cert-manager{version}, installed by {installation.owner}, is there and not healthy: {reason}. "
        "Nothing was changed",
        hint="\n".join([*lines, *_next_steps(installation), "frit check   says more"]),
        details={"diagnosis": [as_data(finding) for finding in found]},
    )


def _next_steps(installation: Installation) -> list[str]:
    if not (installation.deployments or installation.mutating or installation.validating):
        return [
            "only its definitions are left: reinstall it with the tool that installed it, or remove them, which",
            "also deletes every Certificate and Issuer: kubectl delete crd " + " ".join(sorted(installation.crds)),
        ]
    owner = installation.owner
    if owner is not None and owner.kind == "helm":
        namespace = installation.namespace or _release_namespace(installation)
        return [f"mend it with Helm: helm status {owner.name} -n {namespace}"]
    return ["mend it, or remove it completely, with the tool that installed it"]


def _release_namespace(installation: Installation) -> str:
    parts = [*installation.crds.values(), installation.mutating, installation.validating]
    found = [field(one, "metadata", "annotations", "meta.helm.sh/release-namespace") for one in parts if one]
    return next((str(one) for one in found if one), "NAMESPACE")
