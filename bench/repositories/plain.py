"""What a script does that reads package repositories with httpx and PyYAML, one after the other. No code of frit's.

Run as a file: ``search TEXT URL...`` prints the packages that fit, ``list FILE`` a line for each URL of a file, and
``lint FOLDER`` loads every YAML file below a folder. With ``--libyaml`` they are read by the C loader that PyYAML
brings, instead of `yaml.safe_load`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import yaml

LIST_SECONDS, SEARCH_SECONDS = 1.5, 10.0
"""How long a server is waited for: as long as `frit repo list` and `frit search` wait."""

Load = Callable[[bytes], Any]


def main() -> int:
    """Parse, do it, print."""
    parser = argparse.ArgumentParser(prog="plain.py")
    parser.add_argument("--libyaml", action="store_true")
    parser.add_argument("what", choices=("search", "list", "lint"))
    parser.add_argument("rest", nargs="+")
    arguments = parser.parse_args()
    load = _with_libyaml if arguments.libyaml else yaml.safe_load
    if arguments.what == "search":
        _search(arguments.rest[0], arguments.rest[1:], load)
    elif arguments.what == "list":
        _list(Path(arguments.rest[0]).read_text().split(), load)
    else:
        _lint(Path(arguments.rest[0]), load)
    return 0


def _with_libyaml(content: bytes) -> Any:
    return yaml.load(content, Loader=yaml.CSafeLoader)


def _search(text: str, urls: list[str], load: Load) -> None:
    word = text.casefold()
    for url in urls:
        for one in _packages(url, SEARCH_SECONDS, load):
            description = one.get("shortDescription", "")
            if word in f"{one['name']}\n{description}".casefold():
                print(one["name"], url, one.get("latestVersion", "-"), description, sep="  ")


def _list(urls: list[str], load: Load) -> None:
    for url in urls:
        try:
            print(url, "reachable", len(_packages(url, LIST_SECONDS, load)), sep="  ")
        except httpx.HTTPError as error:
            print(url, "unreachable", error, sep="  ")


def _lint(folder: Path, load: Load) -> None:
    files = sorted(folder.rglob("*.yaml"))
    for file in files:
        load(file.read_bytes())
    print(f"{sum(file.name == 'package.yaml' for file in files)} manifests among {len(files)} files")


def _packages(url: str, seconds: float, load: Load) -> list[dict[str, str]]:
    answer = httpx.get(f"{url}/index.yaml", timeout=seconds).raise_for_status()
    packages: list[dict[str, str]] = load(answer.content)["packages"]
    return packages


if __name__ == "__main__":
    sys.exit(main())
