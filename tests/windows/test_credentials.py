"""Credentials that Windows keeps: in the Credential Manager, and in a file that the machine's own key protects."""

import sys

import pytest

if sys.platform == "win32":
    import ctypes
    from collections.abc import Iterator
    from ctypes import wintypes
    from pathlib import Path

    from agent.host.credentials import credential
    from agent.host.credentials_windows import Credential, protected, unprotected

    SECRET = "tok-canary-0b9e"

    @pytest.fixture(params=["utf-16-le", "ascii"])
    def kept(request: pytest.FixtureRequest) -> Iterator[str]:
        """A generic credential, as Windows' own tools and as programs write it."""
        api = ctypes.WinDLL("advapi32", use_last_error=True)
        blob = SECRET.encode(request.param)
        held = ctypes.create_string_buffer(blob, len(blob))
        row = Credential(
            type=1,
            target="mcp-compliance-agent/token",
            size=len(blob),
            blob=ctypes.cast(held, ctypes.c_void_p),
            persist=2,
            user="mcp-compliance-agent",
        )
        assert api.CredWriteW(ctypes.byref(row), 0), ctypes.WinError(ctypes.get_last_error())
        yield "token"
        api.CredDeleteW.argtypes = [wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD]
        assert api.CredDeleteW("mcp-compliance-agent/token", 1, 0)

    def test_a_bare_name_is_looked_up_in_the_credential_manager(kept: str) -> None:
        assert credential(Path(kept)) == SECRET.encode()

    def test_a_name_that_it_does_not_hold_is_told_with_where_it_was_looked_for() -> None:
        with pytest.raises(ValueError, match="holds no generic credential mcp-compliance-agent/none"):
            credential(Path("none"))

    def test_a_file_that_the_machine_protects_is_read_as_any_other(tmp_path: Path) -> None:
        (tmp_path / "token").write_bytes(protected(f"{SECRET}\n".encode()))
        assert SECRET.encode() not in (tmp_path / "token").read_bytes()
        assert credential(tmp_path / "token") == SECRET.encode()

    def test_a_damaged_one_is_told_and_not_sent(tmp_path: Path) -> None:
        (tmp_path / "token").write_bytes(protected(SECRET.encode())[:-20])
        with pytest.raises(ValueError, match="put the credential there anew"):
            credential(tmp_path / "token")

    def test_what_is_not_protected_is_an_error() -> None:
        with pytest.raises(OSError, match=r".*"):
            unprotected(b"plain")
