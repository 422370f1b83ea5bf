"""The files of a repository as models: what is read, what is refused where, and that nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from repositories import safe_yaml, wire
from repositories.problems import Malformed, field_text
from repositories.shapes import MOST_PROBLEMS, examine, walk
from repositories.wire import as_data, read_index, read_manifest, read_versions
from tests.repositories.schemas import SAMPLES, needs_samples

HEAD = "name: a\ndefaultNamespace: a\n"


def refused(read: Any, text: str) -> str:
    """The message with which a file is refused."""
    with pytest.raises(Malformed) as caught:
        read(text.encode())
    return caught.value.message


@needs_samples
def test_every_file_of_the_public_repository_is_read_without_a_word() -> None:
    """The slice of the public repository has no error and no field that frit does not know, and loses nothing."""
    manifests = sorted(SAMPLES.glob("*/*/package.yaml"))
    assert len(manifests) > 20
    for read, paths in (
        (read_index, [SAMPLES / "index.yaml"]),
        (read_versions, sorted(SAMPLES.glob("*/versions.yaml"))),
        (read_manifest, manifests),
    ):
        for path in paths:
            parsed = read(path.read_bytes(), path.name)
            assert parsed.warnings == ()
            assert pruned(as_data(parsed.value)) == pruned(yaml.safe_load(path.read_bytes()))


def pruned(value: Any) -> Any:
    """Plain data without empty mappings, lists and texts, which say the same as nothing."""
    if isinstance(value, dict):
        return {key: pruned(one) for key, one in value.items() if one not in ({}, [], "")}
    return [pruned(one) for one in value] if isinstance(value, list) else value


def test_an_index_lists_packages() -> None:
    """Entries keep their order; what is absent is empty."""
    index = read_index(b"packages:\n- name: b\n  scope: Namespaced\n- name: a\n  latestVersion: v1\n").value
    assert [(one.name, one.scope, one.latest_version) for one in index.packages] == [
        ("b", "Namespaced", ""),
        ("a", "", "v1"),
    ]
    assert read_index(b"packages: []\n").value.packages == ()


def test_versions_know_the_pointer_and_the_maximum() -> None:
    """latestVersion is what the maintainers point to; the true maximum is told where it is newer."""
    text = "latestVersion: v2.14.1+1\nversions: [{version: v3.2.0+1}, {version: v2.14.1+1}, {version: v4.0.0-rc.1}]"
    read = read_versions(text.encode()).value
    assert (read.latest_version, read.newest, read.ahead) == ("v2.14.1+1", "v3.2.0+1", "v3.2.0+1")
    assert read.texts == ["v3.2.0+1", "v2.14.1+1", "v4.0.0-rc.1"]
    assert read_versions(b"latestVersion: v1.0.0\nversions: []\n").value.newest == ""


def test_unknown_fields_are_kept_and_warned_about() -> None:
    """They are no error, stand in the data again, and are told with their place."""
    text = HEAD + "maintainer: me\nentrypoints:\n- serviceName: x\n  port: 80\n  weight: {a: 1}\n"
    parsed = read_manifest(text.encode(), "a/v1/package.yaml")
    assert [str(one) for one in parsed.warnings] == [
        "a/v1/package.yaml, line 7: entrypoints[0].weight: frit does not know this field",
        "a/v1/package.yaml, line 3: maintainer: frit does not know this field",
    ]
    assert as_data(parsed.value)["maintainer"] == "me"
    assert as_data(parsed.value)["entrypoints"] == [{"serviceName": "x", "port": 80, "weight": {"a": 1}}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a mapping is expected, and this is nothing"),
        ("[]", "line 1: a mapping is expected, and this is a list"),
        ("hello", "a mapping is expected, and this is a text"),
        ("packages: {}", "line 1: packages: a list is expected, and this is a mapping"),
        ("packages:\n- a\n", "line 2: packages[0]: a mapping is expected, and this is a text"),
        ("packages:\n-\n", "packages[0]: a mapping is expected, and this is nothing"),
        ("packages:\n- scope: Cluster\n", "line 2: packages[0]: name is missing"),
        ("packages:\n- name:\n", "line 2: packages[0]: name is empty"),
        ("packages:\n- name: ''\n", "packages[0].name: the name of a package is empty"),
        ("packages:\n- name: 5\n", "packages[0].name: a text is expected, and this is a number; quote it"),
        ("packages:\n- name: yes\n", "a text is expected, and this is true or false; quote it"),
        ("packages:\n- {name: a}\n- name: ../b\n", "line 3: packages[1].name: '../b' cannot be the name of a package"),
        ("packages:\n- {name: a, scope: cluster}\n", "packages[0].scope: 'cluster' is not one of Cluster, Namespaced"),
        ("packages: [{name: a}, {name: b}, {name: a}]", "packages[2].name: a is listed already, as packages[0]"),
    ],
)
def test_a_broken_index_is_refused_with_line_and_field(text: str, words: str) -> None:
    """Wrong types, missing and repeated names each have their words and their place."""
    message = refused(read_index, text)
    assert message.startswith("index.yaml")
    assert words in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("versions: [{version: v1}]", "latestVersion is missing"),
        ("latestVersion: 1.0\nversions: []", "line 1: latestVersion: a text is expected, and this is a number"),
        ("latestVersion: v1\nversions: [v1]", "line 2: versions[0]: a mapping is expected, and this is a text"),
        ("latestVersion: v1\nversions:\n- version: ../../x\n", "line 3: versions[0].version: '../../x' cannot be"),
        ("latestVersion: v1\nversions:\n- {}\n", "line 3: versions[0]: version is missing"),
        ("latestVersion: /etc\nversions: []", "latestVersion: '/etc' cannot be a version"),
    ],
)
def test_broken_versions_are_refused_with_line_and_field(text: str, words: str) -> None:
    """The same for versions.yaml."""
    assert words in refused(read_versions, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a", "defaultNamespace is missing"),
        (HEAD + "helm: {chartName: a, chartVersion: '1'}", "line 3: helm: repositoryUrl is missing"),
        (HEAD + "helm: {repositoryUrl: x}", "helm: chartName and chartVersion missing, and there are no releases"),
        (HEAD + "helm: {repositoryUrl: x, chartName: a}", "helm: chartVersion missing"),
        (HEAD + "helm: {repositoryUrl: x, chartName: a, chartVersion: 1.10}", "this is a number; quote it"),
        (
            HEAD + "helm: {repositoryUrl: x, chartName: a, releases: [{chartName: b, chartVersion: '1'}]}",
            "one chart and releases",
        ),
        (HEAD + "entrypoints: [{serviceName: a, port: '80'}]", "port: an integer is expected, and this is a text"),
        (HEAD + "entrypoints: [{serviceName: a, port: true}]", "port: an integer is expected"),
        (HEAD + "entrypoints: [{serviceName: a, port: 99999999999999999999}]", "port: an integer is expected"),
        (HEAD + "valueDefinitions: {x: {type: list, targets: []}}", "valueDefinitions.x.type: 'list' is not one of"),
        (HEAD + "valueDefinitions: {x: {type: text}}", "valueDefinitions.x: targets is missing"),
        (
            HEAD + "valueDefinitions: {x: {type: text, targets: [{patch: {op: add, path: /x}}]}}",
            "valueDefinitions.x.targets[0]: it has to name either a resource or a chartName",
        ),
        (HEAD + "valueDefinitions: {x: {type: text, targets: [{chartName: a}]}}", "targets[0]: patch is missing"),
        (HEAD + "valueDefinitions: {x: {type: options, options: [1], targets: []}}", "options[0]: a text is expected"),
        (HEAD + "dependencies: [{name: a/b}]", "dependencies[0].name: 'a/b' cannot be the name of a package"),
        (HEAD + "transformations: [{targets: []}]", "transformations[0]: source is missing"),
    ],
)
def test_a_broken_manifest_is_refused_with_line_and_field(text: str, words: str) -> None:
    """The rules of the published schema, each with its words and its place."""
    assert words in refused(read_manifest, text)


def test_all_mistakes_of_a_file_are_found() -> None:
    """Whoever publishes sees them at once; whoever reads sees the first and their number. Wrong values are left out."""
    text = b"packages:\n- name: 1\n- name: b\n  scope: x\n- c\n"
    parsed = examine(wire.Index, text, "index.yaml", safe_yaml.INDEX)
    assert [(field_text(one.field), one.line) for one in parsed.errors] == [
        ("packages[0].name", 2),
        ("packages[1].scope", 4),
        ("packages[2]", 5),
    ]
    assert [one.name for one in parsed.value.packages] == ["", "b"]
    assert refused(read_index, text.decode()).endswith("(and 2 more)")
    many = examine(wire.Index, b"packages:\n" + b"- x\n" * 5000, "index.yaml", safe_yaml.INDEX)
    assert len(many.errors) == MOST_PROBLEMS


def test_models_can_be_walked() -> None:
    """Every model in a manifest is found with its place."""
    text = HEAD + "components: [{name: b, values: {x: {value: '1'}}}]\nhelm: {repositoryUrl: x, releases: []}\n"
    manifest = examine(wire.PackageManifest, text.encode(), "x", safe_yaml.MANIFEST).value
    assert [(field_text(where), type(one).__name__) for where, one in walk(manifest)] == [
        ("", "PackageManifest"),
        ("helm", "Helm"),
        ("components[0]", "Component"),
        ("components[0].values.x", "ComponentValue"),
    ]


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"], exclude_characters="\ufeff\x85\u2028\u2029"))
NAME = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
VERSION = st.from_regex(r"v[0-9]{1,3}\.[0-9]\.[0-9](-rc\.[0-9])?(\+[0-9]{1,2})?", fullmatch=True)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(NAME, children, max_size=3),
    max_leaves=6,
)
WORD = TEXT.filter(bool)


def some(needed: dict[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with what is needed, any of what is optional, and sometimes something unknown."""
    return st.fixed_dictionaries(needed, optional={**optional, "x-unknown": JSON})


