"""`frit search` and `frit show` as processes, over repositories on loopback that need no cluster."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from repositories.versions import matching
from tests.certificates.servers import Authority
from tests.frit.processes import environment as plain
from tests.repositories.shelves import CLEAN, change, write
from tests.repositories.sites import Site, closed_port, site

Frit = Callable[..., subprocess.CompletedProcess[str]]

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples" / "repository"
PARTS = ("name", "latestVersion", "newestVersion", "version")


@pytest.fixture
def frit(tmp_path: Path) -> Frit:
    """Runs frit with a cache of its own; never a traceback."""

    def run(
        *arguments: str, code: int = 0, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "frit", *arguments],
            env=plain(FRIT_CACHE_DIR=str(tmp_path / "cache"), KUBECONFIG=str(tmp_path / "none"), **(environment or {})),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def shop() -> Iterator[Site]:
    """A repository with what `shelves` has."""
    with site() as server:
        server.files = {path: _bytes(text) for path, text in CLEAN.items()}
        yield server


def _bytes(text: str) -> bytes:
    return textwrap.dedent(text).encode()


def test_search_finds_by_name_and_description(frit: Frit, shop: Site) -> None:
    """A table for people; `-o name` names, `-o json` and `-o yaml` the same data."""
    done = frit("search", "HELLO", "-r", shop.url)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["NAME", "REPOSITORY", "LATEST", "DESCRIPTION"],
        ["web", shop.url, "v1.1.0+1", "Says", "hello"],
    ]
    assert done.stderr == ""
    assert frit("search", "-r", shop.url, "-o", "name").stdout == "store\nweb\n"
    told = json.loads(frit("search", "-r", shop.url, "-o", "json").stdout)
    assert yaml.safe_load(frit("search", "-r", shop.url, "-o", "yaml").stdout) == told
    assert [one["name"] for one in told["packages"]] == ["store", "web"]
    assert told["repositories"] == [{"name": shop.url, "url": shop.url, "status": "read", "packages": 2, "message": ""}]
    wide = frit("search", "-r", shop.url, "-o", "wide").stdout.splitlines()
    assert wide[0].split() == ["NAME", "REPOSITORY", "LATEST", "SCOPE", "DESCRIPTION"]
    assert "Namespaced" in wide[2]
    assert shop.asked == ["index.yaml"]  # the first run asked, the others used the cache


def test_finding_nothing_is_said_and_is_no_failure(frit: Frit, shop: Site) -> None:
    """Nothing on stdout, one line on stderr."""
    done = frit("search", "nowhere", "to", "be", "-r", shop.url)
    assert done.stdout == ""
    assert done.stderr == "  no package matches 'nowhere to be' among 2 packages of 1 repository\n"


def test_one_broken_repository_hides_no_other(frit: Frit, shop: Site, tmp_path: Path) -> None:
    """The rest is shown, the failure is named; with --strict, or where nothing is left, the code is 8."""
    down = f"http://127.0.0.1:{closed_port()}"
    broken = write(tmp_path / "broken", {"index.yaml": "packages: [{name: 1}]\n"}).as_uri()
    both = ["-r", down, "-r", shop.url, "-r", broken]
    done = frit("search", "store", *both, "--timeout", "2s")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["NAME", "store"]
    assert f"could not read {down.removeprefix('http://')}/index.yaml: no connection to" in done.stderr
    assert "index.yaml, line 1: packages[0].name" in done.stderr
    told = json.loads(frit("search", "store", *both, "--timeout", "2s", "-o", "json").stdout)
    assert [one["status"] for one in told["repositories"]] == ["failed", "read", "failed"]
    done = frit("search", "store", *both, "--timeout", "2s", "--strict", "-o", "json", code=8)
    told = json.loads(done.stdout)
    assert [one["name"] for one in told["packages"]] == ["store"]
    assert told["error"]["exitCode"] == 8
    assert "could not read 2 of 3 repositories" in done.stderr
    frit("search", "store", "-r", down, "--timeout", "2s", code=8)


def test_an_old_copy_is_used_with_a_note(frit: Frit, shop: Site) -> None:
    """Where the server fails after it has answered once."""
    frit("search", "-r", shop.url)
    url = shop.url
    shop.files = {}
    shop.faults = {"": [lambda request: shop.give(request, b"", 503)] * 20}
    done = frit("search", "store", "-r", url, "--refresh", "--timeout", "3s")
    assert "store" in done.stdout
    assert f"{url} answers from the cache: index.yaml is the copy of" in done.stderr


def test_show_tells_what_matters(frit: Frit, shop: Site) -> None:
    """For people in lines, for scripts all of it; a published manifest is asked for once."""
    done = frit("show", "web", "-r", shop.url)
    for line in (
        "Name:         web",
        f"Repository:   {shop.url}",
        "Version:      v1.1.0+1  (the one that its maintainers point to)",
        "Versions:     v1.1.0+1, v1.0.0+1",
        "Scope:        Namespaced",
        "Installs:     manifest manifest.yaml",
        "Needs:        store 1.x.x",
        "Opens:        service web port 80",
        "  words  text    default hello",
        "  Home: https://example.com/",
    ):
        assert line in done.stdout.splitlines()
    assert done.stderr == ""
    told = json.loads(frit("show", "web", "v1.0.0", "-r", shop.url, "-o", "json").stdout)
    assert [told[part] for part in PARTS] == ["web", "v1.1.0+1", "v1.1.0+1", "v1.0.0+1"]
    assert told["manifest"]["scope"] == "Namespaced"
    frit("show", "web", "1.0.0+1", "-r", shop.url, "--refresh")
    assert shop.asked.count("web/v1.0.0+1/package.yaml") == 1
    assert shop.asked.count("index.yaml") == 2


def test_a_newer_version_than_the_pointer_is_said(frit: Frit, tmp_path: Path) -> None:
    """`latestVersion` is what the maintainers point to, and the true maximum stands beside it."""
    folder = write(tmp_path / "team")
    change(folder, "web/versions.yaml", "latestVersion: v1.1.0+1", "latestVersion: v1.0.0+1")
    done = frit("show", "web", "-r", folder.as_uri())
    assert "Version:      v1.0.0+1  (the one that its maintainers point to)" in done.stdout
    assert "Newest:       v1.1.0+1  (newer than the one they point to)" in done.stdout
    assert "points to v1.1.0+1, the versions of web to v1.0.0+1" in done.stderr
    newest = frit("show", "web", "v1.1.0", "-r", folder.as_uri()).stdout
    assert "Latest:       v1.0.0+1  (what its maintainers point to)" in newest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "wep"], ["there is no package wep among 2 packages of 1 repository", "did you mean web?"]),
        (["show", "web", "v9"], ["web has no version v9 in", "the newest are v1.1.0+1, v1.0.0+1"]),
        (["show", "web", "../../../etc/passwd"], ["web has no version ../../../etc/passwd in"]),
    ],
)
def test_what_is_not_there_is_said_with_what_is(frit: Frit, shop: Site, arguments: list[str], words: list[str]) -> None:
    """Exit code 3, and names that are written almost alike."""
    done = frit(*arguments, "-r", shop.url, code=3)
    assert done.stdout == ""
    told = json.loads(frit(*arguments, "-r", shop.url, "-o", "json", code=3).stdout)
    assert (told["name"], told["error"]["exitCode"], told["repositories"][0]["packages"]) == (arguments[1], 3, 2)
    for one in words:
        assert one in done.stderr


def test_unknown_fields_are_told_and_no_failure(frit: Frit, shop: Site) -> None:
    """The first one with its place, and how many more; also when the answer comes from the cache."""
    shop.files["index.yaml"] = b"packages:\n- name: web\n  colour: red\n  taste: sweet\n  latestVersion: v1.1.0+1\n"
    for _ in range(2):
        done = frit("search", "-r", shop.url)
        assert "web" in done.stdout
        assert "index.yaml, line 3: packages[0].colour" in done.stderr
        assert "(and 1 more remark; frit repo lint URL   shows them)" in done.stderr


def test_a_folder_is_named_by_a_url(frit: Frit) -> None:
    """A path is a slip that newcomers make; the message has the URL, and no cluster was asked."""
    done = frit("search", "-r", "tests/packages", code=2)
    assert "'tests/packages' is neither the name of a repository nor a URL" in done.stderr
    assert "has the URL file:///" in done.stderr


def test_what_makes_no_sense_is_wrong_usage(frit: Frit, shop: Site, tmp_path: Path) -> None:
    """Exit code 2, and nobody is asked; a variable that a bootstrap takes means something else here."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    assert "holds no certificate" in frit("search", "-r", shop.url, "--ca-bundle", str(empty), code=2).stderr
    assert "gopher" in frit("search", "-r", shop.url, "-r", "gopher://example.com", code=2).stderr
    assert "credentials" in frit("show", "web", "-r", "https://u:hunter2@example.com", code=2).stderr
    done = frit("search", "-r", shop.url, environment={"FRIT_REPOSITORY": "team=https://packages.example.com"})
    assert "store" in done.stdout


