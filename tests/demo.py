"""``make demo``: a real cluster, a real bootstrap, and what can be looked at afterwards.

Starts a throw-away cluster named frit-demo, serves cert-manager's release manifest and a package repository of our
own on loopback, and runs frit against it: bootstrap, check, repo list, search. Each command is printed behind ``$``
before its output, which is frit's own. The cluster stays; ``make demo-down`` removes it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import tests.cluster
from tests.cluster import Cluster, ClusterError, certmanager, releases
from tests.packages_server import PACKAGES, serve

NAME = "frit-demo"
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description="Show frit on a throw-away cluster.")
    parser.add_argument("action", nargs="?", choices=("up", "down"), default="up", help="default: %(default)s")
    parser.add_argument("--name", default=NAME, help="the cluster's name (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        if arguments.action == "down":
            tests.cluster.down(arguments.name)
            say(f"cluster {arguments.name} is gone")
            return 0
        return show(arguments.name)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say(f"\nInterrupted. The cluster may still be there; {removal(arguments.name)}")
        return 130


def show(name: str) -> int:
    """Start the cluster and run every command; 0 only if all of them ended with 0."""
    say(f"Starting a throw-away Kubernetes cluster named {name}. The first time it is built, which takes a while.")
    cluster = tests.cluster.up(name)
    with releases.ReleaseServer() as server, serve() as repository:
        say(
            f"cert-manager's manifest and a package repository are served on 127.0.0.1 while this demo runs:\n"
            f"  {server.url(certmanager.DEFAULT)}\n  {repository}"
        )
        exports = environment(cluster, os.environ)
        say()
        for key, value in exports.items():
            say(f"$ export {key}={shlex.quote(value)}")
        for command in commands(server.url(certmanager.DEFAULT), repository):
            code = run(command, exports)
            if code != 0:
                say(f"\nThis command ended with exit code {code}, so the demo ends here. {looking(cluster)}")
                return 1
    say(f"\n{looking(cluster)}\n{trying(repository)}\n\n{ending(name)}")
    return 0


def commands(manifest: str, repository: str) -> list[list[str]]:
    """What is shown, as arguments of frit.

    Without a cache, as the manifest's URL is another one in every demo; and without the public repository, so that
    the demo shows the same where there is no internet.
    """
    install = ["bootstrap", "--cert-manager-manifest", manifest, "--no-cache"]
    register = ["--no-default-repository", "--repository", f"demo={repository}"]
    return [[*install, *register], ["repo", "set-default", "demo"], ["check"], ["repo", "list"], ["search"]]


def environment(cluster: Cluster, inherited: Mapping[str, str]) -> dict[str, str]:
    """What the commands need in their environment; where there is a proxy, the cluster is excepted from it."""
    found = {"KUBECONFIG": str(cluster.kubeconfig)}
    if any(inherited.get(one) for one in _PROXIES):
        excepted = inherited.get("NO_PROXY") or inherited.get("no_proxy") or ""
        host = urlsplit(cluster.server).hostname or ""
        found["NO_PROXY"] = found["no_proxy"] = ",".join(filter(None, (excepted, host)))
    return found


def run(command: Sequence[str], exports: Mapping[str, str]) -> int:
    """Print a command of frit and run it on this terminal; returns its exit code."""
    say(f"\n$ {shlex.join(['frit', *command])}")
    plain = {key: value for key, value in os.environ.items() if not key.startswith("FRIT_")}
    return subprocess.run([sys.executable, "-m", "frit", *command], env={**plain, **exports}).returncode


def looking(cluster: Cluster) -> str:
    """How to look around by hand."""
    lines = [
        "Look around:",
        f"  export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}",
        f'  export PATH="{Path(sys.executable).parent}:{cluster.kubectl.parent}:$PATH"   # frit and kubectl',
        "  kubectl -n cert-manager get pods",
        "  kubectl get packagerepositories",
    ]
    return "\n".join(lines)


def trying(repository: str) -> str:
    """More commands of frit, in an order that makes sense."""
    manifest = releases.manifest(certmanager.DEFAULT)
    lines = [
        "  frit check -o json",
        f"  frit bootstrap --cert-manager-manifest {shlex.quote(str(manifest))}   # again: changes nothing",
        "  kubectl -n cert-manager scale deployment cert-manager-webhook --replicas=0",
        "  frit check   # says no, and why; --replicas=1 mends it",
        "",
        f"Repository demo was served only while the demo ran. Serve it again at the same address:\n"
        f"  frit repo serve {shlex.quote(str(PACKAGES))} --port {urlsplit(repository).port}",
    ]
    return "\n".join(lines)


def ending(name: str) -> str:
    """How to remove what the demo made."""
    return f"The cluster goes on running until you remove it: {removal(name)}"


def removal(name: str) -> str:
    """The command that removes the cluster."""
    return "make demo-down" if name == NAME else f"python -m tests.demo down --name {name}"


def say(text: str = "") -> None:
    """One paragraph on stdout, at once: commands write to the same terminal."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
