"""The report and its published schema agree, whatever the run came to."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import manifests
from base import exits
from base.clock import Deadline
from base.errors import Cancelled, NotReady
from base.events import Retried, silent
from base.retry import History
from base.session import Session
from bootstrap import report as reports
from bootstrap.report import KEPT_ATTEMPTS, Recorder, Stage
from bootstrap.settings import STAGES
from frit.invocation import run_command
from kube.apply import Applied, Change
from kube.diagnosis import Finding, as_data
from kube.objects import Ref
from kube.pods import Cause
from tests.bootstrap.conftest import Bootstrap
from tests.cluster import Cluster
from tests.running import frit, interrupt, start

SCHEMA: dict[str, Any] = json.loads(manifests.read("report.schema.json"))
FOREVER = Deadline.after(3600)


def valid(report: dict[str, Any]) -> dict[str, Any]:
    """The report, after it went through JSON and was held against the schema."""
    again: dict[str, Any] = json.loads(json.dumps(report))
    jsonschema.Draft202012Validator(SCHEMA).validate(again)
    return again


def applied(name: str, change: Change) -> Applied:
    return Applied(Ref("apps/v1", "Deployment", "cert-manager", name), change, History(name))


def recorder() -> Recorder:
    made = Recorder(silent)
    made.context, made.server = "kind-dev", "https://127.0.0.1:6443"
    made.versions |= {"kubernetes": "1.34.4", "certManager": "1.21.2"}
    made.requests = lambda: 78
    return made


def schemas_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "type" in value or "enum" in value or "const" in value:
            yield value
        for one in value.values():
            yield from schemas_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from schemas_in(one)


def test_the_schema_is_strict_and_describes_every_field() -> None:
    """The schema is a valid 2020-12 schema, allows no unknown field anywhere, and has a description for each field."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    objects = [one for one in schemas_in(SCHEMA) if one.get("type") == "object"]
    assert len(objects) == 8
    for one in objects:
        assert one["additionalProperties"] is False
        assert set(one["required"]) == set(one["properties"]) - {"kubernetes", "certManager"}
        for name, field in one["properties"].items():
            assert field.get("description") or SCHEMA["$defs"][field["$ref"].rpartition("/")[2]]["description"], name


def test_the_schema_knows_every_word_that_the_code_has() -> None:
    """Exit codes, stages, changes, causes and the format in the schema are those of the code."""
    fields, parts = SCHEMA["properties"], SCHEMA["$defs"]
    assert fields["format"]["const"] == reports.FORMAT
    assert fields["exitCode"]["enum"] == list(exits.MEANINGS)
    assert parts["stage"]["properties"]["name"]["enum"] == list(STAGES)
    assert parts["stage"]["properties"]["attempts"]["maxItems"] == KEPT_ATTEMPTS
    assert parts["object"]["properties"]["change"]["enum"] == [str(one) for one in Change]
    assert parts["finding"]["properties"]["cause"]["enum"] == [str(one) for one in Cause]


def test_a_successful_run_fits_the_schema() -> None:
    """Stages, objects, retried attempts and the count of equal failures of a run that went well are valid."""
    made = recorder()
    with made.stage("cert-manager", "cert-manager", FOREVER) as stage:
        stage.applied(applied("cert-manager", Change.CREATED))
        stage.applied(applied("cert-manager-webhook", Change.UNCHANGED))
        for _ in range(2):
            stage.emit(Retried("apply Deployment cert-manager", 1, "rate-limited", "too many requests", 0.25))
        stage.summary = "1.21.2: 1 created, 1 unchanged"
    with made.stage("package-api", "package API", FOREVER) as stage:
        stage.outcome = "unchanged"
    report = valid(made.report("changed", exits.OK))
    assert [one["outcome"] for one in report["stages"]] == ["done", "unchanged"]
    assert [one["change"] for one in report["stages"][0]["objects"]] == ["created", "unchanged"]
    assert report["failures"] == [
        {
            "stage": "cert-manager",
            "what": "apply Deployment cert-manager",
            "kind": "rate-limited",
            "message": "too many requests",
            "count": 2,
        }
    ]
    assert datetime.fromisoformat(report["started"]).tzinfo is not None


def test_a_failed_run_fits_the_schema() -> None:
    """A failure brings its message, hint, exit code and diagnosis into the report."""
    made = recorder()
    finding = Finding(
        "Pod cert-manager/webhook-1",
        Cause.CRASHING,
        "container webhook crashed 3 times",
        "kubectl logs",
        log="first\nsecond",
        events=("BackOff: restarting",),
        notes=("no events may be read",),
        owner="Deployment cert-manager/webhook",
    )
    error = NotReady("not ready after 3 m", hint="look\nthere", details={"diagnosis": [as_data(finding)]})

    def fail(stage: Stage) -> None:
        stage.attempt("prove the webhook", "not mutated", "the mutating webhook is not in the path")
        raise error

    with pytest.raises(NotReady), made.stage("webhook", "webhook proof", FOREVER) as stage:
        fail(stage)
    report = valid(made.report("failed", error.exit_code, error))
    assert report["exitCode"] == exits.NOT_READY
    assert (report["message"], report["hint"]) == ("not ready after 3 m", "look\nthere")
    assert report["stages"][0]["outcome"] == "failed"
    assert report["diagnosis"][0]["log"] == ["first", "second"]


