"""What a bootstrap would change, asked from the server object by object and written nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bootstrap.ground import Ground, title_of
from bootstrap.plan import Plan
from bootstrap.registration import wanted_repositories
from kube.apply import Applied, Applier, Change
from kube.failures import ApiError, Kind
from kube.objects import Ref, ref_of
from repositories import package_api
from repositories.objects import API_VERSION, REPOSITORIES
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

    def cert_manager(applier: Applier) -> list[Planned]:
        objects = plan.manifest.objects if plan.manifest else ()
        return applier.together(
            lambda obj: _tried(ref_of(obj), partial(applier.apply, obj, plan.discovery.of(ref_of(obj)))), objects
        )

    def definitions(applier: Applier) -> list[Planned]:
        return [Planned(one.ref, one.change) for one in package_api.install(applier, plan.package_api)]

    def repositories(applier: Applier) -> list[Planned]:
        wanted = wanted_repositories(ground.settings, plan.repositories)
        refs = [Ref(API_VERSION, REPOSITORIES.kind, "", one.name) for one in wanted]
        if not plan.discovery.find(REPOSITORIES.api_version, REPOSITORIES.kind):
            return [Planned(ref, Change.CREATED, checked=False) for ref in refs]
        return [_tried(ref, partial(register, applier, one)) for ref, one in zip(refs, wanted, strict=True)]

    ground.recorder.rehearsal = True
    planned: list[Planned] = []
    for name, part in (("cert-manager", cert_manager), ("package-api", definitions), ("repositories", repositories)):
        with ground.recorder.stage(name, title_of(name), ground.stage_deadline(name)) as stage:
            found = part(ground.applier(stage, compare=True))
            for one in found:
                stage.planned(one.ref, one.change, checked=one.checked)
            if name == "cert-manager" and plan.manifest is None:
                stage.outcome, stage.summary = "kept", plan.kept
            else:
                stage.summary = counted(found)
        planned += found
    return planned


def _tried(ref: Ref, call: Callable[[], Applied]) -> Planned:
    try:
        return Planned(ref, call().change)
    except ApiError as error:
        # its namespace or its definition is created by the real run, a moment before
        if error.failure.kind in (Kind.NOT_FOUND, Kind.CRD_NOT_ESTABLISHED):
            return Planned(ref, Change.CREATED, checked=False)
        raise


def counted(planned: Sequence[Planned]) -> str:
    """`12 created, 3 unchanged`, in that order."""
    return (
        ", ".join(f"{n} {change}" for change in Change if (n := sum(one.change is change for one in planned)))
        or "nothing"
    )
