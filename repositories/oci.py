"""A repository in a container registry: one artifact whose layers are the repository's files.

The layout is that of `oras push HOST/NAME:TAG index.yaml a/versions.yaml a/v1.0.0+1/package.yaml ...`: every layer is
one file as it is, and the annotation `org.opencontainers.image.title` is its path. Sources: OCI image specification
1.1 (manifest, pre-defined annotation keys), OCI distribution specification 1.1 ("Pulling manifests", "Pulling
blobs"), and the token protocol of Docker's distribution project.

A layer is known by the digest of its content, which is compared; so a file that did not change is never fetched twice,
whatever became of the tag.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from base.clock import Deadline
from base.errors import WrongUsage
from repositories import names
from repositories.artifacts import ADDRESS, EXAMPLE
from repositories.carriers import NOUN, File, Known, Links, Ways, authorization, identity
from repositories.credentials import Credentials
from web.plain_json import parsed
from web.transfer import Answer, Question, get
from web.troubles import TransferError

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
TITLE: Final = "org.opencontainers.image.title"
MOST_MANIFEST: Final = 4 << 20
"""Bytes of an artifact's manifest: what registries accept, by the distribution specification."""

_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_CHALLENGE: Final = re.compile(r'([a-z]+)="([^"]*)"')
_MOST_LAYERS: Final = 20_000
_MOST_TOKEN: Final = 64 << 10


@dataclass(frozen=True)
class _Layer:
    digest: str
    size: int


class OciCarrier:
    """Files of an artifact in a registry. Its manifest is read once, with the first file."""

    def __init__(self, url: str, credentials: Credentials, ways: Ways) -> None:
        match = ADDRESS.fullmatch(url)
        if match is None:
            raise WrongUsage(
                f"{url[:200]!a} is not the address of an artifact",
                hint=f"for example: {EXAMPLE}",
            )
        host, name = match["host"].lower(), match["name"]
        self._reference = match["digest"] or match["tag"] or "latest"
        self.shown = f"{host}/{name}{'@' if match['digest'] else ':'}{self._reference}"
        self.identity = identity(f"oci://{self.shown}", credentials)
        served_by = "registry-1.docker.io" if host == "docker.io" else host
        self._base = f"{'http' if _is_loopback(host) else 'https'}://{served_by}/v2/{name}"
        self._credentials = credentials
        self._links = Links(credentials, ways)
        self._others = Links(Credentials(ca_bundle=credentials.ca_bundle), ways)  # without a client's certificate
        self._lock = threading.Lock()
        self._header = ""  # what the registry gave for our credentials; nothing before it asks for them
        self._layers: Mapping[str, _Layer] | None = None

    def fetch(self, path: names.Path, most: int, known: Known, limit: Deadline, stopped: Callable[[], bool]) -> File:
        """A layer, compared with its digest; nothing where the digest is known already."""
        with self._lock:
            if self._layers is None:
                self._layers = self._read_manifest(limit, stopped)
        file = "/".join(path)
        layer = self._layers.get(file)
        if layer is None:
            raise TransferError(
                "not-found", f"the artifact has no {file}", hint="does it hold each file as a layer, as oras push does?"
            )
        if known.etag == layer.digest:
            return File(b"", layer.digest, changed=False)
        if layer.size > most:
            raise TransferError("too-large", f"{file} is larger than {most >> 20} MiB, and no {NOUN} is")
        blob = Question(
            f"{self._base}/blobs/{layer.digest}",
            NOUN,
            missing=f"the registry lost {file}",
            most=most,
            pages=not file.endswith((".yaml", ".yml", ".json")),
        )
        content = self._get(blob, limit, stopped).content
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != layer.digest:
            raise TransferError("damaged", f"{file} is damaged: it does not have the digest that the artifact names")
        return File(content, layer.digest)

    def close(self) -> None:
        """Close the connections."""
        self._links.close()
        self._others.close()

    def _read_manifest(self, limit: Deadline, stopped: Callable[[], bool]) -> Mapping[str, _Layer]:
        question = Question(
            f"{self._base}/manifests/{self._reference}",
            "artifact",
            missing="there is no such artifact",
            missing_hint="look at the name and the tag",
            most=MOST_MANIFEST,
            headers={"Accept": MANIFEST_TYPE},
        )
        content = self._get(question, limit, stopped).content
        if self._reference.startswith("sha256:") and f"sha256:{hashlib.sha256(content).hexdigest()}" != self._reference:
            raise TransferError("damaged", "the artifact is damaged: its manifest does not have the digest asked for")
        return _layers(content)

    def _get(self, question: Question, limit: Deadline, stopped: Callable[[], bool]) -> Answer:
        """Ask, and once more with a token where the registry wants one."""
        before = self._header
        try:
            return get(replace(question, authorization=before), self._links.connections(), limit, stopped)
        except TransferError as error:
            if error.status != 401 or not error.challenge:
                raise
            header = self._authorize(error, limit, stopped)
            if not header or header == before:
                raise
            self._header = header
        return get(replace(question, authorization=header), self._links.connections(), limit, stopped)

    def _authorize(self, refusal: TransferError, limit: Deadline, stopped: Callable[[], bool]) -> str:
        """The header that answers a challenge."""
        scheme, _, rest = refusal.challenge.partition(" ")
        ours = authorization(self._credentials)
        if scheme.lower() != "bearer" or self._credentials.token:
            return ours
        said = dict(_CHALLENGE.findall(rest))
        realm = said.get("realm", "")
        if not _may_ask(realm, self._base):
            raise refusal
        asks = urlencode({key: said[key] for key in ("service", "scope") if key in said})
        question = Question(
            f"{realm}{'&' if '?' in realm else '?'}{asks}", "token", most=_MOST_TOKEN, authorization=ours
        )
        links = self._links if _is_at(realm, self._base) else self._others
        token = _token(get(question, links.connections(), limit, stopped).content)
        return f"Bearer {token}" if token else ""


