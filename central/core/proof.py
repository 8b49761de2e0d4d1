"""Who may write as a device: the credential it was enrolled with, the one that follows it, or its certificate."""

import hmac
from typing import Protocol

from central.core.refusal import RefusedError


class Credential(Protocol):
    """What is stored of a device's credential."""

    @property
    def current(self) -> bytes | None:
        """SHA-256 of the credential in use."""
        ...

    @property
    def next(self) -> bytes | None:
        """SHA-256 of the one that the device is about to use."""
        ...

    @property
    def certificate(self) -> str | None:
        """Subject of the certificate that was bound to the device."""
        ...

    @property
    def issued_at(self) -> float:
        """When the credential in use was issued."""
        ...

    @property
    def revoked_at(self) -> float | None:
        """When it was revoked."""
        ...


def prove(stored: Credential | None, shown: bytes | None, certificate: str | None) -> Credential:
    """Return what is stored where it fits what was shown; raise `RefusedError` where that does not prove the device."""
    if shown is None and certificate is None:
        raise RefusedError("credential-missing")
    if stored is None:
        raise RefusedError("credential-unknown")
    if stored.revoked_at is not None:
        raise RefusedError("credential-revoked")
    by_certificate = certificate is not None and certificate == stored.certificate
    known = [each for each in (stored.current, stored.next) if each is not None]
    if not by_certificate and not any(hmac.compare_digest(shown or b"", each) for each in known):
        raise RefusedError("credential-unknown")
    return stored


def promotes(stored: Credential, shown: bytes | None) -> bool:
    """Say whether the device has begun to use its next credential, so that the one before it ends."""
    return shown is not None and stored.next is not None and hmac.compare_digest(shown, stored.next)
