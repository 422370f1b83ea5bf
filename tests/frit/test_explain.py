"""`frit explain` as people and scripts start it: input of every form, output, exit codes, and how quickly it comes.

Set UPDATE_GOLDEN=1 to write the files in explained/ anew.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from base import exits
from tests.frit.processes import PLAIN, environment, finished, on_terminal, start

HERE = Path(__file__).parent / "explained"
LOG = HERE / "mixed.log"
CALL = (
    'Internal error occurred: failed calling webhook "check.example.org": failed to call webhook: '
    'Post "https://check.tools.svc:443/validate?timeout=10s": '
)
MESSAGE = f"{CALL}EOF"
STATUS = json.dumps({"kind": "Status", "status": "Failure", "message": MESSAGE, "reason": "InternalError", "code": 500})


def explain(*arguments: str, stdin: bytes | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `frit explain`."""
    done = subprocess.run(
        [*PLAIN, "explain", *arguments], env=environment(), input=stdin or b"", capture_output=True, timeout=60
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(("output", "suffix"), [("text", "txt"), ("json", "json"), ("yaml", "yaml")])
def test_a_log_of_many_forms_is_explained_as_it_was_seen(output: str, suffix: str) -> None:
    """klog, JSON, container logs, a traceback, Status objects, events, a denial: each once, with its repeats."""
    code, out, err = explain("--file", str(LOG), "-o", output)
    golden = HERE / f"mixed.{suffix}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(out, encoding="utf-8")
    assert out == golden.read_text(encoding="utf-8")
    assert (code, err) == (exits.CANNOT_TELL, "")
    assert "correct-horse" not in out


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        ([MESSAGE], None),
        (MESSAGE.split(), None),
        ([STATUS], None),
        (["-"], MESSAGE.encode()),
        ([], MESSAGE.encode()),
        ([], STATUS.encode()),
        ([], json.dumps(json.loads(STATUS), indent=2).encode()),
        ([], yaml.safe_dump(json.loads(STATUS)).encode()),
        (["--file", "-"], MESSAGE.encode()),
        (["--", MESSAGE], None),
    ],
    ids=["argument", "words", "status", "dash", "pipe", "json", "indented", "yaml", "file-dash", "dashes"],
)
def test_a_message_comes_by_argument_pipe_or_file(arguments: list[str], stdin: bytes | None) -> None:
    """The same message is the same finding, however it arrives; data is on stdout, and nothing on stderr."""
    code, out, err = explain("-o", "json", *arguments, stdin=stdin)
    (finding,) = json.loads(out)["findings"]
    assert (code, err) == (exits.OK, "")
    assert (finding["kind"], finding["retry"], finding["evidence"]) == ("webhook-not-ready", True, "EOF")
    assert finding["webhook"] == "check.example.org"
    assert finding["between"] == "API server -> webhook check.example.org"


@pytest.mark.parametrize(
    ("stdin", "code", "words"),
    [
        (MESSAGE, exits.OK, "1 failure, recognised"),
        ("no idea what this is", exits.CANNOT_TELL, "1 not recognised"),
        (f"{MESSAGE}\nError: no idea\n", exits.CANNOT_TELL, "1 not recognised"),
        ("pod/a created\npod/b created\n", exits.OK, "no failure found in 2 lines"),
        ("pod/a created\n", exits.OK, "no failure found in 1 line"),
        ("\x00\xff\xfe\x1b[31mError: \x07", exits.CANNOT_TELL, "1 not recognised"),
    ],
)
def test_the_exit_code_says_whether_everything_was_recognised(stdin: str, code: int, words: str) -> None:
    """0 where each failure was recognised or there is none, 9 where one was not."""
    got, out, _ = explain(stdin=stdin.encode("latin-1"))
    assert (got, words in out) == (code, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "there is nothing to explain: standard input is empty"),
        ([""], "the message is empty"),
        (["x", "--file", "y"], "there is a message and a --file"),
        (["--file", "no-such-file"], "could not read no-such-file: No such file or directory"),
        (["--file", "/"], "is a directory"),
        ([str(LOG)], f"frit explain --file {LOG}"),
        (["--fil", "x"], "--file"),
        (["-o", "xml", "x"], "'xml' is not one of"),
    ],
)
def test_wrong_usage_says_what_is_right(arguments: list[str], words: str) -> None:
    """Exit code 2, nothing on stdout, and what to type instead."""
    code, out, err = explain(*arguments)
    assert (code, out) == (exits.USAGE, "")
    assert words in err