def test_an_interrupted_run_fits_the_schema() -> None:
    """A report may be made while a stage is under way, and after the stage was interrupted."""
    made = recorder()
    with pytest.raises(Cancelled), made.stage("webhook", "webhook proof", FOREVER):  # noqa: PT012 -- seen from within
        during = valid(made.report("interrupted", exits.TERMINATED))
        raise Cancelled("stopped on request")
    assert during["stages"][0]["outcome"] == "running"
    assert valid(made.report("interrupted", exits.INTERRUPTED))["stages"][0]["outcome"] == "interrupted"


def test_a_dry_run_fits_the_schema_and_counts_nothing_as_done() -> None:
    """What a dry run plans is in the report, and the account of an interrupted one does not claim that it was done."""
    made = recorder()
    made.rehearsal = True
    with made.stage("repositories", "repositories", FOREVER) as stage:
        ref = Ref("packages.glasskube.dev/v1alpha1", "PackageRepository", "", "glasskube")
        stage.planned(ref, Change.CREATED, checked=False)
    report = valid(made.report("planned", exits.CHANGES))
    assert report["stages"][0]["objects"][0]["checked"] is False
    assert "nothing was changed" in made.account()
    assert "created or changed" not in made.account()


def test_attempts_beyond_the_limit_are_counted() -> None:
    """A stage keeps 500 attempts and counts the rest, so that a report stays readable."""
    made = recorder()
    with made.stage("repositories", "repositories", FOREVER) as stage:
        for number in range(KEPT_ATTEMPTS + 3):
            stage.attempt("apply", "api-unavailable", f"attempt {number % 2}", 0.1)
    report = valid(made.report("changed", exits.OK))
    assert len(report["stages"][0]["attempts"]) == KEPT_ATTEMPTS
    assert report["stages"][0]["attemptsLeftOut"] == 3


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "great"},
        {"exitCode": 99},
        {"format": "frit.report/v2"},
        {"surprise": 1},
        {"requests": -1},
        {"versions": {"kubernetes": "1.34.4"}},
    ],
)
def test_the_schema_refuses_what_no_report_is(change: dict[str, Any]) -> None:
    """An unknown outcome, code, format or field, a negative count and a missing version are not valid."""
    with pytest.raises(jsonschema.ValidationError):
        valid({**recorder().report("changed", exits.OK), **change})


def kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "nobody",
        "clusters": [{"name": "nobody", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "contexts": [{"name": "nobody", "context": {"cluster": "nobody", "user": "nobody"}}],
        "users": [{"name": "nobody", "user": {"token": "none"}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_run_that_finds_no_server_writes_its_report(tmp_path: Path) -> None:
    """A real process that cannot connect leaves a valid report with its exit code and its failed attempts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there, nor can anybody
        ran = frit(
            *("bootstrap", "--report", str(tmp_path / "report.json"), "--stage-timeout", "connect=5s", "--no-cache"),
            *("--cert-manager-manifest", str(tmp_path / "none.yaml"), "-o", "json"),
            kubeconfig=kubeconfig(tmp_path, f"https://127.0.0.1:{taken.getsockname()[1]}"),
        )
    report = valid(ran.report)
    assert ran.code == report["exitCode"] != 0
    assert report["outcome"] == "failed"
    assert report["message"] in ran.stderr
    assert {one["kind"] for one in report["failures"]} == {"api-unavailable"}
    assert json.loads(ran.stdout) == report


def test_an_interrupted_process_writes_its_report(tmp_path: Path, silent_port: int) -> None:
    """A real process that is terminated while it waits for an answer ends within a second and leaves a valid report."""
    path = tmp_path / "report.json"
    process = start(
        *("bootstrap", "--report", str(path), "--no-cache", "--cert-manager-manifest", str(tmp_path / "none.yaml")),
        kubeconfig=kubeconfig(tmp_path, f"https://127.0.0.1:{silent_port}"),
    )
    assert process.stderr is not None
    assert "nobody" in process.stderr.readline()  # the context is told before the first request
    ran = interrupt(process, signal.SIGTERM, path)
    report = valid(ran.report)
    assert ran.seconds < 1.0
    assert ran.code == report["exitCode"] == exits.TERMINATED
    assert report["outcome"] == "interrupted"
    assert report["context"] == "nobody"


def test_a_bug_leaves_a_report_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw ends with exit code 1 and a valid report that calls it a bug."""

    def broken(settings: object, session: object, recorder: Recorder) -> None:
        with recorder.stage("preflight", "preflight", FOREVER):
            raise KeyError("spec")

    monkeypatch.setattr("bootstrap.run.bootstrap", broken)
    path = tmp_path / "report.json"
    assert run_command(["bootstrap", "--report", str(path)], Session()) == exits.BUG
    report = valid(json.loads(path.read_text()))
    assert (report["outcome"], report["exitCode"]) == ("failed", exits.BUG)
    assert "KeyError" in report["message"]
    assert report["stages"][0]["outcome"] == "failed"


@pytest.mark.cluster
def test_a_dry_run_on_a_cluster_reports_every_object(fresh_cluster: Cluster, bootstrap: Bootstrap) -> None:
    """The JSON of a dry run is a valid report that names each object and what would become of it."""
    began = time.monotonic()
    ran = bootstrap("--dry-run", "-o", "json")
    assert ran.code == 0, ran.stderr
    report = valid(json.loads(ran.stdout))
    assert report == ran.report
    assert len([one for stage in report["stages"] for one in stage["objects"]]) == 47 + 4 + 1
    assert report["seconds"] <= time.monotonic() - began
