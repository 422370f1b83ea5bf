"""The benchmark of repositories: what is generated and served, and what is made of its figures."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from bench.contestants import frit_program
from bench.measure import RunFailed
from bench.repositories import cases, figures, ground, records, session, tables
from bench.repositories.cases import (
    FRIT_HUGE,
    FRIT_LARGE,
    FRIT_LINT,
    FRIT_LIST,
    LIBYAML_LINT,
    PLAIN_LARGE,
    PLAIN_LIST,
    Case,
    Ground,
    Sizes,
)
from bench.repositories.generated import Repository, described
from bench.repositories.stopwatch import Stopwatch
from repositories.indexes import read_index
from repositories.wire import read_manifest, read_versions
from tests.bench.readings import readings, run

SMALL = Sizes(large=60, huge=90, small=12, linted=4, linted_versions=5)


def test_a_seed_gives_the_same_repository_and_another_one_another() -> None:
    """Figures can be repeated with the seed that is printed."""
    assert Repository(7, 40).index == Repository(7, 40).index
    assert Repository(7, 40).index != Repository(8, 40).index


def test_what_is_generated_is_what_frit_and_pyyaml_read() -> None:
    """Both find the same in an index, with each name once; each package has its versions, and a manifest for each."""
    made = Repository(7, 2000)
    packages = yaml.safe_load(made.index)["packages"]
    read = read_index(made.index).value.packages
    assert [(one.name, one.short_description, one.latest_version, one.scope) for one in read] == [
        (one["name"], one["shortDescription"], one["latestVersion"], one.get("scope", "")) for one in packages
    ]
    assert len({one.name for one in read}) == 2000
    for one in read[::400]:
        versions = read_versions(made.versions_file(one.name)).value
        assert (len(versions.versions), versions.latest_version, versions.ahead) == (100, one.latest_version, "")
        manifest = read_manifest(made.manifest(one.name, versions.texts[50])).value
        assert (manifest.name, manifest.short_description, manifest.scope) == (
            one.name,
            one.short_description,
            one.scope,
        )


def test_an_index_has_the_forms_that_real_ones_have() -> None:
    """Quotes of both kinds, folded lines, and letters that are not ASCII; the shares are small, and none is missing."""
    text = Repository(7, 2000).index.decode()
    lines = text.splitlines()
    begun = [line.partition("shortDescription: ")[2] for line in lines if "shortDescription: " in line]
    shares = {begin: sum(one.startswith(begin) for one in begun) for begin in ("'", '"', ">-")}
    assert 40 < shares["'"] < 400
    assert 10 < shares['"'] < 200
    assert 0 < shares[">-"] < 40
    assert 200 < sum(line.startswith("      ") for line in lines) < 2000
    assert 20 < sum(not line.isascii() for line in lines) < 400


@pytest.mark.parametrize("text", ["a plain one", "It's: a 'quoted' one", '"Alert" first', f"long {'word ' * 40}end"])
def test_a_description_is_written_so_that_it_is_read_again(text: str) -> None:
    """In whatever form, and folded or not."""
    for indent in ("", "    "):
        for n in range(400):  # the form depends on the letters
            whole = f"{text} {chr(97 + n % 26) * (1 + n // 26)}"
            assert yaml.load("\n".join(described(whole, indent)), Loader=yaml.CSafeLoader) == {
                "shortDescription": whole
            }


@pytest.fixture(scope="module")
def addresses() -> Iterator[Mapping[str, str]]:
    """Of a server that runs for all tests of this file."""
    with ground.serving(7, SMALL) as found:
        yield found


def test_the_server_has_every_file_with_its_validators(addresses: Mapping[str, str]) -> None:
    """What was asked for is told apart from what has not changed, and from what there is not."""
    connection = http.client.HTTPConnection(urlsplit(addresses["serving"]).netloc, timeout=10)

    def get(path: str, **headers: str) -> tuple[int, bytes, str]:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("ETag", "")

    made = Repository(7, SMALL.large)
    name, version = made.names[3], made.versions(made.names[3])[8]
    status, content, etag = get("/large/index.yaml")
    assert (status, content) == (200, made.index)
    assert get("/large/index.yaml", **{"If-None-Match": etag}) == (304, b"", etag)
    assert get(f"/large/{name}/versions.yaml")[1] == made.versions_file(name)
    assert get(f"/large/{name}/{version}/package.yaml")[1] == made.manifest(name, version)
    assert get("/large/nothing/versions.yaml")[0] == 404
    assert get(f"/large/{name}/v99.0.0/package.yaml")[0] == 404
    assert get("/team-01/index.yaml")[1] != get("/team-02/index.yaml")[1]
    connection.close()


def test_what_is_down_refuses_or_says_nothing(addresses: Mapping[str, str]) -> None:
    """One port refuses connections, the other one accepts them and never answers."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(addresses["refusing"]).port or 0), timeout=5)
    with socket.create_connection(("127.0.0.1", urlsplit(addresses["silent"]).port or 0), timeout=5) as silent:
        silent.sendall(b"GET / HTTP/1.1\r\n\r\n")
        silent.settimeout(0.2)
        with pytest.raises(TimeoutError):
            silent.recv(1)


