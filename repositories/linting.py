"""`frit repo lint`: every file of a repository against every rule.

A file is parsed once, by the reader that clients use, so what passes here is what they can read. The line of a field
is worked out only where there is something to say about it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar

from base.clock import Run
from base.errors import RepositoryUnusable
from base.parallel import each
from repositories import lint_lists, lint_manifest, lint_values, names, safe_yaml
from repositories.lint_rules import Remark
from repositories.lint_values import Contents
from repositories.problems import Field, Malformed, field_text
from repositories.safe_yaml import Bounds, Places
from repositories.shapes import examined
from repositories.wire import Index, IndexEntry, PackageManifest, PackageVersions
from web.plain_json import measure
from web.plain_yaml import BadText, Limits, documents

T = TypeVar("T")

MOST: Final = 500
"""Remarks on one file; a hostile one could cause a million."""


class Source(Protocol):
    """Where a repository is read from. `workers` is how many files are read at the same time."""

    @property
    def workers(self) -> int:
        """How many files are read at the same time."""

    def read(self, path: names.Path, most: int) -> bytes | None:
        """The content of a file, None where there is none. Raises `RepositoryUnusable` where nobody can tell."""

    def packages(self) -> list[str]:
        """The packages that lie there; none where folders cannot be listed."""

    def versions(self, package: str) -> list[str]:
        """The versions of a package that lie there; none where folders cannot be listed."""


@dataclass(frozen=True)
class Link:
    """An absolute URL, where it stands, and whether the package cannot be installed without it."""

    file: str
    line: int
    field: str
    url: str
    needed: bool


Unreachable = Callable[[list[str]], Mapping[str, str]]
"""Takes URLs and gives those that cannot be had, with the reason."""


@dataclass(frozen=True)
class Report:
    """What was looked at and what there is to say, by file and line."""

    packages: int
    manifests: int
    remarks: tuple[Remark, ...]


class Sheet:
    """The remarks on one file."""

    def __init__(self, path: names.Path, content: bytes = b"") -> None:
        self.file = "/".join(path)
        self.remarks: list[Remark] = []
        self.places = Places(content)

    def found(self, rule: str, field: Field, message: str) -> None:
        """Remark on a field; the line is that of the field, or of the innermost one around it that is there."""
        self.at(rule, field, message, self.places.line(field))

    def at(self, rule: str, field: Field, message: str, line: int) -> None:
        """Remark on a field at a line that is known."""
        if len(self.remarks) < MOST:
            self.remarks.append(Remark(self.file, line, rule, field_text(field), message))


@dataclass(frozen=True)
class _Package:
    name: str
    sheet: Sheet
    versions: PackageVersions
    wanted: tuple[str, ...]
    """The versions to look at: those that are listed, and those that lie there."""


class Linter:
    """One run over one repository. Without `unreachable` nobody asks for absolute URLs."""

    def __init__(self, source: Source, run: Run, unreachable: Unreachable | None = None) -> None:
        self._source = source
        self._run = run
        self._unreachable = unreachable
        self._index = Sheet(names.index_path())
        self._entries: dict[str, tuple[int, IndexEntry]] = {}
        self._known: Collection[str] | None = None
        self._links: list[Link] = []

    def lint(self) -> Report:
        """Look at everything. Raises `RepositoryUnusable` where the index cannot be asked for."""
        there = self._source.packages()
        self._look_index(there)
        packages = [one for one in self._each(self._look_package, sorted({*self._entries, *there})) if one is not None]
        todo = [(package, version) for package in packages for version in package.wanted]
        remarks = {remark for found in self._each(self._look_manifest, todo) for remark in found}
        remarks.update(self._index.remarks, *(one.sheet.remarks for one in packages), self._gone())
        return Report(len(packages), len(todo), tuple(sorted(remarks)))

    def _each(self, function: Callable[[Any], T], items: list[Any]) -> list[T]:
        if self._source.workers > 1:
            return each(function, items, self._source.workers)
        return [function(one) for one in items]

    def _read(self, path: names.Path, model: type[T], bounds: Bounds) -> tuple[Sheet, T | None] | None:
        """The sheet and the model of a file, with remarks where it does not fit; no model where it cannot be read."""
        self._run.check()
        sheet = Sheet(path)
        try:
            content = self._source.read(path, bounds.bytes)
            if content is None:
                return None
            sheet = Sheet(path, content)
            parsed = examined(model, safe_yaml.load(content, sheet.file, bounds), sheet.file, sheet.places)
        except Malformed as bad:
            sheet.at("unreadable", bad.problem.field, bad.problem.message, bad.problem.line)
            return sheet, None
        except RepositoryUnusable as bad:
            if path == names.index_path():
                raise
            sheet.at("unreadable", (), bad.message, 0)
            return sheet, None
        for problem in parsed.errors:
            sheet.at("schema", problem.field, problem.message, problem.line)
        for problem in parsed.warnings:
            sheet.at("unknown-field", problem.field, "there is no such field", problem.line)
        return sheet, parsed.value

    def _look_index(self, there: list[str]) -> None:
        read = self._read(names.index_path(), Index, safe_yaml.INDEX)
        if read is None:
            self._index.at("missing-file", (), "there is no index.yaml; frit repo index writes it", 0)
            return
        self._index, index = read
        if index is None:
            return
        lint_lists.look_index(index, there, self._index.found)
        _drop(self._index, "duplicate", "listed already")
        for number, entry in enumerate(index.packages):
            if entry.name:
                self._entries.setdefault(entry.name, (number, entry))
        self._known = {*self._entries, *there}

    def _look_package(self, name: str) -> _Package | None:
        number, entry = self._entries.get(name, (-1, None))
        lie = self._source.versions(name)
        if names.package_problem(name):
            return None  # a folder that cannot be a package; the index says so where it lists it
        read = self._read(names.versions_path(name), PackageVersions, safe_yaml.VERSIONS)
        if read is None:
            sheet = Sheet(names.versions_path(name))
            if entry is not None:
                self._index.found("missing-file", ("packages", number), f"there is no {sheet.file}")
            return _Package(name, sheet, PackageVersions(), tuple(lie))
        sheet, versions = read
        if versions is None:
            return _Package(name, sheet, PackageVersions(), tuple(lie))
        lint_lists.look_versions(versions, lie, sheet.found)
        if entry is not None:
            lint_lists.compare(entry, number, versions, self._index.found)
        return _Package(name, sheet, versions, tuple(dict.fromkeys(filter(None, (*versions.texts, *lie)))))

    def _look_manifest(self, item: tuple[_Package, str]) -> list[Remark]:
        package, version = item
        if names.version_problem(version):
            return []
        path = names.manifest_path(package.name, version)
        read = self._read(path, PackageManifest, safe_yaml.MANIFEST)
        if read is None:
            at: Field = ("versions", package.versions.texts.index(version)) if version in package.versions.texts else ()
            package.sheet.found("missing-file", at, f"there is no {'/'.join(path)}")
            return []
        sheet, manifest = read
        if manifest is None:
            return sheet.remarks
        latest = version == package.versions.latest_version
        lint_manifest.look(manifest, package.name, self._known, sheet.found, described=latest)
        _drop(sheet, "chart-without-version", "chartVersion")
        contents, sheets = self._contents(manifest, package.name, version, sheet)
        lint_values.look(manifest, contents, sheet.found)
        number, entry = self._entries.get(package.name, (-1, None))
        if entry is not None and latest:
            lint_lists.compare_latest(entry, number, manifest, self._index.found)
        for field, url, needed in lint_manifest.links(manifest) if self._unreachable is not None else ():
            self._links.append(Link(sheet.file, sheet.places.line(field), field_text(field), url, needed))
        return [remark for one in (sheet, *sheets) for remark in one.remarks]

    def _contents(
        self, manifest: PackageManifest, package: str, version: str, sheet: Sheet
    ) -> tuple[Contents, list[Sheet]]:
        """What the package installs, as far as its files are in the repository, and the remarks on these files."""
        objects: list[Mapping[str, Any]] = []
        complete, sheets, values = True, [], 0
        seen: set[names.Path] = set()
        for number, ref in enumerate(manifest.manifests):
            at: Field = ("manifests", number, "url")
            if not ref.url or not names.is_relative(ref.url):
                complete = False
                continue
            try:
                path = names.file_path(package, version, ref.url)
                if path in seen:
                    continue
                seen.add(path)
                content = self._source.read(path, safe_yaml.FILE.bytes)
            except ValueError as error:
                sheet.found("unreachable-reference", at, str(error))
                content = None
            except RepositoryUnusable as error:
                sheet.found("unreachable-reference", at, error.message)
                content = None
            else:
                if content is None:
                    sheet.found("unreachable-reference", at, f"there is no {'/'.join(path)}")
            if content is None or values > safe_yaml.FILE.values:
                complete = False
                continue
            sheets.append(Sheet(path))
            before = len(objects)
            complete &= _objects(content, objects, sheets[-1])
            values += measure(objects[before:])[0]
        charts = lint_values.charts_of(manifest)
        return Contents(charts, objects, complete), sheets

    def _gone(self) -> list[Remark]:
        """The remarks on absolute URLs that cannot be had."""
        if self._unreachable is None:
            return []
        gone = self._unreachable(
            sorted({one.url for one in self._links if one.url.startswith(("http://", "https://"))})
        )
        return [
            Remark(
                one.file,
                one.line,
                "unreachable-reference" if one.needed else "unreachable-link",
                one.field,
                f"{names.shown(one.url)} cannot be had: {gone[one.url]}",
            )
            for one in self._links
            if one.url in gone
        ]


def _objects(content: bytes, objects: list[Mapping[str, Any]], sheet: Sheet) -> bool:
    """Add the objects of a manifest, those of lists too; whether all of it could be read."""
    try:
        for _, line, document in documents(content, Limits(safe_yaml.FILE.values, safe_yaml.SECONDS)):
            many = document.get("items") if isinstance(document, dict) else None
            for one in many if isinstance(many, list) and str(document.get("kind")).endswith("List") else [document]:
                if _is_object(one):
                    objects.append(one)
                else:
                    sheet.at("not-an-object", (), "apiVersion, kind or metadata.name is missing", line)
    except BadText as bad:
        sheet.at("unreadable", (), bad.problem, bad.line)
        return False
    return True


def _is_object(value: Any) -> bool:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, dict) or not (metadata.get("name") or metadata.get("generateName")):
        return False
    return isinstance(value.get("apiVersion"), str) and isinstance(value.get("kind"), str)


def _drop(sheet: Sheet, rule: str, word: str) -> None:
    """Take away what the schema says about a field where a rule of its own says it too."""
    fields = {remark.field for remark in sheet.remarks if remark.rule == rule}
    sheet.remarks = [
        one for one in sheet.remarks if one.rule != "schema" or one.field not in fields or word not in one.message
    ]


def without(report: Report, ignored: Collection[str]) -> Report:
    """The report without the remarks of some rules."""
    return replace(report, remarks=tuple(one for one in report.remarks if one.rule not in ignored))
