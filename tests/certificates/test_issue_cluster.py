"""`frit check --issue` on a real cluster: it issues, it says why it does not, and it cleans up whatever happens."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from base import exits
from base.clock import Deadline, Run
from base.events import silent
from base.policy import retry_policy
from certificates import leftovers
from certificates.checks import Severity
from certificates.issuance import Issuance
from kube.connection import ConnectionOptions, connect
from kube.patience import Patience
from tests.certificates.site import (
    THROW_AWAY,
    check,
    controller_with,
)
from tests.cluster import Cluster
from tests.conftest import Kubectl
from tests.running import interrupt, start

pytestmark = pytest.mark.cluster


def namespaces(kubectl: Kubectl) -> list[dict[str, Any]]:
    """The trial namespaces that nobody is removing."""
    found = kubectl.json("get", "namespaces", "-l", f"{leftovers.LABEL}={leftovers.VALUE}")["items"]
    return [one for one in found if "deletionTimestamp" not in one["metadata"]]


def test_a_real_certificate(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """--issue has a certificate issued and leaves nothing behind."""
    found = check(cluster, "--issue", code=exits.OK)
    assert "a selfSigned Certificate was issued" in found["issue"]["message"]
    assert namespaces(kubectl) == []


def test_a_certificate_that_is_not_issued(cluster: Cluster, kubectl: Kubectl, healthy: None) -> None:
    """A controller that looks elsewhere leads and issues nothing: only --issue finds out, says so, and cleans up.

    A signal meanwhile ends frit within a second, with its namespace on the way out.
    """
    client = connect(ConnectionOptions(kubeconfig=str(cluster.kubeconfig)), user_agent="frit-tests").client
    with controller_with(kubectl, "--namespace=kube-public"):
        check(cluster, "--wait", "60s", code=exits.OK)
        verdict = Issuance(client, Run(), silent, limit=2.0, hint="look at its log").check()
        assert namespaces(kubectl) == []
        for number, code in ((signal.SIGINT, exits.INTERRUPTED), (signal.SIGTERM, exits.TERMINATED)):
            process = start("check", "--only", "cert-manager", "--issue", kubeconfig=cluster.kubeconfig)
            deadline = time.monotonic() + 30
            while not namespaces(kubectl) and time.monotonic() < deadline:
                time.sleep(0.05)  # until the trial is under way
            ended = interrupt(process, number)
            assert (ended.code, ended.stdout) == (code, "")
            assert "interrupted: namespace frit-check-" in ended.stderr
            assert ended.seconds < 1.5
            assert namespaces(kubectl) == []
    assert verdict.severity is Severity.FAILED
    assert "no selfSigned Certificate was issued within 2.0 s" in verdict.message
    assert "the controller has not looked at the Certificate yet" in verdict.message
    assert verdict.hint == "look at its log"


def test_what_a_killed_run_left_is_swept(cluster: Cluster, kubectl: Kubectl, healthy: None, monkeypatch: Any) -> None:
    """Only namespaces with our label and our prefix that are old enough are removed."""
    client = connect(ConnectionOptions(kubeconfig=str(cluster.kubeconfig)), user_agent="frit-tests").client
    patience = Patience(retry_policy(), Run(), Deadline.after(20), silent)
    label = f"{leftovers.LABEL}={leftovers.VALUE}"
    for name, mark in (("frit-check-left", label), ("frit-other", label), ("frit-check-foreign", THROW_AWAY)):
        kubectl("create", "namespace", name)
        kubectl("label", "namespace", name, mark)
    try:
        assert leftovers.sweep(client, patience) == []
        monkeypatch.setattr(leftovers, "LEFTOVER_AGE", -10.0)
        assert leftovers.sweep(client, patience) == ["frit-check-left"]
        assert [one["metadata"]["name"] for one in namespaces(kubectl)] == ["frit-other"]
    finally:
        kubectl(
            "delete", "namespace", "frit-other", "frit-check-foreign", "frit-check-left", "--wait=false", check=False
        )
