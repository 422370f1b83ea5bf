"""Credentials from the command line: every source, and what does not make sense."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from base import exits
from base.errors import WrongUsage
from repositories.credential_options import CredentialOptions, gathered
from repositories.credentials import Credentials
from tests.cluster import pki
from tests.frit.processes import PLAIN, on_terminal
from tests.repositories.guarded import basic, guarded

SECRET = "c0rrect horse"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Pipe:
    """Standard input as a pipe has it."""

    def __init__(self, raw: bytes) -> None:
        self.buffer = io.BytesIO(raw)

    def isatty(self) -> bool:
        return False


@pytest.fixture
def password(tmp_path: Path) -> Path:
    """A file with a password, as an editor writes it."""
    path = tmp_path / "password"
    path.write_text(SECRET + "\n")
    return path


def of(environment: dict[str, str] | None = None, **said: Any) -> Credentials:
    found: Credentials = gathered(CredentialOptions(**said), environment or {}).new
    return found


def test_a_password_comes_from_every_source(password: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, standard input, environment and prompt give the same, without the line end behind it."""
    expected = Credentials("ci", SECRET)
    assert of(username="ci", password_file=password) == expected
    for end in (b"", b"\n", b"\r\n"):
        monkeypatch.setattr(sys, "stdin", Pipe(SECRET.encode() + end))
        assert of(username="ci", password_stdin=True) == expected
    assert of({"FRIT_REPO_PASSWORD": SECRET}, username="ci") == expected
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stderr", Terminal())
    asked: list[Any] = []

    def prompt(text: str, **how: Any) -> str:
        asked.append((text, how["hide_input"]))
        return SECRET

    monkeypatch.setattr("click.prompt", prompt)
    assert of(username="ci") == expected
    assert asked == [("Password", True)]


def test_a_prompt_echoes_nothing() -> None:
    """On a terminal the password is asked for, used, and seen nowhere; Ctrl-D ends it instead of asking for ever."""
    with guarded(basic("ci", SECRET)) as server:
        command = ("repo", "test", server.url, "--username", "ci")
        code, shown = on_terminal(*command, program=PLAIN, asked="Password: ", typed=f"{SECRET}\n")
        assert code == 0, shown
        assert "can be used" in shown
        assert server.shown == [basic("ci", SECRET)]
        assert "Password:" in shown
        assert SECRET not in shown
        assert on_terminal(*command, program=PLAIN, asked="Password: ", typed="\x04")[0] == exits.INTERRUPTED


def test_a_token_comes_from_every_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, standard input and environment; a variable counts only where a bearer login is asked for."""
    path = tmp_path / "token"
    path.write_text("t0ken\n")
    assert of(token_file=path) == Credentials(token="t0ken")
    monkeypatch.setattr(sys, "stdin", Pipe(b"t0ken"))
    assert of(token_stdin=True) == Credentials(token="t0ken")
    environment = {"FRIT_REPO_TOKEN": "t0ken", "FRIT_REPO_PASSWORD": SECRET}
    assert of(environment, auth="bearer") == Credentials(token="t0ken")
    assert of(environment) == Credentials()


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing password is wrong usage that names the ways to give one, and no prompt that hangs."""
    monkeypatch.setattr(sys, "stdin", Pipe(b""))
    for said in ({"username": "ci"}, {"auth": "basic", "username": "ci"}, {"auth": "bearer"}, {"auth": "basic"}):
        with pytest.raises(WrongUsage, match=r"--password-file|--token-file|--username"):
            of(**said)  # type: ignore[arg-type]  # the values are options


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter\n2\n", "more than one line"),
        (b"hunter\x002", "control characters"),
        (b"\xff\xfehunter2", "no text in UTF-8"),
        (b"hunter2" * 20000, "longer than"),
    ],
)
def test_what_is_no_password_is_refused_and_not_repeated(
    raw: bytes, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what is wrong without the value."""
    path = tmp_path / "password"
    path.write_bytes(raw)
    monkeypatch.setattr(sys, "stdin", Pipe(raw))
    for said in ({"password_file": path}, {"password_stdin": True}):
        with pytest.raises(WrongUsage, match=why) as caught:
            of(username="ci", **said)
        assert "hunter" not in f"{caught.value.message}{caught.value.hint}"


def test_a_token_fits_into_a_header(tmp_path: Path) -> None:
    """Blanks and letters that no header can carry are refused."""
    path = tmp_path / "token"
    for text in ("two words", "schlüssel"):
        path.write_text(text)
        with pytest.raises(WrongUsage, match="bearer token cannot have"):
            of(token_file=path)


@pytest.mark.parametrize("name", ["", "a:b", "a\nb"])
def test_a_user_name_fits_into_a_header(name: str, password: Path) -> None:
    """A colon would end the name (RFC 7617)."""
    with pytest.raises(WrongUsage, match="user name"):
        of(username=name, password_file=password)


@pytest.mark.parametrize(
    "said",
    [
        {"username": "ci", "token_stdin": True},
        {"auth": "bearer", "username": "ci"},
        {"auth": "basic", "token_stdin": True},
        {"password_stdin": True, "password_file": Path("p")},
        {"token_stdin": True, "token_file": Path("t")},
        {"client_certificate": Path("c")},
        {"client_key": Path("k")},
    ],
)
def test_what_contradicts_itself_is_wrong_usage(said: dict[str, Any]) -> None:
    """One kind of login from one source, and a certificate with its key; nothing is read before that is clear."""
    with pytest.raises(WrongUsage, match="together"):
        of(**said)


def test_a_named_secret_excludes_another_login(password: Path) -> None:
    """A Secret is named as Kubernetes names it, and brings the login."""
    given = gathered(CredentialOptions(credentials_secret="team-login"), {})
    assert (given.existing, bool(given.new), bool(given)) == ("team-login", False, True)
    with pytest.raises(WrongUsage, match="give no other"):
        of(credentials_secret="team-login", username="ci", password_file=password)
    with pytest.raises(WrongUsage):
        of(credentials_secret="Not a name")


def test_certificates_are_looked_at(tmp_path: Path, password: Path) -> None:
    """A certificate goes with its own key; what is no PEM, or another's key, is refused."""
    authority = pki.Authority(tmp_path / "pki")
    pair, other = authority.issue("one", "one"), authority.issue("two", "two")
    got = of(client_certificate=pair.certificate, client_key=pair.key, ca_bundle=authority.pair.certificate)
    assert got.client_certificate == pair.certificate.read_text()
    assert got.client_key == pair.key.read_text()
    assert got.ca_bundle == authority.pair.certificate.read_text()
    with pytest.raises(WrongUsage, match="does not belong"):
        of(client_certificate=pair.certificate, client_key=other.key)
    with pytest.raises(WrongUsage, match="no certificate in PEM form"):
        of(ca_bundle=password)
    with pytest.raises(WrongUsage, match="no private key in PEM form"):
        of(client_certificate=pair.certificate, client_key=pair.certificate)
