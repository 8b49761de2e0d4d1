"""One batch of one device: from the envelope to what is to be stored, or to the reason why not.

Total, and the order is the point: who it is, whether it was signed, whether it can be read, what of it is new, and only then
what it says.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from central.core.chain import place
from central.core.device import Absorbed, Device, absorb
from central.core.envelope import Envelope, Limits, check_signature, opened
from central.core.proof import Credential, prove
from central.core.refusal import Refusal, RefusedError


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that is acknowledged once this is stored. `refused` counts events that were dropped, by code.

    `rotate` asks the device for a new credential.
    """

    absorbed: Absorbed
    events: int
    repeats: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    rotate: bool = False

    @property
    def device(self) -> Device:
        """The device as it stands afterwards."""
        return self.absorbed.device

    @property
    def answer(self) -> dict[str, Any]:
        """What the device is told: what became of its events, and what is asked of it."""
        device = self.device
        wanted = device.look_wanted_at
        look = wanted is not None and (device.looked_at is None or device.looked_at < wanted)
        told: dict[str, Any] = {"accepted": self.events, "repeats": self.repeats, "dropped": dict(self.refused)}
        told |= ({"look": wanted} if look else {}) | ({"rotate": True} if self.rotate else {})
        return told | ({"restate": device.restate} if device.restate is not None else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """By what a batch is admitted: sizes, the key by which it must be signed (None: by none), and when credentials are old."""

    limits: Limits = field(default_factory=Limits)
    hmac_key: bytes | None = field(default=None, repr=False)
    rotate_after_s: float = 90 * 86_400.0


def receive(
    device: Device | None, stored: Credential | None, envelope: Envelope, admission: Admission, now: float
) -> Taken | Refusal:
    """Return what `envelope` changes in `device`, or why it is refused; `now` is when it was received."""
    try:
        return _received(device, stored, envelope, admission, now)
    except RefusedError as error:
        return error.refusal


def _received(
    device: Device | None, stored: Credential | None, envelope: Envelope, admission: Admission, now: float
) -> Taken:
    proof = prove(stored, envelope.credential, envelope.certificate)
    check_signature(envelope, admission.hmac_key, now, admission.limits)
    if device is None:
        raise RefusedError("credential-unknown")
    rotate = proof.certificate is None and now - proof.issued_at > admission.rotate_after_s
    offset = device.offset_s if envelope.timestamp is None else now - envelope.timestamp
    device = replace(device, contact_at=now, offset_s=offset)
    if envelope.batch == device.last_batch:
        return Taken(Absorbed(device), events=0, repeats=1, rotate=rotate)
    found = opened(envelope, admission.limits)
    placed = place(device.lines, found.items, now, device.hostname)
    device = replace(device, lines=placed.lines, last_batch=envelope.batch)
    absorbed = absorb(device, placed.fresh, now)
    refused = Counter((*found.lost, *absorbed.problems))
    return Taken(absorbed, events=len(placed.fresh), repeats=placed.repeats, refused=refused, rotate=rotate)
