"""All packages of the repositories that a command is about: which are read, what became of each, what they have."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from base.errors import FritError, PreflightFailed, RepositoryUnusable, WrongUsage
from base.events import Said
from base.options import DURATION, setting
from base.results import Result
from base.session import Session
from kube.options import connection_options
from repositories import wire
from repositories.carriers import Ways
from repositories.completion import complete_names
from repositories.connecting import patient_client
from repositories.reader import Read, ReadOptions
from repositories.reading import Outcome, demand, failure, read_indexes
from repositories.targets import Target, chosen_targets, is_url
from repositories.wording import counted

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Asked:
    """What the options say. `which` are names and URLs, none for all that are registered; `timeout` is in seconds."""

    which: tuple[str, ...]
    ca_bundle: Path | None
    refresh: bool
    strict: bool
    timeout: float
    kubeconfig: str | None
    context: str | None

    @property
    def reading(self) -> ReadOptions:
        """How to read."""
        return ReadOptions(Ways(ca_bundle=self.ca_bundle))


@dataclass(frozen=True)
class Catalogue:
    """What became of each repository, in the order in which they were asked for."""

    outcomes: Sequence[Outcome[wire.Index]]

    @property
    def indexes(self) -> list[tuple[Target, wire.Index]]:
        """The repositories that could be read."""
        return [(one.target, one.read.value) for one in self.outcomes if one.read is not None]

    @property
    def size(self) -> str:
        """How much there is, in words: `3 packages of 1 repository`."""
        read = self.indexes
        repositories = "1 repository" if len(read) == 1 else f"{len(read)} repositories"
        return f"{counted(sum(len(index.packages) for _, index in read), 'package')} of {repositories}"

    def demand(self, *, strict: bool) -> None:
        """Raise `RepositoryUnusable` where nothing could be read at all, or with `strict` where anything failed."""
        demand(self.outcomes, strict=strict)

    def data(self) -> list[dict[str, Any]]:
        """What became of each repository, as JSON types."""
        return [_data(one) for one in self.outcomes]

    def missing(self, package: str) -> FritError:
        """The error where no repository that could be read has a package."""
        from repositories.searching import near

        if not self.outcomes:
            return PreflightFailed(
                f"there is no package {package}: no package repository is registered",
                hint="frit repo add NAME URL   registers one",
            )
        failed = [one.target.name for one in self.outcomes if one.read is None]
        rest = f"; {', '.join(failed)} could not be read" if failed else ""
        like = near(package, self.indexes)
        meant = f"did you mean {' or '.join(like)}?\n" if like else ""
        if any(one.target.name == package for one in self.outcomes):
            meant += f"frit repo show {package}   shows the repository of that name\n"
        return (RepositoryUnusable if failed else PreflightFailed)(
            f"there is no package {package} among {self.size}{rest}",
            hint=f"{meant}frit search TEXT   finds packages by words",
        )


def _data(one: Outcome[wire.Index]) -> dict[str, Any]:
    from repositories.objects import hide_credentials

    about = {"name": one.target.name, "url": hide_credentials(one.target.url)}
    if one.read is None:
        return {**about, "status": "failed", "packages": None, "message": one.error.message if one.error else ""}
    packages = len(one.read.value.packages)
    return {**about, "status": "old" if one.read.stale else "read", "packages": packages, "message": one.read.note}


def catalogue_options(command: F) -> F:
    """Add the options that `Asked` is made of; they arrive by its names."""
    for option in (
        connection_options,
        setting(
            "--timeout",
            type=DURATION,
            default="10s",
            show_default=True,
            help="Limit for each repository; all are read at once.",
        ),
        setting("--strict", is_flag=True, help="End with code 8 where any repository cannot be read."),
        setting("--refresh", is_flag=True, help="Ask the servers also where the cache is new enough."),
        setting(
            "--ca-bundle",
            type=click.Path(dir_okay=False, path_type=Path),
            help="PEM certificates that are trusted besides the system's and those stored with a repository.",
        ),
        click.option(
            "-r",
            "--repository",
            "which",
            multiple=True,
            metavar="NAME|URL",
            shell_complete=complete_names,
            envvar="FRIT_SEARCH_REPOSITORY",  # FRIT_REPOSITORY says what a bootstrap registers
            help="Read this repository only; may be given several times. A URL needs no cluster, and is read without "
            "credentials. [default: all that are registered]",
        ),
    ):
        command = option(command)
    return command


def read_catalogue(session: Session, command: str, asked: Asked) -> Catalogue:
    """Read all indexes at the same time; what is odd or old about one of them is said.

    Raises `WrongUsage` for a URL or a CA bundle that makes no sense, and what `chosen_targets` raises.
    """
    if asked.ca_bundle is not None:
        from web.tls import trust

        trust(asked.ca_bundle)
    targets = chosen_targets(asked.which, lambda: patient_client(session, command, asked.kubeconfig, asked.context))
    if not targets:
        session.emit(Said("no package repository is registered; frit repo add NAME URL registers one"))
    outcomes = read_indexes(
        targets, asked.reading, session.run, emit=session.emit, fresh=asked.refresh, seconds=asked.timeout
    )
    for one in outcomes:
        if one.read is not None and one.read.stale:
            session.emit(Said(f"{one.target.name} answers from the cache: {one.read.note}", "warning"))
        elif isinstance(one.error, WrongUsage) and is_url(one.target.name):
            raise one.error
        elif one.error is not None and len(outcomes) > 1:
            session.emit(Said(failure(one), "warning"))
        if one.read is not None:
            say_odd(session, one.read)
    return Catalogue(outcomes)


def say_odd(session: Session, read: Read[Any]) -> None:
    """Say what is odd about a file, such as fields that frit does not know: the first of it, and how much more."""
    if read.warnings:
        more = len(read.warnings) - 1
        rest = f" (and {counted(more, 'more remark')}; frit repo lint URL   shows them)" if more else ""
        session.emit(Said(f"{read.warnings[0]}{rest}", "warning"))


@contextlib.contextmanager
def reported(session: Session, data: dict[str, Any]) -> Iterator[None]:
    """Raise what was raised inside; scripts get `data` then, besides the error."""

    try:
        yield
    except FritError as error:
        if session.output in ("json", "yaml"):
            session.failed = Result({**data, "error": error.data()}, exit_code=error.exit_code)
        raise