def test_a_ca_bundle_is_trusted(frit: Frit, tmp_path: Path) -> None:
    """For repositories that are named by a URL, too."""
    authority = Authority(tmp_path)
    with site(authority.server("127.0.0.1")) as shop:
        assert "is not trusted" in frit("search", "-r", shop.url, code=8).stderr
        assert "alpha" in frit("search", "-r", shop.url, "--ca-bundle", str(authority.bundle)).stdout


def test_a_package_that_cannot_be_read_is_an_error_of_its_repository(frit: Frit, shop: Site) -> None:
    """Its versions alone are no reason to fail; its manifest is."""
    shop.files["web/versions.yaml"] = b"<html>"
    done = frit("show", "web", "-r", shop.url)
    assert "Version:      v1.1.0+1" in done.stdout
    assert "web/versions.yaml" in done.stderr
    shop.files["web/v1.1.0+1/package.yaml"] = b"name: [\n"
    done = frit("show", "web", "-r", shop.url, "--refresh")
    assert done.returncode == 0  # the published file is kept
    shop.files["index.yaml"] = b"packages:\n- name: web\n- name: store\n  latestVersion: v1.0.0+1\n"
    done = frit("show", "web", "v1.1.0+1", "-r", shop.url, "--refresh")
    assert "Latest:" not in done.stdout  # nobody says
    del shop.files["store/v1.0.0+1/package.yaml"]
    assert "store/v1.0.0+1/package.yaml" in frit("show", "store", "-r", shop.url, code=8).stderr