def test_on_a_terminal_without_a_message_it_does_not_wait() -> None:
    """Whoever types `frit explain` alone is told what it takes, and never left alone with a cursor."""
    code, shown = on_terminal("explain", program=PLAIN)
    assert code == exits.USAGE
    assert "there is nothing to explain" in shown
    assert "--file" in shown


def test_a_file_may_not_be_readable_and_a_reader_may_go_away(tmp_path: Path) -> None:
    """An unreadable file is wrong usage; a closed pipe changes no exit code."""
    locked = tmp_path / "locked.log"
    locked.write_text("x")
    locked.chmod(0)
    if not os.access(locked, os.R_OK):  # root may read everything
        assert explain("--file", str(locked))[0] == exits.USAGE
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        assert finished("explain", "no idea", program=PLAIN, stdout=closed)[::2] == (exits.CANNOT_TELL, "")


def test_a_compressed_log_is_not_passed_over(tmp_path: Path) -> None:
    """Bytes that nobody can read are no log without failures: the user is told how to unpack them."""
    packed = tmp_path / "app.log.gz"
    packed.write_bytes(gzip.compress(MESSAGE.encode()))
    for arguments, stdin, words in (
        (["--file", str(packed)], None, f"zcat {packed} | frit explain"),
        ([], packed.read_bytes(), "zcat FILE | frit explain"),
    ):
        code, out, err = explain(*arguments, stdin=stdin)
        assert (code, out) == (exits.USAGE, "")
        assert words in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_log_without_end_and_what_was_read_is_explained(number: signal.Signals) -> None:
    """Ctrl-C behind `kubectl logs -f`: the explanation so far, without the line that was cut, and the signal's code."""
    with start("explain", "-o", "json", program=PLAIN, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        # more than a pipe holds: when it is written, frit reads
        process.stdin.write(f"{MESSAGE}\n".encode() * 2000 + b"Error from server (NotFou")
        process.stdin.flush()
        began = time.monotonic()
        process.send_signal(number)
        assert process.stdout is not None
        assert process.stderr is not None
        out, err = process.stdout.read(), process.stderr.read()
        code = process.wait(timeout=30)
    assert code == 128 + number
    (finding,) = json.loads(out)["findings"]
    assert 0 < finding["count"] <= 2000
    assert b"interrupted" in err
    assert time.monotonic() - began < 5


def test_it_answers_before_anybody_waits() -> None:
    """Under 150 ms, or on a slow and busy machine, a dozen times what the interpreter takes to start."""

    def fastest(command: list[str]) -> float:
        best = float("inf")
        for _ in range(7):
            began = time.perf_counter()
            subprocess.run(command, env=environment(), capture_output=True, timeout=60)
            best = min(best, time.perf_counter() - began)
        return best

    assert fastest([*PLAIN, "explain", MESSAGE]) < max(0.15, 12 * fastest([PLAIN[0], "-c", "pass"]))


def test_it_loads_no_library_that_it_does_not_need() -> None:
    """Neither Kubernetes nor HTTP nor YAML nor retries: a message is explained in a tenth of a second."""
    program = [PLAIN[0], "-X", "importtime", *PLAIN[1:]]
    code, _, err = finished("explain", "-o", "json", MESSAGE, program=program)
    names = set(re.findall(r"(?m)^import time:\s+\d+ \|\s+\d+ \|\s+(\w+)", err))
    assert code == exits.OK
    assert "click" in names
    heavy = {"kubernetes", "urllib3", "httpx", "yaml", "rich", "ssl", "cryptography", "tenacity", "asyncio", "email"}
    assert names & heavy == set()
    assert names & {"bootstrap", "repositories", "certificates"} == set()
