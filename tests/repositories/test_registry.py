"""What a PackageRepository says, and what registering one may change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from base.errors import PreflightFailed
from repositories.check import judged
from repositories.objects import Repository, to_object
from repositories.registry import Registered, as_registered, settled
from repositories.views import age_text

URL = "https://packages.example.com"


@pytest.mark.parametrize(
    ("auth", "method", "inline"),
    [
        (None, "none", False),
        ({}, "none", False),
        ({"basic": {"username": "u", "password": "p"}}, "basic", True),
        ({"basic": {"username": "u", "passwordSecretRef": {"name": "s", "key": "k"}}}, "basic", True),
        ({"basic": {"usernameSecretRef": {"key": "u"}, "passwordSecretRef": {"key": "p"}}}, "basic", False),
        ({"bearer": {"token": "t"}}, "bearer", True),
        ({"bearer": {"tokenSecretRef": {"name": "s", "key": "k"}}}, "bearer", False),
        ({"basic": {}, "bearer": {"token": "t"}}, "basic+bearer", True),
    ],
)
def test_the_authentication_is_named_and_never_shown(auth: Any, method: str, inline: bool) -> None:
    """The method and whether credentials stand in the object are told, the credentials are not."""
    obj = to_object(Repository("team", URL))
    if auth is not None:
        obj["spec"]["auth"] = auth
    found = as_registered(obj)
    assert (found.auth, found.inline) == (method, inline)
    told = found.data()["auth"]
    assert (told["method"], told["inline"]) == (method, inline)


def test_condition_and_age_come_from_the_object() -> None:
    """Status and message are those of the condition Ready; without one they are empty."""
    obj = to_object(Repository("team", "https://u:secret@example.com", default=True))
    assert as_registered(obj).ready == ""
    obj["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    obj["status"] = {"conditions": [{"type": "Ready", "status": "False", "message": "no route"}]}
    found = as_registered(obj)
    assert (found.ready, found.message, found.default) == ("False", "no route", True)
    assert found.created == "2026-01-01T00:00:00Z"
    assert found.data()["url"] == "https://***@example.com"


def test_what_stands_in_an_object_cannot_rewrite_a_terminal() -> None:
    """Messages and URLs of a cluster are shown in one printable line, without credentials."""
    obj = to_object(Repository("team", "https://example.com/\x1b[2J"))
    message = 'Get "https://somebody:hunter2@example.com/index.yaml":\n\x9b31m no route'
    obj["status"] = {"conditions": [{"type": "Ready", "status": "False", "message": message}]}
    found = as_registered(obj)
    assert found.message == 'Get "https://***@example.com/index.yaml": ?31m no route'
    assert found.shown_url == "https://example.com/?[2J"


def test_another_default_is_not_replaced() -> None:
    """A second default is refused, and the hint takes the mark from the first."""
    existing = [Registered("first", URL, default=True), Registered("team", URL)]
    with pytest.raises(PreflightFailed, match="first is it already") as caught:
        settled(Repository("team", URL, default=True), existing)
    assert "kubectl annotate packagerepository first packages.glasskube.dev/default-repository-" in caught.value.hint


def test_a_default_stays_the_default() -> None:
    """Registering the default again, with the mark or without it, keeps the mark."""
    existing = [Registered("team", URL, default=True)]
    for default in (True, False):
        assert settled(Repository("team", URL, default), existing).default
    assert not settled(Repository("other", URL), existing).default


def test_a_url_keeps_its_spelling() -> None:
    """A slash at the end, as somebody else wrote it, is no difference worth a conflict."""
    assert settled(Repository("team", URL), [Registered("team", URL + "/")]).url == URL + "/"
    assert settled(Repository("team", URL + "/a"), [Registered("team", URL + "/")]).url == URL + "/a"


def test_credentials_are_not_sent_to_a_new_url() -> None:
    """The URL of a repository with credentials is not changed; the same URL is fine."""
    existing = [Registered("team", "https://u:secret@old.example.com", auth="bearer")]
    with pytest.raises(PreflightFailed, match="would be sent to") as caught:
        settled(Repository("team", URL), existing)
    assert "secret" not in caught.value.message + caught.value.hint
    assert settled(Repository("team", URL), [Registered("team", URL, auth="bearer")]).url == URL


@pytest.mark.parametrize(
    ("found", "ok", "warning", "text"),
    [
        ([], False, False, "no package repository is registered"),
        ([Registered("a", URL, default=True), Registered("b", URL)], True, False, "a, b; a is the default"),
        ([Registered("a", URL)], True, True, "none is the default"),
        ([Registered("a", URL, default=True), Registered("b", URL, default=True)], False, False, "2 repositories are"),
        ([Registered("a", URL, True, ready="False", message="no route")], True, True, "a is not ready: no route"),
    ],
)
def test_the_check_judges_what_is_registered(found: list[Registered], ok: bool, warning: bool, text: str) -> None:
    """None and two defaults are wrong; no default and an unready repository are warnings."""
    finding = judged(found)
    assert (finding.ok, finding.warning, finding.known) == (ok, warning, True)
    assert text in finding.message


@pytest.mark.parametrize(
    ("created", "text"),
    [
        ("2026-01-10T12:00:00Z", "0s"),
        ("2026-01-10T11:58:01Z", "119s"),
        ("2026-01-10T11:58:00Z", "2m"),
        ("2026-01-10T09:59:00Z", "2h"),
        ("2026-01-01T12:00:00Z", "9d"),
        ("2026-01-10T12:00:09Z", "0s"),
        ("", "-"),
        ("yesterday", "-"),
        ("2026-01-10T12:00:00", "-"),
    ],
)
def test_ages_are_short(created: str, text: str) -> None:
    """An age has one unit; a clock that is off makes it zero, and what is no time makes it a dash."""
    assert age_text(created, datetime(2026, 1, 10, 12, tzinfo=UTC)) == text