def test_hostile_texts_reach_no_terminal(frit: Frit, shop: Site) -> None:
    """Control characters are shown as question marks, in tables, lines and long descriptions."""
    shop.files["index.yaml"] = b'packages:\n- name: web\n  latestVersion: v1.1.0+1\n  shortDescription: "\\e[2Jgone"\n'
    shop.files["web/v1.1.0+1/package.yaml"] = (
        b'name: web\ndefaultNamespace: d\nlongDescription: "one\\n\\e]0;title\\atwo\\u202e"\n'
        b'manifests: [{url: "a\\e[1m"}]\nreferences: [{label: "\\e[5m", url: "x"}]\n'
    )
    for out in (frit("search", "-r", shop.url).stdout, frit("show", "web", "-r", shop.url).stdout):
        assert all(one.isprintable() or one == "\n" for one in out)
        assert "?" in out


def test_the_samples_read_well(frit: Frit) -> None:
    """Every package of the slice of the real repository can be shown, in each format."""
    if not SAMPLES.is_dir():
        pytest.skip("the slice of the public repository lies beside the checkout, not in it")
    url = SAMPLES.as_uri()
    names = frit("search", "-r", url, "-o", "name").stdout.split()
    shown = 0
    for name in names:
        if (SAMPLES / name).is_dir():
            assert frit("show", name, "-r", url).stdout.splitlines()[0].split() == ["Name:", name]
            shown += 1
    assert shown > 5


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("v1.2.3+2", "v1.2.3+2"),
        ("1.2.3+1", "v1.2.3+1"),
        ("1.2.3", "v1.2.3+10"),
        ("v1.2.3", "v1.2.3+10"),
        ("2.0.0", "2.0.0"),
        ("1.2", ""),
        ("", ""),
    ],
)
def test_versions_may_be_written_short(asked: str, meant: str) -> None:
    """Without v, and without the revision, which is then the newest."""
    assert matching(asked, ["v1.2.3+2", "v1.2.3+10", "v1.2.3+1", "2.0.0", "v2.0.0+1"]) == meant
