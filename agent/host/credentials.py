"""What the agent proves itself with: in a file, or in the system's key store, by a bare name. Never on a command line.

| system | a bare name is |
|---|---|
| Linux | a credential that systemd hands to the service, encrypted on the disk if wanted (https://systemd.io/CREDENTIALS/) |
| macOS | the account of a generic password of the service `mcp-compliance-agent` in the System keychain |
| Windows | a generic credential `mcp-compliance-agent/NAME` of the account that the agent runs as (Credential Manager) |

On Windows a file may hold what the machine's own key protects (DPAPI); it is told by its first bytes.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

SERVICE = "mcp-compliance-agent"
_CREDENTIALS = "CREDENTIALS_DIRECTORY"
_MAX_BYTES = 65_536
_PROTECTED = b"\x01\0\0\0"
"""How a blob of DPAPI begins: its version. No text does."""


def credential(file: Path | None) -> bytes | None:
    """Return what `file` holds, or the key store keeps under a bare name, without the blanks around it; None for no file.

    Raises:
        OSError: the file, or the key store, cannot be read.
        ValueError: there is no such file or name; the text says where it was looked for, and never what was found.
    """
    if file is None:
        return None
    if file == Path(file.name):
        return _STORES.get(sys.platform, systemd)(file.name).strip()
    held = _in_file(file)
    if held.startswith(_PROTECTED):
        held = _unprotected(file, held)
    return held.strip()


def systemd(name: str) -> bytes:
    """Return a credential that systemd gave to this service.

    Raises:
        OSError: it cannot be read.
        ValueError: it was not given.
    """
    folder = os.environ.get(_CREDENTIALS)
    if folder is None:
        raise ValueError(
            f"{name} names a credential, and systemd gave this service none: give a path, or LoadCredential="
        )
    return _in_file(Path(folder, name))


def _in_file(file: Path) -> bytes:
    if not file.is_file():
        raise ValueError(f"{file} is not there, or is no regular file")
    with file.open("rb") as stream:
        return stream.read(_MAX_BYTES)


def _unprotected(file: Path, held: bytes) -> bytes:
    if sys.platform == "win32":
        from agent.host.credentials_windows import unprotected  # noqa: PLC0415 - exists on Windows only

        with contextlib.suppress(OSError):
            return unprotected(held)
    raise ValueError(f"{file} was protected on another machine, or is damaged: put the credential there anew")


def _macos(name: str) -> bytes:
    from agent.host.credentials_macos import in_keychain  # noqa: PLC0415 - one system's

    return in_keychain(name)


def _windows(name: str) -> bytes:
    if sys.platform == "win32":
        from agent.host.credentials_windows import in_credential_manager  # noqa: PLC0415 - exists on Windows only

        return in_credential_manager(name)
    raise ValueError("the Credential Manager is Windows'")


_STORES: Mapping[str, Callable[[str], bytes]] = {"darwin": _macos, "win32": _windows}
