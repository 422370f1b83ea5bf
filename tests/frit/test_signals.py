"""SIGINT and SIGTERM: whatever frit does, and whenever they come, it ends within a second and says so."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from base import exits
from tests.faults.proxy import FaultProxy
from tests.faults.rules import Delay
from tests.frit.processes import PLAIN, WITH_DOORS, handles_signals, start

SIGNALS = [(signal.SIGINT, exits.INTERRUPTED), (signal.SIGTERM, exits.TERMINATED)]


def ended(process: subprocess.Popen[bytes], number: signal.Signals) -> tuple[int, str, float]:
    """Send a signal: exit code, stderr, and seconds until the end."""
    began = time.monotonic()
    process.send_signal(number)
    process.wait(timeout=10)
    seconds = time.monotonic() - began
    _, err = process.communicate(timeout=10)
    return process.returncode, err.decode(), seconds


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_command_that_cannot_be_interrupted_is_left(number: signal.Signals, code: int) -> None:
    """A thread that hangs in a system call does not hold frit back."""
    with start("hang") as process:
        handles_signals(process)
        time.sleep(0.3)  # so that the command hangs
        found, err, seconds = ended(process, number)
    assert (found, err) == (code, "interrupted\n")
    assert seconds < 1


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("seed", range(6))
def test_a_signal_at_any_moment_ends_it_within_a_second(
    number: signal.Signals, code: int, seed: int, server: FaultProxy
) -> None:
    """During imports, the loading of credentials, or a request that gets no answer: the same end, no traceback."""
    server.on(Delay(30), times=None)
    moment = random.Random(f"{number} {seed}").uniform(0, 0.8)
    with start("repo", "list", "--kubeconfig", str(server.kubeconfig), program=PLAIN) as process:
        handles_signals(process)
        time.sleep(moment)  # the random moment
        found, err, seconds = ended(process, number)
    assert found == code
    assert err == "interrupted\n"
    assert seconds < 1


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_who_asked_for_it_has_the_last_word(number: signal.Signals, code: int) -> None:
    """What a command left for an interrupt is called with the exit code."""
    with start("last", "speak") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert ended(process, number)[:2] == (code, f"last words before {code}\n")


@pytest.mark.parametrize("how", ["raise", "forever"])
def test_last_words_that_fail_or_never_end_hold_nothing_back(how: str) -> None:
    """A report that cannot be written, or a disk that hangs: the process ends all the same."""
    with start("last", how) as process:
        assert process.stdout is not None
        process.stdout.readline()
        code, err, seconds = ended(process, signal.SIGINT)
    assert code == exits.INTERRUPTED
    assert "Traceback" not in err
    assert seconds < 1


@pytest.mark.parametrize("_", range(12))
def test_impatience_is_no_harm(_: int) -> None:
    """A second and a third signal while frit is ending change nothing.

    The kernel hands the second one to another thread while the first is on its way, and then that thread may take
    both: about one run in five hung before frit heard signals through a pipe.
    """
    with start("last", "forever") as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
            code, err, seconds = ended(process, signal.SIGINT)
        finally:
            process.kill()
    assert code in (exits.INTERRUPTED, exits.TERMINATED)
    assert "Traceback" not in err
    assert seconds < 1


def test_a_reader_that_does_not_read_holds_nothing_back() -> None:
    """Blocked in a write to a pipe that is full, frit still ends."""
    with start("flood") as process:
        handles_signals(process)
        time.sleep(0.5)  # until the pipe is full
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=10)
        assert time.monotonic() - began < 1
        assert process.returncode == exits.INTERRUPTED


def test_a_signal_to_the_group_ends_a_plugin_too(tmp_path: Path) -> None:
    """Ctrl-C reaches the credential plugin that frit waits for; both end, and frit says only one word."""
    plugin = tmp_path / "plugin"
    plugin.write_text("#!/bin/sh\nsleep 30\n")
    plugin.chmod(0o755)
    config = tmp_path / "kubeconfig"
    config.write_text(
        f"""apiVersion: v1
kind: Config
clusters: [{{name: a, cluster: {{server: "https://127.0.0.1:1"}}}}]
users: [{{name: a, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {plugin}}}}}}}]
contexts: [{{name: a, context: {{cluster: a, user: a}}}}]
current-context: a
"""
    )
    with start("repo", "list", "--kubeconfig", str(config), program=PLAIN, start_new_session=True) as process:
        handles_signals(process)
        time.sleep(0.6)  # until the plugin is asked
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=10)
        assert time.monotonic() - began < 1
        _, err = process.communicate(timeout=5)
    assert process.returncode == exits.INTERRUPTED
    assert err == b"interrupted\n"


def test_the_doors_of_the_tests_are_reached_through_the_real_start() -> None:
    """The processes of these tests run frit's own main, so what they show holds for the console script."""
    assert "from frit.__main__ import main; main()" in WITH_DOORS[-1]
