"""What the tab key offers: names of repositories and packages, and versions. It never answers with an error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kube.client import Client
    from repositories import wire
    from repositories.reader import ReadOptions
    from repositories.targets import Target

LIMIT = 2.0
"""Seconds that a press of the tab key may take."""

MOST = 500
"""Suggestions that a shell gets; nobody reads more, and shells are slow to show them."""

Suggestion = tuple[str, str]
"""A word and what helps to choose it."""


def complete_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The registered repositories that begin so, with their URLs."""
    given = ctx.params.get(param.name or "") or ()
    taken = set(given) if isinstance(given, tuple | list) else set()
    return _offered(lambda: [one for one in _repositories(ctx) if one[0] not in taken], incomplete)


def complete_packages(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The packages that begin so, with their descriptions."""
    return _offered(lambda: _packages(ctx, incomplete), incomplete)


def complete_versions(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The versions of the package that was named before, the newest first."""
    return _offered(lambda: _versions(ctx, str(ctx.params.get("package") or "")), incomplete)


def _offered(ask: Callable[[], Iterable[Suggestion]], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from base.parallel import Background

    found: list[CompletionItem] = []
    with contextlib.suppress(Exception):  # a tab key never answers with an error
        asked = Background(lambda: list(ask()), "completion").result(LIMIT)
        found = [CompletionItem(word, help=about) for word, about in asked if word.startswith(incomplete)]
    return found[:MOST]


def _client(ctx: click.Context) -> Client:
    from repositories.connecting import client_for

    return client_for("completion", ctx.params.get("kubeconfig"), ctx.params.get("context"))


def _repositories(ctx: click.Context) -> list[Suggestion]:
    from repositories.registry import registered

    return [(one.name, one.shown_url) for one in registered(_client(ctx))]


def _options() -> ReadOptions:
    """One attempt for what is not in the cache; what is there will do for a day."""
    from dataclasses import replace

    from repositories.reader import POLICY, ReadOptions

    return ReadOptions(policy=replace(POLICY, attempts=1), fresh=86400.0)


def _indexes(ctx: click.Context) -> list[tuple[Target, wire.Index]]:
    from base.clock import Run
    from repositories.reading import read_indexes
    from repositories.targets import chosen_targets

    targets = chosen_targets(ctx.params.get("which") or (), lambda: _client(ctx))
    outcomes = read_indexes(targets, _options(), Run(), seconds=LIMIT / 2)
    return [(one.target, one.read.value) for one in outcomes if one.read is not None]


def _packages(ctx: click.Context, incomplete: str) -> list[Suggestion]:
    from repositories.objects import one_line

    return [
        (name, one_line(about))
        for name, about in sorted(
            {
                entry.name: entry.short_description
                for _, index in _indexes(ctx)
                for entry in index.packages
                if entry.name.startswith(incomplete)
            }.items()
        )
    ]


def _versions(ctx: click.Context, package: str) -> list[Suggestion]:
    from base.clock import Deadline, Run
    from repositories import versions
    from repositories.reader import Origin, Reader
    from repositories.searching import named

    found = named(package, _indexes(ctx))
    if not found:
        return []
    target = found[0].target
    with Reader(Origin(target.name, target.url, target.credentials()), _options(), Run()) as reader:
        known = reader.versions(package, deadline=Deadline.after(LIMIT)).value
    pointer = known.latest_version
    return [
        (one, "what the maintainers point to" if one == pointer else "")
        for one in versions.ordered(known.texts, newest_first=True)
    ]
