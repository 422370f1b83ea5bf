"""Clients of the API server for the commands of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from base.session import Session
from base.version import user_agent

if TYPE_CHECKING:
    from kube.client import Client

LOOK = 15.0
"""Seconds for which a command that only reads tries again while the API server does not answer."""


def client_for(command: str, kubeconfig: str | None, context: str | None) -> Client:
    """A client for the cluster that was asked for; `command` goes into the user agent."""
    from kube.connection import ConnectionOptions, connect

    return connect(ConnectionOptions(kubeconfig, context), user_agent=user_agent(command)).client


def patient_client(session: Session, command: str, kubeconfig: str | None, context: str | None) -> Client:
    """The same for commands that only read: what fails for a moment is asked again for `LOOK` seconds."""
    from base.clock import Deadline
    from base.policy import retry_policy
    from kube.patience import Patience

    patience = Patience(retry_policy(), session.run, Deadline.after(LOOK), session.emit)
    return client_for(command, kubeconfig, context).patient(patience)
