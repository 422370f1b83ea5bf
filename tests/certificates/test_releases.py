"""The catalogue of cert-manager releases."""

from __future__ import annotations

import subprocess
import sys

import pytest

import manifests
from base.errors import WrongUsage
from certificates.releases import Release, catalogue, find, plain_version, supports, to_install


def test_the_default_release_is_listed_and_installable() -> None:
    """Without a wish, frit installs 1.21.2 from the address of the project's release."""
    release = to_install()
    assert release is catalogue().default
    assert release.version == "1.21.2"
    assert release.url == ("https://github.com/cert-manager/cert-manager/releases/download/v1.21.2/cert-manager.yaml")
    assert release.known
    assert sum(release.objects.values()) == 47


def test_every_entry_is_complete_and_sorted() -> None:
    """Every listed release has a range, a state and an address, newest first, and each version occurs once."""
    releases = catalogue().releases
    versions = [tuple(int(part) for part in release.version.split(".")) for release in releases]
    assert versions == sorted(set(versions), reverse=True)
    for release in releases:
        assert release.kubernetes is not None
        assert release.state
        assert f"/v{release.version}/" in release.url
        assert release.version.startswith(release.minor + ".")


@pytest.mark.parametrize("version", ["1.20.3", "v1.20.3", " v1.20.3 "])
def test_a_version_is_found_with_and_without_v(version: str) -> None:
    """A leading v and spaces do not matter."""
    assert find(version).version == "1.20.3"


def test_an_unlisted_patch_gets_the_facts_of_its_minor() -> None:
    """1.17.9 is not listed, but its minor is: it is usable and marked as not known."""
    release = find("v1.17.9")
    assert not release.known
    assert release.version == "1.17.9"
    assert release.url.endswith("/v1.17.9/cert-manager.yaml")
    assert release.kubernetes == ("1.29", "1.33")
    assert release.sha256 is None


def test_a_prerelease_belongs_to_its_minor() -> None:
    """A prerelease of a known minor is usable too."""
    assert find("1.21.0-beta.1").minor == "1.21"


@pytest.mark.parametrize("nonsense", ["", "latest", "1.21", "1.21.2.3", "v", "1.21.x", "../1.21.2", "1.21."])
def test_nonsense_is_wrong_usage_that_names_the_known_ones(nonsense: str) -> None:
    """What is no full version ends in a message with the versions to choose from."""
    with pytest.raises(WrongUsage) as caught:
        find(nonsense)
    assert "is not a version" in caught.value.message
    assert "1.21.2" in caught.value.hint
    assert "1.11.5" in caught.value.hint


@pytest.mark.parametrize("version", ["1.99.0", "2.0.0", "0.16.1"])
def test_an_unknown_minor_is_wrong_usage_with_a_way_out(version: str) -> None:
    """A minor that frit knows nothing about can still be given as a manifest."""
    with pytest.raises(WrongUsage) as caught:
        find(version)
    assert version in caught.value.message
    assert "--cert-manager-manifest" in caught.value.hint


def test_1_19_0_is_described_but_never_installed() -> None:
    """An installed 1.19.0 is recognised; installing it is refused with the reason, and it is never proposed."""
    assert find("1.19.0").avoid
    with pytest.raises(WrongUsage) as caught:
        to_install("v1.19.0")
    assert find("1.19.0").avoid in caught.value.message
    assert "1.19.0" not in caught.value.hint
    assert to_install("1.19.5").avoid == ""


@pytest.mark.parametrize(
    ("version", "kubernetes", "expected"),
    [
        ("1.21.2", "v1.34.4", True),
        ("1.21.2", "1.33", True),
        ("1.21.2", "1.36+", True),
        ("1.21.2", "v1.32.9", False),
        ("1.21.2", "v1.37.0", False),
        ("1.11.5", "v1.34.4", False),
        ("1.11.5", "v1.27.16-gke.1008000", True),
        ("1.21.2", "v1.9.0", False),
        ("1.21.2", "unknown", None),
        ("1.21.2", "", None),
    ],
)
def test_the_supported_range_is_compared_by_numbers(version: str, kubernetes: str, expected: bool | None) -> None:
    """Both ends of the range belong to it; vendors' suffixes do not disturb; what cannot be read is None."""
    assert supports(find(version), kubernetes) is expected


def test_a_release_without_a_range_cannot_be_judged() -> None:
    """Where nothing is known, the answer is neither yes nor no."""
    release = Release("9.9.9", "9.9", "", None, "")
    assert supports(release, "1.34") is None


def test_plain_version_rejects_what_is_none() -> None:
    """Only full versions are accepted."""
    assert plain_version("v1.2.3-rc.1") == "1.2.3-rc.1"
    assert plain_version("1.2") is None


def test_the_catalogue_loads_neither_yaml_nor_http() -> None:
    """Asking the catalogue stays cheap: no YAML and no HTTP library is imported."""
    code = (
        "import sys, certificates.releases as r; r.find('1.21.2');"
        "print([m for m in ('yaml', 'httpx', 'kubernetes', 'ssl') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_a_file_that_is_not_there_is_an_error() -> None:
    """Reading data by a wrong name fails at once."""
    with pytest.raises(FileNotFoundError):
        manifests.read("no-such-file.json")
