"""The organisation's own endpoint.

One batch is one `POST`: gzip over newline-delimited JSON (`application/x-ndjson`), one OCSF event per line in the order of its
sequence, each line exactly the canonical JSON over which the hash chain runs. Headers:

- `Idempotency-Key`: the batch id; a repeat of the same batch has the same one
- `X-Device-Id`, `X-First-Sequence`, `X-Last-Sequence`
- `Authorization: Bearer …` where a token is set; a client certificate where one is set
- `X-Timestamp` (Unix seconds) and `X-Signature: sha256=<hex>` where an HMAC key is set: HMAC-SHA256 over the timestamp, a full
  stop and the body as it is sent (compressed)

2xx, arrived whole, is the only acknowledgement. 408, 425, 429, 5xx, and whatever goes wrong on the way are tried again, after
`Retry-After` (seconds or a date, an hour at most) where it is given; 413 asks for smaller batches; every other status, a
redirect too, refuses the batch. TLS trusts the system's store, and one more CA file if given; nothing turns verification off.
"""

import contextlib
import gzip
import hashlib
import hmac
import http
import ipaddress
import logging
import math
import re
import ssl
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit

import requests
import requests.auth
import truststore
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from agent.core.canonical import canonical
from agent.ports import Accepted, Batch, Clock, Outcome, Refused, RetryLater, TooLarge
from agent.sinks.causes import cause_of
from agent.sinks.exchange import DeadlineAdapter, Exchange

logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # its lines quote the whole URL, which may hold a key

