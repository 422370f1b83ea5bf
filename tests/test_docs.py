"""The documentation agrees with the program: flags, links, settings, tables, examples."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bootstrap import stale
from bootstrap.check import Answer, Seen, data_of
from bootstrap.commands import bootstrap
from bootstrap.configfile import load
from bootstrap.settings import STAGES, parse_stage_timeouts
from certificates import issuance, leaders, presence, proof, trust
from certificates.releases import catalogue
from kube.failure_kinds import ANSWERED, KINDS, UNANSWERED
from tests import reference

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
ABOUT_FRIT = [name for name in NAMES if name != "docs/benchmarks.md"]
"""Pages whose flags are frit's; the benchmarks are about other programs, and name flags of the benchmark itself."""

OURS = {
    "--name": "python -m tests.cluster, python -m tests.demo",
    "--no-cluster": "pytest of this project",
    "--keep-cluster": "pytest of this project",
    "--list": "python -m tests.chaos",
    "--cheap": "python -m tests.chaos",
    "--kills": "python -m tests.chaos",
    "--verbose": "python -m tests.chaos",
    "--minutes": "python -m tests.chaos",
    "--keep": "python -m tests.chaos",
}
FOREIGN = {
    "--replicas": "kubectl scale",
    "--server-side": "kubectl apply",
    "--wait": "helm, cmctl; also frit check",
    "--interval": "cmctl",
    "--for": "kubectl wait",
    "--constraints": "uv",
    "--strict": "mypy",
    "--privileged": "docker run",
    "--cgroupns": "docker run",
}
"""Flags in the documentation that are not frit's, and whose they are."""

FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands() -> dict[str, set[str]]:
    """The flags of every command of frit, by its words: `frit repo add`."""
    return {
        context.command_path: {"--help", "-h", "--version"}
        | {flag for one in reference.options_of(context.command) for flag in (*one.opts, *one.secondary_opts)}
        for context in reference.contexts()
    }


def anchors(name: str) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ +(.*)$", FENCE.sub("", text_of(name)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(name: str, heading: str) -> str:
    return text_of(name).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of all tables in a text, without head and rule."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[one.strip() for one in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for number, row in enumerate(cells) if not _is_rule(row) and not _is_rule(_at(cells, number + 1))]


def _at(cells: list[list[str]], number: int) -> list[str]:
    return cells[number] if number < len(cells) else []


def _is_rule(row: list[str]) -> bool:
    return bool(row) and all(set(one) <= {"-", ":"} and one for one in row)


@pytest.mark.parametrize("name", ABOUT_FRIT)
def test_every_flag_in_the_documentation_exists(name: str) -> None:
    """A flag that a page names is an option of a command, or is known to belong to another program."""
    known = set().union(*commands().values(), OURS, FOREIGN)
    assert sorted(set(FLAG.findall(text_of(name))) - known) == []


@pytest.mark.parametrize("name", ABOUT_FRIT)
def test_every_command_line_in_the_documentation_fits_its_command(name: str) -> None:
    """In an example, each flag behind `frit COMMAND` is one of that command."""
    known = commands()
    text = text_of(name).replace("\\\n", " ")
    for line in re.findall(r"(?:^|[`$&|] ?)(frit [^`\n]*)", text, re.MULTILINE):
        command = re.split(r"&&|\|| #| {2,}", line)[0]
        words = command.split()
        path = next((" ".join(words[:n]) for n in (3, 2) if " ".join(words[:n]) in known), None)
        if path is None:
            continue
        used = {word.partition("=")[0].rstrip(".,:;") for word in words if re.match(r"--?[a-z]", word)}
        assert used <= known[path], command


@pytest.mark.parametrize("name", NAMES)
def test_every_link_resolves(name: str) -> None:
    """A link leads to a file of this repository and a heading in it, or to an https address."""
    for target in LINK.findall(FENCE.sub("", text_of(name))):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(str(file.resolve().relative_to(ROOT))), target


def test_every_page_is_linked_from_the_readme() -> None:
    """Whoever begins with README.md finds every page of docs/."""
    linked = set(LINK.findall(text_of("README.md")))
    assert [name for name in NAMES if name.startswith("docs/") and name not in linked] == []


