"""How the commands look at a repository: the index alone, straight from its server."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from base.clock import Deadline, Run
from base.errors import RepositoryUnusable
from repositories.credentials import Credentials
from repositories.looking import Seen


def reader(url: str, credentials: Credentials, *, run: Run, deadline: Deadline, fresh: bool) -> Seen:
    """What the index of a repository says. Raises `RepositoryUnusable`, and `Cancelled`."""
    import base64

    from base.events import silent
    from base.policy import RetryPolicy
    from base.retry import History
    from repositories.objects import hide_credentials
    from repositories.wire import read_index
    from web import tls
    from web.attempts import patiently
    from web.transfer import Connections, Line, Question, get
    from web.troubles import TransferError

    trust = tls.trust(None)
    if credentials.ca_bundle:
        tls.trust_also(trust, credentials.ca_bundle.encode())
    if credentials.client_certificate:
        tls.show_certificate(trust, credentials.client_certificate.encode(), credentials.client_key.encode())
    login = ""
    if credentials.token:
        login = f"Bearer {credentials.token}"
    elif credentials.username:
        login = "Basic " + base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()
    question = Question(f"{url.rstrip('/')}/index.yaml", "index", authorization=login)
    try:
        with Connections(Line(3.0, 5.0, trust, tls.trust(None))) as connections:
            answer = patiently(
                lambda limit, stopped: get(question, connections, limit, stopped),
                policy=RetryPolicy(attempts=3, timeout=10.0),
                run=run,
                deadline=deadline,
                emit=silent,
                history=History(url),
            )
    except TransferError as error:
        raise RepositoryUnusable(
            f"could not read the index of {hide_credentials(url)}: {error.message}", hint=error.hint
        ) from None
    index = read_index(answer.content).value
    updated = ""
    if modified := answer.headers.get("last-modified"):
        updated = parsedate_to_datetime(modified).isoformat()
    return Seen(len(index.packages), updated)
