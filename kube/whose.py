"""Adds to an error whose webhook it was that failed."""

from __future__ import annotations

from base.errors import FritError
from kube.client import Client
from kube.failures import ApiError, Failure, Kind

_OF_WEBHOOKS = frozenset({Kind.CERTIFICATE_ROTATION, Kind.WEBHOOK_NOT_READY, Kind.WEBHOOK_UNREACHABLE})

RESTART = "deploy/cert-manager-webhook"
"""Stands in the general step for a certificate that has expired, and would mislead where the webhook is another's."""


WRITTEN = "resource"
"""Where the details of an error name what was written, as `plural.group`."""

GATEWAY_TIMEOUT = 504


def explained(error: FritError, client: Client, failure: Failure | None = None) -> FritError:
    """The error with an account of the webhook that its failure is about; the same error where it is about none.

    Whose webhook it is stands in the hint, for people, and as data under `webhook` in the details. Where a write hung
    and nobody says on whom, those that are asked about it are named. Looking for it takes some requests and a few
    seconds at most, so it is done once, for the error that ends the work.
    """
    failure = error.failure if failure is None and isinstance(error, ApiError) else failure
    if failure is None:
        return error
    named = bool(failure.webhook) or failure.kind in _OF_WEBHOOKS
    written = str(error.details.get(WRITTEN, "")) if failure.status == GATEWAY_TIMEOUT else ""
    if not (named or written):
        return error
    from kube.webhooks import account, suspects  # only here: most runs never need it

    found = account(client, failure) if named else suspects(client, written)
    if found is not None:
        first = [] if named else [f"the API server may have waited for a webhook; it asks these about {written}:"]
        general = [one for one in error.hint.splitlines() if not (found.foreign and RESTART in one)]
        error.hint = "\n".join([*first, *found.lines, *general])
        error.details["webhook"] = found.data()
    return error
