r"""What device management set for the agent itself: a profile's managed preferences (macOS), the policy key (Windows).

macOS leaves a profile's payload in `/Library/Managed Preferences/<domain>.plist`, which only the system writes. On Windows the
values stand below `HKLM\SOFTWARE\Policies\MCPComplianceAgent`, one subkey a section, as the administrative template writes them.
Linux has no such store: there, files are what is pushed.
"""

import plistlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from agent.core.own_places import POLICY_KEY, PREFERENCES_DOMAIN

_MAX_BYTES = 1 << 20
_MAX_DEPTH = 4
_FOLDER = Path("/Library/Managed Preferences")


@dataclass(frozen=True, slots=True)
class Pushed:
    """The settings as they stand in the store. `problem` says in a sentence why nothing could be read."""

    origin: str
    document: dict[str, Any]
    problem: str | None = None


def pushed_settings() -> Pushed | None:
    """Return what device management set on this machine; None where it set nothing."""
    if sys.platform == "darwin":
        return managed_preferences(_FOLDER)
    if sys.platform == "win32":
        return _registry()
    return None


def managed_preferences(folder: Path) -> Pushed | None:
    """Return the payload of a profile for the agent in `folder`."""
    path = folder / f"{PREFERENCES_DOMAIN}.plist"
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
        document = plistlib.loads(raw) if len(raw) <= _MAX_BYTES else None
    except FileNotFoundError:
        return None
    except OSError as error:
        return Pushed(str(path), {}, error.strerror or type(error).__name__)
    except (ValueError, plistlib.InvalidFileException, ExpatError) as error:
        return Pushed(str(path), {}, f"it is no property list: {error}")
    if not isinstance(document, dict):
        return Pushed(str(path), {}, f"it is no dictionary of at most {_MAX_BYTES} bytes")
    return Pushed(str(path), document)


def _registry() -> Pushed | None:
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - exists on Windows only

        origin = f"HKLM\\{POLICY_KEY}"
        try:
            with winreg.OpenKey(
                winreg.HKEY_LOCAL_MACHINE, POLICY_KEY, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY
            ) as key:
                return Pushed(origin, _section(key, _MAX_DEPTH))
        except FileNotFoundError:
            return None
        except OSError as error:
            return Pushed(origin, {}, error.strerror or "it cannot be read")
    return None


def _section(key: Any, depth: int) -> dict[str, Any]:  # noqa: ANN401 - a handle that exists on Windows only
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - exists on Windows only

        subkeys, values, _ = winreg.QueryInfoKey(key)
        found: dict[str, Any] = {}
        for at in range(values):
            name, value, _kind = winreg.EnumValue(key, at)
            found[name] = value
        for at in range(subkeys if depth else 0):
            name = winreg.EnumKey(key, at)
            with winreg.OpenKey(key, name) as below:
                found[name] = _section(below, depth - 1)
        return found
    return {}
