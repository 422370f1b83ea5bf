"""The errors that frit raises on purpose: one root, one exit code each, and a docstring that shows the tree."""

from __future__ import annotations

import re

from base import errors, exits
from base.errors import FritError
from base.version import VERSION, user_agent


def subclasses() -> dict[str, type[FritError]]:
    return {one.__name__: one for one in FritError.__subclasses__() if one.__module__ == errors.__name__}


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    """Every class stands in the module's docstring with its exit code, and nothing else does."""
    drawn = re.findall(r"(?m)^[├└]── (\w+) +(\d+) ", errors.__doc__ or "")
    assert {name: int(code) for name, code in drawn} == {name: one.exit_code for name, one in subclasses().items()}


def test_every_error_ends_in_a_documented_exit_code() -> None:
    """The code of each class has a meaning, and only the root stands for a bug."""
    for one in subclasses().values():
        assert one.exit_code in exits.MEANINGS
        assert one.exit_code not in (exits.OK, exits.BUG)
    assert FritError.exit_code == exits.BUG


def test_an_error_carries_message_hint_and_details() -> None:
    """What is given comes back; details are a copy, so that nobody changes them from outside."""
    details = {"a": 1}
    error = errors.NotReady("could not wait", hint="wait longer", details=details)
    details["a"] = 2
    assert (str(error), error.message, error.hint, error.details) == (
        "could not wait",
        "could not wait",
        "wait longer",
        {"a": 1},
    )


def test_every_code_has_a_name_of_its_own() -> None:
    """No two names share a code, and every named code has a meaning."""
    named = {name: value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert len(set(named.values())) == len(named)
    assert set(named.values()) == set(exits.MEANINGS)


def test_an_api_server_can_tell_commands_apart() -> None:
    """The user agent has the version and the command."""
    assert user_agent("check") == f"frit/{VERSION} (check)"
