"""The command line: ``python -m tests.cluster up|down|status|kubeconfig|load|load-release|build``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from . import build, certmanager, clean, paths, progress, provider_builtin, providers
from .paths import ClusterError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description="Real throw-away clusters.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help_: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help_, description=help_)
        made.add_argument("--name", default=providers.DEFAULT_NAME, help="the cluster's name (default: %(default)s)")
        return made

    up = command("up", "bring a cluster up, or find it running")
    up.add_argument(
        "--cert-manager",
        default=certmanager.DEFAULT,
        metavar="VERSIONS",
        help=f"load the images of these releases, separated by commas (default: %(default)s; known: "
        f"{', '.join(certmanager.TARGETS)})",
    )
    command("down", "remove a cluster and everything that it made")
    command("status", "say whether a cluster runs; exit 1 when it doesn't")
    command("kubeconfig", "print the path of a cluster's kubeconfig")
    command("load", "load images from a docker archive").add_argument("file", type=Path, metavar="FILE.tar")
    command("load-release", "load the images of a cert-manager release").add_argument("version", metavar="VERSION")
    command("clean", "take a running cluster back to nothing")
    command("build", "build everything that clusters and benchmarks need, without starting one")
    arguments = parser.parse_args()
    try:
        return run(arguments)
    except (ClusterError, OSError, subprocess.SubprocessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; `up` cleans up what is left", file=sys.stderr)
        return 130


def run(arguments: argparse.Namespace) -> int:
    name = arguments.name
    match arguments.command:
        case "up":
            started = time.monotonic()
            releases = tuple(filter(None, arguments.cert_manager.split(",")))
            cluster = providers.up(name, releases)
            progress.to_stderr(
                f"cluster {name} is ready after {time.monotonic() - started:.1f} s: {cluster.server}\n"
                f"  export KUBECONFIG={cluster.kubeconfig}\n  kubectl: {cluster.kubectl}"
            )
        case "down":
            providers.down(name)
            progress.to_stderr(f"cluster {name} is gone")
        case "status":
            found = providers.status(name)
            print(f"cluster {name}: {'ready at ' + found.server if found else 'not running'}")
            return 0 if found else 1
        case "kubeconfig":
            print(providers.running(name).kubeconfig)
        case "clean":
            found = providers.running(name)
            with progress.step(progress.to_stderr, f"cluster {name} cleaned to nothing"):
                clean.clean(found.kubeconfig)
        case "load":
            providers.load(name, arguments.file)
        case "load-release":
            providers.load_release(name, arguments.version)
        case "build":
            own = providers.choose() is provider_builtin
            for target in (*((build.KUBERNETES, build.PAUSE) if own else ()), build.HELM, certmanager.CTL):
                print(build.programs(target, progress.to_stderr))
            for version in certmanager.TARGETS:
                print(certmanager.archive(version, progress.to_stderr))
            print(paths.binaries())
    return 0


if __name__ == "__main__":
    sys.exit(main())
