"""What a connection to an API server needs of TLS, loaded once and kept in memory.

The official client loads certificates and keys from files for every connection that it opens. What stands in the
kubeconfig itself it writes to temporary files first, which would lie there for as long as frit runs, and after a
SIGKILL for ever. Here the files are read right away, so that they can go before the first request.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from base.client_certificates import load_client_certificate

if TYPE_CHECKING:
    from kubernetes.client.configuration import Configuration
    from kubernetes.client.rest import RESTClientObject


def tls_of(configuration: Configuration) -> ssl.SSLContext | None:
    """The context of a loaded configuration: whom to trust and who we are; None where the server speaks plain HTTP.

    A kubeconfig without a certificate authority means the system's, as for kubectl. Raises ValueError, with a text
    without secrets, if a certificate or a key cannot be used.
    """
    from urllib3 import disable_warnings
    from urllib3.exceptions import InsecureRequestWarning
    from urllib3.util.ssl_ import create_urllib3_context

    if not str(configuration.host).startswith("https:"):
        return None
    verify = bool(configuration.verify_ssl)
    if not verify:
        disable_warnings(InsecureRequestWarning)  # whoever wrote the kubeconfig decided that, and kubectl says nothing
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    try:
        if verify and configuration.ssl_ca_cert:
            try:
                context.load_verify_locations(cafile=configuration.ssl_ca_cert)
            except ssl.SSLError:
                raise ValueError("the certificate authority holds no certificate that can be read") from None
        elif verify:
            context.load_default_certs()
        if configuration.cert_file:
            load_client_certificate(context, configuration.cert_file, configuration.key_file)
    except OSError as error:
        raise ValueError(f"{error.filename or 'a file that it names'} cannot be read: {error.strerror}") from None
    return context


def pool(configuration: Configuration, tls: ssl.SSLContext | None) -> RESTClientObject:
    """A pool of connections that uses this context, whatever files the configuration names."""
    from kubernetes.client.rest import RESTClientObject

    made = RESTClientObject(configuration)
    if tls is not None:
        without_files = dict.fromkeys(("ca_certs", "ca_cert_data", "cert_file", "key_file"))
        made.pool_manager.connection_pool_kw.update(without_files, ssl_context=tls)
    return made
