"""Baselines and the keys that sign them, for tests."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.core.baseline.document import Baseline, written
from agent.core.baseline.record import Record
from agent.core.baseline.sshsig import public_line, signed_with
from agent.core.observation import BaselineFile
from agent.core.place import Data, Missing

ISSUED = 1_800_000_000.0
DAY_S = 86_400.0


class Signer:
    """A key of the organisation, or of somebody else."""

    def __init__(self, seed: int = 1) -> None:
        key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.line = public_line(key.public_key().public_bytes_raw(), f"key-{seed}")

    def signs(self, baseline: Baseline, path: str | None = None) -> BaselineFile:
        raw = written(baseline).encode()
        return BaselineFile(path or f"/b/{baseline.serial}.json", Data(raw, ()), Data(signed_with(raw, self.pem), ()))


def unsigned(baseline: Baseline) -> BaselineFile:
    return BaselineFile(f"/b/{baseline.serial}.json", Data(written(baseline).encode(), ()), Missing())


def baseline(
    serial: int = 1, *files: Record, expires: float | None = None, holds_from: int | None = None, issued: float = ISSUED
) -> Baseline:
    return Baseline(serial, issued, "linux", files, expires, holds_from)
