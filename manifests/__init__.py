"""What frit applies, as data: files only. Read one with `read(name)`, also from an installed wheel."""

from __future__ import annotations


def read(name: str) -> bytes:
    """The bytes of one file of this folder, such as `cert-manager-releases.json`.

    Raises FileNotFoundError for a name that is not there.
    """
    from importlib.resources import files  # costs 10 ms, which `frit --help` does not have to pay

    return files(__name__).joinpath(name).read_bytes()
