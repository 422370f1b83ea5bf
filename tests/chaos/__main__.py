"""The chaos suite: ``python -m tests.chaos`` (``make chaos``); see docs/chaos.md."""

from __future__ import annotations

import argparse
import fnmatch
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import tests.cluster
from tests.chaos import kills, runner
from tests.chaos.runner import Outcome
from tests.chaos.scenarios import CHEAP, KILLS, Scenario, all_scenarios
from tests.chaos.site import Site
from tests.cluster import ClusterError, releases

CLUSTER = "frit-chaos"
_WORST = 3


def main() -> int:
    """Runs the chosen scenarios; exit code 1 where one of them went wrong."""
    arguments = _parser().parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1_000_000)
    chosen = _chosen(arguments.only, arguments.cheap, arguments.kills)
    if arguments.list:
        print("\n".join(name for name, _ in chosen))
        return 0
    if not chosen:
        print(f"error: no scenario is called {arguments.only!r}; --list shows them all", file=sys.stderr)
        return 2
    print(f"seed {seed}: {len(chosen)} scenarios, at most {arguments.minutes:g} minutes", flush=True)
    found = tests.cluster.status(arguments.name) is not None
    try:
        outcomes = _all(arguments.name, chosen, seed, arguments.minutes * 60)
        return _report(outcomes, seed, len(chosen), verbose=arguments.verbose)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        if not found and not arguments.keep:
            tests.cluster.down(arguments.name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="frit while the cluster breaks.")
    option = parser.add_argument
    option("--seed", type=int, default=_seed(), help="of everything random (default: $SEED, else another each time)")
    option("--only", metavar="PATTERN", help="only scenarios with this name; * and ? stand for anything")
    option("--cheap", action="store_true", help="only those that run with `make test`")
    option("--kills", type=int, default=KILLS, metavar="N", help="how often frit is killed (default: %(default)s)")
    option("--minutes", type=float, default=40, help="begin no scenario after so long (default: %(default)s)")
    option("--name", default=CLUSTER, help="the cluster's name (default: %(default)s)")
    option("--keep", action="store_true", help="leave the cluster running")
    option("--verbose", action="store_true", help="show what frit said, also where all was well")
    option("--list", action="store_true", help="run nothing: print the names")
    return parser


def _seed() -> int | None:
    text = os.environ.get("SEED", "")
    return int(text) if text.isdigit() else None


Run = Callable[[Site, int], Outcome]


def _chosen(only: str | None, cheap: bool, count: int) -> list[tuple[str, Run]]:
    """The scenarios to run, by name."""
    every: list[tuple[str, Run]] = [(one.name, partial(_scenario, one)) for one in all_scenarios()]
    every += [(kills.name(number), partial(_kill, number)) for number in range(1, count + 1)]
    if cheap:
        every = [(name, run) for name, run in every if name in CHEAP]
    return [(name, run) for name, run in every if only is None or fnmatch.fnmatchcase(name, only)]


def _scenario(one: Scenario, site: Site, seed: int) -> Outcome:
    return runner.run(site, one, seed)


def _kill(number: int, site: Site, seed: int) -> Outcome:
    return kills.run(site, number, seed)


def _all(name: str, chosen: Sequence[tuple[str, Run]], seed: int, limit: float) -> Iterator[Outcome]:
    cluster = tests.cluster.up(name)
    began = time.monotonic()
    with releases.ReleaseServer() as release, tempfile.TemporaryDirectory() as folder:
        site = Site(cluster, release, Path(folder))
        site.learn()
        for _, run in chosen:
            if time.monotonic() - began > limit:
                return
            yield run(site, seed)


def _report(outcomes: Iterator[Outcome], seed: int, wanted: int, *, verbose: bool = False) -> int:
    """Tells each outcome as it comes, then the table, then how to repeat what went wrong."""
    done: list[Outcome] = []
    began = time.monotonic()
    for one in outcomes:
        done.append(one)
        print(f"[{len(done)}/{wanted}, {time.monotonic() - began:.0f} s] {_line(one, 0)}", flush=True)
        for problem in one.problems:
            print(f"    {problem}", flush=True)
        if one.problems or verbose:
            print("".join(f"    | {line}\n" for line in one.said.splitlines()[-12:]), flush=True)
    width = max((len(one.name) for one in done), default=0)
    print(f"\n{'scenario':{width}}  {'frit ran':>8}  {'exit':>4}  {'after fault':>11}  outcome")
    for one in done:
        print(_line(one, width))
    bad = [one for one in done if one.problems]
    print(f"\nseed {seed}: {len(done) - len(bad)} of {wanted} well, {len(bad)} not, {wanted - len(done)} not begun")
    for one in bad:
        print(f"repeat: make chaos SEED={seed} ARGS=\"--only '{one.name}'\"")
    return 1 if bad or len(done) < wanted else 0


def _line(one: Outcome, width: int) -> str:
    code = "-" if one.code is None else str(one.code)
    recovery = "-" if one.recovery is None else f"{one.recovery:.2f} s"
    return (
        f"{one.name:{width}}  {one.seconds:6.1f} s  {code:>4}  {recovery:>11}  {'NOT WELL' if one.problems else 'well'}"
    )


if __name__ == "__main__":
    sys.exit(main())
