"""Certificates as data: what a PEM text holds, whose a certificate is, and for how long and which names it is valid.

Python's ssl module reads these only from certificates that it has verified, and those which fail are the ones worth
reading. Signatures are left to it. Source: RFC 5280, section 4 (certificate) and RFC 7468 (PEM); X.690 (DER).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)

_SEQUENCE, _OID, _BOOLEAN, _OCTETS = 0x30, 0x06, 0x01, 0x04
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_VERSION, _EXTENSIONS, _DNS_NAME, _IP_ADDRESS = 0xA0, 0xA3, 0x82, 0x87
_COMMON_NAME, _ORGANIZATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_ALTERNATIVE_NAMES, _BASIC_CONSTRAINTS = b"\x55\x1d\x11", b"\x55\x1d\x13"


@dataclass(frozen=True)
class Certificate:
    """One certificate: DER bytes, common names (or organizations), validity (seconds since the epoch), SANs.

    `authority` says whether it may sign others; `names` holds DNS names and IP addresses, as texts.
    """

    der: bytes
    subject: str
    issuer: str
    not_before: float
    not_after: float
    names: tuple[str, ...]
    authority: bool

    def covers(self, name: str) -> bool:
        """Whether one of the names is `name`, or a wildcard for its first label, as Go and OpenSSL match."""
        _, _, rest = name.partition(".")
        return any(one.lower() in (name.lower(), f"*.{rest.lower()}") for one in self.names)


def certificates_in(pem: bytes) -> list[bytes]:
    """The DER bytes of every certificate in a PEM text; blocks that are not base64 are left out."""
    found = []
    for block in _PEM.findall(pem):
        try:
            found.append(base64.b64decode(b"".join(block.split()), validate=True))
        except binascii.Error:
            continue
    return found


def decoded(value: Any) -> bytes:
    """The bytes of a base64 text as Secrets and caBundle fields hold it; empty when it is none."""
    try:
        return base64.b64decode(str(value or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""


def contains(bundle: bytes, authority: bytes) -> bool:
    """Whether every certificate of `authority` (PEM, at least one) stands in `bundle` (PEM).

    Containment, not equality: who fills a bundle may append a new CA and keep the old ones that are still valid.
    """
    wanted = certificates_in(authority)
    return bool(wanted) and set(wanted) <= set(certificates_in(bundle))


def read_all(pem: bytes) -> list[Certificate]:
    """The certificates in a PEM text; what cannot be read is left out."""
    found = []
    for der in certificates_in(pem):
        try:
            found.append(read(der))
        except ValueError:
            continue
    return found


def read(der: bytes) -> Certificate:
    """Read one certificate. Raises ValueError where the bytes are none."""
    outer = _only(der, _SEQUENCE)
    fields = list(_elements(_first(outer, _SEQUENCE)))
    if fields and fields[0][0] == _VERSION:
        del fields[0]
    if len(fields) < 6:
        raise ValueError("a certificate lacks fields")
    _serial, _algorithm, issuer, validity, subject, _key = fields[:6]
    times = [_time(tag, content) for tag, content in _elements(validity[1])]
    if len(times) != 2:
        raise ValueError("a certificate has two dates")
    extensions = dict(_extensions(next((content for tag, content in fields[6:] if tag == _EXTENSIONS), b"")))
    return Certificate(
        der,
        _name(subject[1]),
        _name(issuer[1]),
        times[0],
        times[1],
        tuple(_alternative_names(extensions.get(_ALTERNATIVE_NAMES, b""))),
        _is_authority(extensions.get(_BASIC_CONSTRAINTS, b"")),
    )


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element that stands in `data`. Raises ValueError where it breaks off."""
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("an element breaks off")
        tag, length = data[at], data[at + 1]
        at += 2
        if length >= 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4 or at + count > len(data):
                raise ValueError("a length cannot be read")
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + length > len(data):
            raise ValueError("an element breaks off")
        yield tag, data[at : at + length]
        at += length


def _first(data: bytes, tag: int) -> bytes:
    for found, content in _elements(data):
        if found == tag:
            return content
        break
    raise ValueError("an element of another kind was expected")


def _only(data: bytes, tag: int) -> bytes:
    found = list(_elements(data))
    if len(found) != 1 or found[0][0] != tag:
        raise ValueError("not one element of the expected kind")
    return found[0][1]


def _name(data: bytes) -> str:
    """The common name of a Name, else its organization, else an empty text."""
    parts: dict[bytes, str] = {}
    for _, several in _elements(data):
        for _, pair in _elements(several):
            fields = list(_elements(pair))
            if len(fields) == 2 and fields[0][0] == _OID:
                parts.setdefault(fields[0][1], fields[1][1].decode("utf-8", "replace"))
    return parts.get(_COMMON_NAME) or parts.get(_ORGANIZATION, "")


def _time(tag: int, content: bytes) -> float:
    text = content.decode("ascii", "replace")
    if tag == _UTC_TIME:  # two digits: 1950 to 2049
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("a date of an unknown form")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _extensions(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for _, listed in _elements(data):
        for _, one in _elements(listed):
            fields = list(_elements(one))
            if len(fields) >= 2 and fields[0][0] == _OID and fields[-1][0] == _OCTETS:
                yield fields[0][1], fields[-1][1]


def _alternative_names(data: bytes) -> Iterator[str]:
    for _, listed in _elements(data):
        for tag, content in _elements(listed):
            if tag == _DNS_NAME:
                yield content.decode("ascii", "replace")
            elif tag == _IP_ADDRESS and len(content) in (4, 16):
                yield str(ipaddress.ip_address(content))


def _is_authority(data: bytes) -> bool:
    for _, listed in _elements(data):
        for tag, content in _elements(listed):
            if tag == _BOOLEAN:
                return content != b"\x00"
    return False
