"""What preflight decided, and what the stages carry out."""

from __future__ import annotations

from dataclasses import dataclass

from certificates.installation import Installation
from certificates.manifest import Manifest
from kube.discovery import Discovery
from repositories.package_api import Step
from repositories.registry import Registered


@dataclass(frozen=True)
class Plan:
    """The decision, and what it rests on.

    `manifest` is what will be applied, or None where the installation that is there is kept. `fresh` says that
    nothing of cert-manager is there, so that no object needs to be read before it is applied.
    """

    manifest: Manifest | None
    installation: Installation
    discovery: Discovery
    fresh: bool
    package_api: tuple[Step, ...]
    repositories: list[Registered]

    @property
    def kept(self) -> str:
        """What is said of an installation that is kept."""
        return f"{self.installation.version}, installed by {self.installation.owner}: kept"
