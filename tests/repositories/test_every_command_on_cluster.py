"""Every command about repositories on the real cluster: twice, without permission, in every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.frit.processes import PLAIN, on_terminal
from tests.packages_server import serve
from tests.repositories.conftest import Repo
from tests.repositories.guarded import basic, guarded

if TYPE_CHECKING:
    from tests.conftest import Kubectl

pytestmark = pytest.mark.cluster

URL = "https://packages.example.com/team"
PASSWORD = "hunter2-is-secret"


def test_every_command_twice(repo: Repo, tmp_path: Path) -> None:
    """What writes changes something once and then says unchanged; what reads says the same again."""
    with serve() as url:
        writes: tuple[tuple[tuple[str, ...], str], ...] = (
            (("repo", "add", "team", url), "created"),
            (("repo", "add", "other", url), "created"),
            (("repo", "update", "other", "--url", url + "/."), "changed"),
            (("repo", "set-default", "team"), "changed"),
            (("repo", "remove", "other"), "removed"),
        )
        for command, once in writes:
            assert json.loads(repo.frit(*command, "-o", "json").stdout)["change"] == once, command
            assert json.loads(repo.frit(*command, "-o", "json").stdout)["change"] == "unchanged", command
        copy = str(tmp_path / "copy")
        repo.frit("repo", "mirror", "team", copy)
        reads: tuple[tuple[str, ...], ...] = (
            ("repo", "list"),
            ("repo", "show", "team"),
            ("repo", "test", "team"),
            ("repo", "refresh"),
            ("search", "web"),
            ("show", "hello-web"),
            ("repo", "mirror", "team", copy),
        )
        for command in reads:
            first, second = (json.loads(repo.frit(*command, "-o", "json").stdout) for _ in range(2))
            for one in (first, second):
                one.pop("seconds", None)
            assert first == second, command


def test_without_permission_every_command_says_which(repo: Repo, powerless: Path, tmp_path: Path) -> None:
    """Exit code 9, the verb and the kind, and nothing is changed or made."""
    repo("add", "team", URL, "--force")
    before = repo.listed()
    weak = Repo(powerless)
    for command in (
        ("repo", "list"),
        ("repo", "show", "team"),
        ("repo", "test", "team"),
        ("repo", "refresh"),
        ("repo", "add", "other", URL, "--force"),
        ("repo", "update", "team", "--url", URL + "/x", "--force"),
        ("repo", "set-default", "team"),
        ("repo", "remove", "team"),
        ("repo", "mirror", "team", str(tmp_path / "copy")),
        ("search",),
        ("show", "hello-web"),
    ):
        said = weak.frit(*command, code=9)
        assert "may not list packagerepositories.packages.glasskube.dev" in said.stderr, command
        assert said.stdout == "", command
    assert repo.listed() == before
    assert not (tmp_path / "copy").exists()


def test_every_list_has_every_format_in_a_stable_order(repo: Repo) -> None:
    """By name, in whatever order they were registered; all formats name the same."""
    with serve() as url:
        for name in ("zeta", "alpha", "team"):
            repo("add", name, url)
        names = ["alpha", "team", "zeta"]
        packages = ["hello-web", "night-cron", "small-cache"]
        for command, key, expected in (
            (("repo", "list"), "repositories", names),
            (("repo", "refresh"), "repositories", names),
            (("search",), "packages", [one for one in packages for _ in names]),
        ):
            told = json.loads(repo.frit(*command, "-o", "json").stdout)
            assert [one["name"] for one in told[key]] == expected
            assert yaml.safe_load(repo.frit(*command, "-o", "yaml").stdout) == told
            assert repo.frit(*command, "-o", "name").stdout.split() == list(dict.fromkeys(expected))
            plain, wide = (repo.frit(*command, *more).stdout.splitlines() for more in ((), ("-o", "wide")))
            assert [line.split()[0] for line in plain[1:]] == expected
            assert [line.split()[0] for line in wide[1:]] == expected
        found = json.loads(repo.frit("search", "-o", "json").stdout)["packages"]
        assert [one["repository"] for one in found] == names * 3


def test_a_password_from_every_source_is_the_same(repo: Repo, kubectl: Kubectl, tmp_path: Path) -> None:
    """A prompt, which shows nothing of it, standard input, a file and a variable: what is there is unchanged."""
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    user = ("--username", "ci")
    with guarded(basic("ci", PASSWORD)) as server:
        command = repo.command("repo", "add", "team", server.url, *user)[len(PLAIN) :]
        environment = {"FRIT_CACHE_DIR": str(tmp_path / "cache")}
        code, shown = on_terminal(*command, program=PLAIN, env=environment, asked="Password: ", typed=f"{PASSWORD}\n")
        assert (code, PASSWORD in shown) == (0, False)
        assert "created" in shown
        for more, given in (
            (["--password-stdin"], {"stdin": PASSWORD}),
            (["--password-file", str(file)], {}),
            (["--auth", "basic"], {"environment": {"FRIT_REPO_PASSWORD": PASSWORD}}),
        ):
            done = repo("update", "team", *user, *more, **given)
            assert "unchanged" in done.stdout
        repo("test", "team")
    assert PASSWORD not in repo.printed
    assert PASSWORD not in kubectl("get", "packagerepository", "team", "-o", "yaml")


def test_a_mirror_by_name_shows_the_stored_login(repo: Repo, tmp_path: Path) -> None:
    """Its files are had with what the cluster keeps, and none of it stands in the copy."""
    with guarded(basic("ci", PASSWORD)) as server:
        repo("add", "team", server.url, "--username", "ci", "--password-stdin", stdin=PASSWORD)
        assert "3 packages" in repo("mirror", "team", str(tmp_path / "copy")).stdout
        assert set(server.shown) == {basic("ci", PASSWORD)}
    assert "did you mean team?" in repo("mirror", "taem", str(tmp_path / "other"), code=3).stderr
    texts = [path.read_text() for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert len(texts) > 4
    assert not [text for text in (*texts, repo.printed) if PASSWORD in text]
