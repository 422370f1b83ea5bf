"""Names out of a repository: which may become a path, and that none leads out of the repository."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote, urljoin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repositories import names

BAD = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    "/etc",
    "a\x00",
    "a\n",
    "-a",
    ".a",
    "a" * 129,
    "ä",
    "a b",
    "%2e%2e",
    "a%2fb",
]


@pytest.mark.parametrize("name", [*BAD, "a.", "a-", "a+1"])
def test_a_name_that_could_lead_elsewhere_is_no_package(name: str) -> None:
    """Nothing is read for it, and the message shows it on one line."""
    problem = names.package_problem(name)
    assert problem.isprintable()
    assert problem
    with pytest.raises(ValueError):
        names.versions_path(name)
    with pytest.raises(ValueError):
        names.manifest_path(name, "v1.0.0")


@pytest.mark.parametrize("text", BAD)
def test_a_version_that_could_lead_elsewhere_is_none(text: str) -> None:
    """The same holds for versions."""
    assert names.version_problem(text).isprintable()
    with pytest.raises(ValueError):
        names.manifest_path("a", text)


def test_paths_are_those_of_the_wire_format() -> None:
    """index.yaml, <package>/versions.yaml, <package>/<version>/package.yaml; `+` stays in URLs."""
    assert names.in_url(names.index_path()) == "index.yaml"
    assert names.in_url(names.versions_path("argo-cd")) == "argo-cd/versions.yaml"
    assert names.in_url(names.manifest_path("argo-cd", "v3.2.0+1")) == "argo-cd/v3.2.0+1/package.yaml"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("manifest.yaml", "a/v1/manifest.yaml"),
        ("./manifest.yaml", "a/v1/manifest.yaml"),
        ("crds//one.yaml", "a/v1/crds/one.yaml"),
        ("../v2/manifest.yaml", "a/v2/manifest.yaml"),
        ("../../b/shared.yaml", "b/shared.yaml"),
        ("with%20blank.yaml", "a/v1/with blank.yaml"),
    ],
)
def test_relative_files_lie_in_the_repository(url: str, expected: str) -> None:
    """A manifest may refer to files beside it, and to others of the repository."""
    assert names.is_relative(url)
    assert "/".join(names.file_path("a", "v1", url)) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        ".",
        "..",
        "../..",
        "x/",
        "../../../etc/passwd",
        "../../../repository/x",
        "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "%252e%252e/x",
        "/etc/passwd",
        "%2Fetc/passwd",
        "a\\..\\b",
        "x?y=1",
        "x#y",
        "x\x00",
        "x\ny",
        "../../.git/config",
        "%2egit/hooks/x",
        ".../x",
        "a" * 256,
        "a/" * 20 + "x",
        "https://example.org/x",
        "file:///etc/passwd",
        "//example.org/x",
    ],
)
def test_what_leads_out_of_the_repository_is_refused(url: str) -> None:
    """However it is written, no path above the repository is made."""
    with pytest.raises(ValueError) as caught:
        names.file_path("a", "v1", url)
    assert str(caught.value).isprintable()


@given(url=st.text(st.sampled_from("./%2eEfF\\a:?#@ \x00é"), max_size=24) | st.text(max_size=12))
@settings(max_examples=500, deadline=None)  # no deadline: the machine may be busy
def test_no_text_leads_out(url: str) -> None:
    """Whatever a manifest refers to: it is refused, or it lies below the repository, in the URL as on disk."""
    try:
        path = names.file_path("a", "v1", url)
    except ValueError:
        return
    root = "https://example.org/repository/"
    assert urljoin(root, names.in_url(path)).startswith(root)
    assert unquote(names.in_url(path)) == "/".join(path)
    assert posixpath.normpath("/".join(path)) == "/".join(path)
    assert not {"", ".", ".."} & set(path)
