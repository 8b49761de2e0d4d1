"""Which client certificate a request came with: what TLS proved on this connection, or what a trusted proxy says that it proved.

TLS checks the certificate against `[listen] client_ca_file` before a request is read. What is taken on from there is a name: the
subject, so that a renewed certificate is the same one, or where that is empty the first alternative name.
"""

import base64
import binascii
import functools
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from cryptography import x509
from starlette.requests import Request

from central.core.refusal import RefusedError

PEER, NAME = "peer", "certificate"
"""What the connection says, in the state of each of its requests (`central.web.connection`)."""


@dataclass(frozen=True)
class Certificates:
    """Answers for a request. `header` is where the proxies of `proxies` give the certificate; None: no header counts."""

    header: str | None = None
    proxies: tuple[str, ...] = ()

    def __call__(self, request: Request) -> str | None:
        """Return the name in the certificate, None where there is none.

        Raises:
            RefusedError: a trusted proxy sent what is no certificate, or more than one.
        """
        state = request.scope.get("state", {})
        proved: str | None = state.get(NAME)
        if self.header is None or not _within(state.get(PEER, ""), self.proxies):
            return proved
        told = [value for value in request.headers.getlist(self.header) if value]
        if not told:
            return None  # the certificate of the connection is the proxy's own
        if len(told) > 1:
            raise RefusedError("header-invalid", f"{self.header} came more than once")
        name = _told(told[0])
        if name is None:
            raise RefusedError("header-invalid", f"{self.header} holds no certificate")
        return name


def name_of(der: bytes) -> str | None:
    """Return the name in a certificate: its subject (RFC 4514), else its first alternative name; None where it has neither."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject.rfc4514_string()
        if subject:
            return subject
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return None
    first = next(iter(names), None)
    return None if first is None else f"{type(first).__name__}:{first.value}"


@functools.lru_cache(maxsize=4_096)
def _told(text: str) -> str | None:
    """Read what a proxy tells: `:base64:` (RFC 9440), or percent-encoded PEM, as nginx and Envoy write it."""
    try:
        if text.startswith(":"):
            return name_of(base64.b64decode(text.strip(":"), validate=True))
        return name_of(base64.b64decode(_pem_body(unquote_to_bytes(text)), validate=True))
    except (binascii.Error, ValueError):
        return None


def _pem_body(pem: bytes) -> bytes:
    lines = pem.strip().splitlines()
    if not lines or lines[0] != b"-----BEGIN CERTIFICATE-----" or lines[-1] != b"-----END CERTIFICATE-----":
        raise ValueError
    return b"".join(lines[1:-1])


def _within(peer: str, proxies: Sequence[str]) -> bool:
    try:
        address = ipaddress.ip_address(peer)
        return any(address in ipaddress.ip_network(each) for each in proxies)
    except ValueError:
        return False
