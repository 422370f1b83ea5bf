"""The namespaces in which a cluster lives: processes, mounts and network, held by one first process.

Everything that a cluster starts is a descendant of that first process, in its pid namespace, so that ending it ends
everything, the containers and what escaped its parent included: the kernel does it, and nobody else is met. Mounts
and firewall rules live in its namespaces and go with it. The first process is found by an argument that names the
state folder, whether or not anything was written down before a run was killed.

Inside, the state folder is ``/run/frit`` and the cache of binaries ``/run/frit-bin``: short paths (a socket's path
has at most 107 characters) that don't depend on the user's. /run, /var/lib and /var/log are the cluster's own,
because kubelet, containerd and CNI have fixed paths there.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import paths, processes
from .paths import ClusterError
from .processes import Process

INSIDE = Path("/run/frit")
INSIDE_BINARIES = Path("/run/frit-bin")

# Values that the kubelet would write for the whole machine. It reads them first, and leaves them when they are
# what it wants: inside, files lie over them.
_KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


@dataclass(frozen=True)
class Sandbox:
    """A running first process and its state folder."""

    folder: Path
    first: Process

    @property
    def namespace(self) -> str:
        found = processes.pid_namespace(self.first.pid)
        if found is None:
            raise ClusterError(f"the cluster's first process ({self.first.pid}) is gone: bring the cluster up again")
        return found

    def enter(self, *command: str) -> list[str]:
        """The command line that runs ``command`` inside."""
        return ["nsenter", f"--target={self.first.pid}", "--mount", "--net", "--pid", "--", *command]

    def run(self, *command: str, text: str | None = None, timeout: float = 60.0) -> str:
        """Runs a command inside and gives back what it says. Raises ClusterError with its message."""
        done = subprocess.run(self.enter(*command), input=text, capture_output=True, text=True, timeout=timeout)
        if done.returncode != 0:
            raise ClusterError(f"{shlex.join(command[:6])}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def start(self, name: str, *command: str) -> Process:
        """Starts a program inside that lives on; its output goes to ``logs/NAME.log`` in the state folder."""
        log = INSIDE / "logs" / f"{name}.log"
        script = 'setsid "$@" </dev/null >>"$0" 2>&1 & echo $!'
        inner = int(self.run("sh", "-c", script, str(log), *command))
        pid = processes.host_pid(self.namespace, inner)
        process = processes.identify(pid) if pid is not None else None
        if process is None:
            raise ClusterError(f"{name} ended at once; its last words are in {self.folder / 'logs'}/{name}.log")
        return process


def marker(folder: Path) -> str:
    """The argument by which a cluster's first process is known."""
    return f"--frit-test-cluster={folder}"


def find(folder: Path) -> Sandbox | None:
    """The sandbox that runs for a state folder."""
    outside = (None, processes.pid_namespace(os.getpid()))
    for process in processes.with_argument(marker(folder)):
        # unshare, its parent, carries the same argument, but lives in the outer pid namespace.
        if processes.pid_namespace(process.pid) not in outside and _is_first(process):
            return Sandbox(folder, process)
    return None


def _is_first(process: Process) -> bool:
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    line = next(line for line in status.splitlines() if line.startswith("NSpid:"))
    return len(line.split()) > 2 and line.split()[-1] == "1"


_started: list[subprocess.Popen[bytes]] = []
"""First processes that this one has started: Python warns about a Popen that goes away while its process runs on."""


def create(folder: Path, pause: Path) -> Sandbox:
    """Starts the first process for a state folder and prepares its mounts."""
    for part in ("logs", "run", "var-lib", "var-log", "settings"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    command = ["unshare", "--fork", "--pid", "--mount", "--net", "--uts", "--ipc", "--mount-proc"]
    command += ["--propagation=private", "--", str(pause), marker(folder)]
    with (folder / "logs" / "sandbox.log").open("ab") as log:
        starter = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    _started.append(starter)
    deadline = time.monotonic() + 10
    sandbox = None
    while sandbox is None:
        if starter.poll() is not None or time.monotonic() > deadline:
            words = (folder / "logs" / "sandbox.log").read_text().strip()
            raise ClusterError(
                f"no namespaces for the cluster: {words or 'unshare is silent'}. It needs root with CAP_SYS_ADMIN "
                "and CAP_NET_ADMIN (in a container: --privileged)"
            )
        time.sleep(0.005)  # the kernel tells nobody when unshare has executed the program
        sandbox = find(folder)
    sandbox.run("sh", "-ec", _mount_script(folder))
    return sandbox


def _mount_script(folder: Path) -> str:
    state, binaries = shlex.quote(str(folder)), shlex.quote(str(paths.binaries()))
    lines = [
        f"mount -t tmpfs -o mode=755 tmpfs {state}/run",
        f"mkdir {state}/run/frit {state}/run/frit-bin {state}/run/lock",
        f"mount --bind {state} {state}/run/frit",
        f"mount --bind {binaries} {state}/run/frit-bin",
        # From here on only paths below /run: the ones outside may get covered, wherever the user's cache lies.
        f"mount --rbind {state}/run /run",
        f"mount --bind {INSIDE}/var-lib /var/lib",
        f"mount --bind {INSIDE}/var-log /var/log",
    ]
    for setting, value in _KERNEL_SETTINGS.items():
        file = folder / "settings" / setting.replace("/", "-")
        file.write_text(value + "\n")
        lines.append(f"mount --bind {INSIDE}/settings/{file.name} /proc/sys/{setting}")
    return "\n".join(lines)


def destroy(folder: Path) -> None:
    """Ends everything that runs for a state folder. Raises ClusterError that names what doesn't end."""
    running = processes.with_argument(marker(folder))
    namespaces = {processes.pid_namespace(process.pid) for process in running}
    namespaces -= {None, processes.pid_namespace(os.getpid())}
    inside = [found for namespace in namespaces for found in processes.in_pid_namespace(str(namespace))]
    # The first processes go by SIGKILL, and the kernel takes the rest of their namespace; unshare ends by itself.
    left = processes.end(running)
    left += processes.wait_gone(inside, 20)
    if left:
        raise ClusterError(f"these processes of the cluster don't end: {sorted({p.pid for p in left})}")
