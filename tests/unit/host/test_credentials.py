"""Where credentials come from: a file, systemd, the keychain of macOS. None is ever on a command line or in a message."""

import sys
from pathlib import Path

import pytest

from agent.host.credentials import credential
from agent.host.credentials_macos import KEYCHAIN, in_keychain

SECRET = "tok-canary-77d0"
ITEM_NOT_FOUND = "security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain."


def test_a_file_is_read_without_the_blanks_around_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"  {SECRET}\n")
    assert credential(tmp_path / "token") == SECRET.encode()
    assert credential(None) is None


@pytest.mark.skipif(sys.platform == "win32", reason="the key store is another one there")
def test_a_bare_name_is_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert credential(Path("token")) == SECRET.encode()
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(ValueError, match="LoadCredential="):
        credential(Path("token"))


@pytest.mark.skipif(sys.platform == "win32", reason="it can be read there")
def test_what_windows_protected_is_told_from_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(bytes.fromhex("01000000d08c9ddf0115d1118c7a00c04fc297eb") + SECRET.encode())
    with pytest.raises(ValueError, match="put the credential there anew") as caught:
        credential(tmp_path / "token")
    assert SECRET not in str(caught.value)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no regular file"):
        credential(tmp_path)


@pytest.fixture
def security(tmp_path: Path) -> Path:
    """A stand-in for Apple's program: it keeps what it was called with, and answers as the real one is recorded to."""
    program = tmp_path / "security"
    program.write_text(f"""#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done > {tmp_path}/called
env > {tmp_path}/environment
case $5 in
  token) echo {SECRET} ;;
  locked) echo 'security: SecKeychainItemCopyContent: User interaction is not allowed.' >&2; exit 36 ;;
  *) echo '{ITEM_NOT_FOUND}' >&2; exit 44 ;;
esac
""")
    program.chmod(0o755)
    return program


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in")
def test_the_system_keychain_is_asked_for_one_password_and_nothing_of_it_is_on_the_command_line(security: Path) -> None:
    assert in_keychain("token", str(security)) == SECRET.encode()
    called = (security.parent / "called").read_text().splitlines()
    assert called == ["find-generic-password", "-s", "mcp-compliance-agent", "-a", "token", "-w", KEYCHAIN]
    assert "HOME=" not in (security.parent / "environment").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in")
@pytest.mark.parametrize(
    ("name", "why"), [("none", "holds no password"), ("locked", r"does not give .* \(status 36\)")]
)
def test_a_keychain_that_does_not_give_it_says_where_it_was_looked_for(security: Path, name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        in_keychain(name, str(security))
    assert KEYCHAIN in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in")
def test_a_program_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        in_keychain("token", str(tmp_path / "none"))
