"""Is the webhook's CA valid, and does the API server trust it? The checks `ca-secret` and `ca-bundles`.

Certificates are read by the OpenSSL that Python brings along; a further library only to read two dates would cost
every installation several megabytes.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from base import exits
from certificates.bundle import authority_of, bundles_of, certificates_in, trusted_by
from certificates.checks import Check, failed, passed, skipped, unknown
from certificates.facts import Facts, Missed
from kube.objects import Object, field, ref_of

SECRET = "ca-secret"  # noqa: S105 -- the name of a check
BUNDLES = "ca-bundles"


@dataclass(frozen=True)
class Authority:
    """One CA certificate: its common name and when it is valid (seconds since the epoch)."""

    name: str
    not_before: float
    not_after: float


def read_authorities(pem: bytes) -> list[Authority]:
    """The CA certificates in a PEM text; what is no CA certificate is left out.

    Raises ValueError where there is none, or where a certificate cannot be parsed.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not certificates_in(pem):
        raise ValueError("it holds no certificate")
    try:
        context.load_verify_locations(cadata=pem.decode("ascii"))
        found = context.get_ca_certs()
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise ValueError(f"its certificate cannot be parsed: {error}") from None
    if not found:
        raise ValueError("it holds no certificate of a certificate authority")
    return [_authority(one) for one in found]


def _authority(decoded: Mapping[str, Any]) -> Authority:
    subject = {key: value for part in decoded.get("subject", ()) for key, value in part}
    return Authority(
        str(subject.get("commonName", "")),
        float(ssl.cert_time_to_seconds(decoded["notBefore"])),
        float(ssl.cert_time_to_seconds(decoded["notAfter"])),
    )


def secret_check(facts: Facts) -> Check:
    """Whether the Secret with the webhook's CA is there, can be parsed, and is valid by the server's clock."""
    namespace, name = facts.installation.ca_secret
    if not (facts.installation.mutating or facts.installation.validating):
        return skipped(SECRET, "no webhook configuration says which Secret it is")
    if not name:
        return passed(SECRET, "the CA bundles are not filled from a Secret, so there is none to check")
    if isinstance(facts.secret, Missed):
        return unknown(SECRET, facts.secret)
    title = f"Secret {namespace}/{name}"
    log = _webhook_log(facts)
    if facts.secret is None:
        return failed(SECRET, f"{title} does not exist: the webhook has not made its CA yet", log, heals=True)
    try:
        authorities = read_authorities(authority_of(facts.secret))
    except ValueError as error:
        return failed(
            SECRET, f"{title} holds no usable CA: {error}", _renew(namespace, name), code=exits.CERTIFICATE_WINDOW
        )
    for one in authorities:
        if facts.now > one.not_after:
            message = f"the CA in {title} expired on {_date(one.not_after)}"
            return failed(SECRET, message, _renew(namespace, name), code=exits.CERTIFICATE_WINDOW, heals=True)
        if facts.now < one.not_before - 1.0:  # the server tells its time in whole seconds
            message = f"the CA in {title} is not valid before {_date(one.not_before)}: compare the clocks of the nodes"
            return failed(SECRET, message, code=exits.CERTIFICATE_WINDOW, heals=True)
    return passed(SECRET, f"{title} holds a CA that is valid until {_date(min(one.not_after for one in authorities))}")


def bundles_check(facts: Facts) -> Check:
    """Whether every webhook of both configurations trusts the CA in the Secret."""
    installation = facts.installation
    configurations = [one for one in (installation.mutating, installation.validating) if one]
    if not configurations:
        return skipped(BUNDLES, "there is no webhook configuration")
    if not installation.ca_secret[1]:
        return passed(BUNDLES, "maintained by somebody else than cainjector; the probes prove them")
    if isinstance(facts.secret, Missed):
        return skipped(BUNDLES, "the CA to compare them with may not be read")
    authority = authority_of(facts.secret)
    if not certificates_in(authority):
        return skipped(BUNDLES, "there is no CA to compare them with")
    wrong = [one for one in configurations if not trusted_by(one, authority)]
    if not wrong:
        return passed(BUNDLES, "every webhook configuration trusts the CA in the Secret")
    empty = [one for one in wrong if not any(bundles_of(one))]
    secret = "/".join(installation.ca_secret)
    if empty:
        message = f"{_titles(empty)}: the CA bundle is empty"
    else:
        message = f"{_titles(wrong)}: the CA bundle is stale, the CA of Secret {secret} is not in it"
    injector = installation.deployments.get("cainjector")
    code = exits.CERTIFICATE_WINDOW
    if injector is None and "deployments" not in facts.missed:
        return failed(BUNDLES, f"{message}; there is no cainjector to fill it", "frit bootstrap", code=code)
    if injector is not None and field(injector, "spec", "replicas", default=1) == 0:
        ref = ref_of(injector)
        command = f"kubectl -n {ref.namespace} scale deployment {ref.name} --replicas=1"
        return failed(BUNDLES, f"{message}, and the cainjector that fills it is scaled to 0", command, code=code)
    where = ref_of(injector) if injector is not None else None
    command = f"kubectl -n {where.namespace} logs deployment/{where.name}" if where else ""
    return failed(BUNDLES, f"{message}; cainjector has not filled it yet", command, code=code, heals=True)


def _titles(configurations: list[Object]) -> str:
    return " and ".join(str(ref_of(one)) for one in configurations)


def _webhook_log(facts: Facts) -> str:
    webhook = facts.installation.deployments.get("webhook")
    return f"kubectl -n {ref_of(webhook).namespace} logs deployment/{ref_of(webhook).name}" if webhook else ""


def _renew(namespace: str, name: str) -> str:
    return f"let the webhook make a new one: kubectl -n {namespace} delete secret {name}"


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
