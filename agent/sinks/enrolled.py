"""The organisation's endpoint, for a device that lets itself in with the organisation's enrolment key.

The device makes its credential itself, and the endpoint is told only its SHA-256: nothing that could be used travels before it is
used, and the key of the organisation is never shown again once the device is in. To be let in twice changes nothing, so that an
answer that was lost costs nothing. Where the endpoint asks for a new credential, the device proves itself with the old one. An
endpoint that does not know the device any more, as one that was put back from a copy, is asked to let it in again.

Nothing is ever refused for good here: reports wait until the device is let in.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Protocol

from agent.ports import Accepted, Asked, Batch, Clock, Outcome, Refused, RetryLater
from agent.sinks.channel import HttpChannel
from agent.sinks.https import HttpsLimits, HttpsSink, HttpsTarget

_PATH = "/v1/enrolment"
_BYTES = 32
_SHUT_OUT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class Credentials(Protocol):
    """Where the device keeps the credential that it made; each write is durable, or raises `OSError`."""

    @property
    def current(self) -> str | None:
        """The credential in use, None before the device was let in."""
        ...

    @property
    def next(self) -> str | None:
        """The one that follows."""
        ...

    def keep(self, current: str | None, following: str | None) -> None:
        """Remember both."""
        ...


@dataclass(eq=False)
class EnrolledSink:
    """`key` returns the organisation's key; it is asked only to be let in. `hostname` is how the device is called there.

    `admitted` is told when the endpoint let the device in: it may have known it before and know nothing of it now.
    """

    target: HttpsTarget
    hostname: str
    key: Callable[[], str]
    credentials: Credentials
    clock: Clock
    limits: HttpsLimits
    heard: Callable[[Asked], None]
    admitted: Callable[[], None] = lambda: None
    name: str = "https"
    _sink: HttpsSink = field(init=False)
    _ended: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._sink = self._made(self.credentials.current)

    def send(self, batch: Batch) -> Outcome:
        """Post `batch` once; let the device in first where it is not."""
        if self.credentials.current is None and (problem := self._enter()) is not None:
            return problem
        outcome = self._sink.send(batch)
        if isinstance(outcome, Refused) and self._sink.status in _SHUT_OUT:
            problem = self._enter()
            outcome = self._sink.send(batch) if problem is None else problem
        if isinstance(outcome, Refused) and self._sink.status in _SHUT_OUT:
            return RetryLater(outcome.reason)  # an administrator may let it in again: no report is given up for that
        if outcome == Accepted() and self._sink.asked.rotate:
            self._rotate()
        return outcome

    def probe(self) -> str | None:
        """Ask the endpoint for its options, sending no report."""
        return self._sink.probe()

    def abort(self) -> None:
        """End an attempt that is under way, and refuse every later one."""
        self._ended = True
        self._sink.abort()

    def close(self) -> None:
        """Close every connection."""
        self._sink.close()

    def _enter(self) -> RetryLater | None:
        """Have the device let in with the organisation's key; return why not, None where it is in."""
        try:
            key = self.key()
            mine = self.credentials.current or self.credentials.next or secrets.token_urlsafe(_BYTES)
            if self.credentials.current is None:
                self.credentials.keep(None, mine)  # before it is told: after a crash the same one is told again
            problem = self._told(mine, key)
            if problem is None:
                self.admitted()
                self._use(mine)
        except (OSError, ValueError) as error:
            return RetryLater(f"this device cannot be let in: {error}")
        return problem

    def _rotate(self) -> None:
        """Make the next credential the present one; what fails is tried again, as the endpoint goes on asking."""
        old = self.credentials.current
        if old is None:
            return
        try:
            following = self.credentials.next or secrets.token_urlsafe(_BYTES)
            self.credentials.keep(old, following)
            if self._told(following, old) is None:
                self._use(following)
        except OSError:
            return

    def _use(self, credential: str) -> None:
        self.credentials.keep(credential, None)
        self._sink.close()
        self._sink = self._made(credential)
        if self._ended:
            self._sink.abort()

    def _told(self, credential: str, shown: str) -> RetryLater | None:
        """Tell the endpoint the SHA-256 of `credential`, proving the device by `shown`."""
        said = {
            "device": self.target.device_id,
            "credential_sha256": hashlib.sha256(credential.encode()).hexdigest(),
            "hostname": self.hostname,
        }
        channel = HttpChannel(replace(self.target, token=shown), self.clock, self.limits)
        try:
            headers = {"Content-Type": "application/json"}
            reply = channel.post(json.dumps(said).encode(), headers, _PATH)
        finally:
            channel.close()
        if isinstance(reply, RetryLater):
            return reply
        if reply.status == HTTPStatus.OK:
            return None
        advice = _ADVICE.get(reply.status, "see the endpoint's log")
        return RetryLater(f"{reply.said} to this device's enrolment: {advice}", reply.retry_after_s)

    def _made(self, credential: str | None) -> HttpsSink:
        return HttpsSink(
            replace(self.target, token=credential), self.clock, self.limits, name=self.name, heard=self.heard
        )


_ADVICE: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the enrolment key is not valid, or was revoked: give the agent a valid one",
    HTTPStatus.FORBIDDEN: "the device was revoked: an administrator must readmit it",
    HTTPStatus.CONFLICT: "a device of this id is enrolled with another credential: an administrator must readmit it",
    HTTPStatus.NOT_FOUND: "there is no enrolment at that address: check the URL in the settings",
}
