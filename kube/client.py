"""Plain JSON requests to one API server, over the official client's connection and credentials.

The typed APIs and the DynamicClient of the official client are not used: the first use of either costs more time
and memory than a whole bootstrap needs (docs/bootstrap.md, "Requests"). urllib3's own silent retries are off: they
hide failures. Writes are repeated by who knows what they do (kube/apply.py); reads only by a `patient` client.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
import math
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from base.retry import History
from kube.failure_parts import chain
from kube.failures import ApiError, Failure, from_answer, from_broken_answer, from_exception
from kube.hedge import hedged
from kube.patience import Patience, judge_read, repeated, telling
from kube.tls import pool

if TYPE_CHECKING:
    import ssl

    from kubernetes.client.configuration import Configuration
    from kubernetes.client.rest import RESTClientObject

JSON = "application/json"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

REQUEST_TIMEOUT = 15.0
"""Seconds that an ordinary request may take before the server, and then frit, gives it up."""


def _whole(seconds: float) -> int:
    """A time limit as API servers take it."""
    return max(1, round(seconds))


def _cut_off(seconds: int) -> Failure:
    """What an API server means that closes the connection when the time limit is up, instead of answering 504."""
    said = f"Timeout: the API server closed the connection at the request's time limit of {seconds} s"
    return from_answer(504, said.encode(), {})


@dataclass(frozen=True)
class Answer:
    """A successful answer: HTTP status below 300, headers with lower-case names, the body as bytes.

    `data` is the body decoded where JSON was asked for, else None.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    data: Any = None

    def json(self) -> Any:
        """The body, decoded."""
        return self.data


@dataclass
class _Tally:
    """What all clients of one connection have seen together."""

    requests: int = 0
    skew: float | None = None
    warnings: dict[str, None] = field(default_factory=dict)


