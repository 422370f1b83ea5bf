"""The command line: ``python -m bench``; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import records, tables
from bench.contestants import frit_program
from bench.session import CLUSTER, Options, bench, say
from tests.cluster import ClusterError

RESULTS = Path(__file__).resolve().parent / "results"


def main() -> int:
    """Parse, measure, print. Exit code 0 also where a target is missed: the figures are the result."""
    arguments = _parser().parse_args()
    try:
        if arguments.markdown:
            print(tables.markdown(records.read(arguments.results or _newest())))
            return 0
        if arguments.into:
            newest = records.read(arguments.results or _newest())
            arguments.into.write_text(tables.into(arguments.into.read_text(), newest))
            return 0
        results = bench(
            Options(
                frit=arguments.frit or frit_program(),
                name=arguments.name,
                count=arguments.rounds,
                unpolled=arguments.unpolled,
                only=tuple(arguments.only.split(",")) if arguments.only else None,
                startup=not arguments.no_startup,
                keep=arguments.keep,
            )
        )
    except (ClusterError, RuntimeError, ValueError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    path = arguments.results or RESULTS / f"{results.started.replace(':', '')}.json"
    records.write(path, results)
    print(tables.text(results))
    say(f"written: {path}")
    return 1 if results.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures frit beside what people script.")
    option = parser.add_argument
    option("--rounds", type=int, default=3, help="runs of each contestant (default: %(default)s)")
    option("--unpolled", type=int, default=1, help="further runs of each with nobody polling (default: %(default)s)")
    option("--only", metavar="KEYS", help="only these contestants, separated by commas")
    option("--frit", type=Path, metavar="FILE", help="the frit to measure (default: the one beside this interpreter)")
    option("--no-startup", action="store_true", help="leave out the starts of processes")
    option("--name", default=CLUSTER, help="the cluster's name (default: %(default)s)")
    option("--keep", action="store_true", help="leave the cluster running")
    option("--results", type=Path, metavar="FILE", help="the JSON file to write, or to read with --markdown and --into")
    option("--markdown", action="store_true", help="measure nothing: print the newest results as Markdown")
    option("--into", type=Path, metavar="FILE", help="measure nothing: write the newest results into a document")
    return parser


def _newest() -> Path:
    found = sorted(RESULTS.glob("*.json"))
    if not found:
        raise ValueError(f"there are no results in {RESULTS}: run `python -m bench` first")
    return found[-1]


if __name__ == "__main__":
    sys.exit(main())
