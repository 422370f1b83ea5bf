"""What `frit repo lint` looks for: every rule with its severity and a sentence of help, and what it remarks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How bad it is. The words are those of SARIF's levels."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


ORDER: Final = tuple(Severity)
"""Severities, the worst first."""


@dataclass(frozen=True)
class Rule:
    """One rule: what it remarks on, and why that matters or what to do."""

    severity: Severity
    title: str
    help: str


@dataclass(frozen=True, order=True)
class Remark:
    """One thing that a rule found. `line` counts from 1 and is 0 where there is none; `field` is written `a.b[0]`."""

    file: str
    line: int
    rule: str
    field: str
    message: str

    @property
    def severity(self) -> Severity:
        """The severity of its rule."""
        return RULES[self.rule].severity


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

RULES: Final[dict[str, Rule]] = {
    # what a file is
    "unreadable": Rule(_E, "A file cannot be read", "Clients refuse it: broken YAML, duplicate keys, aliases, size."),
    "missing-file": Rule(_E, "A file that is listed is not there", "Add the file, or take it off the list."),
    "schema": Rule(_E, "A file does not fit its schema", "Types, required fields and fields that exclude each other."),
    "unknown-field": Rule(_E, "A field does not exist", "Nobody reads it; it may be misspelt."),
    "invalid-value": Rule(_E, "A value is not one of those that are possible", "See the published schema."),
    # names and versions
    "not-semantic": Rule(_W, "A version is not semantic", "It comes before all that are; revisions are numbers: +1."),
    "duplicate": Rule(_E, "The same name or version is listed twice", "Which of them counts is not certain."),
    "order": Rule(_W, "A list is not in order", "frit repo index writes packages by name and versions ascending."),
    "name-differs": Rule(_E, "A manifest names another package than its folder", "Clients look for it by the folder."),
    "latest-unknown": Rule(_E, "latestVersion is not among the versions", "Nobody can install the package."),
    "latest-behind": Rule(_W, "latestVersion is not the newest version", "Installs take what latestVersion says."),
    "index-differs": Rule(_E, "The index contradicts another file", "frit repo index writes it from the manifests."),
    "index-stale": Rule(_W, "The index describes the package differently", "frit repo index writes it anew."),
    "unlisted": Rule(_W, "A package or version is there and not listed", "Nobody finds it; frit repo index lists it."),
    # what a package installs
    "not-an-object": Rule(_E, "A manifest holds what is no object", "Objects have apiVersion, kind and metadata.name."),
    "installs-nothing": Rule(_W, "A package installs nothing", "No manifests, chart, components or dependencies."),
    "unsupported": Rule(_W, "A field that no client supports is used", "The package installs without it."),
    "unreachable-reference": Rule(_E, "What a package refers to cannot be had", "The package cannot be installed."),
    "unreachable-link": Rule(_W, "A link leads nowhere", "People who read about the package follow it."),
    "insecure-url": Rule(_W, "Something is downloaded without encryption", "Everybody on the way can change it."),
    "moving-reference": Rule(_W, "A manifest's URL names a branch", "It changes, and the version with it; pin it."),
    "chart-without-version": Rule(_E, "A chart has no version", "What is installed would depend on the day."),
    "chart-version-range": Rule(_W, "A chart's version is a range", "What is installed depends on the day."),
    "dependency-on-itself": Rule(_E, "A package depends on itself", "It can never be installed."),
    "unknown-dependency": Rule(_W, "A dependency is not in this repository", "Users need another repository too."),
    "revision-in-range": Rule(_W, "A range of versions names a revision", "Ranges ignore revisions such as +1."),
    # values
    "string-patch": Rule(
        _E,
        "A boolean or number is patched as a text",
        'Values are texts: without a valueTemplate, "false" is written, which is true. Use valueTemplate: "{{.}}".',
    ),
    "text-without-quotes": Rule(
        _W, "A text's template writes no JSON text", "The template's output is read as JSON; write '\"{{.}}\"'."
    ),
    "always-true": Rule(
        _W, "A template tests whether a value is empty", 'Values are texts, and "false" is not empty. Compare it.'
    ),
    "unmatched-target": Rule(_E, "A target matches nothing in the package", "The value has no effect, silently."),
    "missing-path": Rule(_W, "A patch replaces a field that is not there", "A patch that replaces needs the field."),
    "invalid-default": Rule(_E, "A default value is not valid", "Whoever keeps the default cannot install."),
    "invalid-constraint": Rule(_E, "A constraint cannot be met", "No value passes it, or clients cannot read it."),
    # what people see
    "missing-icon": Rule(_W, "A package has no icon", "Set iconUrl; lists of packages show it."),
    "missing-description": Rule(_W, "A package has no description", "Set shortDescription; searches look at it."),
    "no-revision": Rule(_N, "A version has no packaging revision", "A repackaging needs one: +1, then +2."),
}
"""Rule name -> rule, in the order of the documentation (docs/publishing.md)."""
