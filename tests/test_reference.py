"""The command reference is what the commands say."""

from __future__ import annotations

from tests import reference


def test_the_reference_is_up_to_date() -> None:
    """docs/reference.md is what `make reference` would write now."""
    assert reference.FILE.read_text(encoding="utf-8") == reference.render(), "run: make reference"


def test_the_reference_has_every_command_and_option() -> None:
    """Each command has a section with all of its options, each with a meaning and an environment variable."""
    page = reference.render()
    seen = [context.command_path for context in reference.contexts()]
    assert {"frit", "frit bootstrap", "frit check", "frit repo", "frit repo add", "frit repo list"} <= set(seen)
    for context in reference.contexts():
        section = page.partition(f"\n## {context.command_path}\n")[2].partition("\n## ")[0]
        assert section, context.command_path
        for option in reference.options_of(context.command):
            assert option.help, option.name
            assert f"`{option.envvar}`" in section, option.name
            for flag in (*option.opts, *option.secondary_opts):
                assert f"`{flag}" in section, flag
