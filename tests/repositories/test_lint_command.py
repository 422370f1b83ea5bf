"""`frit repo lint` as a command: its formats and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from repositories.lint_rules import RULES
from tests.frit.processes import PLAIN, finished
from tests.repositories.shelves import change, write

STORE = "store/v1.0.0+1/package.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with one error and one warning."""
    made = write(tmp_path / "shelf")
    change(made, STORE, '        valueTemplate: "{{.}}"\n', "")
    change(made, STORE, "defaultNamespace: store\n", "defaultNamespace: store\nkustomize: {}\n")
    return made


def lint(folder: Path, *arguments: str) -> tuple[int, str, str]:
    return finished("repo", "lint", folder.name, *arguments, program=PLAIN, cwd=folder.parent)


def test_each_remark_is_a_line_that_editors_understand(folder: Path) -> None:
    """File, line, severity, field, message, rule; then one line that counts. An error makes the exit code 5."""
    code, out, err = lint(folder)
    assert (code, err) == (5, "")
    assert out.splitlines() == [
        f"shelf/{STORE}:5: warning: kustomize: no client installs kustomizations [unsupported]",
        f"shelf/{STORE}:19: error: valueDefinitions.backup.targets[0]: without a valueTemplate the boolean is written"
        " as a text [string-patch]",
        "1 error, 1 warning, 0 notes in 2 packages, 3 versions",
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 5),
        (("--fail-on", "never"), 0),
        (("--ignore", "string-patch"), 0),
        (("--ignore", "string-patch", "--fail-on", "warning"), 5),
        (("--ignore", "string-patch", "--ignore", "unsupported", "--fail-on", "note"), 0),
        (("--ignore", "no-such-rule"), 2),
    ],
)
def test_what_fails_is_a_choice(folder: Path, arguments: tuple[str, ...], code: int) -> None:
    """Rules can be left out, and severities that fail be chosen; a rule that does not exist is wrong usage."""
    assert lint(folder, *arguments)[0] == code


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_scripts_get_data(folder: Path, output: str) -> None:
    """Counts, and every remark with its parts."""
    code, out, _ = lint(folder, "-o", output)
    data = json.loads(out) if output == "json" else yaml.safe_load(out)
    assert code == 5
    assert {key: value for key, value in data.items() if key != "remarks"} == {
        "repository": "shelf",
        "packages": 2,
        "versions": 3,
        "errors": 1,
        "warnings": 1,
        "notes": 0,
    }
    assert data["remarks"][1] == {
        "severity": "error",
        "rule": "string-patch",
        "file": STORE,
        "line": 19,
        "field": "valueDefinitions.backup.targets[0]",
        "message": "without a valueTemplate the boolean is written as a text",
    }


def sarif(folder: Path) -> dict[str, Any]:
    code, out, _ = lint(folder, "-o", "sarif")
    assert code == 5
    log: dict[str, Any] = json.loads(out)
    return log


def test_code_scanning_gets_sarif(folder: Path) -> None:
    """One run with all rules; each result names its rule twice, its place relative to here, and a fingerprint."""
    log = sarif(folder)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert rules[result["ruleIndex"]]["defaultConfiguration"]["level"] == result["level"]
    assert run["results"][1]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": f"shelf/{STORE}"},
                "region": {"startLine": 19},
            },
            "logicalLocations": [{"fullyQualifiedName": "valueDefinitions.backup.targets[0]"}],
        }
    ]


def test_a_result_stays_the_same_when_lines_move(folder: Path) -> None:
    """The fingerprint does not depend on the line, so that code scanning recognises an old result."""
    before = sarif(folder)["runs"][0]["results"]
    (folder / STORE).write_text("# a line more\n" + (folder / STORE).read_text())
    after = sarif(folder)["runs"][0]["results"]
    assert [one["partialFingerprints"] for one in after] == [one["partialFingerprints"] for one in before]
    assert after != before


def test_what_is_no_folder_is_wrong_usage(tmp_path: Path) -> None:
    """The message names the folder."""
    code, out, err = lint(tmp_path / "absent")
    assert (code, out) == (2, "")
    assert "there is no folder absent" in err
