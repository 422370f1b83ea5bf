"""Wrong usage of frit bootstrap is told before anybody is asked for anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from base import exits
from base.errors import WrongUsage
from bootstrap.release import check_usage
from bootstrap.settings import Settings
from tests.running import frit


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"repositories": ("team",)}, "NAME=URL"),
        ({"repositories": ("team=ftp://packages.example.com",)}, "http://"),
        ({"repositories": ("team=http://one", "lab=http://one", "team=http://two")}, "team stands there with two URLs"),
        ({"sha256": "abc"}, "64 hexadecimal digits"),
        ({"image_registry": "https://registry.example.com"}, "without https://"),
        ({"cert_manager_version": "1.21"}, "write it in full"),
        ({"cert_manager_version": "0.1.0"}, "knows nothing"),
        ({"timeout": 0.0}, "--timeout: without any time"),
        ({"stage_timeouts": {"webhook": 0.0}}, "--stage-timeout webhook: without any time"),
    ],
)
def test_what_makes_no_sense_by_itself_is_refused(chosen: dict[str, Any], said: str) -> None:
    """A bad repository, digest, registry or version is wrong usage, whatever the cluster is like."""
    with pytest.raises(WrongUsage, match=said):
        check_usage(Settings(**chosen))


def test_what_makes_sense_passes() -> None:
    """Good texts, and settings that say nothing, are accepted."""
    check_usage(Settings())
    check_usage(
        Settings(
            repositories=("team=https://packages.example.com/team",),
            sha256="sha256:" + 64 * "a",
            image_registry="registry.example.com/mirror",
            cert_manager_version="v1.20.3",
        )
    )


def test_wrong_usage_comes_before_the_cluster(tmp_path: Path) -> None:
    """A bad option ends with exit code 2 and its own message even where there is no cluster to talk to."""
    ran = frit("bootstrap", "--repository", "team", kubeconfig=tmp_path / "missing")
    assert ran.code == exits.USAGE
    assert "NAME=URL" in ran.stderr
    assert "connect" not in ran.stderr


@pytest.mark.parametrize("command", [("bootstrap",), ("repo", "add", "team", "https://packages.example.com")])
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("retry-attempts", "0", "0 is not in the range x>=1"),
        ("retry-attempts", "1e9", "'1e9' is not a valid integer range"),
        ("retry-timeout", "-1", "'-1' is not a duration: write 90s"),
        ("retry-timeout", "1e9", "'1e9' is not a duration"),
        ("retry-max-pause", "0", "0s is less than 50ms"),
        ("retry-max-pause", "abc", "'abc' is not a duration"),
    ],
)
def test_bad_limits_of_retrying(tmp_path: Path, command: tuple[str, ...], name: str, value: str, said: str) -> None:
    """Exit code 2 with the flag, the variable or the line of the file, before anybody is asked."""
    nowhere, variable = tmp_path / "missing", f"FRIT_{name.replace('-', '_').upper()}"
    flag = frit(*command, f"--{name}", value, kubeconfig=nowhere)
    from_environment = frit(*command, kubeconfig=nowhere, environment={variable: value})
    assert (flag.code, from_environment.code) == (exits.USAGE, exits.USAGE)
    assert f"'--{name}': {said}" in flag.stderr
    assert f"(from {variable}): {said}" in from_environment.stderr
    if command == ("bootstrap",):
        file = tmp_path / "frit.yaml"
        file.write_text(f"apiVersion: frit/v1\n{name}: {value}\n", encoding="utf-8")
        from_file = frit("bootstrap", "-f", str(file), kubeconfig=nowhere)
        assert from_file.code == exits.USAGE
        assert f"{file}:2: {name}: {said}" in from_file.stderr


def test_a_script_learns_that_nothing_is_ready_without_a_cluster(tmp_path: Path) -> None:
    """Where there is no kubeconfig `frit check -o json` has the keys that a script decides by, and the error."""
    ran = frit("check", "-o", "json", kubeconfig=tmp_path / "missing")
    said = json.loads(ran.stdout)
    assert ran.code == said["exitCode"] == exits.UNREACHABLE
    assert (said["ready"], said["checks"]) == (False, [])
    assert said["reason"] == said["error"]["message"]