def test_the_stopwatch_measures_processes_smaller_than_this_one(tmp_path: Path) -> None:
    """The peak is that of the command alone, and a command that fails says what it printed."""
    held = bytearray(64_000_000)
    with Stopwatch() as stopwatch:
        step = stopwatch.run([sys.executable, "-S", "-c", "pass"], {}, tmp_path)
        assert 0 < step.processor < 10
        assert 0 < step.seconds < 30
        assert step.peak_mb < len(held) / 1e6
        with pytest.raises(RunFailed, match=r"exit code 1 after(.|\n)*no such thing"):
            stopwatch.run([sys.executable, "-c", "raise SystemExit('no such thing')"], {}, tmp_path)


def test_a_small_run_measures_every_case_that_needs_no_cluster() -> None:
    """frit and the scripts find the same, each with an empty cache, and those that have one again with a filled one."""
    options = session.Options(frit_program(), "none", 1, 7, ("search", "many", "lint"), sizes=SMALL)
    results = session.bench(options)
    assert results.failures == ()
    assert {one.case for one in results.runs} == set(results.titles)
    assert [len(results.of(FRIT_LARGE, again=again)) for again in (False, True)] == [1, 5]
    assert len(results.of(LIBYAML_LINT)) == 1
    assert {one.found for one in results.of(FRIT_LINT)} == {SMALL.manifests}
    assert all(one.seconds > 0 and one.peak_mb > 5 for one in results.runs)


def test_an_unknown_subject_is_named() -> None:
    """Before anything is started."""
    with pytest.raises(ValueError, match="unknown subjects: lists; known: search, many, list, lint"):
        session.bench(session.Options(frit_program(), "none", 1, 7, ("lists",)))


def made_cases() -> tuple[Case, ...]:
    place = Ground(
        Path("frit"), {name: f"http://{name}" for name in ("serving", "refusing", "silent")}, "a", *[Path()] * 2
    )
    return cases.cases(place, Sizes())


def test_cases_have_keys_of_their_own_and_know_who_finds_the_same() -> None:
    """Each pair that is compared is one that has to find the same."""
    made = {one.key: one for one in made_cases()}
    assert len(made) == len(made_cases())
    assert {one.subject for one in made.values()} == set(cases.SUBJECTS)
    for ours, theirs in figures.PAIRS:
        assert made[ours].same == made[theirs].same != ""


def test_who_found_less_is_told() -> None:
    """What was not searched was not faster; nothing found by anybody is no comparison either."""
    made = made_cases()
    same = [run(FRIT_LARGE, 0.2), run(PLAIN_LARGE, 5.0)]
    assert session.differing(made, same) == []
    (told,) = session.differing(made, [*same, run(FRIT_LARGE, 0.1, 2, found=6)])
    assert "frit search, 10,000 packages: 6, frit search, 10,000 packages: 7, safe_load" in told
    assert len(session.differing(made, [run(FRIT_LARGE, 0.2, found=0), run(PLAIN_LARGE, 5.0, found=0)])) == 1


