"""The command line: ``python -m bench.soak``; see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.contestants import frit_program
from bench.documents import RESULTS
from bench.recovery.session import prepared
from bench.recovery.witness import NotSeen
from bench.session import CLUSTER, say, versions
from bench.soak import records, tables, windows
from bench.soak.records import Soak, Usage, Window
from bench.soak.worker import working
from tests.cluster import ClusterError, pki

MOST_FAILURES = 3
"""Windows that could not be opened, after which it is no use to go on."""


def soak(frit: Path, name: str, count: int, seed: int, *, keep: bool = False) -> Soak:
    """So many windows in a row against one process. Raises ClusterError where the cluster cannot be had.

    A window that frit misses is told in the results and does not end it.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    say(f"seed {seed}")
    found: list[Window] = []
    failures: list[str] = []
    after: Usage | None = None
    with tempfile.TemporaryDirectory(prefix="frit-soak-") as temporary, prepared(frit, name, keep=keep) as there:
        cluster, have, faults = there
        told = versions(have)
        authority = pki.Authority(Path(temporary)).pair.certificate
        begun = time.monotonic()
        faults.healthy()
        with working(cluster.kubeconfig) as worker:
            try:
                for number, (sort, seconds) in enumerate(windows.drawn(count, random.Random(seed)), 1):
                    try:
                        found.append(windows.run(faults, worker, authority, number, sort, seconds))
                        say(_line(found[-1]))
                    except (ClusterError, NotSeen) as error:
                        failures.append(f"window {number} ({sort.key}): {error}")
                        say(f"failed: {failures[-1]}")
                        if len(failures) > MOST_FAILURES:
                            break
                        sort.close(faults)
                        faults.healthy()
                after = worker.usage()
            except (RuntimeError, ClusterError, NotSeen) as error:
                failures.append(f"ended early: {error}")
                say(f"failed: {failures[-1]}")
            finally:
                faults.close_held_window()
    return Soak(
        started=started,
        seed=seed,
        seconds=time.monotonic() - begun,
        wanted=count,
        machine=machine.describe(),
        versions=told,
        sorts={one.key: one.title for one in windows.SORTS},
        windows=tuple(found),
        after=after,
        failures=tuple(failures),
    )


def main() -> int:
    """Soak and print. Exit code 0 also where a target is missed: the figures are the result."""
    arguments = _parser().parse_args()
    try:
        frit = arguments.frit or frit_program()
        results = soak(frit, arguments.name, arguments.windows, arguments.seed, keep=arguments.keep)
    except (ClusterError, RuntimeError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    path = arguments.results or RESULTS / f"{results.started.replace(':', '')}-soak.json"
    records.write(path, results)
    print(tables.text(results))
    say(f"written: {path}")
    return 1 if results.failures else 0


def _line(window: Window) -> str:
    use = window.usage
    ended = f"missed: {window.error}" if window.recovery is None else f"{window.recovery:+.2f} s after it"
    return (
        f"window {window.number} ({window.sort}): open for {window.open_for:.2f} s, {ended}, {len(window.kinds)} "
        f"failed attempts; before it {use.resident_mb:.1f} MB, {use.threads} threads, {use.files} files"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description="Many certificate windows in a row.")
    option = parser.add_argument
    option("--windows", type=int, default=200, help="how many (default: %(default)s)")
    option("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="repeat a run (default: drawn)")
    option("--frit", type=Path, metavar="FILE", help="the frit that prepares the cluster (default: as in bench)")
    option("--name", default=CLUSTER, help="the cluster's name (default: %(default)s)")
    option("--keep", action="store_true", help="leave the cluster running")
    option("--results", type=Path, metavar="FILE", help="the JSON file to write")
    return parser


if __name__ == "__main__":
    sys.exit(main())
