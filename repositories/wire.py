"""The files of a repository as typed models: `index.yaml`, `versions.yaml` and `package.yaml`.

The rules are those of the published schemas of Glasskube (JSON Schema 2020-12), except that a field that is not
known is kept in `extra` and warned about. An empty text stands for a field that is absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from repositories import names, safe_yaml, versions
from repositories.problems import Field
from repositories.shapes import (
    Parsed,
    boolean,
    data,
    examine,
    integer,
    many,
    mapping,
    one,
    sound,
    table,
    text,
    texts,
    unknown,
)

CLUSTER: Final = "Cluster"
NAMESPACED: Final = "Namespaced"
SCOPES: Final = f"{CLUSTER} {NAMESPACED}"

LONGEST_TEXT: Final = 1 << 16
"""Characters of a text in an index, of which many are held at once; a picture in a data URL may need so many."""

Mistakes = Iterator[tuple[Field, str]]


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A package as the index lists it. Its scope is `Cluster` where it says none."""

    name: str = text("name", needed=True, problem=names.package_problem)
    short_description: str = text("shortDescription", most=LONGEST_TEXT)
    icon_url: str = text("iconUrl", most=LONGEST_TEXT)
    latest_version: str = text("latestVersion", most=LONGEST_TEXT)
    scope: str = text("scope", one_of=SCOPES)
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class Index:
    """`index.yaml`: the packages of a repository, each name once."""

    packages: tuple[IndexEntry, ...] = many("packages", IndexEntry)
    extra: Mapping[str, Any] = unknown()

    def mistakes(self) -> Mistakes:
        """A name that is listed twice."""
        seen: dict[str, int] = {}
        for n, entry in enumerate(self.packages):
            if seen.setdefault(entry.name, n) != n:
                yield ("packages", n, "name"), f"{entry.name} is listed already, as packages[{seen[entry.name]}]"


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """One version of a package."""

    version: str = text("version", needed=True, problem=names.version_problem)
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class PackageVersions:
    """`versions.yaml`: the versions of a package, and `latest_version`, the one that its maintainers point to."""

    latest_version: str = text("latestVersion", needed=True, problem=names.version_problem)
    versions: tuple[VersionEntry, ...] = many("versions", VersionEntry)
    extra: Mapping[str, Any] = unknown()

    @property
    def texts(self) -> list[str]:
        """The versions as they are written, in the order of the file."""
        return [entry.version for entry in self.versions]

    @property
    def newest(self) -> str:
        """The true maximum, pre-releases left out unless there is nothing else; empty where there is no version."""
        return versions.newest(self.texts)

    @property
    def ahead(self) -> str:
        """The true maximum where it is newer than `latest_version`, else empty."""
        return versions.ahead(self.latest_version, self.texts)


@dataclass(frozen=True)
class Reference:
    """A link for people."""

    label: str = text("label", needed=True)
    url: str = text("url", needed=True)
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class HelmRelease:
    """One of several charts of a package."""

    chart_name: str = text("chartName", needed=True)
    chart_version: str = text("chartVersion", needed=True)
    values: Mapping[str, Any] | None = mapping("values")
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class Helm:
    """The charts of a package: one by name and version, or `releases`."""

    repository_url: str = text("repositoryUrl", needed=True)
    chart_name: str = text("chartName")
    chart_version: str = text("chartVersion")
    releases: tuple[HelmRelease, ...] = many("releases", HelmRelease)
    values: Mapping[str, Any] | None = mapping("values")
    extra: Mapping[str, Any] = unknown()

    def mistakes(self) -> Mistakes:
        """Neither a chart nor releases, or both, or half a chart."""
        if self.releases and (self.chart_name or self.chart_version):
            yield (), "it names one chart and releases; only one of both may be there"
        elif not self.releases and not (self.chart_name and self.chart_version):
            missing = [
                key for key, has in (("chartName", self.chart_name), ("chartVersion", self.chart_version)) if not has
            ]
            yield (), f"{' and '.join(missing)} missing, and there are no releases"


@dataclass(frozen=True)
class ManifestRef:
    """A manifest of a package: a URL, or a path from the folder of package.yaml."""

    url: str = text("url", needed=True)
    default_namespace: str = text("defaultNamespace")
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class ObjectRef:
    """An object of the package; `api_group` holds group and version (`apps/v1`)."""

    api_group: str = text("apiGroup", needed=True)
    kind: str = text("kind", needed=True)
    name: str = text("name", needed=True)
    namespace: str = text("namespace")
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class Patch:
    """A JSON patch without its value."""

    op: str = text("op", needed=True)
    path: str = text("path", needed=True)
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class Target:
    """Where a value goes: into an object, or into the values of a chart."""

    resource: ObjectRef | None = one("resource", ObjectRef)
    chart_name: str = text("chartName")
    patch: Patch | None = one("patch", Patch, needed=True)
    value_template: str = text("valueTemplate")
    extra: Mapping[str, Any] = unknown()

    def mistakes(self) -> Mistakes:
        """Not exactly one place."""
        if (self.resource is None) == (not self.chart_name):
            yield (), "it has to name either a resource or a chartName"


