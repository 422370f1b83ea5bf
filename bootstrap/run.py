"""A bootstrap from the first request to the last proof: which stage follows which, and what runs beside what.

The state is in the cluster and is read anew by every run: no lock, no local state. So every run is a re-run, an
interrupted one is completed by the next, and a second one on a healthy cluster changes nothing.
"""

from __future__ import annotations

# These import each other. The download (certifi) and the connection (urllib3) begin at the same time and load them from
# different ends, for which Python raises _DeadlockError now and then; so they are there before a thread begins.
import importlib.metadata
import importlib.resources  # noqa: F401
from contextlib import suppress

from base import exits
from base.clock import Deadline
from base.errors import Cancelled, ClusterUnreachable, FritError
from base.events import Held, Said
from base.parallel import Background
from base.session import Session
from base.version import user_agent
from bootstrap.dryrun import Planned, rehearse
from bootstrap.ground import Ground, title_of
from bootstrap.install import install, install_rest
from bootstrap.plan import Plan
from bootstrap.preflight import preflight
from bootstrap.proof import prove
from bootstrap.registration import apply_package_api, register_repositories
from bootstrap.release import Chosen, check_usage, choose
from bootstrap.report import Recorder, Stage
from bootstrap.settings import Settings
from bootstrap.target import target_of_installation, target_of_manifest
from kube.connection import ConnectionOptions, connect_in_time
from kube.failures import ApiError, Kind


def bootstrap(settings: Settings, session: Session, recorder: Recorder) -> list[Planned]:
    """Run all stages. Returns what a dry run would change, and an empty list otherwise.

    Raises a `FritError` where a stage fails; the recorder holds the account either way.
    """
    check_usage(settings)
    deadline = Deadline.after(settings.timeout)
    with recorder.stage("connect", title_of("connect"), deadline.sooner(settings.limit("connect"))) as stage:
        # begun early, because most runs need it; told of only where it is needed
        telling = Held(stage.emit)
        chosen = Background(
            lambda: choose(settings, session.run, deadline.sooner(settings.limit("preflight")), telling),
            "choose release",
        )
        connection = connect_in_time(
            ConnectionOptions(settings.kubeconfig, settings.context),
            user_agent=user_agent("bootstrap"),
            run=session.run,
            deadline=deadline,
        )
        client = connection.client
        recorder.context, recorder.server = connection.context, connection.server
        recorder.requests = lambda: client.requests
        session.emit(Said(f"context {connection.context}, server {connection.server}"))
        ground = Ground(settings, session.run, deadline, recorder, client)
        kubernetes = _reach(ground, stage)
        recorder.versions["kubernetes"] = kubernetes
        stage.summary = f"Kubernetes {kubernetes}"
    with recorder.stage("preflight", title_of("preflight"), ground.stage_deadline("preflight")) as stage:
        try:
            plan = preflight(ground.within(stage), stage, kubernetes, chosen, telling)
        except ApiError as error:
            if error.failure.kind is Kind.FORBIDDEN:  # as any other missing permission that is seen before a write
                error.exit_code = exits.PREFLIGHT
            raise
        recorder.versions["certManager"] = plan.manifest.version if plan.manifest else plan.installation.version
    if settings.dry_run:
        return rehearse(ground, plan)
    _apply_and_prove(ground, plan, chosen)
    for text in client.warnings:
        session.emit(Said(f"the API server warns: {text}", level="warning"))
    return []


def _apply_and_prove(ground: Ground, plan: Plan, chosen: Background[Chosen]) -> None:
    recorder = ground.recorder
    with recorder.stage("cert-manager", title_of("cert-manager"), ground.stage_deadline("cert-manager")) as stage:
        if plan.manifest is None:
            stage.outcome, stage.summary = "kept", plan.kept
            target = target_of_installation(plan.installation)
        else:
            for note in chosen.result().notes:
                stage.emit(Said(f"changed in the release: {note}"))
            install(ground.within(stage), stage, plan, plan.manifest)
            target = target_of_manifest(plan.manifest.objects)
    # the package API and the repositories do not depend on the webhook: they are applied while its pod starts
    registration = Background(lambda: _register(ground, plan), "register")
    try:
        with recorder.stage("webhook", title_of("webhook"), ground.stage_deadline("webhook")) as stage:
            prove(ground.within(stage), stage, target)
            if plan.manifest is not None:
                install_rest(ground.within(stage), stage, plan, plan.manifest)
    except FritError as error:
        recorder.stop()
        if isinstance(error, Cancelled) and not ground.run.cancelled:
            registration.result()  # raises what stopped the proof
        with suppress(FritError):  # the webhook's own failure is the one to tell; the report has both
            registration.result()
        raise
    registration.result()


def _register(ground: Ground, plan: Plan) -> None:
    """The stages beside the proof; where they fail, the run cannot succeed, and the proof ends too."""
    try:
        _register_in_stages(ground, plan)
    except BaseException:
        ground.recorder.stop()
        raise


def _register_in_stages(ground: Ground, plan: Plan) -> None:
    recorder = ground.recorder
    with recorder.stage("package-api", title_of("package-api"), ground.stage_deadline("package-api")) as stage:
        apply_package_api(ground.within(stage), stage, plan.package_api)
    with recorder.stage("repositories", title_of("repositories"), ground.stage_deadline("repositories")) as stage:
        register_repositories(ground.within(stage), stage, plan.repositories)


def _reach(ground: Ground, stage: Stage) -> str:
    """The version of the API server, asked until it answers.

    Raises `ClusterUnreachable` where nobody does, and `ApiError` where it answers that it is busy, or refuses.
    """
    client = ground.within(stage).client
    try:
        answer = client.get("/version", doing=f"connect to {client.host}")
    except ApiError as error:
        if error.exit_code != exits.UNREACHABLE:  # somebody answers, who is busy or refuses
            raise
        raise ClusterUnreachable(
            error.message,
            hint=f"{error.hint}\nis this the right cluster? kubectl config get-contexts".strip(),
            details=error.details,
        ) from None
    return str(answer.get("gitVersion", "")).removeprefix("v")
