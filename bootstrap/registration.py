"""The last two stages: the package API, and the package repositories that the cluster will install from."""

from __future__ import annotations

from collections.abc import Sequence

from base.events import Said
from bootstrap.ground import Ground
from bootstrap.report import Stage
from bootstrap.settings import Settings
from kube.apply import Change
from kube.client import Client
from kube.discovery import Discovery
from kube.established import wait_until_served
from repositories import package_api
from repositories.objects import DEFAULT_NAME, DEFAULT_URL, GROUP, REPOSITORIES, Repository, parse, repository
from repositories.package_api import Action, Step
from repositories.registry import Registered, defaults, register, registered, settled


def plan_package_api(client: Client, discovery: Discovery) -> tuple[Step, ...]:
    """What to do with each CustomResourceDefinition of the package API; reads those that are there.

    Raises `PreflightFailed` where one cannot be extended compatibly.
    """
    return package_api.plan(package_api.read(client) if discovery.serves_group(GROUP) else {})


def apply_package_api(ground: Ground, stage: Stage, steps: Sequence[Step]) -> None:
    """Create, extend or keep the definitions, and wait until the server serves them."""
    fresh = all(one.action is Action.CREATE for one in steps)
    for applied in package_api.install(ground.applier(stage, compare=not fresh), steps):
        stage.applied(applied)
    if fresh:
        definitions = [one.obj for one in steps]
        wait_until_served(
            ground.client,
            definitions,
            run=ground.run,
            deadline=stage.deadline,
            emit=stage.emit,
            budget=stage.budget,
        )
    for step in steps:
        if step.action in (Action.EXTEND, Action.KEEP):
            stage.emit(Said(step.summary))
    summarize(stage, f"{GROUP}/v1alpha1")


def register_repositories(ground: Ground, stage: Stage, existing: Sequence[Registered]) -> None:
    """Apply the default repository and the ones that were asked for."""
    wanted = wanted_repositories(ground.settings, existing)
    applier = ground.applier(stage, compare=bool(existing))
    applier.together(lambda one: stage.applied(register(applier, one)), wanted)
    summarize(stage, ", ".join(one.name for one in wanted) or "none asked for")


def wanted_repositories(settings: Settings, existing: Sequence[Registered]) -> list[Repository]:
    """What to apply: the built-in default unless it is switched off or already decided, then those of the user.

    A default that somebody chose, and a repository `glasskube` that points elsewhere, stay as they are.
    Raises `WrongUsage` for a text that is not NAME=URL.
    """
    asked = {one.name: one for one in map(parse, settings.repositories)}
    there = {one.name: one for one in existing}
    wanted = [settled(one, existing) for one in asked.values()]
    others_default = [name for name in defaults(existing) if name != DEFAULT_NAME]
    moved = DEFAULT_NAME in there and there[DEFAULT_NAME].url.rstrip("/") != DEFAULT_URL
    if settings.default_repository and DEFAULT_NAME not in asked and not others_default and not moved:
        wanted.insert(0, settled(repository(DEFAULT_NAME, DEFAULT_URL, default=True), existing))
    return wanted


def existing_repositories(client: Client, discovery: Discovery) -> list[Registered]:
    """The repositories that are registered; an empty list where their kind is not there yet.

    A run that was killed may have left other kinds of the package API, but not this one.
    """
    return registered(client) if discovery.find(REPOSITORIES.api_version, REPOSITORIES.kind) else []


def summarize(stage: Stage, what: str) -> None:
    """Set the summary and the outcome of a stage by what its applies did."""
    changes = stage.changes
    told = ", ".join(f"{n} {change}" for change, n in changes.items() if n)
    if not (changes[Change.CREATED] or changes[Change.CHANGED]):
        stage.outcome = "unchanged"
    stage.summary = f"{what}: {told}" if told else what
