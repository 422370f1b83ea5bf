"""What the stages of one bootstrap share."""

from __future__ import annotations

from dataclasses import dataclass, replace

from base.clock import Deadline, Run
from bootstrap.report import Recorder, Stage
from bootstrap.settings import STAGES, Settings
from kube.apply import Applier
from kube.client import Client
from kube.patience import Patience
from kube.wakes import Wakes


@dataclass(frozen=True)
class Ground:
    """Settings, the run, its overall deadline, the account, and the connection."""

    settings: Settings
    run: Run
    deadline: Deadline
    recorder: Recorder
    client: Client

    def stage_deadline(self, name: str) -> Deadline:
        """The limit of one stage, never beyond the overall deadline."""
        return self.deadline.sooner(self.settings.limit(name))

    def within(self, stage: Stage) -> Ground:
        """The same ground with a connection that repeats reads which fail for a moment, within one stage's limit."""
        patience = Patience(self.settings.retry, self.run, stage.deadline, stage.emit, stage.budget)
        return replace(self, client=self.client.patient(patience))

    def applier(self, stage: Stage, *, compare: bool) -> Applier:
        """An applier that works within one stage."""
        return Applier(
            client=self.client,
            policy=self.settings.retry,
            run=self.run,
            deadline=stage.deadline,
            emit=stage.emit,
            dry_run=self.settings.dry_run,
            compare=compare or self.settings.dry_run,
            budget=stage.budget,
            wakes=Wakes(self.client, self.run),
        )


def title_of(stage: str) -> str:
    """The title of a stage as people see it."""
    return STAGES[stage][0]