class Client:
    """Requests to one API server, over connections with this TLS context. Safe to share between threads."""

    def __init__(self, configuration: Configuration, tls: ssl.SSLContext | None, *, user_agent: str) -> None:
        from kubernetes.client.api_client import ApiClient

        self._configuration = configuration
        self._tls = tls
        self._api = ApiClient(configuration)
        self._api.rest_client = pool(configuration, self._tls)
        self._api.user_agent = user_agent
        self._auth = threading.Lock()
        self._sent = itertools.count(1)
        self._tally = _Tally()
        self._patience: Patience | None = None

    def patient(self, patience: Patience) -> Client:
        """A client over the same connection whose reads are repeated; `patience` hears of every failed attempt."""
        other = copy.copy(self)
        other._patience = patience
        return other

    @property
    def host(self) -> str:
        """The server's URL."""
        return str(self._configuration.host)

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._tally.requests

    @property
    def skew(self) -> float | None:
        """The server's clock minus ours in seconds, by the last Date header (its resolution is one second), if any."""
        return self._tally.skew

    @property
    def warnings(self) -> Collection[str]:
        """What the server said in Warning headers, each text once."""
        return self._tally.warnings

    def request(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        timeout: float = REQUEST_TIMEOUT,
        new_connection: bool = False,
        read: bool | None = None,
    ) -> Answer:
        """Send one request and return its answer.

        `path` is absolute and already escaped; `body` is JSON data; `doing` completes "could not ..." in messages.
        `timeout` (seconds) goes to the server as the `timeout` parameter, which it hands on to webhooks, and frit
        itself gives up two seconds later; the deadline of a patient client shortens it. `new_connection` keeps the
        request off connections that are already open. `read` says that the request changes nothing, which only GETs
        do by themselves: a patient client repeats it.
        Raises `ApiError` for every answer that is no success, for one that is not the JSON that was asked for, and
        for every failure of the connection.
        """
        patience = self._patience if (method == "GET" if read is None else read) else None

        def once() -> Answer:
            # what is asked after the end explains it, and has its whole time
            left = patience.deadline.remaining() if patience is not None else 0.0
            limit = min(timeout, max(1.0, left)) if left else timeout
            params = {"timeout": f"{_whole(limit)}s", **(query or {})}
            return self._once(method, path, doing, params, body, content_type, accept, limit, new_connection)

        if patience is None:
            return once()
        history = History(doing)
        waiting = telling(doing, history, patience.emit)

        def attended() -> Answer:  # somebody looks at the clock while it has no answer
            return hedged(once, after=math.inf, most=1, run=patience.run, waiting=waiting)

        return repeated(attended, what=doing, patience=patience, history=history, judge=judge_read)

    def _once(
        self,
        method: str,
        path: str,
        doing: str,
        params: Mapping[str, str],
        body: Any,
        content_type: str,
        accept: str,
        timeout: float,
        new_connection: bool,
    ) -> Answer:
        rest = pool(self._configuration, self._tls) if new_connection else self._api.rest_client
        response = None
        began = time.monotonic()
        try:
            response = self._send(rest, method, path, params, body, content_type, accept, timeout + 2.0)
            raw = response.read()
        except ApiError:
            raise
        except Exception as error:  # noqa: BLE001 -- urllib3, ssl and socket errors share no root
            late = time.monotonic() - began >= _whole(timeout)
            if late and any(isinstance(one, ConnectionResetError) for one in chain(error)):
                raise ApiError(doing, _cut_off(_whole(timeout))) from None
            raise ApiError(doing, from_exception(error)) from None
        finally:
            if response is not None:
                response.response.release_conn()
            if new_connection:
                rest.close()
        headers = {name.lower(): value for name, value in response.headers.items()}
        self._notice(headers)
        if response.status >= 300:  # an API server redirects nobody: that is somebody in between
            raise ApiError(doing, from_answer(response.status, raw, headers))
        data = None
        if accept.startswith(JSON):
            with contextlib.suppress(ValueError):
                data = json.loads(raw)
            if not isinstance(data, dict):
                raise ApiError(doing, from_broken_answer(raw))
        return Answer(response.status, headers, raw, data)

    def _send(
        self,
        rest: RESTClientObject,
        method: str,
        path: str,
        params: Mapping[str, str],
        body: Any,
        content_type: str,
        accept: str,
        timeout: float | tuple[float, float | None],
    ) -> Any:
        headers = {"Accept": accept, "User-Agent": self._api.user_agent}
        with self._auth:  # a credential plugin or token refresh must run once, not once a thread
            self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, None)
        if body is not None:
            headers["Content-Type"] = content_type
            if "json" not in content_type:  # what is JSON by its name, urllib3's wrapper writes itself
                body = json.dumps(body, separators=(",", ":")).encode()
        self._tally.requests = next(self._sent)
        url = self.host + path + ("?" + urlencode(params) if params else "")
        return rest.request(method, url, headers=headers, body=body, _request_timeout=timeout)

    def upgrading(self, path: str) -> tuple[Configuration, ssl.SSLContext | None, dict[str, str]]:
        """What a WebSocket to the same server needs, which urllib3 does not speak: configuration, TLS, credentials.

        Counts as a request. Whoever opens it takes care of its failures and its time (kube/port_forward.py).
        """
        headers: dict[str, str] = {}
        with self._auth:
            self._api.update_params_for_auth(headers, [], ["BearerToken"], path, "GET", None)
        self._tally.requests = next(self._sent)
        return self._configuration, self._tls, headers

    def _notice(self, headers: Mapping[str, str]) -> None:
        if date := headers.get("date"):
            with contextlib.suppress(ValueError):  # a proxy's broken Date header says nothing about the clock
                self._tally.skew = parsedate_to_datetime(date).timestamp() - time.time()
        if warning := headers.get("warning"):
            self._tally.warnings[warning] = None

    def get(self, path: str, *, doing: str, query: Mapping[str, str] | None = None, accept: str = JSON) -> Any:
        """GET a path and decode the answer. Raises `ApiError`."""
        return self.request("GET", path, doing=doing, query=query, accept=accept).json()

    def watch(
        self, path: str, *, doing: str, query: Mapping[str, str], seconds: float, accept: str = JSON
    ) -> Iterator[Any]:
        """Yield the watch events of a collection until the server ends the watch after about `seconds`.

        Source: Kubernetes API Concepts, "Efficient detection of changes". Raises `ApiError`, also when the
        connection breaks; the caller lists again.
        """
        params = {**query, "watch": "true", "timeoutSeconds": str(max(1, round(seconds)))}
        response = None
        try:
            response = self._send(
                self._api.rest_client, "GET", path, params, None, JSON, accept, (10.0, seconds + 10.0)
            )
            if response.status >= 300:
                headers = {name.lower(): value for name, value in response.headers.items()}
                raise ApiError(doing, from_answer(response.status, response.read(), headers))
            rest = b""
            for chunk in response.response.stream(amt=None, decode_content=False):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield json.loads(line.decode("utf-8", "replace"))
        except ApiError:
            raise
        except json.JSONDecodeError as error:
            raise ApiError(doing, from_broken_answer(error.doc.encode())) from None
        except Exception as error:  # noqa: BLE001 -- urllib3, ssl and socket errors share no root
            raise ApiError(doing, from_exception(error)) from None
        finally:
            if response is not None:
                response.response.close()
