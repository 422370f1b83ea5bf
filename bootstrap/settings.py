"""What a bootstrap was asked to do: plain data, complete, with every default resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from base.errors import WrongUsage
from base.options import parse_duration
from base.policy import RetryPolicy, retry_policy

STAGES: Mapping[str, tuple[str, float]] = {
    "connect": ("connect", 15.0),
    "preflight": ("preflight", 60.0),
    "cert-manager": ("cert-manager", 300.0),
    "webhook": ("webhook proof", 180.0),
    "package-api": ("package API", 60.0),
    "repositories": ("repositories", 180.0),
}
"""Stages by name: the title that people see, and the default limit in seconds. All share the overall timeout."""


@dataclass(frozen=True)
class Settings:
    """One bootstrap. Durations are seconds; None means: frit chooses."""

    kubeconfig: str | None = None
    context: str | None = None
    cert_manager_version: str | None = None
    cert_manager_manifest: str | None = None
    sha256: str | None = None
    image_registry: str | None = None
    allow_image: tuple[str, ...] = ()
    upstream_probes: bool = False
    ca_bundle: Path | None = None
    use_cache: bool = True
    repositories: tuple[str, ...] = ()
    default_repository: bool = True
    probe_namespace: str = "default"
    timeout: float = 600.0
    stage_timeouts: Mapping[str, float] = field(default_factory=dict)
    retry: RetryPolicy = field(default_factory=retry_policy)
    dry_run: bool = False

    def limit(self, stage: str) -> float:
        """The time limit of one stage in seconds."""
        return self.stage_timeouts.get(stage, STAGES[stage][1])


def parse_stage_timeouts(texts: tuple[str, ...]) -> dict[str, float]:
    """`STAGE=DURATION` texts as seconds by stage. Raises `WrongUsage` for an unknown stage or a bad duration."""
    limits = {}
    for text in texts:
        stage, _, duration = text.partition("=")
        if stage not in STAGES:
            raise WrongUsage(
                f"--stage-timeout {text!r}: there is no stage {stage!r}", hint="stages: " + ", ".join(STAGES)
            )
        try:
            limits[stage] = parse_duration(duration)
        except ValueError as error:
            raise WrongUsage(f"--stage-timeout {text!r}: {error}") from None
    return limits