def _layers(content: bytes) -> dict[str, _Layer]:
    """The files of an artifact by path. Raises `TransferError` for what is no artifact of files."""
    data = _json(content, 300_000)
    layers = data.get("layers") if isinstance(data, dict) else None
    if not isinstance(layers, list) or len(layers) > _MOST_LAYERS:
        raise TransferError("unexpected", "the registry answered with something that is no artifact of files")
    found: dict[str, _Layer] = {}
    for one in layers:
        about = one if isinstance(one, dict) else {}
        notes = about.get("annotations")
        title = notes.get(TITLE) if isinstance(notes, dict) else None
        digest, size = about.get("digest"), about.get("size")
        if not isinstance(title, str):
            continue
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest) or type(size) is not int or size < 0:
            raise TransferError("unexpected", f"layer {names.shown(title)} of the artifact has no digest or size")
        if title in found:
            raise TransferError("unexpected", f"the artifact has {names.shown(title)} twice")
        found[title] = _Layer(digest, size)
    return found


def _token(content: bytes) -> str:
    data = _json(content, 1000)
    for key in ("token", "access_token"):
        token = data.get(key) if isinstance(data, dict) else None
        if isinstance(token, str) and re.fullmatch(r"[\x21-\x7e]+", token):
            return token
    return ""


def _json(content: bytes, most: int) -> Any:
    try:
        return parsed(content.decode(), most, 20)
    except (ValueError, OverflowError, LookupError):
        raise TransferError("unexpected", "the registry answered with something that is no JSON") from None


def _may_ask(realm: str, base: str) -> bool:
    """Whether credentials may go to the server that hands out tokens: over TLS, or to the registry itself."""
    try:
        there = urlsplit(realm)
    except ValueError:
        return False
    return bool(there.netloc) and "@" not in there.netloc and (there.scheme == "https" or _is_at(realm, base))


def _is_at(url: str, base: str) -> bool:
    """Whether a URL is of the same origin as another."""
    there, here = urlsplit(url), urlsplit(base)
    return (there.scheme, there.netloc) == (here.scheme, here.netloc)


def _is_loopback(host: str) -> bool:
    """Whether a registry is on this machine; those are asked without TLS, as container engines do."""
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
