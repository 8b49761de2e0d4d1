"""Signatures as `ssh-keygen -Y sign -n mcp-compliance-baseline` writes them, of Ed25519 keys.

Source of the format: PROTOCOL.sshsig of OpenSSH. A public key is the one line of an `id_ed25519.pub`. The namespace is a part of
what is signed, so a signature that was made for anything else (a Git commit, a login) is none here.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache

NAMESPACE = "mcp-compliance-baseline"
_MAGIC, _TYPE = b"SSHSIG", b"ssh-ed25519"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_HASHES = {b"sha512": hashlib.sha512, b"sha256": hashlib.sha256}
_KEY_BYTES, _SIGNATURE_BYTES, _LENGTH_BYTES, _VERSION = 32, 64, 4, 1
_ARMOUR_WIDTH = 70


class SignatureError(ValueError):
    """The signature proves nothing; the message says why."""


def public_key(line: str) -> bytes:
    """Return the 32 bytes of the public key in `line` (`ssh-ed25519 AAAA… comment`).

    Raises:
        SignatureError: it is no such key.
    """
    words = line.split()
    if len(words) < 2 or words[0] != _TYPE.decode():  # noqa: PLR2004 - the type and the key
        raise SignatureError("a public key is one line such as `ssh-ed25519 AAAA… comment`")
    return _key(_decoded(words[1], "the public key"))


def public_line(key: bytes, comment: str = "") -> str:
    """Return the line of a public key's 32 bytes."""
    return f"{_TYPE.decode()} {base64.b64encode(_blob(key)).decode()} {comment}".rstrip()


def fingerprint(key: bytes) -> str:
    """Return the key's fingerprint as `ssh-keygen -l` shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(_blob(key)).digest()).decode().rstrip("=")


@lru_cache(maxsize=64)  # the same baselines are weighed at every look
def signer(message: bytes, armoured: bytes, keys: tuple[str, ...]) -> bytes:
    """Return the key among `keys` (public key lines) that signed `message`.

    Raises:
        SignatureError: nobody among them did.
    """
    key, namespace, algorithm, signature = _parsed(armoured)
    if namespace != NAMESPACE.encode():
        shown = namespace.decode("utf-8", "replace")
        raise SignatureError(f"it was signed for the purpose {shown!r}, not for {NAMESPACE!r}")
    if key not in set(_readable(keys)):
        raise SignatureError(f"it is signed by the key {fingerprint(key)}, which the settings do not name")
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - costs as much as the rest of a start
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, _signed(message, algorithm))
    except InvalidSignature:
        raise SignatureError("the signature does not belong to this text: one of the two was changed") from None
    return key


def signed_with(message: bytes, private: bytes) -> bytes:
    """Return the armoured signature of `message` with an unencrypted Ed25519 private key, in OpenSSH's or PEM form.

    Raises:
        SignatureError: the key is encrypted, of another type, or none.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see `signer`
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    read = serialization.load_ssh_private_key if b"OPENSSH" in private[:64] else serialization.load_pem_private_key
    try:
        key = read(private, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        text = (
            f"no private key, or one with a passphrase: `ssh-keygen -Y sign -n {NAMESPACE} -f KEY FILE` signs with that"
        )
        raise SignatureError(text) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError("the private key is not an Ed25519 key: make one with `ssh-keygen -t ed25519`")
    raw = key.public_key().public_bytes_raw()
    signature = _texts(_TYPE, key.sign(_signed(message, b"sha512")))
    body = _MAGIC + _VERSION.to_bytes(4) + _texts(_blob(raw), NAMESPACE.encode(), b"", b"sha512", signature)
    return _armoured(body)


def _readable(keys: Iterable[str]) -> Iterator[bytes]:
    for line in keys:
        try:
            yield public_key(line)
        except SignatureError:
            continue  # the settings tell of it; the other keys count


def _signed(message: bytes, algorithm: bytes) -> bytes:
    return _MAGIC + _texts(NAMESPACE.encode(), b"", algorithm, _HASHES[algorithm](message).digest())


def _parsed(armoured: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Return key, namespace, hash algorithm and raw signature."""
    text = armoured.decode("ascii", "replace").strip()
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        raise SignatureError("the signature file is none of `ssh-keygen -Y sign`")
    body = _decoded("".join(text[len(_BEGIN) : -len(_END)].split()), "the signature")
    if not body.startswith(_MAGIC + _VERSION.to_bytes(4)):
        raise SignatureError("the signature is of an unknown version")
    key, namespace, _, algorithm, signature = _fields(body[len(_MAGIC) + 4 :], 5)
    if algorithm not in _HASHES:
        raise SignatureError("the signature uses an unknown hash")
    kind, raw = _fields(signature, 2)
    if kind != _TYPE or len(raw) != _SIGNATURE_BYTES:
        raise SignatureError("the signature is not of an Ed25519 key")
    return _key(key), namespace, algorithm, raw


def _key(blob: bytes) -> bytes:
    kind, raw = _fields(blob, 2)
    if kind != _TYPE or len(raw) != _KEY_BYTES:
        raise SignatureError("the key is not an Ed25519 key")
    return raw


def _blob(key: bytes) -> bytes:
    return _texts(_TYPE, key)


def _texts(*texts: bytes) -> bytes:
    return b"".join(len(text).to_bytes(_LENGTH_BYTES) + text for text in texts)


def _fields(body: bytes, count: int) -> list[bytes]:
    """Return exactly `count` length-prefixed strings, with nothing behind them."""
    fields, at = [], 0
    for _ in range(count):
        size = int.from_bytes(body[at : at + _LENGTH_BYTES])
        field = body[at + _LENGTH_BYTES : at + _LENGTH_BYTES + size]
        if len(body) < at + _LENGTH_BYTES or len(field) != size:
            raise SignatureError("the signature or key is cut off")
        fields.append(field)
        at += _LENGTH_BYTES + size
    if at != len(body):
        raise SignatureError("something stands behind the signature or key")
    return fields


def _decoded(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureError(f"{what} is not base64") from None


def _armoured(body: bytes) -> bytes:
    text = base64.b64encode(body).decode()
    lines = [text[at : at + _ARMOUR_WIDTH] for at in range(0, len(text), _ARMOUR_WIDTH)]
    return "\n".join([_BEGIN, *lines, _END, ""]).encode()
