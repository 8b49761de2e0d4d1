"""Why a batch or an event is not taken: every reason has a code that is counted, and a sentence for whoever reads the log."""

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason, as the device is told it. `retry_after_s` where the same batch may be taken later."""

    status: int
    code: str
    text: str
    retry_after_s: int | None = None


class RefusedError(Exception):
    """A batch is refused; raised below, and turned into the value where the batch is answered."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.refusal = refusal(code, detail)


def refusal(code: str, detail: str = "") -> Refusal:
    """Return the refusal `code` of the table, with what is special about this case."""
    status, text = REFUSALS[code]
    return Refusal(status, code, f"{text}: {detail}" if detail else text, _RETRY_AFTER_S.get(code))


REFUSALS: dict[str, tuple[int, str]] = {
    "credential-missing": (HTTPStatus.UNAUTHORIZED, "the batch carries no credential; enrol the device"),
    "credential-unknown": (HTTPStatus.UNAUTHORIZED, "the credential is not this device's; enrol the device"),
    "credential-revoked": (HTTPStatus.FORBIDDEN, "the device's credential was revoked by an administrator"),
    "certificate-taken": (
        HTTPStatus.TOO_MANY_REQUESTS,
        "the certificate speaks for another device, which still reports; it is this one's when that one is quiet",
    ),
    "device-invalid": (HTTPStatus.BAD_REQUEST, "X-Device-Id is missing or no id of a device"),
    "header-invalid": (HTTPStatus.BAD_REQUEST, "a header of the protocol is missing or malformed"),
    "signature-missing": (
        HTTPStatus.BAD_REQUEST,
        "this endpoint asks for signed batches: set [endpoint] hmac_key_file",
    ),
    "signature-wrong": (HTTPStatus.BAD_REQUEST, "the signature does not fit timestamp and body"),
    "timestamp-outside": (HTTPStatus.BAD_REQUEST, "the batch was signed outside the window: check the device's clock"),
    "encoding-unknown": (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body is neither gzip nor plain"),
    "body-malformed": (HTTPStatus.BAD_REQUEST, "the body cannot be unpacked"),
    "body-empty": (HTTPStatus.BAD_REQUEST, "the batch holds no event"),
    "body-large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the batch is too large; send the same events in smaller ones"),
    "body-slow": (HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time; send it again"),
    "busy": (HTTPStatus.TOO_MANY_REQUESTS, "too much is waiting to be stored; come again"),
    "storage": (HTTPStatus.SERVICE_UNAVAILABLE, "the database cannot store now; come again"),
}
"""What a whole batch is refused for: (status, text). 4xx but 408, 413, 429 sets it aside on the device: `docs/openapi.json`."""

_RETRY_AFTER_S = {"busy": 5, "storage": 15, "certificate-taken": 300}

EVENT_REFUSALS: dict[str, str] = {
    "not-json": "the line is not a JSON object",
    "class-unknown": "the event is of no class that this endpoint knows",
    "numbers-missing": "the event has no usable sequence, journal or chain",
    "other-device": "the event speaks of another device than the one that sent it",
    "fields-malformed": "a field that its class needs is missing or of another type",
}
"""What a single event is dropped for; its siblings are taken."""