@dataclass(frozen=True)
class Metadata:
    """What people see of a value."""

    label: str = text("label")
    description: str = text("description")
    hints: tuple[str, ...] = texts("hints")
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class Constraints:
    """What a value has to fulfil."""

    required: bool | None = boolean("required")
    min: int | None = integer("min")
    max: int | None = integer("max")
    min_length: int | None = integer("minLength")
    max_length: int | None = integer("maxLength")
    pattern: str = text("pattern")
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class ValueDefinition:
    """A value that users can set. Values are always texts; `type` says what a text has to look like."""

    type: str = text("type", needed=True, one_of="boolean text number options")
    metadata: Metadata | None = one("metadata", Metadata)
    default_value: str = text("defaultValue")
    options: tuple[str, ...] = texts("options")
    constraints: Constraints | None = one("constraints", Constraints)
    targets: tuple[Target, ...] = many("targets", Target, needed=True)
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class Source:
    """Where a transformation reads: a JSONPath in an object, or in the package itself."""

    resource: ObjectRef | None = one("resource", ObjectRef)
    path: str = text("path", needed=True)
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class Transformation:
    """Copies a field of the package, or of an object, into targets."""

    source: Source | None = one("source", Source, needed=True)
    targets: tuple[Target, ...] = many("targets", Target, needed=True)
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class Entrypoint:
    """A service to open."""

    name: str = text("name")
    service_name: str = text("serviceName", needed=True)
    port: int | None = integer("port", needed=True)
    local_port: int | None = integer("localPort")
    scheme: str = text("scheme")
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class Dependency:
    """A package that has to be there; `version` is a constraint."""

    name: str = text("name", needed=True, problem=names.package_problem)
    version: str = text("version")
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class ComponentValue:
    """A value that a component is installed with."""

    value: str = text("value")
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class Component:
    """A package that is installed for this one alone."""

    name: str = text("name", needed=True, problem=names.package_problem)
    installed_name: str = text("installedName")
    version: str = text("version")
    values: Mapping[str, ComponentValue] | None = table("values", ComponentValue)
    extra: Mapping[str, Any] = unknown()


@dataclass(frozen=True)
class PackageManifest:
    """`package.yaml`: one version of a package. Its scope is `Cluster` where it says none."""

    name: str = text("name", needed=True, problem=names.package_problem)
    scope: str = text("scope", one_of=SCOPES)
    default_namespace: str = text("defaultNamespace", needed=True)
    short_description: str = text("shortDescription")
    long_description: str = text("longDescription")
    icon_url: str = text("iconUrl")
    references: tuple[Reference, ...] = many("references", Reference)
    helm: Helm | None = one("helm", Helm)
    kustomize: Mapping[str, Any] | None = mapping("kustomize")
    manifests: tuple[ManifestRef, ...] = many("manifests", ManifestRef)
    value_definitions: Mapping[str, ValueDefinition] | None = table("valueDefinitions", ValueDefinition)
    transformations: tuple[Transformation, ...] = many("transformations", Transformation)
    transitive_resources: tuple[ObjectRef, ...] = many("transitiveResources", ObjectRef)
    entrypoints: tuple[Entrypoint, ...] = many("entrypoints", Entrypoint)
    dependencies: tuple[Dependency, ...] = many("dependencies", Dependency)
    components: tuple[Component, ...] = many("components", Component)
    extra: Mapping[str, Any] = unknown()


def read_index(content: bytes, file: str = names.INDEX) -> Parsed[Index]:
    """The index of a repository. Raises `Malformed` with file, line and field."""
    return sound(examine(Index, content, file, safe_yaml.INDEX))


def read_versions(content: bytes, file: str = names.VERSIONS) -> Parsed[PackageVersions]:
    """The versions of a package. Raises `Malformed` with file, line and field."""
    return sound(examine(PackageVersions, content, file, safe_yaml.VERSIONS))


def read_manifest(content: bytes, file: str = names.MANIFEST) -> Parsed[PackageManifest]:
    """The manifest of one version of a package. Raises `Malformed` with file, line and field."""
    return sound(examine(PackageManifest, content, file, safe_yaml.MANIFEST))


def as_data(value: Index | PackageVersions | PackageManifest) -> dict[str, Any]:
    """A file as plain data, as it would be written."""
    return data(value)
