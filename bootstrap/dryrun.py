"""What a bootstrap would change, asked from the server object by object and written nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from base.parallel import in_parallel
from bootstrap.ground import PARALLEL_APPLIES, Ground, title_of
from bootstrap.plan import Plan
from bootstrap.registration import wanted_repositories
from kube.apply import Applied, Applier, Change
from kube.failures import ApiError, Kind
from kube.objects import Ref, ref_of
from repositories import package_api
from repositories.registry import register


@dataclass(frozen=True)
class Planned:
    """One object and what would happen to it. `checked` is false where the server could not be asked yet."""

    ref: Ref
    change: Change
    checked: bool = True


def rehearse(ground: Ground, plan: Plan) -> list[Planned]:
    """Apply everything as a server-side dry run.

    An object whose namespace or kind does not exist yet cannot be tried: it counts as created, unchecked. Raises
    `ApiError` where the server would refuse one.
    """
    planned: list[Planned] = []
    if plan.manifest is not None:
        with ground.recorder.stage(
            "cert-manager", title_of("cert-manager"), ground.stage_deadline("cert-manager")
        ) as stage:
            applier = ground.applier(stage, compare=True)
            calls = [
                (ref_of(obj), lambda obj=obj: applier.apply(obj, plan.discovery.of(ref_of(obj))))  # type: ignore[misc]
                for obj in plan.manifest.objects
            ]
            planned += _tried(calls)
            stage.summary = counted(planned)
    with ground.recorder.stage("package-api", title_of("package-api"), ground.stage_deadline("package-api")) as stage:
        applier = ground.applier(stage, compare=True)
        found = [
            Planned(one.ref, one.change) for step in plan.package_api for one in package_api.install(applier, [step])
        ]
        planned += found
        stage.summary = counted(found)
    with ground.recorder.stage(
        "repositories", title_of("repositories"), ground.stage_deadline("repositories")
    ) as stage:
        found = _repositories(ground, ground.applier(stage, compare=True), plan)
        planned += found
        stage.summary = counted(found)
    return planned


def _repositories(ground: Ground, applier: Applier, plan: Plan) -> list[Planned]:
    wanted = wanted_repositories(ground.settings, plan.repositories)
    return _tried(
        [
            (Ref("packages.glasskube.dev/v1alpha1", "PackageRepository", "", one.name), lambda one=one: register(applier, one))  # type: ignore[misc]
            for one in wanted
        ]
    )


def _tried(calls: Sequence[tuple[Ref, Callable[[], Applied]]]) -> list[Planned]:
    def one(ref: Ref, call: Callable[[], Applied]) -> Planned:
        try:
            return Planned(ref, call().change)
        except ApiError as error:
            # its namespace or its definition is created by the real run, a moment before
            if error.failure.kind in (Kind.NOT_FOUND, Kind.CRD_NOT_ESTABLISHED):
                return Planned(ref, Change.CREATED, checked=False)
            raise

    return in_parallel([lambda r=ref, c=call: one(r, c) for ref, call in calls], PARALLEL_APPLIES)  # type: ignore[misc]


def counted(planned: Sequence[Planned]) -> str:
    """`12 created, 3 unchanged`, in that order."""
    return ", ".join(
        f"{n} {change}" for change in Change if (n := sum(one.change is change for one in planned))
    ) or "nothing"
