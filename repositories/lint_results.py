"""What a lint found, for people, for scripts and for code scanning (SARIF)."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from base.version import VERSION
from repositories.lint_rules import ORDER, RULES, Remark, Severity
from repositories.linting import Report
from repositories.wording import counted

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def counts(report: Report) -> dict[Severity, int]:
    """How many remarks of each severity there are, the worst first."""
    counted = Counter(one.severity for one in report.remarks)
    return {severity: counted[severity] for severity in ORDER}


def as_text(report: Report, where: str) -> str:
    """A line for each remark, as compilers write them, and one that counts."""
    lines = [_line(one, where) for one in report.remarks]
    found = ", ".join(counted(number, severity) for severity, number in counts(report).items())
    lines.append(f"{found} in {counted(report.packages, 'package')}, {counted(report.manifests, 'version')}")
    return "\n".join(lines)


def _line(one: Remark, where: str) -> str:
    line = f":{one.line}" if one.line else ""
    field = f"{one.field}: " if one.field else ""
    return f"{_below(where, one.file)}{line}: {one.severity}: {field}{one.message} [{one.rule}]"


def _below(where: str, file: str) -> str:
    """The file as an editor finds it from here."""
    return f"{where.rstrip('/')}/{file}" if "://" in where else str(PurePath(where) / file)


def as_data(report: Report, where: str) -> dict[str, Any]:
    """As JSON types."""
    return {
        "repository": where,
        "packages": report.packages,
        "versions": report.manifests,
        **{f"{severity}s": number for severity, number in counts(report).items()},
        "remarks": [
            {
                "severity": str(one.severity),
                "rule": one.rule,
                "file": one.file,
                "line": one.line or None,
                "field": one.field,
                "message": one.message,
            }
            for one in report.remarks
        ],
    }


def as_sarif(report: Report, where: str) -> dict[str, Any]:
    """As a SARIF log with one run. Source: OASIS, Static Analysis Results Interchange Format 2.1.0."""
    numbers = {name: number for number, name in enumerate(RULES)}
    rules = [
        {
            "id": name,
            "shortDescription": {"text": rule.title},
            "help": {"text": rule.help},
            "defaultConfiguration": {"level": str(rule.severity)},
        }
        for name, rule in RULES.items()
    ]
    run = {
        "tool": {"driver": {"name": "frit", "version": VERSION, "rules": rules}},
        "results": [_result(one, where, numbers[one.rule]) for one in report.remarks],
        "columnKind": "unicodeCodePoints",
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(one: Remark, where: str, number: int) -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(_below(where, one.file), safe="/:+~@=,()!$&'")},
            "region": {"startLine": one.line or 1},
        }
    }
    if one.field:
        place["logicalLocations"] = [{"fullyQualifiedName": one.field}]
    # without the line, so that a remark stays the same when lines are added above it
    same = hashlib.sha256("\0".join((one.rule, one.file, one.field)).encode()).hexdigest()[:32]
    return {
        "ruleId": one.rule,
        "ruleIndex": number,
        "level": str(one.severity),
        "message": {"text": one.message},
        "locations": [place],
        "partialFingerprints": {"ruleFileField/v1": same},
    }