def lists(of: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Lists that are not empty."""
    return st.lists(of, min_size=1, max_size=3)


RESOURCE = some({"apiGroup": TEXT, "kind": WORD, "name": WORD}, namespace=WORD)
PATCH = some({"op": WORD, "path": TEXT})
TARGET = some({"patch": PATCH, "chartName": WORD}, valueTemplate=WORD) | some({"patch": PATCH, "resource": RESOURCE})
CHART = {"chartName": WORD, "chartVersion": WORD}
HELM = some({"repositoryUrl": WORD, **CHART}, values=st.dictionaries(NAME, JSON, max_size=2)) | some(
    {"repositoryUrl": WORD, "releases": lists(some(CHART, values=st.dictionaries(NAME, JSON, max_size=2)))}
)
NUMBERS = {name: st.integers(-9, 9) for name in ("min", "max", "minLength", "maxLength")}
DEFINITION = some(
    {"type": st.sampled_from(["boolean", "text", "number", "options"]), "targets": st.lists(TARGET, max_size=2)},
    metadata=some({}, label=WORD, description=WORD, hints=lists(TEXT)),
    defaultValue=WORD,
    options=lists(TEXT),
    constraints=some({}, required=st.booleans(), pattern=WORD, **NUMBERS),
)
MANIFEST = some(
    {"name": NAME, "defaultNamespace": NAME},
    scope=st.sampled_from(["Cluster", "Namespaced"]),
    shortDescription=WORD,
    longDescription=WORD,
    iconUrl=WORD,
    references=lists(some({"label": TEXT, "url": TEXT})),
    helm=HELM,
    kustomize=st.just({}),
    manifests=lists(some({"url": TEXT}, defaultNamespace=WORD)),
    valueDefinitions=st.dictionaries(NAME, DEFINITION, max_size=2),
    transformations=lists(some({"source": some({"path": TEXT}, resource=RESOURCE), "targets": lists(TARGET)})),
    transitiveResources=lists(RESOURCE),
    entrypoints=lists(some({"serviceName": TEXT, "port": st.integers(1, 65535)}, name=WORD, scheme=WORD)),
    dependencies=lists(some({"name": NAME}, version=WORD)),
    components=lists(
        some({"name": NAME}, installedName=WORD, values=st.dictionaries(NAME, some({}, value=WORD), max_size=2))
    ),
)
ENTRY = some(
    {"name": NAME},
    shortDescription=WORD,
    iconUrl=WORD,
    latestVersion=VERSION,
    scope=st.sampled_from(["Cluster", "Namespaced"]),
)
INDEX = some({"packages": st.lists(ENTRY, max_size=4, unique_by=lambda one: one["name"])})
VERSIONS = some({"latestVersion": VERSION, "versions": st.lists(some({"version": VERSION}), max_size=4)})


class Quoting(yaml.SafeDumper):
    """Quotes every text: PyYAML leaves some bare that are numbers to kubectl."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def survives(read: Any, written: dict[str, Any]) -> None:
    """What is read says all that was written, by either writer, and is read again as the same."""
    parsed = read(json.dumps(written).encode())
    again = as_data(parsed.value)
    assert pruned(again) == pruned(written)
    assert read(json.dumps(again).encode()).value == parsed.value
    assert read(yaml.dump(written, Dumper=Quoting, allow_unicode=True).encode()).value == parsed.value


@given(written=INDEX)
@settings(max_examples=80, deadline=None)  # no deadline: the machine may be busy
def test_an_index_survives_the_round_trip(written: dict[str, Any]) -> None:
    """Written, read and written again, an index loses nothing, unknown fields included."""
    survives(read_index, written)


@given(written=VERSIONS)
@settings(max_examples=80, deadline=None)  # no deadline: the machine may be busy
def test_versions_survive_the_round_trip(written: dict[str, Any]) -> None:
    """The same for versions.yaml."""
    survives(read_versions, written)


@given(written=MANIFEST)
@settings(max_examples=120, deadline=None)  # no deadline: the machine may be busy
def test_a_manifest_survives_the_round_trip(written: dict[str, Any]) -> None:
    """The same for package.yaml."""
    survives(read_manifest, written)
