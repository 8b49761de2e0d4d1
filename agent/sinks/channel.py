"""One HTTP destination: where it is, how we prove who we are, one request at a time with one deadline, and what an answer means.

2xx, arrived whole, is the only acknowledgement. 408, 425, 429, 5xx, and whatever goes wrong on the way are tried again, after
`Retry-After` (seconds or a date, an hour at most) where it is given; 413 asks for smaller batches; every other status, a
redirect too, refuses the batch. TLS trusts the system's store, and one more CA file if given; nothing turns verification off.
"""

import contextlib
import http
import ipaddress
import logging
import math
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import requests
import requests.auth
import truststore
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from agent.ports import Accepted, Clock, Outcome, Refused, RetryLater, TooLarge
from agent.sinks.causes import cause_of
from agent.sinks.exchange import DeadlineAdapter, Exchange
from agent.sinks.proxies import NONE, SYSTEM, proxy_for, shown

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
class HttpTarget:
    """Where to send to and how to prove who we are. Secrets stay out of the `repr`. Raises `ValueError` for what is not safe.

    `scheme` is the word before the token in the `Authorization` header. `proxy` and `proxy_credential` are as `proxies` has them.
    """

    url: str = field(repr=False)
    agent: str = "mcp-compliance-agent"
    scheme: str = "Bearer"
    token: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    proxy: str = field(default=SYSTEM, repr=False)
    proxy_credential: str | None = field(default=None, repr=False)

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
        if self.proxy not in (SYSTEM, NONE):
            _check_proxy(self.proxy)

    @property
    def host(self) -> str:
        """The host and port: all of the URL that is fit to be shown."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """Times in seconds, sizes in bytes; `total_s` bounds one whole attempt."""

    connect_s: float = 10.0
    read_s: float = 20.0
    total_s: float = 30.0
    response_bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that arrived: `said` is fit to be shown. `body` is what was read of it, up to the limit; empty unless 2xx."""

    status: int
    said: str
    retry_after_s: float | None = None
    body: bytes = field(default=b"", repr=False)

    @property
    def outcome(self) -> Outcome:
        """What the status alone means for the batch."""
        if http.HTTPStatus.OK <= self.status < http.HTTPStatus.MULTIPLE_CHOICES:
            return Accepted()
        if self.status in _RETRIED or self.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return RetryLater(self.said, self.retry_after_s)
        if self.status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return TooLarge(self.said)
        return Refused(f"{self.said}: {_ADVICE[self.status]}" if self.status in _ADVICE else self.said)


class HttpChannel:
    """The way to one target. `post` and `probe` are called by one thread at a time; `abort` and `close` by any."""

    def __init__(self, target: HttpTarget, clock: Clock, limits: HttpLimits | None = None) -> None:
        self._target = target
        self._clock = clock
        self._limits = limits or HttpLimits()
        self._exchange = Exchange()
        self._session: requests.Session | None = None
        self._way = target.host

    @property
    def way(self) -> str:
        """Where it goes, and through which proxy, as far as it was tried."""
        return self._way

    def post(self, body: bytes, headers: Mapping[str, str], path: str | None = None) -> Reply | RetryLater:
        """Post `body` once, within the time limits, to the target's URL or to another `path` (with query) of the same host."""
        try:
            session = self._session = self._session or self._connected()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            return RetryLater(f"TLS cannot be set up for {self._target.host}: {cause_of(error)}")
        try:
            return self._exchanged(session, body, headers, path)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            self.close()
            return RetryLater(f"{self._way}: {cause_of(error)}")
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
                auth=_Credential(self._target.scheme, None),
                allow_redirects=False,
                stream=True,
                timeout=limits,  # type: ignore[arg-type]  # requests passes urllib3's own through
            ):
                return None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            return f"{self._way}: {cause_of(error)}"
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

    def _exchanged(self, session: requests.Session, body: bytes, headers: Mapping[str, str], path: str | None) -> Reply:
        self._exchange.begin(self._limits.total_s)
        limits = Timeout(connect=self._limits.connect_s, read=self._limits.read_s, total=self._limits.total_s)
        with session.post(
            self._url(path),
            data=body,
            headers={"Accept": "application/json", "User-Agent": self._target.agent, **headers},
            auth=_Credential(self._target.scheme, self._target.token),
            allow_redirects=False,
            stream=True,
            timeout=limits,  # type: ignore[arg-type]  # requests passes urllib3's own through
        ) as response:
            status = response.status_code
            said = f"{self._target.host} answered {status} {_phrase(status)}".rstrip()
            whole = http.HTTPStatus.OK <= status < http.HTTPStatus.MULTIPLE_CHOICES
            read = _read_whole(response, self._limits.response_bytes) if whole else b""
            return Reply(status, said, self._retry_after(response), read)

    def _url(self, path: str | None) -> str:
        if path is None:
            return self._target.url
        parts = urlsplit(self._target.url)
        bare, _, query = path.partition("?")
        return urlunsplit((parts.scheme, parts.netloc, bare, query, ""))

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
        session.trust_env = False  # what counts of the environment is asked for by name
        adapter = DeadlineAdapter(context, self._exchange)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        proxy = proxy_for(target.url, target.proxy, target.proxy_credential)
        self._way = f"{target.host} through the proxy {shown(proxy)}" if proxy is not None else target.host
        if proxy is not None:
            session.proxies = {"http": proxy, "https": proxy}
        return session


class HttpSink:
    """What every sink over HTTP does alike; `_channel` is its own."""

    _channel: HttpChannel

    def probe(self) -> str | None:
        """Ask the endpoint for its options, sending no report; return what keeps an answer away, None if any answer came."""
        return self._channel.probe()

    def abort(self) -> None:
        """End an attempt that is under way, and refuse every later one, as `RetryLater`: the daemon ends."""
        self._channel.abort()

    def close(self) -> None:
        """Close every connection; the next `send` opens a new one and reads certificate files anew."""
        self._channel.close()

    @property
    def way(self) -> str:
        """Where it goes, and through which proxy, as far as it was tried."""
        return self._channel.way


class _Credential(requests.auth.AuthBase):
    """Sets the token. It is given without a token too: requests would take a credential out of `.netrc` otherwise."""

    def __init__(self, scheme: str, token: str | None) -> None:
        self._scheme, self._token = scheme, token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"{self._scheme} {self._token}"
        return request


def _read_whole(response: requests.Response, most: int) -> bytes:
    """Read the body up to `most` bytes; raise where it was cut. A longer one was an answer all the same."""
    read = b""
    for piece in response.iter_content(8_192):
        read += piece
        if len(read) > most:
            break
    return read


def _check_proxy(proxy: str) -> None:
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the proxy must be a URL like http://proxy.example.com:3128, or system, or none")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the proxy's URL must not hold a credential: set proxy_credential_file instead")


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
