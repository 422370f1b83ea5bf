"""The command line: ``python -m bench``; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from bench import documents, records, session, tables
from bench.contestants import frit_program
from bench.documents import RESULTS
from bench.recovery import records as recovery_records
from bench.recovery import session as recovery_session
from bench.recovery import tables as recovery_tables
from bench.repositories import records as repository_records
from bench.repositories import session as repository_session
from bench.repositories import tables as repository_tables
from bench.session import CLUSTER, say
from tests.cluster import ClusterError

PARTS = ("install", "recovery", "repositories")


def main() -> int:
    """Parse, measure, print. Exit code 0 also where a target is missed: the figures are the result."""
    arguments = _parser().parse_args()
    try:
        if arguments.markdown or arguments.into:
            return _told(arguments)
        parts = {"install": _install, "recovery": _recovery, "repositories": _repositories}
        failed = [run(arguments) for name, run in parts.items() if arguments.part in (None, name)]
    except (ClusterError, RuntimeError, ValueError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 1 if any(failed) else 0


def _told(arguments: argparse.Namespace) -> int:
    chosen = arguments.results
    files = {documents.format_of(chosen): chosen} if chosen else documents.newest()
    if arguments.into:
        arguments.into.write_text(documents.into(arguments.into.read_text(), files))
    else:
        print(documents.markdown(files))
    return 0


def _install(arguments: argparse.Namespace) -> bool:
    """Whether a contestant failed."""
    results = session.bench(
        session.Options(
            frit=arguments.frit or frit_program(),
            name=arguments.name,
            count=arguments.rounds,
            unpolled=arguments.unpolled,
            only=_keys(arguments.only),
            startup=not arguments.no_startup,
            keep=arguments.keep,
        )
    )
    path = _path(arguments, results.started, "install")
    records.write(path, results)
    print(tables.text(results))
    say(f"written: {path}")
    return bool(results.failures)


def _recovery(arguments: argparse.Namespace) -> bool:
    """Whether a fault could not be opened or was not seen."""
    results = recovery_session.bench(
        recovery_session.Options(
            frit=arguments.frit or frit_program(),
            name=arguments.name,
            count=arguments.rounds,
            seed=arguments.seed,
            faults=_keys(arguments.faults),
            keep=arguments.keep,
        )
    )
    path = _path(arguments, results.started, "recovery")
    recovery_records.write(path, results)
    print(recovery_tables.text(results))
    say(f"written: {path}")
    return bool(results.failures)


def _repositories(arguments: argparse.Namespace) -> bool:
    """Whether a command failed, or found something else than those beside it."""
    results = repository_session.bench(
        repository_session.Options(
            frit=arguments.frit or frit_program(),
            name=arguments.name,
            count=arguments.rounds,
            seed=arguments.seed,
            subjects=_keys(arguments.subjects),
            keep=arguments.keep,
        )
    )
    path = _path(arguments, results.started, "repositories")
    repository_records.write(path, results)
    print(repository_tables.text(results))
    say(f"written: {path}")
    return bool(results.failures)


def _keys(text: str | None) -> tuple[str, ...] | None:
    return tuple(text.split(",")) if text else None


def _path(arguments: argparse.Namespace, started: str, part: str) -> Path:
    """Where a part's results are written: the file that was named, or, where several parts run, one beside it."""
    path: Path = arguments.results or RESULTS / f"{started.replace(':', '')}-{part}.json"
    return path.with_name(f"{path.stem}-{part}.json") if arguments.results and not arguments.part else path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures frit beside what people script.")
    option = parser.add_argument
    option(
        "--part",
        choices=PARTS,
        help="fresh installs, recovery from faults of the webhook, or reading repositories (default: all)",
    )
    option("--rounds", type=int, default=3, help="runs of each contestant, fault and reading (default: %(default)s)")
    option("--unpolled", type=int, default=1, help="install: further runs with nobody polling (default: %(default)s)")
    option("--only", metavar="KEYS", help="install: only these contestants, separated by commas")
    option("--faults", metavar="KEYS", help="recovery: only these faults, separated by commas")
    option("--subjects", metavar="KEYS", help="repositories: only these of search, many, list and lint")
    seed = random.SystemRandom().randrange(10**6)
    option("--seed", type=int, default=seed, help="recovery: the lengths of faults; repositories: what they hold")
    option("--frit", type=Path, metavar="FILE", help="the frit to measure (default: the one beside this interpreter)")
    option("--no-startup", action="store_true", help="install: leave out the starts of processes")
    option("--name", default=CLUSTER, help="the cluster's name (default: %(default)s)")
    option("--keep", action="store_true", help="leave the cluster running")
    option("--results", type=Path, metavar="FILE", help="the JSON file to write, or to read with --markdown and --into")
    option("--markdown", action="store_true", help="measure nothing: print the newest results as Markdown")
    option("--into", type=Path, metavar="FILE", help="measure nothing: write the newest results into a document")
    return parser


if __name__ == "__main__":
    sys.exit(main())