RETRY_AFTER_CAP_S = 3_600.0
_TOKEN = re.compile(r"[!-~]+")
_RETRIED = frozenset({408, 425, 429})
_ADVICE = {
    401: "the endpoint does not accept the credential: give the agent a valid token or client certificate",
    403: "the endpoint knows the credential and does not allow it to report: check its permissions",
    404: "the endpoint does not know this path: check the URL in the settings",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsTarget:
    """Where to send to and how to prove who we are. Secrets stay out of the `repr`. Raises `ValueError` for what is not safe."""

    url: str = field(repr=False)
    device_id: str
    agent: str = "mcp-compliance-agent"
    token: str | None = field(default=None, repr=False)
    hmac_key: bytes | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme == "http" and not _loopback(parts.hostname or ""):
            raise ValueError("the endpoint must be https: plain http is allowed to this very machine only")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the endpoint must be a URL like https://reports.example.com/v1/events")
        if parts.username is not None or parts.password is not None:
            raise ValueError("the endpoint's URL must not hold a credential: set the token instead")
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise ValueError(
                "the token holds characters that a header cannot: it must be visible ASCII, without blanks"
            )

    @property
    def host(self) -> str:
        """The host and port: all of the URL that is fit to be shown."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsLimits:
    """Times in seconds, sizes in bytes; `total_s` bounds one whole attempt."""

    connect_s: float = 10.0
    read_s: float = 20.0
    total_s: float = 30.0
    response_bytes: int = 64 * 1024


class HttpsSink:
    """One endpoint. `send` is called by one thread at a time; `abort` and `close` by any."""

    def __init__(
        self, target: HttpsTarget, clock: Clock, limits: HttpsLimits | None = None, *, name: str = "https"
    ) -> None:
        self.name = name
        self._target = target
        self._clock = clock
        self._limits = limits or HttpsLimits()
        self._exchange = Exchange()
        self._session: requests.Session | None = None

    def send(self, batch: Batch) -> Outcome:
        """Post `batch` once, within the time limits."""
        try:
            session = self._session = self._session or self._connected()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            return RetryLater(f"TLS cannot be set up for {self._target.host}: {cause_of(error)}")
        body = gzip.compress(b"".join(canonical(event).encode("ascii") + b"\n" for event in batch.events), mtime=0)
        try:
            return self._post(session, batch, body)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            self.close()
            return RetryLater(f"{self._target.host}: {cause_of(error)}")
        finally:
            self._exchange.holds(None)

    def probe(self) -> str | None:
        """Ask the endpoint for its options, sending no report; return what keeps an answer away, None if any answer came."""
        limits = Timeout(connect=self._limits.connect_s, read=self._limits.read_s, total=self._limits.total_s)
        try:
            session = self._session = self._session or self._connected()
            self._exchange.begin(self._limits.total_s)
            with session.options(
                self._target.url,
                auth=_Bearer(None),
                allow_redirects=False,
                stream=True,
                timeout=limits,  # type: ignore[arg-type]  # requests passes urllib3's own through
            ):
                return None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            return f"{self._target.host}: {cause_of(error)}"
        finally:
            self._exchange.holds(None)
            self.close()

    def abort(self) -> None:
        """End an attempt that is under way, and refuse every later one, as `RetryLater`: the daemon ends."""
        self._exchange.abort()

    def close(self) -> None:
        """Close every connection; the next `send` opens a new one and reads certificate files anew."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _post(self, session: requests.Session, batch: Batch, body: bytes) -> Outcome:
        self._exchange.begin(self._limits.total_s)
        limits = Timeout(connect=self._limits.connect_s, read=self._limits.read_s, total=self._limits.total_s)
        with session.post(
            self._target.url,
            data=body,
            headers=self._headers(batch, body),
            auth=_Bearer(self._target.token),
            allow_redirects=False,
            stream=True,
            timeout=limits,  # type: ignore[arg-type]  # requests passes urllib3's own through
        ) as response:
            outcome = self._judged(response)
            if isinstance(outcome, Accepted):
                _read_whole(response, self._limits.response_bytes)
            return outcome

    def _headers(self, batch: Batch, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            "Accept": "application/json",
            "User-Agent": self._target.agent,
            "Idempotency-Key": batch.id,
            "X-Device-Id": self._target.device_id,
            "X-First-Sequence": str(batch.first_sequence),
            "X-Last-Sequence": str(batch.last_sequence),
        }
        if self._target.hmac_key is not None:
            stamp = str(int(self._clock.now()))
            signature = hmac.new(self._target.hmac_key, stamp.encode() + b"." + body, hashlib.sha256)
            headers |= {"X-Timestamp": stamp, "X-Signature": f"sha256={signature.hexdigest()}"}
        return headers

    def _judged(self, response: requests.Response) -> Outcome:
        status = response.status_code
        said = f"{self._target.host} answered {status} {_phrase(status)}".rstrip()
        if http.HTTPStatus.OK <= status < http.HTTPStatus.MULTIPLE_CHOICES:
            return Accepted()
        if status in _RETRIED or status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return RetryLater(said, self._retry_after(response))
        if status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return TooLarge(said)
        return Refused(f"{said}: {_ADVICE[status]}" if status in _ADVICE else said)

    def _retry_after(self, response: requests.Response) -> float | None:
        """Return the seconds that `Retry-After` asks for. A date counts from the endpoint's own clock where it tells it."""
        wish = response.headers.get("Retry-After", "").strip()
        if not wish:
            return None
        try:
            seconds = float(wish)
        except ValueError:
            until, since = _date(wish), _date(response.headers.get("Date", ""))
            if until is None:
                return None
            seconds = until - (since if since is not None else self._clock.now())
        return min(max(seconds, 0.0), RETRY_AFTER_CAP_S) if math.isfinite(seconds) else None

    def _connected(self) -> requests.Session:
        target = self._target
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if target.ca_file is not None:
            context.load_verify_locations(cafile=target.ca_file)
        if target.cert_file is not None:
            context.load_cert_chain(target.cert_file, target.key_file)
        session = requests.Session()
        adapter = DeadlineAdapter(context, self._exchange)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if target.proxy is not None:
            session.trust_env = False
            session.proxies = {"http": target.proxy, "https": target.proxy}
        return session


class _Bearer(requests.auth.AuthBase):
    """Sets the token. It is given without a token too: requests would take a credential out of `.netrc` otherwise."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _read_whole(response: requests.Response, most: int) -> None:
    """Read the body up to `most` bytes and forget it; raise where it was cut. A longer one was an answer all the same."""
    size = 0
    for piece in response.iter_content(8_192):
        size += len(piece)
        if size > most:
            return


def _loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
