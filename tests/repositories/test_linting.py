"""Every rule of `frit repo lint`, each on a repository that has nothing else to be remarked on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from base.clock import Run
from base.errors import Cancelled
from repositories.folders import Folder
from repositories.lint_rules import RULES, Remark
from repositories.linting import MOST, Linter, Report
from tests.repositories.schemas import SAMPLES, needs_samples
from tests.repositories.shelves import change, write

STORE, WEB = "store/v1.0.0+1/package.yaml", "web/v1.1.0+1/package.yaml"
OBJECTS = "web/v1.1.0+1/manifest.yaml"
INDEX, LIST = "index.yaml", "web/versions.yaml"

CASES = yaml.safe_load((Path(__file__).parent / "lint_cases.yaml").read_text(encoding="utf-8"))
"""Rule, changed file, old text, new text, and file, line and field of the remark."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "shelf")


def lint(folder: Path) -> Report:
    return Linter(Folder(folder), Run()).lint()


def seen(report: Report) -> list[tuple[str, str, int, str]]:
    return [(one.rule, one.file, one.line, one.field) for one in report.remarks]


def test_a_clean_repository_has_no_remarks(folder: Path) -> None:
    """Nothing is said about a repository that is as it should be; packages and versions are counted."""
    assert lint(folder) == Report(2, 3, ())


@pytest.mark.parametrize(
    ("rule", "path", "old", "new", "file", "line", "field"), CASES, ids=[f"{one[0]}-{n}" for n, one in enumerate(CASES)]
)
def test_a_mistake_is_remarked_on_where_it_is(
    folder: Path, rule: str, path: str, old: str, new: str, file: str, line: int, field: str
) -> None:
    """Each rule finds its mistake at its file, line and field, and finds it once."""
    change(folder, path, old, new)
    found = seen(lint(folder))
    assert found.count((rule, file, line, field)) == 1, found


def test_every_rule_has_a_case() -> None:
    """No rule is without a mistake that it finds; links are asked for in a test of their own."""
    assert {case[0] for case in CASES} == set(RULES) - {"unreachable-link"}


@pytest.mark.parametrize(
    ("path", "old", "new", "rules"),
    [
        (STORE, "  chartVersion: 2.0.1\n", "", ["chart-without-version"]),
        (WEB, "url: manifest.yaml", "url: ./absent.yaml", ["unreachable-reference"]),
        (STORE, '        valueTemplate: "{{.}}"\n', "", ["string-patch"]),
        (INDEX, "  - name: web", "  - name: store\n  - name: web", ["duplicate"]),
        (OBJECTS, "kind: List", "kind: List\nkind: List", ["unreadable"]),
        (WEB, "url: manifest.yaml", "url: https://example.com/v1/m.yaml", []),
        (STORE, "iconUrl: https://example.com/store.svg", "iconUrl: data:image/png;base64,AA==", ["index-stale"]),
        (STORE, "https://charts.example.com", "oci://charts.example.com/store", []),
        (WEB, "^[a-z ]+$", "^([a-z]+)+$", []),
    ],
)
def test_one_mistake_is_one_remark(folder: Path, path: str, old: str, new: str, rules: list[str]) -> None:
    """What follows from a mistake is not said too, and what cannot be told is not guessed."""
    change(folder, path, old, new)
    assert [one.rule for one in lint(folder).remarks] == rules


@pytest.mark.parametrize(
    ("path", "old"),
    [
        (STORE, "https://charts.example.com"),
        (STORE, "https://example.com/store.svg"),
        (WEB, "https://example.com/\n"),
    ],
)
def test_what_is_not_quite_a_url_is_remarked_on(folder: Path, path: str, old: str) -> None:
    """A URL that cannot even be taken apart is an error where it stands."""
    change(folder, path, old, "http://[::1" + "\n" * old.endswith("\n"))
    assert "invalid-value" in [one.rule for one in lint(folder).remarks]


def test_without_an_index_everything_else_is_looked_at(folder: Path) -> None:
    """A missing index is one error; packages and versions are found by their folders."""
    (folder / "index.yaml").unlink()
    report = lint(folder)
    assert (report.packages, report.manifests) == (2, 3)
    assert seen(report) == [("missing-file", "index.yaml", 0, "")]


def test_without_versions_the_manifests_are_looked_at(folder: Path) -> None:
    """A package whose versions.yaml is missing is named by the index, and its manifests are still read."""
    (folder / "web" / "versions.yaml").unlink()
    (folder / WEB).write_text("name: [")
    rules = [one.rule for one in lint(folder).remarks]
    assert rules == ["missing-file", "unreadable"]


def test_a_package_that_nobody_lists_is_named(folder: Path) -> None:
    """Folders that look like packages and are not in the index are remarked on, others are left alone."""
    write(folder, {"extra/v1.0.0/package.yaml": "name: extra\n", "images/logo.svg": "<svg/>", ".git/HEAD": "x"})
    unlisted = [one for one in lint(folder).remarks if one.rule == "unlisted"]
    assert [one.message for one in unlisted] == ["package 'extra' is there and not listed"]


