"""The organisation's own endpoint.

One batch is one `POST`: gzip over newline-delimited JSON (`application/x-ndjson`), one OCSF event per line in the order of its
sequence, each line exactly the canonical JSON over which the hash chain runs. Headers:

- `Idempotency-Key`: the batch id; a repeat of the same batch has the same one
- `X-Device-Id`, `X-First-Sequence`, `X-Last-Sequence`
- `Authorization: Bearer …` where a token is set; a client certificate where one is set
- `X-Timestamp`: Unix seconds by the device's clock when the batch was sent
- `X-Signature: sha256=<hex>` where an HMAC key is set: HMAC-SHA256 over the timestamp, a full stop and the body as it is sent
  (compressed)

What an answer means stands in `channel`.
"""

import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.ports import Asked, Batch, Clock, Outcome, RetryLater
from agent.sinks.channel import HttpChannel, HttpSink, HttpTarget
from agent.sinks.channel import HttpLimits as HttpsLimits

_LATEST = 1e11
"""No clock is there yet."""

__all__ = ["Asked", "HttpsLimits", "HttpsSink", "HttpsTarget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsTarget(HttpTarget):
    """The target with what our own protocol adds: the device's id, and the key that signs where one is set."""

    device_id: str
    hmac_key: bytes | None = field(default=None, repr=False)


class HttpsSink(HttpSink):
    """One endpoint; `heard` is told what it asks for with each answer, `status` is that of the last one.

    `send` is called by one thread at a time; `abort` and `close` by any.
    """

    def __init__(
        self,
        target: HttpsTarget,
        clock: Clock,
        limits: HttpsLimits | None = None,
        *,
        name: str = "https",
        heard: Callable[[Asked], None] = lambda _asked: None,
    ) -> None:
        self.name = name
        self._target = target
        self._clock = clock
        self._channel = HttpChannel(target, clock, limits)
        self._heard = heard
        self.asked, self.status = Asked(), 0

    def send(self, batch: Batch) -> Outcome:
        """Post `batch` once, within the time limits."""
        body = gzip.compress("".join(f"{line}\n" for line in batch.lines).encode("ascii"), mtime=0)
        self.asked, self.status = Asked(), 0
        reply = self._channel.post(body, self._headers(batch, body))
        if isinstance(reply, RetryLater):
            return reply
        self.status, self.asked = reply.status, _asked(reply.body)
        self._heard(self.asked)
        return reply.outcome

    def _headers(self, batch: Batch, body: bytes) -> dict[str, str]:
        stamp = str(int(self._clock.now()))
        headers = {
            "X-Timestamp": stamp,
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            "Idempotency-Key": batch.id,
            "X-Device-Id": self._target.device_id,
            "X-First-Sequence": str(batch.first_sequence),
            "X-Last-Sequence": str(batch.last_sequence),
        }
        if self._target.hmac_key is not None:
            signature = hmac.new(self._target.hmac_key, stamp.encode() + b"." + body, hashlib.sha256)
            headers["X-Signature"] = f"sha256={signature.hexdigest()}"
        return headers


def _asked(body: bytes) -> Asked:
    """Return what an answer asks for; one that is not understood asks for nothing."""
    try:
        said = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return Asked()
    if not isinstance(said, dict):
        return Asked()
    return Asked(_time(said.get("look")), said.get("rotate") is True, _time(said.get("restate")))


def _time(value: object) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _LATEST
    return float(value) if known else None  # type: ignore[arg-type] # it is a number
