"""Adds to an error whose webhook it was that failed."""

from __future__ import annotations

from base.errors import FritError
from kube.client import Client
from kube.failures import ApiError, Failure, Kind

_OF_WEBHOOKS = frozenset({Kind.CERTIFICATE_ROTATION, Kind.WEBHOOK_NOT_READY, Kind.WEBHOOK_UNREACHABLE})

RESTART = "deploy/cert-manager-webhook"
"""Stands in the general step for a certificate that has expired, and would mislead where the webhook is another's."""


def explained(error: FritError, client: Client, failure: Failure | None = None) -> FritError:
    """The error with an account of the webhook that its failure is about; the same error where it is about none.

    Whose webhook it is stands in the hint, for people, and as data under `webhook` in the details. Looking for it
    takes some requests and a few seconds at most, so it is done once, for the error that ends the work.
    """
    failure = error.failure if failure is None and isinstance(error, ApiError) else failure
    if failure is None or not (failure.webhook or failure.kind in _OF_WEBHOOKS):
        return error
    from kube.webhooks import account  # only here: most runs never need it

    found = account(client, failure)
    if found is not None:
        general = [one for one in error.hint.splitlines() if not (found.foreign and RESTART in one)]
        error.hint = "\n".join([*found.lines, *general])
        error.details["webhook"] = found.data()
    return error