def test_results_are_counted_in_what_each_prints() -> None:
    """A table has a head, the script has none; states and numbers are found among other words."""
    assert [cases.rows("NAME  LATEST\na  v1\nb  v2\n"), cases.rows("")] == [2, 0]
    assert cases.lines("a\nb\n") == 2
    assert cases.reachable("a  http://a  reachable  7\nb  http://reachable  unreachable  -\n") == 1
    assert cases.manifests("0 errors in 500 packages, 5000 versions\n") == 5000
    assert cases.manifests("5000 manifests among 5501 files\n") == 5000
    assert cases.manifests("nothing") == 0


MADE = readings(
    run(FRIT_LARGE, 0.8, peak_mb=50.0),
    run(FRIT_LARGE, 0.2, again=True),
    run(FRIT_LARGE, 0.3, again=True),
    run(PLAIN_LARGE, 8.0),
    run(FRIT_HUGE, 3.0),
    run(FRIT_HUGE, 1.0, again=True),
    run(FRIT_LIST, 2.5),
    run(FRIT_LIST, 3.5, again=True),
    run(PLAIN_LIST, 5.0),
    run(FRIT_LINT, 4.0),
    run(FRIT_LINT, 5.0, 2),
    run(FRIT_LINT, 12.5, 3),
    run(LIBYAML_LINT, 2.5),
)


def test_a_table_has_a_row_for_each_case_that_ran() -> None:
    """Empty and filled caches apart, the peak of both together, and a dash where nothing is kept."""
    lines = tables.markdown(MADE).splitlines()
    assert lines[0] == "| whole process | cache empty (s) | cache filled (s) | on processors (s) | peak (MB) | found |"
    assert "| search | 0.80 | 0.25 (0.20 to 0.30) | 0.12 (0.10 to 0.15) | 40 (40 to 50) | 7 |" in lines
    assert "| plain search | 8.00 | - | 4.00 | 40 | 7 |" in lines


def test_frit_is_compared_with_what_did_the_same() -> None:
    """With an empty cache and with a filled one; what was not measured is left out."""
    found = {(one.ours, one.theirs): one.times for one in figures.comparisons(MADE)}
    assert found == {
        ("search", "plain search"): pytest.approx(10.0),
        ("search, cache filled", "plain search"): pytest.approx(32.0),
        ("list", "plain list"): 2.0,
        ("list, cache filled", "plain list"): pytest.approx(5.0 / 3.5),
        ("lint", "fast lint"): 0.5,
    }
    assert "| lint | fast lint | 5.00 | 2.50 | 0.5 |" in tables.markdown(MADE)


def test_targets_are_judged_by_medians_and_by_the_worst_as_they_say() -> None:
    """A median may hide one slow run, the list's limit and the peak may not."""
    found = {one.what: one for one in figures.targets(MADE)}
    assert [one.met for one in found.values()] == [True, True, True, True, False, True]
    assert found["search: peak memory, most"].measured == 50.0
    assert found["list, cache filled, slowest"].missed_by == pytest.approx(0.5)
    assert found["lint, a second, median"].measured == 1000
    assert "| lint, a second, median | 1000 (400 to 1250) | at least 500 | met |" in tables.markdown(MADE)


def test_results_without_a_run_still_make_a_table() -> None:
    """When nothing could be run, that is what is told."""
    assert "Failed: search, round 1: exit code 8" in tables.text(readings(failures=("search, round 1: exit code 8",)))


def test_results_are_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    """The JSON file holds everything that the tables need."""
    records.write(tmp_path / "one.json", MADE)
    assert records.read(tmp_path / "one.json") == MADE
    (tmp_path / "other.json").write_text(json.dumps({"format": "other/1"}))
    with pytest.raises(ValueError, match=r"other\.json is not a result"):
        records.read(tmp_path / "other.json")