def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """What a server would not serve is not read either, so nothing of it gets into a remark."""
    secret = tmp_path / "secret.yaml"
    secret.write_text("password: hunter2")
    (folder / WEB).unlink()
    (folder / WEB).symlink_to(secret)
    report = lint(folder)
    assert ("missing-file", LIST, 4, "versions[1]") in seen(report)
    assert "hunter2" not in str(report)


def test_a_hostile_file_causes_a_bounded_number_of_remarks(folder: Path) -> None:
    """Thousands of mistakes in one file end in so many remarks, and no more."""
    many = "".join(f"    - chartName: x{n}\n      patch: {{op: put, path: x}}\n" for n in range(2000))
    (folder / STORE).write_text(f"name: store\nvalueDefinitions:\n  a:\n    type: text\n    targets:\n{many}")
    assert 200 < len([one for one in lint(folder).remarks if one.file == STORE]) <= MOST


@pytest.mark.parametrize("pattern", ["^(a|aa)+$", "a*a*a*a*$c", "a*a*a*$c", f"{'(a|a)' * 30}c"])
def test_a_slow_pattern_is_not_tried(folder: Path, pattern: str) -> None:
    """A pattern that would take Python for ever is not matched with the default."""
    change(folder, WEB, "^[a-z ]+$", pattern)
    change(folder, WEB, "defaultValue: hello", f"defaultValue: {'a' * 190}b")
    began = time.thread_time()
    assert lint(folder).remarks == ()
    assert time.thread_time() - began < 0.5


def test_many_patterns_are_not_all_tried(folder: Path) -> None:
    """All patterns of a manifest together have a bounded time."""
    values = "".join(
        f"  v{n}: {{type: text, defaultValue: {'a' * 150}, constraints: {{pattern: 'a*$c{n}'}}, targets: []}}\n"
        for n in range(4000)
    )
    (folder / STORE).write_text(f"name: store\ndefaultNamespace: store\nvalueDefinitions:\n{values}")
    began = time.thread_time()
    lint(folder)
    assert time.thread_time() - began < 2.0


def test_a_manifest_that_is_named_often_is_read_once(folder: Path) -> None:
    """A package may name its manifest a thousand times; that costs and says no more than once."""
    (folder / OBJECTS).write_text("a: 1\n")
    change(folder, WEB, "  - url: manifest.yaml\n", "  - url: manifest.yaml\n" * 1000)
    asked: list[str] = []

    class Counting(Folder):
        def read(self, path: tuple[str, ...], most: int) -> bytes | None:
            asked.append("/".join(path))
            return super().read(path, most)

    found = Linter(Counting(folder), Run()).lint().remarks
    assert asked.count(OBJECTS) == 1
    assert [one.rule for one in found if one.file == OBJECTS] == ["not-an-object"]


def test_no_remark_can_control_a_terminal(folder: Path) -> None:
    """Names of objects are shown as text, whatever is in them."""
    (folder / OBJECTS).write_text('apiVersion: v1\nkind: "C\\e[31m\\x9b"\nmetadata: {name: "\\e]0;x\\a\\u202e"}\n')
    messages = [one.message for one in lint(folder).remarks]
    assert any("objects: C\\x1b[31m" in one for one in messages)
    assert all(one.isprintable() for one in messages)


def test_absolute_urls_are_asked_for_on_request(folder: Path) -> None:
    """What cannot be had is an error where the package needs it and a warning where people only click on it."""
    change(folder, WEB, "url: manifest.yaml", "url: https://example.com/v1/m.yaml")
    asked: list[str] = []

    def unreachable(urls: list[str]) -> dict[str, str]:
        asked.extend(urls)
        return {"https://example.com/v1/m.yaml": "404", "https://example.com/": "no answer"}

    report = Linter(Folder(folder), Run(), unreachable).lint()
    assert seen(report) == [
        ("unreachable-reference", WEB, 7, "manifests[0].url"),
        ("unreachable-link", WEB, 10, "references[0].url"),
    ]
    assert report.remarks[0].message == "'https://example.com/v1/m.yaml' cannot be had: 404"
    assert asked == sorted(set(asked))
    assert "https://charts.example.com/index.yaml" in asked


def test_a_run_that_was_stopped_ends_at_once(folder: Path) -> None:
    """Between two files the linter looks whether somebody asked to stop."""
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        Linter(Folder(folder), run).lint()


@needs_samples
def test_the_public_repository_has_the_mistakes_that_are_known() -> None:
    """The slice of the public catalogue: the copied redis targets, pointers that lag, and an index that differs."""
    report = lint(SAMPLES)
    by_rule: dict[str, list[Remark]] = {}
    for one in report.remarks:
        by_rule.setdefault(one.rule, []).append(one)
    assert {one.file for one in by_rule["unmatched-target"]} == {"postgresql/v16.4.0+2/package.yaml"}
    assert "apps/v1 Deployment redis" in by_rule["unmatched-target"][0].message
    assert [one.field for one in by_rule["index-differs"]] == ["packages[11].latestVersion"]
    assert len(by_rule["latest-behind"]) == 8
    assert "unreadable" not in by_rule
    assert "schema" not in by_rule
    assert "unknown-field" not in by_rule