def test_every_top_folder_is_explained() -> None:
    """README.md has a line for each folder at the top of the tree."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    folders = {f"`{path.split('/')[0]}/`" for path in listed if "/" in path}
    explained = [row[0] for row in rows(section("README.md", "Where things are"))]
    assert sorted(explained) == sorted(folders)


def test_the_configuration_page_lists_every_setting_with_its_default() -> None:
    """Each option of a bootstrap has a row, no row is made up, and its default is the real one."""
    settings = {row[0].strip("`"): row[1] for row in rows(section("docs/configuration.md", "Settings"))}
    options = {
        next(flag for flag in one.opts if flag.startswith("--")).removeprefix("--"): one
        for one in reference.options_of(bootstrap)
        if one.name != "file"
    }
    assert sorted(settings) == sorted(options)
    for key, option in options.items():
        if option.is_flag:
            assert settings[key] == str(option.default is True).lower(), key
        elif isinstance(option.default, str | int | float):
            assert settings[key] == str(option.default), key
    assert settings["cert-manager-version"] == catalogue().default.version


def test_the_example_file_is_complete_and_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file in docs/configuration.md has every setting, and frit reads it."""
    example = re.search(r"^```yaml\n(.*?)^```", section("docs/configuration.md", "The file"), re.DOTALL | re.MULTILINE)
    assert example is not None
    for needed in ("company-ca.pem", "cert-manager.yaml"):
        (tmp_path / needed).touch()
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "frit.yaml"
    path.write_text(example[1])
    values = load(path, bootstrap)
    wanted = {str(one.name) for one in reference.options_of(bootstrap)} - {"file"}
    assert set(values) == wanted
    parse_stage_timeouts(tuple(values["stage_timeouts"]))


def test_the_stages_are_those_of_a_bootstrap() -> None:
    """The table of stages has each stage in order, with its limit."""
    found = {row[0].strip("`"): row[2] for row in rows(section("docs/bootstrap.md", "Stages"))}
    limits = {name: f"{limit / 60:.0f} m" if limit > 60 else f"{limit:.0f} s" for name, (_, limit) in STAGES.items()}
    assert list(found.items()) == list(limits.items())


def test_the_failure_kinds_are_those_of_the_code() -> None:
    """The table of kinds has each kind in order, whether waiting helps, for how long, and the exit codes."""
    found = [(row[0].strip("`"), row[2], row[3]) for row in rows(section("docs/bootstrap.md", "Retries"))]
    wanted = []
    for kind, rule in KINDS.items():
        waiting = "no" if not rule.retry else "yes" if rule.budget is None else f"{rule.budget:.0f} s"
        code = str(rule.exit_code)
        for other, where in ((ANSWERED, "the API server says it"), (UNANSWERED, "nobody answers")):
            code += f", or {other[kind].exit_code} where {where}" if kind in other else ""
        wanted.append((str(kind), waiting, code))
    assert found == wanted


def test_the_checks_are_those_of_the_code() -> None:
    """The table of checks names exactly what `frit check` can print."""
    names = {name for row in rows(section("docs/check.md", "The checks")) for name in re.findall(r"`([^`]+)`", row[0])}
    components = ("controller", "webhook", "cainjector")
    wanted = {
        *("api-server", "package-api", "repositories-registered", issuance.NAME, stale.NAME),
        *(presence.INSTALLATION, presence.CRDS, presence.CONFIGURATIONS, presence.ENDPOINTS),
        *(presence.FAILURE_POLICY, presence.NAMESPACE, trust.SECRET, trust.BUNDLES, proof.ADMITS, proof.REFUSES),
        *(presence.deployment_name(one) for one in components),
        *(leaders.leader_name(one) for one in components if one != "webhook"),
    }
    assert names == wanted


def test_the_fields_of_a_check_are_those_of_the_code() -> None:
    """What docs/check.md says about `-o json` names exactly the fields that are printed."""
    table = rows(section("docs/check.md", "For scripts").partition("```bash")[0])
    names = {name.removesuffix("[]") for row in table for name in re.findall(r"`([^`]+)`", row[0])}
    assert names == set(data_of(Answer(Seen(()), "", "", "", 0.0, 1)))
