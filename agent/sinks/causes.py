"""What went wrong on the way to an endpoint, in words that hold nothing of the request.

The messages of requests and urllib3 quote URLs and headers, so none of them is ever passed on.
"""

import errno
import os
import re
import socket
import ssl
from collections.abc import Callable
from typing import Any

import requests
from urllib3.exceptions import HTTPError


def cause_of(error: BaseException) -> str:
    """Return a few words that say what `error`, or what led to it, means; the most telling link of the chain counts."""
    chain = _chain(error)
    for kind, words in _CAUSES:
        for link in chain:
            if isinstance(link, kind):
                said = words(link) if callable(words) else words
                if said is not None:
                    return said
    return f"the attempt failed ({type(chain[-1]).__name__})"


def _untrusted(error: Any) -> str:  # noqa: ANN401 - the table gives the type
    return f"its certificate is not trusted: {error.verify_message}"


def _tls(error: Any) -> str:  # noqa: ANN401 - the table gives the type
    return f"TLS failed: {(error.reason or 'no reason given').lower().replace('_', ' ')}"


def _system(error: Any) -> str | None:  # noqa: ANN401 - the table gives the type
    return os.strerror(error.errno).lower() if error.errno in errno.errorcode else None


def _proxy(error: Any) -> str:  # noqa: ANN401 - the table gives the type
    """Say what the proxy answered: of all that its message quotes, the number of the status alone."""
    status = _TUNNEL.search(str(error))
    advice = ": it wants a credential, see [network] proxy_credential_file" if status and status[1] == "407" else ""
    return f"the proxy opens no way there ({f'it answered {status[1]}' if status else 'no answer'}){advice}"


_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_CUT = "the connection was cut"
_LATE = "no answer within the time limit"

_CAUSES: tuple[tuple[type[BaseException], str | Callable[[Any], str | None]], ...] = (
    (ssl.SSLCertVerificationError, _untrusted),
    (ssl.SSLEOFError, _CUT),
    (ssl.SSLZeroReturnError, _CUT),
    (ssl.SSLError, _tls),
    (socket.gaierror, "its name cannot be resolved"),
    (ConnectionResetError, _CUT),
    (BrokenPipeError, _CUT),
    (OSError, _system),
    (requests.exceptions.ProxyError, _proxy),
    (requests.exceptions.ConnectTimeout, "no connection within the time limit"),
    (requests.exceptions.Timeout, _LATE),
    (TimeoutError, _LATE),
    (requests.exceptions.ConnectionError, _CUT),
    (requests.exceptions.ChunkedEncodingError, _CUT),
    (HTTPError, _CUT),
)
"""What an attempt fails with, the most telling first, and the words for it."""


def _chain(error: BaseException) -> list[BaseException]:
    """Return `error` and what led to it, also where urllib3 and requests pass the cause as an argument."""
    chain: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        link = queue.pop(0)
        if isinstance(link, BaseException) and link not in chain:
            chain.append(link)
            queue += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
    return chain
