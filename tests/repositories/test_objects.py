"""Names, URLs and objects of package repositories."""

from __future__ import annotations

import pytest

from base.errors import WrongUsage
from repositories.objects import (
    DEFAULT_NAME,
    DEFAULT_URL,
    Repository,
    from_object,
    hide_credentials,
    is_default,
    parse,
    repository,
    to_object,
)


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        ("team=https://packages.example.com/team", "team", "https://packages.example.com/team"),
        ("team=https://packages.example.com/team///", "team", "https://packages.example.com/team"),
        ("a.b-c=http://127.0.0.1:8080", "a.b-c", "http://127.0.0.1:8080"),
        ("v6=http://[::1]:8080/", "v6", "http://[::1]:8080"),
        ("registry=oci://ghcr.io/team/packages:v1", "registry", "oci://ghcr.io/team/packages:v1"),
        ("scoped=https://example.com/@team/a=b", "scoped", "https://example.com/@team/a=b"),
        ("escaped=https://example.com/a%20b+c", "escaped", "https://example.com/a%20b+c"),
        (f"{DEFAULT_NAME}={DEFAULT_URL}", "glasskube", "https://packages.dl.glasskube.dev/packages"),
    ],
)
def test_parse_reads_name_and_url(text: str, name: str, url: str) -> None:
    """NAME=URL is split at the first sign, and slashes at the end of the URL go."""
    assert parse(text) == Repository(name, url)


@pytest.mark.parametrize("name", ["", "Team", "a_b", "-a", "a-", "a..b", ".a", "a b", "ü", "a" * 254, "a\n"])
def test_a_name_that_no_object_can_have_is_wrong_usage(name: str) -> None:
    """Names are DNS subdomains of at most 253 characters."""
    with pytest.raises(WrongUsage, match="cannot be the name"):
        repository(name, "https://example.com")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "not a URL"),
        ("packages.example.com", "does not begin with"),
        ("/packages", "does not begin with"),
        ("ftp://example.com/", "does not begin with"),
        ("file:///srv/packages", "a folder of this machine"),
        ("oci://example.com/Packages", "not the address of an artifact"),
        ("oci://example.com", "not the address of an artifact"),
        ("oci:///packages", "does not name a host"),
        ("https://", "does not name a host"),
        ("https:///packages", "does not name a host"),
        ("https:/example.com", "does not name a host"),
        ("https://a^b/", "does not name a host"),
        ("https://example.com/a b", "not a URL"),
        ("https://example.com/\n", "not a URL"),
        ("https://exämple.com/", "not a URL"),
        ("https://example.com/%zz", "not a URL"),
        ("https://example.com:99999/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://example.com/?a=b", "after"),
        ("https://example.com/#a", "after"),
        ("https://example.com/" + "a" * 8192, "characters long"),
    ],
)
def test_a_url_that_no_repository_can_have_is_wrong_usage(url: str, why: str) -> None:
    """Each unusable URL is refused with its own reason."""
    with pytest.raises(WrongUsage, match=why):
        repository("team", url)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@example.com/",
        "https://hunter2@example.com",
        "user:hunter2@example.com",
        "https:/user:hunter2@example.com",
        "https://user:hunter2@@example.com",
        "//user:hunter2@example.com",
    ],
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    """A URL with credentials is wrong usage, and neither message nor hint shows them, whatever its form."""
    for text in (f"team={url}", f"{url}=https://example.com", url):
        with pytest.raises(WrongUsage) as caught:
            parse(text)
        assert "hunter2" not in caught.value.message + caught.value.hint


def test_what_is_shown_of_a_url_has_no_credentials_in_it() -> None:
    """User information and query are hidden, everything else is shown as it is."""
    assert hide_credentials("https://user:pw@example.com/a?token=x") == "https://***@example.com/a?***"
    assert hide_credentials("https://example.com/@team/a") == "https://example.com/@team/a"
    assert hide_credentials("http://[::1]:8080/p") == "http://[::1]:8080/p"


def test_an_object_holds_what_frit_owns_and_nothing_else() -> None:
    """The annotation is there for the default only, so that frit never owns it on another repository."""
    plain = to_object(Repository("team", "https://example.com"))
    assert plain == {
        "apiVersion": "packages.glasskube.dev/v1alpha1",
        "kind": "PackageRepository",
        "metadata": {"name": "team"},
        "spec": {"url": "https://example.com"},
    }
    marked = to_object(Repository("team", "https://example.com", default=True))
    assert marked["metadata"]["annotations"] == {"packages.glasskube.dev/default-repository": "true"}


@pytest.mark.parametrize("default", [True, False])
def test_an_object_reads_back_as_what_it_was_made_from(default: bool) -> None:
    """to_object and from_object are inverse."""
    one = Repository("team", "https://example.com", default)
    assert from_object(to_object(one)) == one


@pytest.mark.parametrize("value", ["True", "1", "yes", "", "false"])
def test_only_the_text_true_marks_the_default(value: str) -> None:
    """Glasskube compares the annotation with `true`, letter by letter."""
    assert not is_default({"metadata": {"annotations": {"packages.glasskube.dev/default-repository": value}}})
