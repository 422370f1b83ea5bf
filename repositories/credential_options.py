"""The options that credentials are given by. None of them takes a secret as an argument.

A secret comes from standard input, a file, an environment variable, a prompt without echo, or stays where it is, in a
Secret of the cluster. What a variable holds is only used where the options ask for a login of its kind: a variable
that happens to be exported must not send a token to a repository that needs none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from base.errors import WrongUsage

F = TypeVar("F", bound=Callable[..., Any])

PASSWORD_VARIABLE: Final = "FRIT_REPO_PASSWORD"  # noqa: S105 -- the name of a variable
TOKEN_VARIABLE: Final = "FRIT_REPO_TOKEN"  # noqa: S105 -- the same
MOST_BYTES: Final = 64 * 1024
"""What a password, a token or a certificate may have: far more than any, and no disk image by mistake."""


@dataclass(frozen=True)
class CredentialOptions:
    """What the options say, as click gives it; nothing is read yet."""

    auth: str | None = None
    username: str | None = None
    password_stdin: bool = False
    password_file: Path | None = None
    token_stdin: bool = False
    token_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    ca_bundle: Path | None = None
    credentials_secret: str | None = None

    @classmethod
    def taken_from(cls, chosen: dict[str, Any]) -> CredentialOptions:
        """The options of a command, taken out of its arguments."""
        return cls(**{name: chosen.pop(name) for name in cls.__dataclass_fields__})


def credential_options(command: F) -> F:
    """Add the options; they arrive under the names of `CredentialOptions`."""
    file = click.Path(path_type=Path, exists=True, dir_okay=False)
    made = (
        _option(
            "--auth",
            type=click.Choice(["basic", "bearer"]),
            help=f"Kind of login, where the secret comes from {PASSWORD_VARIABLE}, {TOKEN_VARIABLE} or a prompt.",
        ),
        _option("--username", metavar="NAME", help="User name of a basic login."),
        _option("--password-stdin", is_flag=True, help="Read the password from standard input."),
        _option("--password-file", type=file, metavar="FILE", help="Read the password from a file."),
        _option("--token-stdin", is_flag=True, help="Read a bearer token from standard input."),
        _option("--token-file", type=file, metavar="FILE", help="Read a bearer token from a file."),
        _option("--client-certificate", type=file, metavar="FILE", help="PEM certificate to show to the server."),
        _option("--client-key", type=file, metavar="FILE", help="PEM key of the client certificate, not encrypted."),
        _option(
            "--ca-bundle",
            type=file,
            metavar="FILE",
            help="PEM certificates to trust for this repository besides the system's.",
        ),
        _option(
            "--credentials-secret",
            metavar="NAME",
            help="Refer to this Secret in the namespace glasskube-system instead of storing anything.",
        ),
    )
    for option in reversed(made):
        command = option(command)
    return command


def _option(name: str, **attributes: Any) -> Callable[[F], F]:
    variable = "FRIT_REPO_" + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, envvar=variable, show_envvar=False, **attributes)


def gathered(said: CredentialOptions, environment: Mapping[str, str] | None = None) -> Any:
    """The `Given` of what was said: reads standard input, files and the environment, or asks. Raises `WrongUsage`.

    A Secret that was named is not looked at.
    """
    from repositories.credentials import Credentials
    from repositories.intent import Given

    environment = os.environ if environment is None else environment
    values: dict[str, str] = {}
    method = _method(said)
    if method == "basic":
        values = {"username": _username(said), "password": _password(said, environment)}
    elif method == "bearer":
        values = {"token": _token(said, environment)}
    if (said.client_certificate is None) != (said.client_key is None):
        raise WrongUsage("--client-certificate and --client-key belong together: give both or none")
    if said.client_certificate is not None and said.client_key is not None:
        values["client_certificate"] = _pem(said.client_certificate, "--client-certificate", "CERTIFICATE")
        values["client_key"] = _pem(said.client_key, "--client-key", "PRIVATE KEY")
        _check_pair(said.client_certificate, said.client_key)
    if said.ca_bundle is not None:
        values["ca_bundle"] = _pem(said.ca_bundle, "--ca-bundle", "CERTIFICATE")
    if said.credentials_secret is not None:
        from repositories.objects import checked_name

        if method:
            raise WrongUsage("--credentials-secret names a login that is stored: give no other with it")
        checked_name(said.credentials_secret)
    return Given(Credentials(**values), said.credentials_secret or "")


def _method(said: CredentialOptions) -> str:
    basic = [
        name
        for name, given in (
            ("--username", said.username is not None),
            ("--password-stdin", said.password_stdin),
            ("--password-file", said.password_file is not None),
        )
        if given
    ]
    bearer = [
        name
        for name, given in (("--token-stdin", said.token_stdin), ("--token-file", said.token_file is not None))
        if given
    ]
    wrong = (basic if said.auth == "bearer" else bearer if said.auth == "basic" else []) or (basic and bearer)
    if wrong:
        other = f"--auth {said.auth}" if said.auth else basic[0]
        raise WrongUsage(f"{wrong[0]} and {other} do not go together: a repository has one kind of login")
    if len(basic) > 1 and said.password_stdin and said.password_file is not None:
        raise WrongUsage("--password-stdin and --password-file do not go together: there is one password")
    if len(bearer) > 1:
        raise WrongUsage("--token-stdin and --token-file do not go together: there is one token")
    return said.auth or ("basic" if basic else "bearer" if bearer else "")


def _username(said: CredentialOptions) -> str:
    name = said.username
    if name is None:
        name = _asked("User name", "a basic login needs --username", hidden=False)
    if not name or ":" in name or not name.isprintable():
        raise WrongUsage("a user name cannot be empty, and cannot hold a colon or control characters (RFC 7617)")
    return name


def _password(said: CredentialOptions, environment: Mapping[str, str]) -> str:
    if said.password_stdin:
        text = _stdin("--password-stdin")
    elif said.password_file is not None:
        text = _file(said.password_file, "--password-file")
    elif PASSWORD_VARIABLE in environment:
        text = environment[PASSWORD_VARIABLE]
    else:
        text = _asked(
            "Password",
            f"a basic login needs a password: --password-stdin, --password-file or {PASSWORD_VARIABLE}",
        )
    return _checked(text, "the password")


def _token(said: CredentialOptions, environment: Mapping[str, str]) -> str:
    if said.token_stdin:
        text = _stdin("--token-stdin")
    elif said.token_file is not None:
        text = _file(said.token_file, "--token-file")
    elif TOKEN_VARIABLE in environment:
        text = environment[TOKEN_VARIABLE]
    else:
        text = _asked("Token", f"a bearer login needs a token: --token-stdin, --token-file or {TOKEN_VARIABLE}")
    token = _checked(text, "the token")
    if not token.isascii() or " " in token:
        raise WrongUsage("the token holds characters that a bearer token cannot have (RFC 6750)")
    return token


def _checked(text: str, what: str) -> str:
    """The value without one line end behind it, which editors and `echo` add. Never repeats the value."""
    value = text.removesuffix("\n").removesuffix("\r")
    if not value:
        raise WrongUsage(f"{what} is empty")
    if any(ord(one) < 0x20 or ord(one) == 0x7F for one in value):
        raise WrongUsage(f"{what} has more than one line, or control characters")
    return value


def _stdin(option: str) -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise WrongUsage(f"{option} reads a pipe or a file, not a terminal", hint="leave it out to be asked")
    return _decoded(sys.stdin.buffer.read(MOST_BYTES + 1), option)


def _file(path: Path, option: str) -> str:
    try:
        with path.open("rb") as file:
            return _decoded(file.read(MOST_BYTES + 1), option)
    except OSError as error:
        raise WrongUsage(f"{option} {path} cannot be read: {error.strerror}") from None


def _decoded(raw: bytes, option: str) -> str:
    if len(raw) > MOST_BYTES:
        raise WrongUsage(f"what {option} gives is longer than {MOST_BYTES // 1024} KiB")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise WrongUsage(f"what {option} gives is no text in UTF-8") from None


def _asked(what: str, otherwise: str, *, hidden: bool = True) -> str:
    """Ask on the terminal; where there is none, it is wrong usage."""
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise WrongUsage(otherwise)
    return str(click.prompt(what, hide_input=hidden, err=True, prompt_suffix=": "))


def _pem(path: Path, option: str, block: str) -> str:
    text = _file(path, option)
    if f"{block}-----" not in text or "-----BEGIN " not in text:
        raise WrongUsage(f"{option} {path} holds no {block.lower()} in PEM form")
    if block == "PRIVATE KEY" and ("ENCRYPTED" in text):
        raise WrongUsage(
            f"{option} {path} is encrypted, and nobody can be asked for its pass phrase when it is used",
            hint="store it without one: openssl pkey -in FILE",
        )
    return text


def _check_pair(certificate: Path, key: Path) -> None:
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError):
        raise WrongUsage(f"the key {key} does not belong to the certificate {certificate}, or one is damaged") from None
