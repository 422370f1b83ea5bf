"""Which cert-manager release to apply: fetched, checked and prepared, without a word to the cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace

from base.clock import Deadline, Run
from base.errors import WrongUsage
from base.events import Listener
from bootstrap.settings import Settings
from certificates import images, overlay
from certificates.download import DownloadOptions, fetch, plain_digest, remember
from certificates.manifest import Manifest, check, parse, verify_digest
from certificates.releases import Release, find, to_install
from repositories.objects import parse as parse_repository


@dataclass(frozen=True)
class Chosen:
    """A release that is ready to be applied, and what was changed in it (sentences for people)."""

    manifest: Manifest
    release: Release | None
    notes: tuple[str, ...]


def check_usage(settings: Settings) -> None:
    """Raise `WrongUsage` for settings that make no sense by themselves, before anybody is asked for anything."""
    if settings.cert_manager_version is not None:
        _release(settings, settings.cert_manager_manifest is not None)
    if settings.sha256 is not None:
        plain_digest(settings.sha256)
    if settings.image_registry is not None:
        images.check_registry(settings.image_registry)
    urls: dict[str, str] = {}
    for one in map(parse_repository, settings.repositories):
        if urls.setdefault(one.name, one.url) != one.url:
            raise WrongUsage(
                f"--repository: {one.name} stands there with two URLs, {urls[one.name]} and {one.url}",
                hint="leave one of them out, or give it another name",
            )
    limits = {"--timeout": settings.timeout, **{f"--stage-timeout {n}": s for n, s in settings.stage_timeouts.items()}}
    for option, seconds in limits.items():
        if seconds <= 0:
            raise WrongUsage(f"{option}: without any time nothing can be done", hint="write 90s, 1m30s, 500ms or 2h")


def choose(settings: Settings, run: Run, deadline: Deadline, emit: Listener) -> Chosen:
    """Fetch, check and prepare the manifest that the settings name.

    Raises `PreflightFailed` (the cluster is untouched by then) and `WrongUsage`.
    """
    own = settings.cert_manager_manifest is not None
    release = None if own and settings.cert_manager_version is None else _release(settings, own)
    source = settings.cert_manager_manifest or (release.url if release else "")
    options = DownloadOptions(ca_bundle=settings.ca_bundle, use_cache=settings.use_cache)
    fetched = fetch(source, options=options, run=run, deadline=deadline, emit=emit)
    digest = settings.sha256 or (release.sha256 if release and not own else None)
    if digest:
        verify_digest(fetched, digest)
    manifest = check(
        parse(fetched.content, fetched.origin),
        version=release.version if release else settings.cert_manager_version,
        release=None if own else release,
        origin=fetched.origin,
        registries=(images.UPSTREAM, *settings.allow_image),
        sha256=fetched.sha256,
    )
    if not own:
        remember(fetched, options=options, emit=emit)
    objects = overlay.without_ca_bundles(manifest.objects)
    notes: tuple[str, ...] = ()
    if settings.image_registry:
        objects = images.rewrite(objects, images.check_registry(settings.image_registry))
        notes += (f"images come from {settings.image_registry}",)
    if not settings.upstream_probes:
        objects, changed = overlay.readiness_overlay(objects)
        notes += changed
    return Chosen(replace(manifest, objects=tuple(objects)), release or _known(manifest.version), notes)


def _release(settings: Settings, own: bool) -> Release:
    wanted = settings.cert_manager_version
    # a manifest of the user's own may be a release that frit would not choose itself
    return find(wanted) if own and wanted else to_install(wanted)


def _known(version: str) -> Release | None:
    from base.errors import WrongUsage

    try:
        return find(version)
    except WrongUsage:
        return None
