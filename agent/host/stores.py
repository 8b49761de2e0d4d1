r"""Live policy stores that are no files: the Windows registry. Another root's registry is in hive files, which are not read.

`Settings` below `SOFTWARE\Policies\ClaudeCode` of HKLM, and of every loaded user hive, holds the policy as one JSON text.
"""

import sys
from dataclasses import dataclass

_KEY, _VALUE = r"SOFTWARE\Policies\ClaudeCode", "Settings"
_EPOCH, _TICK_NS = 116_444_736_000_000_000, 100
"""1970 in the ticks of Windows' clock, which began in 1601, and what one of them lasts."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the registry. `text` is None where it is no text, which the client takes for a broken policy.

    `written_ns` is when its key was last written, in nanoseconds since 1970.
    """

    path: str
    text: str | None
    sid: str | None = None
    problem: str | None = None
    written_ns: int = 0


def registry_policies() -> tuple[Value, ...]:
    """Return the policy of the machine and of every user whose hive is loaded; nothing on other systems."""
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - exists on Windows only

        found = [_value(winreg.HKEY_LOCAL_MACHINE, _KEY, f"HKLM\\{_KEY}\\{_VALUE}", None)]
        at = 0
        while True:
            try:
                sid = winreg.EnumKey(winreg.HKEY_USERS, at)
            except OSError:
                break
            at += 1
            if sid.startswith("S-1-5-21-") and not sid.endswith("_Classes"):
                found.append(_value(winreg.HKEY_USERS, f"{sid}\\{_KEY}", f"HKU\\{sid}\\{_KEY}\\{_VALUE}", sid))
        return tuple(value for value in found if value is not None)
    return ()


def profile_of(sid: str) -> str | None:
    """Return the home of the user with that SID; None where the machine does not know it."""
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - exists on Windows only

        key = rf"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\{sid}"
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
                return str(winreg.ExpandEnvironmentStrings(winreg.QueryValueEx(opened, "ProfileImagePath")[0]))
        except OSError:
            return None
    return None


def _value(hive: int, key: str, path: str, sid: str | None) -> Value | None:
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - exists on Windows only

        try:
            with winreg.OpenKey(hive, key, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as opened:
                value, kind = winreg.QueryValueEx(opened, _VALUE)
                written = winreg.QueryInfoKey(opened)[2]
        except FileNotFoundError:
            return None
        except OSError as error:
            return Value(path, None, sid, error.strerror or "it cannot be read")
        text = value if kind in (winreg.REG_SZ, winreg.REG_EXPAND_SZ) and isinstance(value, str) else None
        return Value(path, text, sid, written_ns=(written - _EPOCH) * _TICK_NS)
    return None
