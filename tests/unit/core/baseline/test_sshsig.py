import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from agent.core.baseline.sshsig import SignatureError, fingerprint, public_key, public_line, signed_with, signer

# Recorded from `ssh-keygen -Y sign -n mcp-compliance-baseline` of OpenSSH, over the text "{}\n".
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMO5UK8RUKxof2iAZKnXXikp4Ot06J5HlgXNu7dYiDCR it@example.com"
SIGNATURE = b"""-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgw7lQrxFQrGh/aIBkqddeKSng63
TonkeWBc27t1iIMJEAAAAXbWNwLWNvbXBsaWFuY2UtYmFzZWxpbmUAAAAAAAAABnNoYTUx
MgAAAFMAAAALc3NoLWVkMjU1MTkAAABAv3jcv6753F6fotksbJSkMzEO7o0sKNg1AotBLd
n0AxNNlevUC3Dm/tDPAqGU4E3fzCpO9N7eQn4C3utmzaodCw==
-----END SSH SIGNATURE-----
"""
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
LINE = public_line(PRIVATE.public_key().public_bytes_raw())


def test_what_ssh_keygen_signed_is_signed_by_that_key() -> None:
    assert signer(b"{}\n", SIGNATURE, (LINE, KEY)) == public_key(KEY)
    assert fingerprint(public_key(KEY)) == "SHA256:LJTjwgNFhtMa4TCWtZkdQgZl5DhwHmQvys0OUPQwr9Y"


def test_a_text_that_was_changed_after_it_was_signed_is_not_signed() -> None:
    with pytest.raises(SignatureError, match="one of the two was changed"):
        signer(b"{ }\n", SIGNATURE, (KEY,))


def test_a_signature_of_a_key_that_is_not_named_counts_for_nothing_and_names_the_key() -> None:
    with pytest.raises(SignatureError, match="SHA256:LJTjwgNF"):
        signer(b"{}\n", SIGNATURE, (LINE,))


def test_a_signature_that_was_made_for_another_purpose_counts_for_nothing() -> None:
    other = signed_with(b"x", PEM).replace(b"\n", b"").partition(b"SIGNATURE-----")[2]
    assert other  # the same key signs commits in the namespace "git"
    import base64  # noqa: PLC0415

    body = base64.b64decode(other.partition(b"-----END")[0]).replace(
        b"mcp-compliance-baseline", b"mcp-compliance-basilisk"
    )
    armoured = b"-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(body) + b"\n-----END SSH SIGNATURE-----\n"
    with pytest.raises(SignatureError, match="for the purpose 'mcp-compliance-basilisk'"):
        signer(b"x", armoured, (LINE,))


def test_what_is_signed_here_is_signed() -> None:
    assert signer(b"text", signed_with(b"text", PEM), (LINE,)) == PRIVATE.public_key().public_bytes_raw()


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen on this machine")
def test_ssh_keygen_agrees_with_what_is_signed_here(tmp_path: Path) -> None:
    private = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (tmp_path / "sig").write_bytes(signed_with(b"text", private))
    (tmp_path / "signers").write_text(f"it@example.com {LINE}\n")
    command: list[str | Path] = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "signers", "-I", "it@example.com"]
    command += ["-n", "mcp-compliance-baseline", "-s", tmp_path / "sig"]
    assert subprocess.run(command, input=b"text", capture_output=True, check=False).returncode == 0
    assert subprocess.run(command, input=b"tent", capture_output=True, check=False).returncode != 0


def test_an_encrypted_or_foreign_private_key_is_refused_with_the_way_out() -> None:
    encrypted = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    with pytest.raises(SignatureError, match="ssh-keygen -Y sign"):
        signed_with(b"x", encrypted)
    foreign = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(SignatureError, match="not an Ed25519 key"):
        signed_with(b"x", foreign)
    with pytest.raises(SignatureError):
        signed_with(b"x", b"no key at all")


@pytest.mark.parametrize(
    "line", ["", "ssh-ed25519", "ssh-rsa AAAA", "ssh-ed25519 !!!", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"]
)
def test_what_is_no_public_key_is_said_to_be_none(line: str) -> None:
    with pytest.raises(SignatureError):
        public_key(line)


@given(st.binary(max_size=300))
def test_any_bytes_in_place_of_a_signature_are_refused_and_nothing_else_happens(raw: bytes) -> None:
    with pytest.raises(SignatureError):
        signer(b"{}\n", raw, (KEY,))


@given(st.integers(0, 300), st.integers(1, 255))
def test_a_signature_with_one_changed_byte_is_refused(at: int, flip: int) -> None:
    import base64  # noqa: PLC0415

    body = bytearray(base64.b64decode(b"".join(SIGNATURE.splitlines()[1:-1])))
    body[at % len(body)] ^= flip
    armoured = b"-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(bytes(body)) + b"\n-----END SSH SIGNATURE-----\n"
    with pytest.raises(SignatureError):
        signer(b"{}\n", armoured, (KEY,))
